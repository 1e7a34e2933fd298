"""What a report is about: a model, rows it has not seen, and what is computed from both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Self

import numpy as np

from chainrule.data.cells import plain
from chainrule.data.columns import Column
from chainrule.data.dates import Date
from chainrule.data.frames import Table
from chainrule.data.numbers import Number
from chainrule.data.targets import read_target
from chainrule.errors import DataError, NetworkError
from chainrule.plots.reporting.permutation import importances

__all__ = ["Evidence", "Score"]


@dataclass(frozen=True)
class Score:
    """One score of the model and of always giving the same answer."""

    name: str
    model: float
    dummy: float


@dataclass(frozen=True, eq=False)
class Evidence:
    """A fitted model and the rows that judge it.

    Attributes
    ----------
    model : NetworkClassifier or NetworkRegressor
    table, y : Table and ndarray of shape (n,)
        Rows that the model has not seen.
    training : (Table, ndarray) or None
        Rows that it was trained on.
    left_out : int
        Rows that were not used, having no target.
    numbers : sequence of int
        What to call the rows, (n,).
    source : str
        Where the rows come from.
    command : str
        What was typed.
    """

    model: Any
    table: Table
    y: np.ndarray
    training: tuple[Table, np.ndarray] | None = None
    left_out: int = 0
    numbers: Sequence[int] = field(default_factory=list)
    source: str = ""
    command: str = ""

    @classmethod
    def read(
        cls, model: Any, X: Any, y: Any, training: tuple[Any, Any] | None, **more: Any
    ) -> Self:
        """Check that all of it fits together.

        Raises
        ------
        NetworkError
            If the model is none that a report can be about.
        DataError
            If rows and targets do not fit, or are fewer than two.
        """
        _check_model(model)
        table, targets = _rows("test", X, y)
        if len(targets) < 2:
            raise DataError(f"a report needs two rows to test on or more, not {len(targets)}.")
        _check_targets(model, targets)
        seen = None if training is None else _rows("training", *training)
        numbers = more.pop("numbers", None)
        numbers = range(len(targets)) if numbers is None else [int(number) for number in numbers]
        if len(numbers) != len(targets):
            raise DataError(f"{len(numbers)} numbers for {len(targets)} rows: they must agree.")
        return cls(model, table, targets, seen, numbers=numbers, **more)

    # ------------------------------------------------------------------ the model

    @property
    def target(self) -> str:
        """Name of the target."""
        return self.model.target_name_ or "the target"

    @property
    def classifies(self) -> bool:
        """Whether the model predicts classes."""
        return hasattr(self.model, "classes_")

    @cached_property
    def names(self) -> list[str]:
        """Names of the columns in the order of training."""
        encoder = self.model.encoder_
        if encoder.named_ and self.table.named:
            return [column.name for column in encoder.columns_]
        return self.table.names

    def title(self, name: str) -> str:
        """What to call a column: one of an array has only a place."""
        return name if self.table.named else f"column {name}"

    def column(self, name: str) -> Column:
        """How a column, called as in `names`, is encoded."""
        return self.model.encoder_.columns_[self.names.index(name)]

    def values(self, name: str, table: Table | None = None) -> np.ndarray:
        """What a column holds in the test rows or in another table, (rows,): dates as dates."""
        table = self.table if table is None else table
        same = name if name in table.columns else table.names[self.names.index(name)]
        column, cells = self.column(name), table.columns[same]
        if isinstance(column, Number) and column.notation:
            return column.numbers(cells)
        return column.on_clock(cells) if isinstance(column, Date) else plain(cells)

    # ---------------------------------------------------------------- predictions

    @cached_property
    def predicted(self) -> np.ndarray:
        """Predictions for the test rows, (n,)."""
        return self.model.predict(self.table)

    @cached_property
    def labels(self) -> np.ndarray:
        """All classes in order, (classes,): those of the model and any others the rows have."""
        others = self.y if self.training is None else np.append(self.y, self.training[1])
        return np.union1d(self.model.classes_, others)

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Probability of each class of `labels`, (n, classes); 0 for one never seen in training."""
        return self._for_labels(self.model.predict_proba(self.table), self.model.classes_)

    def _for_labels(self, probabilities: np.ndarray, classes: np.ndarray) -> np.ndarray:
        result = np.zeros((len(probabilities), len(self.labels)), probabilities.dtype)
        places = {label: k for k, label in enumerate(self.labels.tolist())}
        result[:, [places[label] for label in classes.tolist()]] = probabilities
        return result

    @cached_property
    def losses(self) -> np.ndarray:
        """Loss of each test row, (n,): −log of the true class's probability, or (ŷ − y)²."""
        if not self.classifies:
            return np.square(self.predicted - self.y, dtype=float)
        places = {label: k for k, label in enumerate(self.labels.tolist())}
        true = self.probabilities[np.arange(len(self.y)), [places[v] for v in self.y.tolist()]]
        return -np.log(np.maximum(true, np.finfo(true.dtype).tiny, dtype=float))

    # ----------------------------------------------------------------- importance

    @cached_property
    def importances(self) -> tuple[Any, int]:
        """Permutation importance of the columns of `names`, and of how many test rows."""
        return importances(self.model, self.table, self.names, self.y)

    @property
    def ranking(self) -> list[str]:
        """The columns, the most important one first."""
        return [self.names[k] for k in np.argsort(-self.importances[0].importances_mean)]

    # --------------------------------------------------------------------- scores

    @cached_property
    def scores(self) -> list[Score]:
        """The model's scores on the test rows beside the dummy's, the most telling first."""
        return self._class_scores() if self.classifies else self._number_scores()

    @cached_property
    def dummy(self) -> Any:
        """What always gives the same answer, by the training rows if they are known."""
        from sklearn.dummy import DummyClassifier, DummyRegressor

        made = DummyClassifier(strategy="prior") if self.classifies else DummyRegressor()
        y = self.y if self.training is None else self.training[1]
        return made.fit(np.zeros((len(y), 1)), y)

    @property
    def always(self) -> str:
        """The dummy's answer in words."""
        if not self.classifies:
            return f"the mean, {float(self.dummy.constant_.item()):.4g}"
        return f"the commonest class, {self.dummy.classes_[np.argmax(self.dummy.class_prior_)]}"

    def _class_scores(self) -> list[Score]:
        from sklearn import metrics

        nothing = np.zeros((len(self.y), 1))
        known = self._for_labels(self.dummy.predict_proba(nothing), self.dummy.classes_)
        answers = (
            (self.predicted, self.probabilities),
            (self.dummy.predict(nothing), known),
        )
        present = np.unique(self.y)
        found = [
            (
                float(metrics.accuracy_score(self.y, labels)),
                float(
                    metrics.recall_score(
                        self.y, labels, labels=present, average="macro", zero_division=0
                    )
                ),
                float(metrics.log_loss(self.y, chances, labels=self.labels)),
            )
            for labels, chances in answers
        ]
        return _paired(("accuracy", "balanced accuracy", "log loss"), *found)

    def _number_scores(self) -> list[Score]:
        from sklearn import metrics

        constant = self.dummy.predict(np.zeros((len(self.y), 1)))
        found = [
            (
                float(metrics.r2_score(self.y, answer)),
                float(metrics.root_mean_squared_error(self.y, answer)),
                float(metrics.mean_absolute_error(self.y, answer)),
            )
            for answer in (self.predicted, constant)
        ]
        return _paired(("R²", "root mean squared error", "mean absolute error"), *found)


