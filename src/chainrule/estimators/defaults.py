"""Defaults of the estimators and of ``chainrule train``: one table, read by both.

They suit tables of a few hundred to a few hundred thousand rows: two layers of 64 rectifiers, Adam,
and as many epochs as the validation rows ask for.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

from chainrule.ops.hyperparameters import Hyperparameter, hyperparameter

__all__ = ["DEFAULTS", "default", "parameters", "proposed_hidden"]

DEFAULTS: dict[str, Hyperparameter] = {
    record.name: record
    for record in (
        hyperparameter("learning_rate", default=None),
        hyperparameter("keep", default=1.0),
        hyperparameter("batch_size"),
        hyperparameter("epochs", default=200),
        hyperparameter("validation_fraction"),
        hyperparameter("patience", default=20),
        hyperparameter("time_limit"),
        hyperparameter("max_levels"),
        hyperparameter("threads"),
    )
}
HIDDEN = (64, 64)
PARAMETERS_PER_ROW = 5  # from more of them, narrower layers did as well or better on small tables
NARROWEST = 8
ACTIVATION = "relu"
OPTIMIZER = "adam"


def default(name: str) -> Any:
    """The default of a hyper-parameter as estimators use it."""
    return DEFAULTS[name].default


def proposed_hidden(inputs: int, outputs: int, rows: int) -> tuple[int, ...]:
    """Widths of hidden layers for so many training rows: the default's, narrower for few rows.

    Halved while there are more than `PARAMETERS_PER_ROW` weights and biases for each row, never
    narrower than `NARROWEST`.

    Examples
    --------
    >>> proposed_hidden(10, 1, 10_000), proposed_hidden(10, 1, 400)
    ((64, 64), (32, 32))
    """
    hidden = HIDDEN
    while parameters(inputs, hidden, outputs) > PARAMETERS_PER_ROW * rows and (
        min(hidden) >= 2 * NARROWEST
    ):
        hidden = tuple(width // 2 for width in hidden)
    return hidden


def parameters(inputs: int, hidden: Sequence[int], outputs: int) -> int:
    """Weights and biases of dense layers, Σ (fan_in + 1) fan_out.

    Examples
    --------
    >>> parameters(4, (3,), 2)
    23
    """
    widths = [inputs, *hidden, outputs]
    return sum((a + 1) * b for a, b in pairwise(widths))
