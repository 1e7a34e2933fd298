"""Times of rounds: their median and their spread."""

from __future__ import annotations

import statistics
from dataclasses import dataclass, field

from benchmarks.markdown import digits

__all__ = ["Times"]


@dataclass
class Times:
    """What each round took."""

    times: list[float] = field(default_factory=list)

    @property
    def median(self) -> float:
        """Of the rounds."""
        return statistics.median(self.times)

    @property
    def least(self) -> float:
        """Of the rounds."""
        return min(self.times)

    @property
    def most(self) -> float:
        """Of the rounds."""
        return max(self.times)

    def __str__(self) -> str:
        """Such as "12.3 (11.9–14.0)"."""
        return f"{digits(self.median)} ({digits(self.least)}–{digits(self.most)})"
