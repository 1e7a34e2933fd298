"""The work of a validation: splits, trainings side by side, scores."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

import numpy as np
from sklearn.base import is_classifier, is_regressor
from sklearn.metrics import get_scorer_names
from sklearn.model_selection import KFold, StratifiedKFold, cross_validate

from chainrule.data.targets import called, read_known_targets
from chainrule.errors import DataError, HyperparameterError, unknown_name
from chainrule.estimators.scores import Scores
from chainrule.ops.hyperparameters import HYPERPARAMETERS
from chainrule.training.parallel import parallel_map

__all__ = [
    "FOLDS",
    "Job",
    "LeaveOut",
    "Rows",
    "Targets",
    "classifies",
    "enough_rows",
    "fold_splitter",
    "split_rows",
]

FOLDS = HYPERPARAMETERS["folds"]
Rows = tuple[np.ndarray, np.ndarray]  # to train on, to test on


# ------------------------------------------------------------------- splitting


def fold_splitter(folds: int, stratified: bool, seed: int) -> Any:
    """scikit-learn's K folds of shuffled rows; stratified: classes keep their shares."""
    kind = StratifiedKFold if stratified else KFold
    return kind(folds, shuffle=True, random_state=seed)


def classifies(model: Any, where: str = "model") -> bool:
    """Whether a model is a classifier.

    Raises
    ------
    HyperparameterError
        If it is no estimator.
    """
    if not hasattr(model, "fit") or isinstance(model, type):
        raise HyperparameterError(
            f"{where} is {model!r}: expected a scikit-learn estimator, such as NetworkRegressor()."
        )
    return is_classifier(model)


def enough_rows(folds: Any, rows: int, name: str = FOLDS.name) -> None:
    """Refuse more folds than rows."""
    replace(FOLDS, name=name).check(folds)
    if folds > rows:
        raise HyperparameterError(
            f"{name} = {folds} and {rows} rows: every fold needs a row of its own; give {name} in "
            f"[2, {rows}], or more rows."
        )


@dataclass(frozen=True)
class Targets:
    """One target for each row of a table, of which some may be missing.

    Attributes
    ----------
    values : ndarray of shape (n,) or (n, outputs)
        Of no meaning in rows without a target.
    name : str or None
    known : ndarray of int
        The rows that have a target: the only ones in any split.
    """

    values: np.ndarray
    name: str | None
    known: np.ndarray

    @classmethod
    def read(cls, X: Any, y: Any) -> Self:
        """Targets, checked to be as many as rows of X.

        Raises
        ------
        DataError
            If they are not, or there is no row.

        Warns
        -----
        LeftOutWarning
            If the target is missing in some rows.
        """
        rows = X.shape[0] if hasattr(X, "shape") else len(X)
        if not rows:
            raise DataError("X has no rows: validation needs rows to train on and rows to test on.")
        values, name, known = read_known_targets(y)
        if len(values) != rows:
            raise DataError(
                f"X has {rows} rows and y has {len(values)}: give one target for each row."
            )
        return cls(values, name, np.arange(rows) if known is None else known)

    def split(self, splitter: Any) -> list[Rows]:
        """All splits of the rows that have a target; errors as of `split_rows`."""
        splits = split_rows(splitter, self.values[self.known], None, self.name)
        return [(self.known[train], self.known[test]) for train, test in splits]


def split_rows(
    splitter: Any, targets: np.ndarray, groups: np.ndarray | None = None, name: str | None = None
) -> list[Rows]:
    """All splits of targets (n,) or (n, outputs), as row numbers.

    Parameters
    ----------
    splitter : scikit-learn splitter
    targets : ndarray
    groups : ndarray of shape (n,), optional
    name : str, optional
        Of the target, for messages.

    Raises
    ------
    DataError
        Naming a class that has fewer rows than there are folds; with scikit-learn's reason, if the
        rows cannot be split so.
    """
    if isinstance(splitter, StratifiedKFold):
        _enough_of_each(splitter.get_n_splits(), targets, name)
    try:
        return list(splitter.split(np.empty((len(targets), 1)), targets, groups))
    except ValueError as error:
        raise DataError(
            f"{len(targets)} rows cannot be split so: {str(error).rstrip('.')}. Give more rows, "
            f"fewer folds, or join rare classes."
        ) from None


