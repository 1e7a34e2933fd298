"""The predictions that were furthest from the truth."""

from __future__ import annotations

from typing import Any

import numpy as np

from chainrule.data.cells import is_gap, plain, take
from chainrule.plots.reporting.evidence import Evidence
from chainrule.plots.reporting.markup import Cell, Markup, element, join, quantity, table

__all__ = ["section"]

_ROWS = 10
_COLUMNS = 12


def section(evidence: Evidence) -> Markup:
    """The rows with the largest loss, with their values."""
    worst = np.argsort(-evidence.losses, kind="stable")[:_ROWS]
    names = evidence.names
    if len(names) > _COLUMNS:
        names = evidence.ranking[:_COLUMNS]
    own = ("probability of the truth", "loss") if evidence.classifies else ("error",)
    head = ("row", "true", "predicted", *own, *(evidence.title(name) for name in names))
    rows = [_line(evidence, row, names) for row in worst]
    text = (
        "The test rows with the largest loss. Look at them: a wrong label, a unit that was mixed "
        "up or a missing column shows here first. Rows are counted from 0"
    )
    if evidence.left_out:
        text += ", those without a target left out"
    if len(names) < len(evidence.names):
        text += f"; of {len(evidence.names):,} columns the {_COLUMNS} most important are shown"
    return join(
        element("p", text + "."),
        table(f"The {len(rows)} worst predictions", head, rows, hidden=True),
    )


def _line(evidence: Evidence, row: int, names: list[str]) -> list[Any]:
    true, predicted = evidence.y[row].item(), evidence.predicted[row].item()
    if evidence.classifies:
        loss = float(evidence.losses[row])
        own = [
            str(true),
            str(predicted),
            quantity(float(np.exp(-loss)), ".3g"),
            quantity(loss, ".3g"),
        ]
    else:
        own = [quantity(true), quantity(predicted), quantity(predicted - true)]
    row_of = np.array([row])
    values = [_cell(plain(take(evidence.table.columns[name], row_of))[0]) for name in names]
    return [str(evidence.numbers[row]), *own, *values]


def _cell(value: Any) -> Any:
    """A value of the table; what is missing says so."""
    if is_gap(value):
        return Cell("missing", "gap")
    if isinstance(value, str | np.datetime64):
        return str(value)
    return quantity(value.item() if hasattr(value, "item") else value)
