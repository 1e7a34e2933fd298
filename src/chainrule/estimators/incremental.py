"""One pass over one portion of rows at a time; the optimizer's memory lasts from pass to pass."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.engines import Batches, Totals, allocate
from chainrule.errors import HyperparameterError, NonFiniteLossWarning, warn
from chainrule.network import Network
from chainrule.ops.optimizers import Optimizer, settings
from chainrule.tape import plan
from chainrule.tape.instruction import concrete
from chainrule.training import LBFGS, History

__all__ = ["Passes"]


class Passes:
    """Training of a network on portions of rows that come one after another.

    Means of gradients, and the number of updates that bias corrections need, go on where the last
    portion ended: passes over portions are one long training.

    Parameters
    ----------
    optimizer : Optimizer
    batch_size : int
    seed : int
        Of the order of the rows, and of dropout.

    Attributes
    ----------
    updates, passes : int
        Done so far.
    gradients : mapping of str to ndarray
        Of the last minibatch, with the names and shapes of the parameters.

    Raises
    ------
    HyperparameterError
        If the optimizer is one for all rows at once.
    """

    def __init__(self, optimizer: Optimizer | LBFGS, batch_size: int, seed: int) -> None:
        if isinstance(optimizer, LBFGS):
            raise HyperparameterError(
                "LBFGS needs all rows, and partial_fit and streams see one portion at a time: give "
                "an optimizer for minibatches, such as 'adam'."
            )
        self.optimizer, self.batch_size, self.seed = optimizer, batch_size, seed
        self.updates = self.passes = 0
        self.gradients: Mapping[str, np.ndarray] = {}
        self._memory: dict[str, np.ndarray] = {}

    def run(
        self,
        network: Network,
        X: np.ndarray,
        y: Any,
        weights: np.ndarray | None,
        history: History,
        threads: int | None,
    ) -> None:
        """Learn from rows X (n, inputs), targets y (n, …), weights (n, 1) or None, once each.

        Warns
        -----
        NonFiniteLossWarning
            If the loss is no finite number: the weights from before the pass are back.
        """
        begin, before = time.perf_counter(), {k: p.copy() for k, p in network.everything.items()}
        totals = self.portion(network, X, y, weights, threads)
        if totals is None:
            network.set_parameters(before)
            warn(
                f"the loss was not a finite number in pass {self.passes}: the weights from before "
                f"it are back. Try a lower learning rate or scaled inputs.",
                NonFiniteLossWarning,
            )
            return
        summary = network.summary(totals)
        history.loss.append(summary["loss"])
        history.metric.append(summary[network.loss.metric_name])
        history.learning_rate.append(self.learning_rate)
        history.seconds.append(time.perf_counter() - begin)
        history.best_epoch, history.stopped = len(history), "all epochs done"

    @property
    def learning_rate(self) -> float:
        """The optimizer's, before any factor."""
        return float(settings(self.optimizer)["learning_rate"])

    def portion(
        self,
        network: Network,
        X: np.ndarray,
        y: Any,
        weights: np.ndarray | None,
        threads: int | None,
        rate_factor: float = 1.0,
    ) -> Totals | None:
        """Learn from some rows once each; what they summed to, or None if the loss was not finite.

        Parameters
        ----------
        network : Network
        X, y, weights
            (n, inputs), (n, …), (n, 1) or None.
        threads : int or None
        rate_factor : float
            Multiplies the learning rate.
        """
        data, form = network.bind(X, y, weights)
        tape = network.blueprint.step(form, self.optimizer)
        shapes = {value.name: concrete(value.shape, 1) for value in tape.with_role("state")}
        memory = allocate(shapes, network.engine.dtype)
        for name, values in self._memory.items():
            memory[name][...] = values
        slopes, self.gradients = network.gradient_memory(tape)
        batches = Batches(min(self.batch_size, len(X)), np.arange(len(X)), self.seed)
        session = network.session(plan(tape), data, batches, memory | slopes)
        session.step = self.updates
        with session.limits(threads):
            rates = np.full(batches.per_epoch, rate_factor)
            session.start_epoch(self.passes, shuffle=True, rates=rates)
            session.run(batches.per_epoch)
        self.passes += 1
        if session.failed:
            return None
        self.updates, self._memory = session.step, memory
        return session.totals
