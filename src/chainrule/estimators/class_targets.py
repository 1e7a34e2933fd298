"""What a classifier's target can be: labels, yes/no indicators side by side, columns of labels.

Each kind says which scores a network needs, which loss, and what the scores mean; shapes are those
of scikit-learn.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.data.targets import FEW_CLASSES, REPEATS, called
from chainrule.errors import DataError
from chainrule.layers import Dense, Heads, Layer
from chainrule.ops.losses import loss

__all__ = ["ClassTarget", "Indicators", "LabelColumns", "Labels", "class_target", "from_config"]

_FEW_ROWS = 20  # in so few rows each class may have one


class ClassTarget(ABC):
    """One kind of target."""

    @property
    @abstractmethod
    def loss(self) -> str | dict[str, str]:
        """Name of the loss, or of that of each task."""

    @property
    @abstractmethod
    def classes(self) -> Any:
        """What scikit-learn calls `classes_`."""

    @property
    @abstractmethod
    def head(self) -> Layer:
        """The layer that gives the scores."""

    @abstractmethod
    def encode(self, y: np.ndarray) -> Any:
        """Targets, (n,) or (n, outputs), as the loss wants them; DataError if one is unknown."""

    @abstractmethod
    def predict(self, scores: Any) -> np.ndarray:
        """The most probable labels, (n,) or (n, outputs), from scores (n, …)."""

    @abstractmethod
    def probabilities(self, scores: Any) -> Any:
        """Probabilities, (n, n_classes) or one such matrix for each column."""

    @abstractmethod
    def scores(self, probabilities: Any) -> Any:
        """Scores, (n, …), that mean these probabilities: `probabilities` the other way round."""

    @abstractmethod
    def decision(self, scores: Any) -> Any:
        """Scores as scikit-learn has them: (n,) for two classes, else (n, n_classes)."""

    @abstractmethod
    def config(self) -> dict[str, Any]:
        """All of it as data that JSON can hold."""


@dataclass(frozen=True, eq=False)
class Labels(ClassTarget):
    """One label a row, ``values`` (n_classes,) being the different ones."""

    values: np.ndarray
    name: str | None = None

    @property
    def loss(self) -> str:
        return "cross_entropy"

    @property
    def classes(self) -> np.ndarray:
        return self.values

    @property
    def head(self) -> Layer:
        return Dense(len(self.values))

    def encode(self, y: np.ndarray) -> np.ndarray:
        if y.ndim != 1:
            raise DataError(f"y has shape {y.shape}: expected one label for each row, (n,).")
        unknown = np.setdiff1d(y, self.values)
        if len(unknown):
            known = ", ".join(repr(label.item()) for label in self.values[:8])
            raise DataError(
                f"{called(self.name)} has the class {unknown[0].item()!r}, the model knows {known}"
                f"{' …' if len(self.values) > 8 else ''}: give all classes at the start."
            )
        return np.searchsorted(self.values, y)

    def predict(self, scores: np.ndarray) -> np.ndarray:
        return self.values[np.argmax(scores, axis=1)]

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        return loss(self.loss).predictions(scores)

    def scores(self, probabilities: np.ndarray) -> np.ndarray:
        return _logarithm(probabilities)

    def decision(self, scores: np.ndarray) -> np.ndarray:
        return scores[:, 1] - scores[:, 0] if len(self.values) == 2 else scores

    def config(self) -> dict[str, Any]:
        return {"classes": self.values.tolist(), "type": self.values.dtype.str, "name": self.name}


@dataclass(frozen=True, eq=False)
class Indicators(ClassTarget):
    """Several labels a row: column k of y, (n, outputs), says whether label k holds."""

    outputs: int
    kind: np.dtype

    @property
    def loss(self) -> str:
        return "binary_cross_entropy"

    @property
    def classes(self) -> np.ndarray:
        return np.arange(self.outputs)

    @property
    def head(self) -> Layer:
        return Dense(self.outputs)

    def encode(self, y: np.ndarray) -> np.ndarray:
        if y.shape[1:] != (self.outputs,) or not is_indicator(y):
            raise DataError(
                f"y has shape {y.shape}: the model knows {self.outputs} columns of 0 and 1, one "
                f"for each label."
            )
        return y.astype(np.float32)

    def predict(self, scores: np.ndarray) -> np.ndarray:
        return (scores > 0).astype(self.kind)

    def probabilities(self, scores: np.ndarray) -> np.ndarray:
        return loss(self.loss).predictions(scores)

    def scores(self, probabilities: np.ndarray) -> np.ndarray:
        return _logarithm(probabilities) - _logarithm(1 - probabilities)

    def decision(self, scores: np.ndarray) -> np.ndarray:
        return scores

    def config(self) -> dict[str, Any]:
        return {"indicators": self.outputs, "type": self.kind.str}


@dataclass(frozen=True, eq=False)
class LabelColumns(ClassTarget):
    """Several labels a row, each of classes of its own: one head for each column of y."""

    columns: Sequence[Labels]

    @property
    def loss(self) -> dict[str, str]:
        return {task: labels.loss for task, labels in self._tasks.items()}

    @property
    def _tasks(self) -> dict[str, Labels]:
        return {f"y{k}": labels for k, labels in enumerate(self.columns)}

    @property
    def classes(self) -> list[np.ndarray]:
        return [labels.values for labels in self.columns]

    @property
    def head(self) -> Layer:
        return Heads({task: [labels.head] for task, labels in self._tasks.items()})

    def encode(self, y: np.ndarray) -> dict[str, np.ndarray]:
        if y.shape[1:] != (len(self.columns),):
            raise DataError(f"y has shape {y.shape}: expected (n, {len(self.columns)}).")
        tasks = enumerate(self._tasks.items())
        return {task: labels.encode(column(y, k)) for k, (task, labels) in tasks}

    def predict(self, scores: Mapping[str, np.ndarray]) -> np.ndarray:
        parts = [labels.predict(scores[task]) for task, labels in self._tasks.items()]
        texts = {part.dtype.kind == "U" for part in parts}
        return np.column_stack(parts if len(texts) == 1 else [p.astype(object) for p in parts])

    def probabilities(self, scores: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return [labels.probabilities(scores[task]) for task, labels in self._tasks.items()]

    def scores(self, probabilities: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        tasks = zip(self._tasks.items(), probabilities, strict=True)
        return {task: labels.scores(p) for (task, labels), p in tasks}

    def decision(self, scores: Mapping[str, np.ndarray]) -> list[np.ndarray]:
        return [labels.decision(scores[task]) for task, labels in self._tasks.items()]

    def config(self) -> dict[str, Any]:
        return {"columns": [labels.config() for labels in self.columns]}


def _logarithm(p: np.ndarray) -> np.ndarray:
    """Of probabilities; the smallest number stands for 0."""
    return np.log(np.maximum(p, np.finfo(p.dtype).tiny))


def class_target(y: np.ndarray, name: str | None, classes: Any = None) -> ClassTarget:
    """The kind of target that y, (n,) or (n, outputs), is.

    Parameters
    ----------
    y : ndarray
        Several columns of 0 and 1 are indicators, other columns are labels, each with classes of
        its own.
    name : str or None
        For messages.
    classes : array-like, optional
        All labels, where y may lack some; a list of arrays for several columns of labels.

    Raises
    ------
    DataError
        If there is a single class, or the numbers are no classes.

    Examples
    --------
    >>> class_target(np.array([[0, 1], [1, 1]]), None).classes.tolist()
    [0, 1]
    >>> class_target(np.array([["a", "x"], ["b", "y"]]), None).classes
    [array(['a', 'b'], dtype='<U1'), array(['x', 'y'], dtype='<U1')]
    """
    if y.ndim == 1:
        return Labels(_classes(y, called(name)) if classes is None else _given(classes), name)
    if y.ndim != 2:
        raise DataError(f"y has shape {y.shape}: expected (n,) or (n, outputs).")
    if is_indicator(y) and (classes is None or np.ndim(classes[0]) == 0):
        return Indicators(y.shape[1], y.dtype if y.dtype.kind in "iub" else np.dtype(np.int64))
    if classes is not None and len(classes) != y.shape[1]:
        raise DataError(
            f"y has {y.shape[1]} columns: classes must be a list of {y.shape[1]} arrays of labels, "
            f"one for each."
        )
    return LabelColumns(
        [
            Labels(
                _classes(column(y, k), f"column {k} of y") if classes is None else _given(given),
                name,
            )
            for k, given in enumerate(y.T if classes is None else classes)
        ]
    )


def from_config(data: Mapping[str, Any]) -> ClassTarget:
    """The target that `config` described."""
    if "indicators" in data:
        return Indicators(data["indicators"], np.dtype(data["type"]))
    if "columns" in data:
        return LabelColumns([_labels(part) for part in data["columns"]])
    return _labels(data)


def _labels(data: Mapping[str, Any]) -> Labels:
    return Labels(np.array(data["classes"], dtype=np.dtype(data["type"])), data.get("name"))


def is_indicator(y: np.ndarray) -> bool:
    """Whether y, (n, outputs), holds nothing but 0 and 1, or False and True."""
    return y.ndim == 2 and y.dtype.kind in "iubf" and bool(((y == 0) | (y == 1)).all())


def column(y: np.ndarray, k: int) -> np.ndarray:
    """Column k, (n,), of a target (n, outputs), with the type of its own values."""
    return np.array(y[:, k].tolist()) if y.dtype == object else y[:, k]


def _given(classes: Any) -> np.ndarray:
    labels = np.unique(np.asarray(classes))
    if len(labels) < 2:
        raise DataError(f"classes is {classes!r}: a classifier needs two or more.")
    return labels


def _classes(y: np.ndarray, target: str) -> np.ndarray:
    """The different labels of y, (n,)."""
    if y.dtype.kind == "f" and not np.isfinite(y).all():
        raise DataError(f"{target} has infinite values: a class needs a name.")
    classes = np.unique(y)
    if len(classes) < 2:
        raise DataError(
            f"{target} has a single class, {classes[0].item()!r}: with one class there is nothing "
            f"to tell apart, a classifier needs two or more."
        )
    if y.dtype.kind == "f" and _is_continuous(classes, len(y)):
        raise DataError(
            f"{target} has {len(classes)} different numbers in {len(y)} rows, it is continuous: "
            f"that is a regression, use NetworkRegressor (--task regression)."
        )
    return classes


def _is_continuous(different: np.ndarray, rows: int) -> bool:
    """Whether real numbers, (m,) different ones of so many rows, are measured: no names."""
    if rows <= _FEW_ROWS:
        return False
    most = min(rows / 2, FEW_CLASSES)
    if (different == np.floor(different)).all():
        most = max(most, rows / REPEATS)
    return len(different) > most
