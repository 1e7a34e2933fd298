"""Models side by side on the same folds: several scores, seconds, and which one to use."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any, Literal

import numpy as np
from scipy.stats import t as student
from sklearn import metrics
from sklearn.base import clone
from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

from chainrule.data.cells import Instants, Texts
from chainrule.data.frames import Table
from chainrule.estimators.baseline_models import SIMPLEST_FIRST
from chainrule.estimators.scores import Scores
from chainrule.estimators.scoring import Rows, enough_rows, fold_splitter, split_rows
from chainrule.training.parallel import cancelled, parallel_map

__all__ = ["METRICS", "Contest", "divide", "equal_rows", "verdict"]


@dataclass(frozen=True)
class Metric:
    """A score: its name, its decimals, and whether less of it is better."""

    name: str
    decimals: int
    lower: bool = False


METRICS = {
    "classification": (Metric("accuracy", 3), Metric("log loss", 3, True), Metric("ROC AUC", 3)),
    "regression": (Metric("R²", 3), Metric("RMSE", 3, True)),
}
_SIGNIFICANT = 0.05


# ------------------------------------------------------------------- the folds


def divide(
    y: np.ndarray, folds: int, task: str, seed: int, groups: np.ndarray | None, name: str | None
) -> list[Rows]:
    """Shuffled folds of targets (n,): classes keep their shares, groups (n,) stay together."""
    classes = task == "classification"
    enough_rows(folds, len(y))
    if groups is None:
        return split_rows(fold_splitter(folds, classes, seed), y, None, name)
    kind: Any = StratifiedGroupKFold if classes else GroupKFold  # stubs lag behind scikit-learn
    return split_rows(kind(folds, shuffle=True, random_state=seed), y, groups, name)


def equal_rows(X: Any) -> np.ndarray:
    """A number for each row of a table (n, columns), (n,): the same for rows that are the same.

    Examples
    --------
    >>> equal_rows(np.array([[1.0, np.nan], [2.0, 3.0], [1.0, np.nan]])).tolist()
    [0, 1, 0]
    """
    table = Table.read(X)
    groups = np.zeros(table.rows, np.int64)
    for column in table.columns.values():
        cells = column.codes if isinstance(column, Texts) else column
        cells = cells.values if isinstance(cells, Instants) else cells
        _, codes = np.unique(cells, return_inverse=True)
        pairs = groups * (codes.max() + 1) + codes
        groups = np.unique(pairs, return_inverse=True)[1]
    return groups


# ------------------------------------------------------------------- the models


@dataclass
class Contest:
    """A contest: data, folds, and what has been measured so far.

    Attributes
    ----------
    take : callable
        Rows of the table, from their numbers.
    y : ndarray of shape (n,)
    splits : list of pairs of ndarray
    task : str
    results : dict of str to dict of int to tuple
        By model and fold: the scores in the order of `METRICS`, then seconds of the fit.
    failures : dict of str to str
        Why a model has no result.
    """

    take: Callable[[np.ndarray], Any]
    y: np.ndarray
    splits: Sequence[Rows]
    task: str
    results: dict[str, dict[int, tuple[float, ...]]] = field(default_factory=dict)
    failures: dict[str, str] = field(default_factory=dict)

    def run(
        self,
        models: Mapping[str, Any],
        n_jobs: int | None = -1,
        progress: bool | Literal["always"] = True,
    ) -> None:
        """Train every model on every fold, each in a thread and on a core of its own.

        An error in a model ends that model alone. On Ctrl-C `results` has what was done.
        """
        self.results.update({name: {} for name in models})
        work = [(name, k) for name in models for k in range(len(self.splits))]
        parallel_map(
            lambda item: self._one(models[item[0]], *item), work,
            n_jobs=n_jobs, title="comparing", progress=progress, timed=True,
        )  # fmt: skip

    def _one(self, model: Any, name: str, k: int) -> None:
        from threadpoolctl import threadpool_limits

        if name in self.failures:
            return
        train, test = self.splits[k]
        try:
            with threadpool_limits(1, user_api="openmp"):  # boosted trees; of this thread alone
                fitted = clone(model)
                begin = time.perf_counter()
                fitted.fit(self.take(train), self.y[train])
                seconds = time.perf_counter() - begin
                found = self._measure(fitted, self.take(test), self.y[test])
        except Exception as error:  # one model's trouble, whatever it is, is not the others'
            self.failures[name] = " ".join(f"{type(error).__name__}: {error}".split())
            return
        if not cancelled():
            self.results[name][k] = (*found, seconds)

    def _measure(self, fitted: Any, X: Any, y: np.ndarray) -> tuple[float, ...]:
        if self.task == "regression":
            predicted = fitted.predict(X)
            return (
                float(metrics.r2_score(y, predicted)),
                float(metrics.root_mean_squared_error(y, predicted)),
            )
        classes = np.unique(self.y)
        p = np.zeros((len(y), len(classes)))
        p[:, np.searchsorted(classes, fitted.classes_)] = fitted.predict_proba(X)
        p /= p.sum(axis=1, keepdims=True)  # of single precision, for the log loss
        return (
            float(metrics.accuracy_score(y, fitted.predict(X))),
            float(metrics.log_loss(y, p, labels=classes)),
            _area(y, p, classes),
        )

    # ------------------------------------------------------------------- reading

    @property
    def done(self) -> list[str]:
        """Models that were measured on every fold, the best by the first metric first."""
        whole = [name for name, r in self.results.items() if len(r) == len(self.splits)]
        kept = [name for name in whole if name not in self.failures]
        return sorted(kept, key=lambda name: -self.scores(name).mean)

    def scores(self, name: str, metric: int = 0) -> Scores:
        """A model's scores by one of the metrics."""
        values = np.array([self.results[name][k] for k in range(len(self.splits))])
        sizes = np.array([[len(part) for part in split] for split in self.splits])
        record = METRICS[self.task][metric]
        return Scores(
            f"{len(self.splits)} folds", record.name, values[:, metric], values[:, -1],
            *sizes.T, lower_is_better=record.lower,
        )  # fmt: skip