def _check_model(model: Any) -> None:
    if not hasattr(model, "encoder_") or not hasattr(model, "predict"):
        raise NetworkError(
            f"a report is about a fitted NetworkClassifier or NetworkRegressor, not about a "
            f"{type(model).__name__}: fit or load one."
        )
    if isinstance(getattr(model, "classes_", None), list):
        raise NetworkError("a report is about one target: this model predicts several at once.")


def _rows(which: str, X: Any, y: Any) -> tuple[Table, np.ndarray]:
    table, (targets, _) = Table.read(X), read_target(y)
    if targets.ndim > 1:
        raise DataError(f"a report is about one target: y has shape {targets.shape}.")
    if len(targets) != table.rows:
        raise DataError(
            f"the {which} rows are {table.rows} in X and {len(targets)} in y: they must agree."
        )
    return table, targets


def _check_targets(model: Any, y: np.ndarray) -> None:
    texts = y.dtype.kind == "U"
    expected = getattr(model, "classes_", y[:0].astype(float)).dtype.kind == "U"
    if texts != expected:
        raise DataError(
            f"the target of the test rows holds {y[0].item()!r}: the model was trained on "
            f"{'texts' if expected else 'numbers'}."
        )


def _paired(names: Sequence[str], model: Sequence[float], dummy: Sequence[float]) -> list[Score]:
    return [Score(*item) for item in zip(names, model, dummy, strict=True)]
