"""Results of several splits brought down to ranks, wins and relative errors."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from benchmarks.tables.scores import error
from benchmarks.tables.sets import SETS
from benchmarks.tables.store import Result, latest

__all__ = ["Summary"]


class Summary:
    """The results of one set of folds by table and model.

    Attributes
    ----------
    results : list of Result
    tables, models : list of str
        In the order of `SETS` and of appearance.
    """

    def __init__(self, results: Iterable[Result]) -> None:
        self.results = list(latest(results).values())
        found = {r.plan.table for r in self.results}
        self.tables = [name for name in SETS if name in found]
        self.models = list(dict.fromkeys(r.plan.label for r in self.results))
        self._cells: dict[tuple[str, str], dict[int, Result]] = {}
        for r in self.results:
            self._cells.setdefault((r.plan.table, r.plan.label), {})[r.split] = r

    def cell(self, table: str, model: str) -> list[Result]:
        """Results of a model on a table by split."""
        return [r for _, r in sorted(self._cells.get((table, model), {}).items())]

    def complete(self, table: str, model: str) -> bool:
        """Whether no split is missing."""
        cell = self.cell(table, model)
        return bool(cell) and len(cell) == cell[0].plan.splits

    def scores(self, table: str, model: str, metric: str | None = None) -> np.ndarray:
        """The primary metric, or another, by split."""
        name = metric or SETS[table].primary
        return np.array([r.scores[name] for r in self.cell(table, model) if name in r.scores])

    def shared(self, models: Sequence[str] | None = None) -> list[str]:
        """Tables on which every one of the models, or all, is complete."""
        wanted = self.models if models is None else models
        return [t for t in self.tables if all(self.complete(t, m) for m in wanted)]

    def mean_error(self, table: str, model: str) -> float:
        """Error that the primary metric leaves, mean over the splits."""
        return error(SETS[table].primary, float(self.scores(table, model).mean()))

    def ranks(self) -> dict[str, float]:
        """Mean rank over the shared tables, 1 is best; equal means share their ranks."""
        from scipy.stats import rankdata

        tables = self.shared()
        if not tables:
            return {}
        each = [rankdata([self.mean_error(t, m) for m in self.models]) for t in tables]
        return dict(zip(self.models, np.mean(each, axis=0).tolist(), strict=True))

    def wins(self, model: str, other: str) -> tuple[int, int, int]:
        """On how many tables the mean is better, equal, worse than that of the other."""
        signs = [
            np.sign(self.mean_error(t, other) - self.mean_error(t, model))
            for t in self.shared((model, other))
        ]
        return signs.count(1), signs.count(0), signs.count(-1)

    def changes(self, table: str, model: str, other: str) -> np.ndarray:
        """Relative difference in error to the other on the same split, for each split of both."""
        mine, theirs = self._errors(table, model), self._errors(table, other)
        return np.array([mine[k] / theirs[k] - 1 for k in mine if theirs.get(k)])

    def mean_change(self, model: str, other: str, tables: Sequence[str]) -> float:
        """Mean of `changes` over splits, then over tables; NaN without tables."""
        means = [self.changes(t, model, other).mean() for t in tables]
        return float(np.mean(means)) if means else float("nan")

    def _errors(self, table: str, model: str) -> dict[int, float]:
        metric = SETS[table].primary
        return {r.split: error(metric, r.scores[metric]) for r in self.cell(table, model)}
