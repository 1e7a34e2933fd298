"""What validation leaves behind: the score of every split, its mean and its spread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

__all__ = ["Comparison", "Scores"]


@dataclass(frozen=True)
class Scores:
    """Scores of one model, one for each split; `print` shows them as a table.

    Attributes
    ----------
    method : str
        Such as "5-fold cross-validation".
    metric : str
        What is measured.
    scores : ndarray of shape (splits,)
    seconds : ndarray of shape (splits,)
        Time of training and scoring.
    train_rows, test_rows : ndarray of shape (splits,)
    lower_is_better : bool
        Whether the scores are errors.
    approximate : bool
        Whether they were computed without training a model for each split.

    Examples
    --------
    >>> s = Scores("3-fold cross-validation", "accuracy", np.array([0.8, 0.9, 1.0]),
    ...            np.ones(3), np.full(3, 20), np.full(3, 10))
    >>> round(s.mean, 3), round(s.std, 3), round(s.standard_error, 3)
    (0.9, 0.1, 0.058)
    """

    method: str
    metric: str
    scores: np.ndarray
    seconds: np.ndarray
    train_rows: np.ndarray
    test_rows: np.ndarray
    lower_is_better: bool = False
    approximate: bool = False

    @property
    def n(self) -> int:
        """Number of splits."""
        return len(self.scores)

    @property
    def mean(self) -> float:
        """Mean over the splits."""
        return float(np.mean(self.scores))

    @property
    def std(self) -> float:
        """Standard deviation s over the splits, with n − 1; NaN for a single split."""
        return float(np.std(self.scores, ddof=1)) if self.n > 1 else float("nan")

    @property
    def standard_error(self) -> float:
        """Standard error s/√n, as if splits were independent; they share rows: it is too small."""
        return self.std / float(np.sqrt(self.n))

    @property
    def corrected_error(self) -> float:
        """Standard error that allows for shared rows: s √(1/n + test rows/training rows).

        Nadeau & Bengio 2003, for repeated hold-out; a rule of thumb for folds.
        """
        share = float(np.mean(self.test_rows) / np.mean(self.train_rows))
        return self.std * float(np.sqrt(1 / self.n + share))

    @property
    def title(self) -> str:
        """Method and metric in words."""
        note = "approximate " if self.approximate else ""
        return f"{note}{self.method}: {self.metric}, {_better(self.lower_is_better)}"

    def __str__(self) -> str:
        lines = [] if self.n > 20 else [_row(k, self, k) for k in range(self.n)]
        header = ["split", self.metric, "training rows", "test rows", "seconds"]
        summary = (
            f"mean {self.mean:.4g}, standard deviation {self.std:.2g}, "
            f"standard error {self.standard_error:.2g}, {self.n} splits, "
            f"{self.seconds.sum():.2f} s"
        )
        table = _aligned([header, *lines]) if lines else ""
        return "\n".join(part for part in (self.title, table, summary) if part)


def _row(number: int, s: Scores, k: int) -> list[str]:
    counts = f"{s.train_rows[k]}", f"{s.test_rows[k]}"
    return [f"{number + 1}", f"{s.scores[k]:.4g}", *counts, f"{s.seconds[k]:.2f}"]


def _better(lower: bool) -> str:
    return "lower is better" if lower else "higher is better"


def _aligned(rows: Sequence[Sequence[str]]) -> str:
    """Columns side by side: the first to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = []
    for first, *rest in rows:
        cells = [cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True)]
        lines.append("  ".join([first.ljust(widths[0]), *cells]).rstrip())
    return "\n".join(lines)


@dataclass(frozen=True)
class Comparison:
    """Several models on the same splits; `print` shows them as a table, the best first.

    Attributes
    ----------
    scores : dict of str to Scores

    Examples
    --------
    >>> def of(*values):
    ...     rows = np.full(2, 50)
    ...     return Scores("2-fold", "R²", np.array(values), np.ones(2), rows, rows)
    >>> c = Comparison({"a": of(0.5, 0.6), "b": of(0.8, 0.7)})
    >>> c.best, c.differences["a"].scores.round(2).tolist()
    ('b', [-0.3, -0.1])
    """

    scores: Mapping[str, Scores] = field(default_factory=dict)

    @property
    def ranking(self) -> list[str]:
        """Names from the best mean to the worst."""
        sign = 1 if next(iter(self.scores.values())).lower_is_better else -1
        return sorted(self.scores, key=lambda name: sign * self.scores[name].mean)

    @property
    def best(self) -> str:
        """Name of the model with the best mean."""
        return self.ranking[0]

    @property
    def differences(self) -> dict[str, Scores]:
        """Each model's scores less the best one's, split by split.

        Their spread is that of the difference, most often far smaller than that of the scores:
        a split that is hard is hard for all. A mean of more than two `corrected_error` is worth
        believing; the best of many models is still flattered by the choice.
        """
        best = self.scores[self.best]
        return {name: _less(s, best) for name, s in self.scores.items()}

    def __str__(self) -> str:
        first = self.scores[self.best]
        header = ["model", first.metric, "± std", "difference to best", "± error", "seconds"]
        rows = [[name, *self._cells(name)] for name in self.ranking]
        note = "± error: of the paired difference, allowing for training rows that splits share"
        return "\n".join([first.title, _aligned([header, *rows]), note])

    def _cells(self, name: str) -> list[str]:
        s, difference = self.scores[name], self.differences[name]
        pair = ["", ""]
        if name != self.best:
            pair = [f"{difference.mean:+.3g}", f"{difference.corrected_error:.2g}"]
        return [f"{s.mean:.4g}", f"{s.std:.2g}", *pair, f"{s.seconds.sum():.2f}"]


def _less(a: Scores, b: Scores) -> Scores:
    return Scores(
        a.method, f"difference of {a.metric}", a.scores - b.scores, a.seconds, a.train_rows,
        a.test_rows, a.lower_is_better,
    )  # fmt: skip