def _area(y: np.ndarray, p: np.ndarray, classes: np.ndarray) -> float:
    """Area under the ROC curve, one class against the rest; NaN where a class is not there."""
    if len(np.unique(y)) < len(classes):
        return float("nan")
    if len(classes) == 2:
        return float(metrics.roc_auc_score(y, p[:, 1]))
    return float(metrics.roc_auc_score(y, p, multi_class="ovr", labels=classes))


# ------------------------------------------------------------------ the verdict


def verdict(scores: Mapping[str, Scores]) -> str:
    """Which of several models to use, in a sentence that takes the spread into account.

    Models are taken in the order of their means, up to the first whose mean lies more than one
    standard error behind the best one's: those before it are not told apart, and the simplest of
    them is named. The error is that of the paired differences, which share a fold,
    corrected for the training rows that folds share: s √(1/K + test rows/training rows) (Nadeau &
    Bengio 2003). A lead is called clear when a two-sided t test with this error and K − 1 degrees
    of freedom finds p < 0.05.

    Parameters
    ----------
    scores : mapping of str to Scores
        By the same metric on the same folds.

    Examples
    --------
    >>> rows = np.full(5, 80), np.full(5, 20)
    >>> def of(*values):
    ...     return Scores("5 folds", "accuracy", np.array(values), np.ones(5), *rows)
    >>> print(verdict({"linear": of(.8, .7, .8, .7, .8), "network": of(.8, .71, .79, .7, .81)}))
    No clear difference between network and linear (accuracy within one standard error): take the
    simplest, linear.
    """
    sign = 1 if next(iter(scores.values())).lower_is_better else -1
    ranking = sorted(scores, key=lambda name: sign * scores[name].mean)
    best, metric = ranking[0], scores[ranking[0]].metric
    if len(ranking) == 1:
        return f"Only {best} was measured: nothing to compare it with."
    level = list(takewhile(lambda name: _lead(scores[best], scores[name])[0] <= 1, ranking))
    if len(level) > 1:
        simplest = min(level, key=_complexity)
        note = _learns_nothing(simplest)
        return (
            f"No clear difference between {_and(level)} ({metric} within one standard error): "
            f"take the simplest, {simplest}.{note}"
        )
    difference, p = _gap(scores[best], scores[ranking[1]])
    shown = f"{abs(difference):.3g} ahead of {ranking[1]} in {metric}"
    if p < _SIGNIFICANT:
        return f"Use {best}: {shown} (p = {p:.2g}).{_learns_nothing(best)}"
    return (
        f"{best[0].upper()}{best[1:]} leads: {shown}, which {scores[best].n} folds do not prove "
        f"(p = {p:.2g}).{_learns_nothing(best)}"
    )


def _complexity(name: str) -> int:
    return SIMPLEST_FIRST.index(name) if name in SIMPLEST_FIRST else len(SIMPLEST_FIRST)


def _learns_nothing(name: str) -> str:
    return " These columns do not help to predict the target." if name == "dummy" else ""


def _difference(best: Scores, other: Scores) -> Scores:
    gaps = best.scores - other.scores
    return Scores(
        best.method, best.metric, gaps, best.seconds, best.train_rows, best.test_rows
    )  # fmt: skip


def _lead(best: Scores, other: Scores) -> tuple[float, Scores]:
    """How many corrected standard errors the best is ahead; none if the folds are equal."""
    difference = _difference(best, other)
    if difference.mean == 0:
        return 0.0, difference
    error = difference.corrected_error
    return (abs(difference.mean) / error if error > 0 else np.inf), difference


def _gap(best: Scores, other: Scores) -> tuple[float, float]:
    """Mean difference and its p by the corrected t test."""
    errors, difference = _lead(best, other)
    return difference.mean, float(2 * student.sf(errors, difference.n - 1))


def _and(names: Sequence[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}"
