"""Early stopping, and the weights to return to."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

__all__ = ["BestWeights"]


@dataclass
class BestWeights:
    """Remembers the weights of the best epoch so far, in one copy that is written over.

    Attributes
    ----------
    parameters : dict
        The network's own arrays.
    by_validation : bool
        Whether a lower validation loss is what counts; otherwise the latest epoch does.
    min_improvement : float
        Smallest drop that counts as better.
    """

    parameters: dict[str, np.ndarray]
    by_validation: bool
    min_improvement: float = 0.0
    epoch: int | None = None
    waited: int = 0
    loss: float = np.inf
    _copies: dict[str, np.ndarray] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._copies = {name: p.copy() for name, p in self.parameters.items()}

    def see(self, epoch: int, loss: float) -> None:
        """Take note of an epoch and its loss."""
        if self.by_validation and not loss < self.loss - self.min_improvement:
            self.waited += 1
            return
        self.loss, self.epoch, self.waited = min(loss, self.loss), epoch, 0
        for name, p in self.parameters.items():
            self._copies[name][...] = p

    def restore(self) -> None:
        """Put the remembered weights back (the initial ones if no epoch was complete)."""
        for name, p in self.parameters.items():
            p[...] = self._copies[name]