def _enough_of_each(folds: int, targets: np.ndarray, name: str | None) -> None:
    """Refuse a class that cannot be in every fold."""
    classes, counts = np.unique(targets, return_counts=True)
    if targets.ndim == 1 and counts.min() < folds:
        rare, rows = classes[counts.argmin()].item(), counts.min()
        fewer = f"give folds in [2, {rows}], " if rows > 1 else ""
        raise DataError(
            f"{called(name)} has {rows} row{'s' if rows > 1 else ''} of the class {rare!r}, and "
            f"each of {folds} folds needs one: {fewer}give more rows of it, join it to another "
            f"class, or leave it out."
        )


class LeaveOut(Sequence[Rows]):
    """Splits that are made when they are asked for: all of them together hold n² numbers."""

    def __init__(self, rows: np.ndarray) -> None:
        self.rows = rows

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, k: Any) -> Any:
        if k >= len(self.rows):
            raise IndexError(k)
        return np.delete(self.rows, k), self.rows[[k]]


# --------------------------------------------------------------------- scoring


@dataclass(frozen=True)
class Job:
    """Data, splits and score of one validation."""

    X: Any
    targets: Targets
    method: str
    splits: Sequence[Rows]
    scoring: Any
    n_jobs: int | None
    progress: bool | Literal["always"]

    def scores(self, models: Mapping[str, Any]) -> dict[str, Scores]:
        """Every model on every split, side by side."""
        metrics = {self.metric(model) for model in models.values()}
        if len(metrics) > 1:
            raise HyperparameterError(
                f"the models measure {' and '.join(sorted(metrics))}: give scoring=, or compare "
                f"models of one kind."
            )
        work = [(model, k) for model in models.values() for k in range(len(self.splits))]
        results = np.array(
            parallel_map(
                lambda item: self.one(*item), work,
                n_jobs=self.n_jobs, title=self.method, progress=self.progress, timed=True,
            )
        ).reshape(len(models), len(self.splits), 4)  # fmt: skip
        metric = metrics.pop()
        parts = zip(models, results, strict=True)
        return {name: self.record(metric, values) for name, values in parts}

    def metric(self, model: Any) -> str:
        """What the score is called."""
        if isinstance(self.scoring, str) and self.scoring not in get_scorer_names():
            raise unknown_name("scoring", self.scoring, get_scorer_names())
        if self.scoring is None:
            own = {"classifier": is_classifier(model), "regressor": is_regressor(model)}
            return "accuracy" if own["classifier"] else "R²" if own["regressor"] else "score"
        text = getattr(self.scoring, "__name__", str(self.scoring))
        return text.removeprefix("neg_").replace("_", " ")

    @property
    def negated(self) -> bool:
        return isinstance(self.scoring, str) and self.scoring.startswith("neg_")

    def one(self, model: Any, k: int) -> tuple[float, float, int, int]:
        """Score, seconds, rows to train on and rows to test on of split k."""
        train, test = self.splits[k]
        where = f"split {k + 1} of {len(self.splits)} ({len(train)} rows to train on)"
        if is_classifier(model):
            self.check_classes(train, where)
        try:
            result = cross_validate(
                model, self.X, self.targets.values,
                cv=[(train, test)], scoring=self.scoring, error_score="raise",
            )  # fmt: skip
        except ValueError as error:
            raise DataError(f"{where}: {error}") from error
        score = float(result["test_score"][0])
        seconds = float(result["fit_time"][0] + result["score_time"][0])
        return -score if self.negated else score, seconds, len(train), len(test)

    def check_classes(self, train: np.ndarray, where: str) -> None:
        """Refuse to train on a single class."""
        values, name = self.targets.values, self.targets.name
        if values.ndim == 1 and len(classes := np.unique(values[train])) < 2:
            raise DataError(
                f"{where} has a single class of {called(name)}, {classes[0].item()!r}: give more "
                f"rows of the other classes, or fewer folds."
            )

    def record(self, metric: str, values: np.ndarray) -> Scores:
        scores, seconds, train, test = values.T
        rows = train.astype(int), test.astype(int)
        return Scores(self.method, metric, scores, seconds, *rows, lower_is_better=self.negated)
