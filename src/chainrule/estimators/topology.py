"""Layers from data: inputs = features, outputs = classes, hidden widths by experience.

Lecture notes 001: the ends of a network follow from the data, what lies between is tried out.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule.data.frames import Table
from chainrule.data.tables import TableEncoder
from chainrule.data.targets import guess_task, read_known_targets
from chainrule.errors import DataError, unknown_name
from chainrule.estimators.defaults import (
    ACTIVATION,
    HIDDEN,
    PARAMETERS_PER_ROW,
    parameters,
    proposed_hidden,
)
from chainrule.layers import Dense, Layer

__all__ = ["Topology", "propose_layers"]

_TASKS = ("classification", "regression")


@dataclass(frozen=True)
class Topology:
    """Widths of a network, and why; `print` shows both.

    Attributes
    ----------
    inputs, outputs : int
    hidden : tuple of int
        As `NetworkClassifier` and `NetworkRegressor` take it.
    task : {"classification", "regression"}
    reasons : tuple of str
        One sentence for each decision.
    """

    inputs: int
    hidden: tuple[int, ...]
    outputs: int
    task: str
    reasons: tuple[str, ...]

    @property
    def layers(self) -> list[Layer]:
        """The layers, as `Network` takes them; its `input_shape` is ``(inputs,)``."""
        return [*(Dense(width, ACTIVATION) for width in self.hidden), Dense(self.outputs)]

    @property
    def parameters(self) -> int:
        """Weights and biases."""
        return parameters(self.inputs, self.hidden, self.outputs)

    def __str__(self) -> str:
        widths = " → ".join(map(str, (self.inputs, *self.hidden, self.outputs)))
        return "\n".join([f"{widths}, {self.parameters} parameters", *self.reasons])


def propose_layers(
    X: Any, y: Any, task: Literal["classification", "regression"] | None = None
) -> Topology:
    """Widths that suit a table: a start, to be compared with others by `k_fold`.

    Parameters
    ----------
    X : data frame or array-like of shape (n, columns)
    y : array-like of shape (n,) or (n, outputs)
    task : {"classification", "regression"}, optional
        Guessed from y if None: texts, and few whole numbers that repeat, are classes.

    Returns
    -------
    Topology

    Raises
    ------
    DataError, UnknownNameError
        If X or y cannot be used, or there is no such task.

    Examples
    --------
    >>> from sklearn.datasets import load_diabetes
    >>> print(propose_layers(*load_diabetes(return_X_y=True)))
    10 → 32 → 32 → 1, 1441 parameters
    10 inputs: the columns of X are 10 numbers once encoded.
    1 output: the target is a number.
    Hidden (32, 32): the default (64, 64) would have 4929 parameters, over 5 for each of 442 rows.
    """
    if task is not None and task not in _TASKS:
        raise unknown_name("task", task, _TASKS)
    table, (targets, _, known) = Table.read(X), read_known_targets(y)
    rows = table.rows if known is None else len(known)
    if len(targets) != table.rows:
        raise DataError(f"X has {table.rows} rows and y has {len(targets)}: they must agree.")
    if task is None:
        task = "regression" if targets.ndim > 1 else guess_task(targets)
    inputs = TableEncoder().fit(table, known).width
    outputs, why = _outputs(targets, task)
    hidden = proposed_hidden(inputs, outputs, rows)
    plural = "s" if inputs > 1 else ""
    reasons = (
        f"{inputs} input{plural}: the columns of X are {inputs} number{plural} once encoded.",
        f"{outputs} output{'s' if outputs > 1 else ''}: {why}.",
        _why_hidden(inputs, hidden, outputs, rows),
    )
    return Topology(inputs, hidden, outputs, task, reasons)


def _outputs(y: np.ndarray, task: str) -> tuple[int, str]:
    if task == "regression":
        return (1, "the target is a number") if y.ndim == 1 else (y.shape[1], "one for each target")
    if y.ndim > 1:
        raise DataError(f"y has shape {y.shape}: classes need one label for each row, (n,).")
    classes = len(np.unique(y))
    if classes < 2:
        raise DataError(f"y has a single class, {y[0].item()!r}: give rows of two or more.")
    return classes, "one for each class"


def _why_hidden(inputs: int, hidden: tuple[int, ...], outputs: int, rows: int) -> str:
    most = parameters(inputs, HIDDEN, outputs)
    if hidden == HIDDEN:
        return f"Hidden {hidden}: the default, which has {most / rows:.2g} parameters for each row."
    return (
        f"Hidden {hidden}: the default {HIDDEN} would have {most} parameters, over "
        f"{PARAMETERS_PER_ROW} for each of {rows} rows."
    )
