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
    splits : int
        How many there are for each model and table when all is done.
    """

    def __init__(self, results: Iterable[Result], splits: int) -> None:
        self.results, self.splits = list(latest(results).values()), splits
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
        return len(self.cell(table, model)) == self.splits

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

    def change(self, table: str, model: str, other: str) -> tuple[float, float]:
        """Relative difference of the mean error to the other's on the splits of both.

        Its standard error, from the differences on each split, comes second. NaN without splits,
        and where one is not to be had.
        """
        mine, theirs = self._errors(table, model), self._errors(table, other)
        both = [k for k in mine if k in theirs]
        base = np.mean([theirs[k] for k in both]) if both else np.nan
        with np.errstate(divide="ignore", invalid="ignore"):
            relative = np.array([mine[k] - theirs[k] for k in both]) / base
        if len(both) < 2:
            return float(relative.sum()) if both else np.nan, np.nan
        return float(relative.mean()), float(relative.std(ddof=1) / np.sqrt(len(both)))

    def mean_change(self, model: str, other: str, tables: Sequence[str]) -> float:
        """Mean of `change` over tables; NaN without tables."""
        values = [self.change(t, model, other)[0] for t in tables]
        return float(np.mean(values)) if values else np.nan

    def _errors(self, table: str, model: str) -> dict[int, float]:
        metric = SETS[table].primary
        return {r.split: error(metric, r.scores[metric]) for r in self.cell(table, model)}
