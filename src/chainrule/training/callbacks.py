"""Callbacks: your code at the start, after each epoch, and at the end of a training run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chainrule.network import Network
    from chainrule.training.history import History

__all__ = ["Callback", "TrainingState"]


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
    """

    network: Network
    history: History
    epochs: int
    epoch: int = 0
    stop_reason: str = field(default="")

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
