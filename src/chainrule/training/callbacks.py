"""Callbacks: your code at the start, after each epoch, and at the end of a training run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from chainrule.ops.hyperparameters import Hyperparameter, Interval, check

if TYPE_CHECKING:
    from chainrule.network import Network
    from chainrule.training.history import History

__all__ = ["Callback", "ReduceOnPlateau", "TrainingState"]


@dataclass
class TrainingState:
    """What a callback sees; `stop` ends the training after this epoch.

    Attributes
    ----------
    network : Network
        Its parameters may be read and changed.
    history : History
        Filled up to the epoch that has just ended.
    epoch, epochs : int
        Epochs done, and asked for.
    rate_factor : float
        Multiplies the learning rate of the epochs to come; a callback may change it.
    gradients : mapping of str to ndarray
        Of the last minibatch, with the names and shapes of the parameters; written over by the
        next one. Of all rows when `batch_size` is None, before the update of this epoch.
    minibatches : int
        In each epoch.
    """

    network: Network
    history: History
    epochs: int
    epoch: int = 0
    rate_factor: float = 1.0
    stop_reason: str = field(default="")
    gradients: Mapping[str, np.ndarray] = field(default_factory=dict)
    minibatches: int = 1

    def stop(self, reason: str = "stopped by a callback") -> None:
        """End the training after this epoch; `history.stopped` will say why."""
        self.stop_reason = reason


class Callback:
    """Base of callbacks: override what you need, everything else does nothing.

    Examples
    --------
    >>> class StopWhenGood(Callback):
    ...     def on_epoch_end(self, state):
    ...         if state.history.loss[-1] < 0.1:
    ...             state.stop("good enough")
    """

    def on_train_start(self, state: TrainingState) -> None:
        """Before the first epoch."""

    def on_epoch_end(self, state: TrainingState) -> None:
        """After each epoch, validation included."""

    def on_train_end(self, state: TrainingState) -> None:
        """After the last epoch, when the best weights are back in place; also after an error."""


_FACTOR = Hyperparameter(
    "factor", 0.5, Interval("(0, 1)"), "what the learning rate is multiplied by on a plateau"
)


class ReduceOnPlateau(Callback):
    """Multiply the learning rate by `factor` when the loss has not fallen for `patience` epochs.

    The validation loss where there is one, else the training loss.

    Parameters
    ----------
    factor : float
    patience : int

    Examples
    --------
    >>> import chainrule as cr, numpy as np
    >>> net = cr.Network([cr.Dense(1)], input_shape=(1,))
    >>> plateau = ReduceOnPlateau(factor=0.1, patience=2)
    >>> history = cr.train(net, np.zeros((4, 1)), np.zeros(4), epochs=5, callbacks=[plateau])
    >>> [round(rate, 9) for rate in history.learning_rate]
    [0.001, 0.001, 0.001, 0.0001, 0.0001]
    """

    def __init__(self, factor: float = _FACTOR.default, patience: int = 5) -> None:
        _FACTOR.check(factor)
        check(patience=patience)
        self.factor, self.patience = factor, patience
        self.best, self.waited = float("inf"), 0

    def on_epoch_end(self, state: TrainingState) -> None:
        """Count the epochs without a lower loss."""
        loss = (state.history.validation_loss or state.history.loss)[-1]
        self.waited = 0 if loss < self.best else self.waited + 1
        self.best = min(self.best, loss)
        if self.waited >= self.patience:
            state.rate_factor *= self.factor
            self.waited = 0
