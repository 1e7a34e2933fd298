"""`train`: epochs of minibatches, validation after each, the best weights at the end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import numpy as np

from chainrule.assembly import Extras
from chainrule.engines import Batches, EpochsInARow, Session, Totals
from chainrule.errors import HyperparameterError, NonFiniteLossWarning, warn
from chainrule.network import Network
from chainrule.ops.hyperparameters import HYPERPARAMETERS, check
from chainrule.ops.optimizers import Optimizer
from chainrule.ops.schedules import Schedule
from chainrule.ops.schedules import schedule as schedule_record
from chainrule.training.augmented import AugmentedData, prepared
from chainrule.training.callbacks import Callback, TrainingState
from chainrule.training.held_out import Division, split
from chainrule.training.history import History
from chainrule.training.lbfgs import LBFGS
from chainrule.training.method import Method, method_for
from chainrule.training.objective import Objective
from chainrule.training.parallel import advanced, cancelled
from chainrule.training.progress import Progress, progress_for
from chainrule.training.stopping import BestWeights

__all__ = ["train"]

_SERIES_SECONDS = 0.03  # short epochs run one after another for so long
_CALL_SECONDS = 0.1  # the engine returns this often, for Ctrl-C, the time limit and the bar
_H = HYPERPARAMETERS


def train(
    network: Network,
    X: Any,
    y: Any,
    *,
    optimizer: str | Optimizer | LBFGS = "adam",
    schedule: str | Schedule = "constant",
    regularisation_schedule: str | Schedule = "constant",
    batch_size: int | None = _H["batch_size"].default,
    epochs: int = _H["epochs"].default,
    validation: tuple[Any, ...] | float | None = None,
    sample_weight: Any = None,
    rows: Any = None,
    validation_rows: Any = None,
    clip: float | None = _H["clip"].default,
    averaging: float | None = _H["averaging"].default,
    augment: Any = None,
    early_stopping: bool = True,
    patience: int = _H["patience"].default,
    min_improvement: float = _H["min_improvement"].default,
    callbacks: Sequence[Callback] = (),
    shuffle: bool = True,
    seed: int = _H["seed"].default,
    time_limit: float | None = _H["time_limit"].default,
    threads: int | None = _H["threads"].default,
    progress: bool | Literal["always"] = True,
) -> History:
    """Train a network in place.

    Parameters
    ----------
    network : Network
    X : array-like of shape (n, inputs)
        Used where it lies, whatever its number type and strides; never copied as a whole.
    y : array-like of shape (n,) or (n, outputs)
        Class indices, class probabilities or numbers, as the loss asks.
    optimizer : str, Optimizer or LBFGS
        Such as ``"adam"`` or ``Adam(3e-4)``. `training.LBFGS` takes all rows at every step and has
        its own number of iterations, each an epoch of the history; `batch_size`, `epochs` and
        `shuffle` do not concern it.
    schedule : str or Schedule
        How the learning rate changes, such as ``"cosine"``; `ops.SCHEDULES` has them all.
    regularisation_schedule : str or Schedule
        How weight decay, and the share of units that dropout leaves out, change. With
        ``"flat_cosine"`` they end at 0, so that the last steps fit the rows as they are.
    batch_size : int or None
        Rows of one update; None takes all of them, batch gradient descent. Add the callback
        `training.Convergence` to stop by a criterion.
    epochs : int
    validation : tuple or float, optional
        ``(X, y)`` or ``(X, y, sample_weight)``, or the share of the rows to hold out.
    sample_weight : array-like of shape (n,), optional
        The loss of a minibatch is the weighted mean.
    rows, validation_rows : array-like of int, optional
        The rows of X and y, counted from 0, to train on and to validate on: several trainings
        share one matrix so. By default `rows` are all but those to validate on.
    clip : float, optional
        Shorten the gradient when it is longer, over all parameters together (arXiv 1211.5063).
    averaging : float, optional
        Validate with, and end with, a running mean of the weights that keeps this share of itself
        at each step, such as 0.99 (Polyak & Juditsky 1992).
    augment : callable or list of callables, optional
        ``(X, y, rng) -> (X, y)``, applied anew to the training rows of each epoch, such as
        ``Mixup(0.2)``; `data.augmentation` has several. Validation rows stay as they are. A copy
        of the training rows is made for each epoch; class indices become probabilities in it.
    early_stopping : bool
        With validation: stop after `patience` epochs without a better validation loss, and
        return to the best weights. False runs all epochs and keeps the last weights.
    patience : int
    min_improvement : float
    callbacks : sequence of Callback
        With any of them epochs come one by one; without, short ones run several by one call, which
        is faster.
    shuffle : bool
        Whether each epoch takes the rows in a new order.
    seed : int
        Start of shuffling, dropout and the split. Same seed, machine and threads: same bits.
    time_limit : float, optional
        Seconds after which training ends, in the middle of an epoch if need be. Schedules are
        drawn together to the epochs that will fit.
    threads : int, optional
        Cores that share the rows of each minibatch; by default one for small networks, and for
        large ones all, or as many as the environment variable CHAINRULE_THREADS says.
    progress : bool or "always"
        Whether long work shows its progress on standard error; "always": short work too.

    Returns
    -------
    History

    Raises
    ------
    DataError
        If the data do not fit the network.
    HyperparameterError
        If a number lies outside its interval.

    Warns
    -----
    NonFiniteLossWarning
        If the loss stops being a finite number: training ends, and the weights from the end of the
        last epoch with a finite loss return.

    Examples
    --------
    >>> import chainrule as cr
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True)
    >>> net = cr.Network([cr.Dense(8, "tanh"), cr.Dense(3)], loss="cross_entropy", input_shape=(4,))
    >>> history = cr.train(net, X, y, optimizer=cr.Adam(0.01), epochs=50)
    >>> history.metric[-1] > 0.95
    True
    """
    check(epochs=epochs, patience=patience, seed=seed, min_improvement=min_improvement)
    if not isinstance(callbacks, Sequence):
        kind = type(callbacks).__name__
        raise HyperparameterError(f"callbacks is a {kind}: expected a list, such as [{kind}(…)].")
    for item in callbacks:
        if not isinstance(item, Callback):
            raise HyperparameterError(f"callbacks has {item!r}: expected a chainrule.Callback.")
    optional = {"batch_size": batch_size, "clip": clip, "averaging": averaging}
    optional |= {"time_limit": time_limit, "threads": threads}
    for name, value in optional.items():
        if value is not None:
            check(**{name: value})
    data, form = network.bind(X, y, sample_weight)
    division = Division(rows, validation, validation_rows, len(data["inputs"]))
    chosen, held_out = split(network, data, form, division, seed)
    fresh, data, form, chosen = prepared(network, augment, data, form, chosen, seed)
    batches = Batches(batch_size or len(chosen), chosen, seed)
    method = method_for(network, data, form, optimizer, batches, Extras(clip, averaging))
    if method.solver is not None:
        method.solver.refuse(schedule, regularisation_schedule, augment)
        epochs = int(method.solver.max_iterations)
    run = _Run(
        network=network,
        method=method,
        schedule=schedule_record(schedule),
        strength=schedule_record(regularisation_schedule),
        held_out=held_out,
        fresh=fresh,
        best=BestWeights(
            network.everything,
            by_validation=held_out is not None and early_stopping,
            min_improvement=min_improvement,
        ),
        state=TrainingState(
            network,
            History(network.loss.metric_name),
            epochs,
            gradients=method.gradients,
            minibatches=method.session.batches.per_epoch,
        ),
        callbacks=callbacks,
        shuffle=shuffle,
        patience=patience,
        deadline=time.perf_counter() + (np.inf if time_limit is None else time_limit),
    )
    with (
        run.session.limits(threads),
        progress_for(progress, "training") as bar,
    ):
        run.everything(bar)
    return run.state.history


# -------------------------------------------------------------------- running


@dataclass
class _Run:
    """One training run; each method does one thing an epoch needs."""

    network: Network
    method: Method
    schedule: Schedule
    strength: Schedule
    held_out: Session | None
    fresh: AugmentedData | None
    best: BestWeights
    state: TrainingState
    callbacks: Sequence[Callback]
    shuffle: bool
    patience: int
    deadline: float
    started: float = field(default_factory=time.perf_counter)
    steps_per_call: int = 1

    @property
    def session(self) -> Session:
        return self.method.session

    def everything(self, bar: Progress) -> None:
        """From the start to the end, whatever happens between."""
        self.call("on_train_start")
        try:
            if self.method.solver is not None and self.method.objective is not None:
                self.solve(self.method.solver, self.method.objective, bar)
            else:
                self.epochs(bar)
        except KeyboardInterrupt:
            self.interrupted()
        finally:
            self.finish()
            self.call("on_train_end")

    def epochs(self, bar: Progress) -> None:
        """Until one of the reasons to stop; short ones by one call."""
        in_a_row = self.in_a_row()
        while not self.state.stop_reason:
            if in_a_row is not None and (count := self.short_epochs(in_a_row.most)) > 1:
                self.several_epochs(in_a_row, count, bar)
            else:
                self.one_epoch(bar)

    def call(self, moment: str) -> None:
        for callback in self.callbacks:
            getattr(callback, moment)(self.state)

    def one_epoch(self, bar: Progress) -> None:
        state, begin = self.state, time.perf_counter()
        rates, strengths = self.factors()
        if self.fresh is not None and state.epoch:
            self.session.bind(**self.fresh.epoch(state.epoch))
        self.session.start_epoch(state.epoch, self.shuffle, rates, strengths)
        self.minibatches(bar)
        if state.stop_reason == "loss not finite":
            return
        state.epoch += 1
        self.record(float(rates[-1]), begin)
        self.reasons_to_stop()
        self.call("on_epoch_end")

    def in_a_row(self) -> EpochsInARow | None:
        """A way to run several epochs by one call, if nothing of Python's comes between them."""
        if self.callbacks or self.fresh is not None or self.method.averaged.pairs:
            return None
        return self.session.in_a_row(self.held_out, [*self.best.parameters.values()])

    def short_epochs(self, most: int) -> int:
        """How many of those to come are to run by one call."""
        seconds = self.state.history.seconds
        short = int(_SERIES_SECONDS / seconds[-1]) if seconds else 1
        count = min(short, most, self.last_epoch() - self.state.epoch)
        # None is made in vain: patience cannot end before they are done.
        return min(count, self.patience - self.best.waited) if self.best.by_validation else count

    def several_epochs(self, in_a_row: EpochsInARow, count: int, bar: Progress) -> None:
        """What `one_epoch` does, so many times; their time is divided evenly."""
        state, begin = self.state, time.perf_counter()
        rates, strengths = (x.reshape(count, -1) for x in self.factors(count))
        found = in_a_row.run(state.epoch, self.shuffle, rates, strengths)
        made = len(found.totals)
        seconds = (time.perf_counter() - begin) / max(made, 1)
        for k in range(made):
            state.epoch += 1
            held_out = found.held_out[k] if found.held_out else None
            self.enter(float(rates[k, -1]), found.totals[k], held_out, seconds)
            self.best.see(state.epoch, self.watched, (p[k] for p in found.parameters))
        if found.unfinished is not None:
            self.loss_not_finite(found.unfinished + 1)
            return
        self.come_up(state.epoch / state.epochs, bar)
        self.reasons_to_stop()

    def last_epoch(self) -> int:
        """The epoch that will be the last: a time limit may end training before all are done.

        Schedules have to arrive at their end by then.
        """
        state, spent = self.state, time.perf_counter() - self.started
        if not state.epoch or np.isinf(self.deadline):
            return state.epochs
        possible = int(state.epoch * (self.deadline - self.started) / spent)
        return min(state.epochs, max(possible, state.epoch + 1))

    def solve(self, solver: LBFGS, objective: Objective, bar: Progress) -> None:
        """Let a solver make all steps; each that it accepts is an epoch of the history."""
        state, begin = self.state, time.perf_counter()

        def accepted() -> bool:
            nonlocal begin
            state.epoch += 1
            self.record(1.0, begin)
            self.reasons_to_stop()
            if time.perf_counter() > self.deadline:
                state.stop("time limit")
            self.call("on_epoch_end")
            bar.update(state.epoch / state.epochs, self.status)
            begin = time.perf_counter()
            return not state.stop_reason

        reason = solver.minimise(objective, accepted)
        if reason == "loss not finite":
            self.loss_not_finite(1)
        elif not state.stop_reason:
            state.stop(reason)

    def factors(self, epochs: int = 1) -> tuple[np.ndarray, np.ndarray]:
        """Factors of learning rate and regularisation for the minibatches to come, (count,)."""
        each, state = self.session.batches.per_epoch, self.state
        first, count, total = state.epoch * each, epochs * each, self.last_epoch() * each
        rates = state.rate_factor * self.schedule.of_epoch(first, count, total)
        return rates, self.strength.of_epoch(first, count, total)

    def minibatches(self, bar: Progress) -> None:
        """Run the epoch, coming up for air every so often."""
        done, total = 0, self.session.batches.per_epoch
        while done < total:
            begin = time.perf_counter()
            completed = self.session.run(min(self.steps_per_call, total - done))
            done += completed
            if self.session.failed:
                self.loss_not_finite(done + 1)
                return
            seconds = time.perf_counter() - begin
            self.pace(completed, seconds)
            self.come_up((self.state.epoch + done / total) / self.state.epochs, bar)
            if self.state.stop_reason:
                return

    def come_up(self, share: float, bar: Progress) -> None:
        """For air: tell how far training is, and look whether it is to end."""
        bar.update(share, self.status)
        advanced(share)
        if time.perf_counter() > self.deadline:
            self.state.stop_reason = "time limit"
        elif cancelled():
            self.state.stop_reason = "interrupted"

    def pace(self, completed: int, seconds: float) -> None:
        """Choose how many minibatches a call may take."""
        if seconds < _CALL_SECONDS / 2:
            self.steps_per_call *= 4
        elif seconds > 2 * _CALL_SECONDS:
            self.steps_per_call = max(1, int(completed * _CALL_SECONDS / seconds))

    def status(self) -> str:
        state, history = self.state, self.state.history
        text = f"epoch {min(state.epoch + 1, state.epochs)}/{state.epochs}"
        if history.loss:
            text += f"  loss {history.loss[-1]:.4f}"
        if history.validation_loss:
            text += f"  validation {history.validation_loss[-1]:.4f}"
        return text

    def record(self, rate: float, begin: float) -> None:
        """Validate, enter the epoch into the history, let the keeper of the best weights see it."""
        totals, held_out = self.session.totals, None
        with self.method.averaged.in_place():
            if self.held_out is not None:
                self.held_out.start_epoch(0, shuffle=False)
                self.held_out.run(self.held_out.batches.per_epoch)
                held_out = self.held_out.totals
            self.enter(rate, totals, held_out, time.perf_counter() - begin)
            self.best.see(self.state.epoch, self.watched)

    def enter(self, rate: float, totals: Totals, held_out: Totals | None, seconds: float) -> None:
        """An epoch into the history."""
        history, name = self.state.history, self.network.loss.metric_name
        summary = self.network.summary(totals)
        history.loss.append(summary["loss"])
        history.metric.append(summary[name])
        if held_out is not None:
            summary = self.network.summary(held_out)
            history.validation_loss.append(summary["loss"])
            history.validation_metric.append(summary[name])
        history.learning_rate.append(self.method.learning_rate * rate)
        history.seconds.append(seconds)

    @property
    def watched(self) -> float:
        """The loss that tells whether the last epoch was the best."""
        return (self.state.history.validation_loss or self.state.history.loss)[-1]

    def reasons_to_stop(self) -> None:
        state = self.state
        if self.best.by_validation and self.best.waited >= self.patience:
            state.stop("no improvement")
        elif state.epoch >= state.epochs and not state.stop_reason:
            state.stop("all epochs done")

    def loss_not_finite(self, step: int) -> None:
        state = self.state
        state.stop("loss not finite")
        kept = f"of epoch {self.best.epoch}" if self.best.epoch else "from before training"
        warn(
            f"the loss was not a finite number at epoch {state.epoch + 1}, step {step}: training "
            f"stopped, the weights {kept} are back. Try a lower learning rate or scaled inputs.",
            NonFiniteLossWarning,
        )

    def interrupted(self) -> None:
        state = self.state
        state.stop("interrupted")
        kept = (
            f"weights of epoch {self.best.epoch}, the best so far,"
            if self.best.by_validation and self.best.epoch
            else "latest weights"
        )
        warn(
            f"training was interrupted after {state.epoch} epochs: the {kept} are kept.",
            UserWarning,
        )

    def finish(self) -> None:
        """Leave the network with the weights that count."""
        if not self.best.conclude(self.state) and self.state.epoch:
            self.method.averaged.swap()
