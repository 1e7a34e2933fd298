"""`fit_stream`: an estimator trained on a table that is read again in every pass.

One pass of statistics puts aside a random sample, from which encoding and scales are learnt, and
the rows that are held out; then each pass takes the training rows in a new random order, portion
by portion, while a thread reads and encodes the next portion. Memory does not grow with the table.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from sklearn.base import is_classifier

from chainrule.data.frames import Table
from chainrule.data.readers import split_target
from chainrule.data.shuffling import ahead
from chainrule.data.survey import MOST_LABELS, Split, Stock, Survey, take_stock
from chainrule.data.targets import class_weights, read_target
from chainrule.engines import Session, Totals
from chainrule.errors import DataError, LeftOutWarning, NonFiniteLossWarning, warn
from chainrule.estimators.defaults import default_passes
from chainrule.estimators.incremental import Passes
from chainrule.estimators.presets import choices
from chainrule.estimators.rows import Rows
from chainrule.estimators.sklearn_callbacks import fit_tasks
from chainrule.training import History
from chainrule.training.callbacks import Callback, TrainingState
from chainrule.training.parallel import cancelled
from chainrule.training.progress import Progress, progress_for
from chainrule.training.stopping import BestWeights

if TYPE_CHECKING:
    import pyarrow as pa

    from chainrule.data.streams import Stream
    from chainrule.estimators.base import NetworkEstimator

__all__ = ["fit_stream", "stock_for"]

_BYTES = 2**25  # most that the encoded rows of a portion may take


def stock_for(
    stream: Stream, target: str, split: Split, verbose: bool | Literal["always"] = False
) -> Stock:
    """`take_stock` with its progress on standard error."""
    with progress_for(verbose, "reading") as bar:
        bar.update(0.0, lambda: "counting rows")
        rows = stream.rows
        return take_stock(
            stream, target, split, lambda n: bar.update(n / rows, lambda: f"{n:,} rows")
        )


def fit_stream(
    estimator: NetworkEstimator, stream: Stream, target: str, stock: Stock | None = None
) -> None:
    """Train an estimator on a stream; what it learns has the same names as after `fit`.

    Early stopping, patience, time limit and callbacks do what they do in memory. A time limit or
    Ctrl-C in the middle of a pass ends it there: the rows that were seen count as an epoch.

    Parameters
    ----------
    estimator : NetworkEstimator
    stream : Stream
    target : str
        Name of a column. Rows without it are left out and counted in `estimator.survey_`.
    stock : Stock, optional
        The pass of statistics, if it has been made.

    Raises
    ------
    DataError
        Naming the column, or the file and the line, and what is wrong.

    Warns
    -----
    NonFiniteLossWarning
        If the loss stops being a finite number: the weights of the last good epoch are back.
    """
    if stock is None:
        held = estimator.validation_fraction if estimator.early_stopping else 0.0
        split = Split(estimator._seed(), held=held)
        stock = stock_for(stream, target, split, estimator.verbose)
        _say_dropped(stock.survey)
    estimator.target_name_ = target
    setattr(estimator, "survey_", stock.survey)  # noqa: B010
    continues = estimator.warm_start and hasattr(estimator, "network_")
    arguments = estimator.get_params(deep=False)
    own = choices(arguments, stock.survey.trained, is_classifier(estimator), portions=True)
    setattr(estimator, "_choices", own)  # noqa: B010
    passes = Passes(own.optimizer, own.batch_size, stock.split.seed)
    if continues:
        estimator._refuse_other_layers()
    else:
        _learn(estimator, stock)
    run = _Run(estimator, stream, stock, passes)
    estimator.history_ = run.state.history
    with fit_tasks(estimator, epochs=run.state.epochs) as tasks:
        run.callbacks = [*estimator.callbacks, *tasks.reporters(estimator)]
        with progress_for(estimator.verbose, "training") as bar:
            run.all_epochs(bar)
        if len(stock.held):
            X, y, weights = run._encoded(stock.held)
            estimator._after_training(lambda: run.network.predict(X), y, weights, held_out=True)


def _say_dropped(survey: Survey) -> None:
    if survey.dropped:
        warn(
            f"{survey.dropped} of {survey.rows} rows have no target '{survey.target}' and were "
            f"left out.",
            LeftOutWarning,
        )


def _learn(estimator: NetworkEstimator, stock: Stock) -> None:
    """Encoding and scales from the sample, classes from all rows; the untrained network."""
    if not len(stock.sample):
        raise DataError(f"the stream has {stock.survey.rows} rows: too few to train on.")
    X, targets, _ = split_target(stock.sample, stock.survey.target)
    rows = Rows.read(X, targets, None)
    estimator._learn_targets(rows.y, _all_values(estimator, stock, rows.y))
    weights = _weights(estimator, stock, rows.y)
    estimator._prepare(rows, rows.used, weights, stock.split.seed)


def _all_values(estimator: NetworkEstimator, stock: Stock, sample: np.ndarray) -> Any:
    """All labels of a classifier; for a regressor nothing, or None if the target is constant."""
    survey = stock.survey
    if not is_classifier(estimator):
        return None if survey.labels is not None and len(survey.labels) == 1 else ()
    if survey.labels is None:
        estimator._learn_targets(sample)  # says what is wrong with numbers
        raise DataError(
            f"the target '{survey.target}' has more than {MOST_LABELS} different labels: group "
            f"the rare ones."
        )
    values, _ = read_target(list(survey.labels))
    if len(values) > 1 and len(np.unique(sample)) > 1:
        estimator._learn_targets(sample)
    return values if len(values) > 1 else None


def _weights(estimator: Any, stock: Stock, y: np.ndarray) -> np.ndarray | None:
    """Weights of rows by their class, (n, 1); "balanced" counts all rows of the table."""
    given = getattr(estimator, "class_weight", None)
    if given is None:
        return None
    if given == "balanced" and stock.survey.labels is not None:
        counts = stock.survey.labels
        total = sum(counts.values())
        given = {label: total / (len(counts) * n) for label, n in counts.items()}
    return class_weights(given, y, estimator.classes_)[:, None]


@dataclass
class _Run:
    """One training run over a stream."""

    estimator: Any
    stream: Stream
    stock: Stock
    passes: Passes
    deadline: float = np.inf
    rows: int = 0
    totals: Totals = field(default_factory=Totals)
    callbacks: Sequence[Callback] = ()

    def __post_init__(self) -> None:
        estimator, trained = self.estimator, self.stock.survey.trained
        self.network = network = estimator.network_
        self.held_out = self._validation()
        self.state = TrainingState(
            network,
            History(network.loss.metric_name),
            estimator.epochs or default_passes(trained, self.passes.batch_size),
            minibatches=-(-trained // self.passes.batch_size),
        )
        self.best = BestWeights(network.everything, by_validation=self.held_out is not None)
        if estimator.time_limit is not None:
            self.deadline = time.perf_counter() + estimator.time_limit

    # ------------------------------------------------------------------ rows

    def _encoded(self, table: pa.Table) -> tuple[np.ndarray, Any, np.ndarray | None]:
        """Inputs, targets and weights of some rows as the network takes them."""
        X, targets, _ = split_target(table, self.stock.survey.target)
        y, _ = read_target(targets)
        encode = self.estimator._encode_targets
        weights = _weights(self.estimator, self.stock, y)
        return self.estimator._encode(Table.read(X)), encode(y), weights

    def _portions(self) -> Generator[tuple[np.ndarray, Any, np.ndarray | None], None, None]:
        """The training rows once, in the order of this epoch."""
        width = 4 * self.estimator.encoder_.width
        most = self.stream.limited(self.stream.portion_rows)
        rows = max(self.passes.batch_size, min(most, _BYTES // width))
        tables = self.stream.portions(
            self.state.epoch, self.stock.split.seed, keep=self.stock.keep, rows=rows
        )
        return ahead(map(self._encoded, tables))

    def _validation(self) -> Session | None:
        if not len(self.stock.held):
            return None
        data, form = self.network.bind(*self._encoded(self.stock.held))
        batches = self.network.batches(np.arange(len(data["inputs"])))
        return self.network.evaluation_session(data, form, batches)

    # ---------------------------------------------------------------- running

    def all_epochs(self, bar: Progress) -> None:
        """Passes until one of the reasons to stop."""
        self._call("on_train_start")
        try:
            while not self.state.stop_reason:
                self._one_epoch(bar)
        finally:
            self.best.conclude(self.state)
            self._call("on_train_end")

    def _call(self, moment: str) -> None:
        for callback in self.callbacks:
            getattr(callback, moment)(self.state)

    def _one_epoch(self, bar: Progress) -> None:
        state, begin = self.state, time.perf_counter()
        self.rows, self.totals = 0, Totals()
        try:
            self._one_pass(bar, begin)
        except KeyboardInterrupt:
            self._interrupted()
        if not self.rows or state.stop_reason == "loss not finite":
            return
        state.epoch += 1
        state.gradients = self.passes.gradients
        self._record(begin)
        patience = self.estimator._choices.patience or state.epochs
        if self.best.by_validation and self.best.waited >= patience:
            state.stop("no improvement")
        elif state.epoch >= state.epochs and not state.stop_reason:
            state.stop("all epochs done")
        self._call("on_epoch_end")

    def _one_pass(self, bar: Progress, begin: float) -> None:
        factor, threads = self.state.rate_factor, self.estimator.threads
        with closing(self._portions()) as portions:
            for X, y, weights in portions:
                totals = self.passes.portion(self.network, X, y, weights, threads, factor)
                if totals is None:
                    self._loss_not_finite()
                    break
                self.rows, self.totals = self.rows + len(X), _sum(self.totals, totals)
                self._show(bar, begin)
                if time.perf_counter() > self.deadline:
                    self.state.stop("time limit")
                elif cancelled():
                    self.state.stop("interrupted")
                if self.state.stop_reason:
                    break

    def _show(self, bar: Progress, begin: float) -> None:
        state, history = self.state, self.state.history
        rate = self.rows / (time.perf_counter() - begin)
        text = f"epoch {state.epoch + 1}/{state.epochs}  {rate:,.0f} rows/s"
        text += f"  loss {self.totals.mean_loss:.4f}"
        if history.validation_loss:
            text += f"  validation {history.validation_loss[-1]:.4f}"
        done = (state.epoch + self.rows / self.stock.survey.trained) / state.epochs
        bar.update(done, lambda: text)

    def _record(self, begin: float) -> None:
        """Enter the epoch into the history and let the keeper of the best weights see it."""
        state, history, name = self.state, self.state.history, self.network.loss.metric_name
        summary = self.network.summary(self.totals)
        history.loss.append(summary["loss"])
        history.metric.append(summary[name])
        history.learning_rate.append(self.passes.learning_rate * state.rate_factor)
        watched = summary["loss"]
        if self.held_out is not None:
            summary = self.network.summary(self._validate(self.held_out))
            history.validation_loss.append(summary["loss"])
            history.validation_metric.append(summary[name])
            watched = summary["loss"]
        history.seconds.append(time.perf_counter() - begin)
        self.best.see(state.epoch, watched)

    def _validate(self, session: Session) -> Totals:
        threads = self.estimator.threads
        with session.limits(threads):
            session.start_epoch(0, shuffle=False)
            session.run(session.batches.per_epoch)
        return session.totals

    def _loss_not_finite(self) -> None:
        self.state.stop("loss not finite")
        kept = f"of epoch {self.best.epoch}" if self.best.epoch else "from before training"
        warn(
            f"the loss was not a finite number in epoch {self.state.epoch + 1}: training stopped, "
            f"the weights {kept} are back. Try a lower learning rate or scaled inputs.",
            NonFiniteLossWarning,
        )

    def _interrupted(self) -> None:
        self.state.stop("interrupted")
        warn(
            f"training was interrupted in epoch {self.state.epoch + 1}: the "
            f"{'best' if self.best.by_validation else 'latest'} weights so far are kept.",
            UserWarning,
        )


def _sum(a: Totals, b: Totals) -> Totals:
    return Totals(
        a.loss + b.loss,
        a.weight + b.weight,
        a.metric + b.metric,
        a.penalty + b.penalty,
        a.batches + b.batches,
    )
