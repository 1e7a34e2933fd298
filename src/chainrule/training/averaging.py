"""Averaged weights: a running mean of the parameters often predicts better than the last ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import numpy as np

__all__ = ["AveragedWeights"]


class AveragedWeights:
    """The parameters and their running means, which change places.

    Parameters
    ----------
    parameters : mapping of str to ndarray
        The network's own memory by name on the tape.
    means : mapping of str to ndarray
        What the training step keeps, "mean_" + name; empty if nothing is averaged.
    """

    def __init__(
        self, parameters: Mapping[str, np.ndarray], means: Mapping[str, np.ndarray]
    ) -> None:
        self.pairs = [(parameters[name.removeprefix("mean_")], m) for name, m in means.items()]

    def swap(self) -> None:
        """Put the means where the parameters are, and the other way round."""
        for parameter, mean in self.pairs:
            kept = parameter.copy()
            parameter[...] = mean
            mean[...] = kept

    @contextmanager
    def in_place(self) -> Iterator[None]:
        """The network has the averaged weights for as long as it lasts."""
        self.swap()
        try:
            yield
        finally:
            self.swap()
