"""Defaults of the estimators and of ``chainrule train``: one table, read by both.

Where it is None, the preset decides; `presets` has them. Where a table or a layer is very small,
the number of epochs and the activation of "plain" follow from its size.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Literal

from chainrule.ops.hyperparameters import Hyperparameter, hyperparameter

__all__ = [
    "DEFAULTS", "default", "default_activation", "default_dtype", "default_epochs",
    "default_passes", "parameters", "proposed_hidden",
]  # fmt: skip

DEFAULTS: dict[str, Hyperparameter] = {
    record.name: record
    for record in (
        hyperparameter("learning_rate", default=None),
        hyperparameter("keep", default=None),
        hyperparameter("batch_size", default=None),
        hyperparameter("epochs", default=None),
        hyperparameter("validation_fraction"),
        hyperparameter("patience", default=None),
        hyperparameter("time_limit"),
        hyperparameter("max_levels", default=None),
        hyperparameter("memory_limit"),
        hyperparameter("threads"),
        hyperparameter("members", default=None),
        hyperparameter("bag"),
    )
}
HIDDEN = (64, 64)
PARAMETERS_PER_ROW = 5  # a rough rule: from more of them, narrower layers often did as well
ACTIVATION, NARROW_ACTIVATION = "relu", "tanh"
NARROW = 8  # of fewer rectifiers too large a share may be dead from the start
EPOCHS, UPDATES = 200, 2000  # an epoch of a small table is a single update, and 200 are too few
STREAMED = 40_000_000  # rows that a stream hands on in all its passes, if epochs is not given
LOOKED_AT = 50_000  # rows from which quantiles are learnt
FEWEST_HELD_OUT = 4  # an epoch that fewer rows choose is chosen by chance
SMALL = 4_000  # numbers in an encoded table: up to here float64 costs little time


def default(name: str) -> Any:
    """The default of a hyper-parameter as estimators use it."""
    return DEFAULTS[name].default


def proposed_hidden(inputs: int, outputs: int, rows: int) -> tuple[int, ...]:
    """Widths of hidden layers for so many training rows: the default's, narrower for few rows.

    Halved while there are more than `PARAMETERS_PER_ROW` weights and biases for each row, never
    narrower than `NARROW`.

    Examples
    --------
    >>> proposed_hidden(10, 1, 10_000), proposed_hidden(10, 1, 400)
    ((64, 64), (32, 32))
    """
    hidden = HIDDEN
    while parameters(inputs, hidden, outputs) > PARAMETERS_PER_ROW * rows and (
        min(hidden) >= 2 * NARROW
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


def default_activation(hidden: Sequence[int]) -> str:
    """The activation that suits hidden layers of these widths.

    Examples
    --------
    >>> default_activation((64, 64)), default_activation((4,))
    ('relu', 'tanh')
    """
    return NARROW_ACTIVATION if min(hidden, default=NARROW) < NARROW else ACTIVATION


def default_dtype(rows: int, width: int) -> Literal["float32", "float64"]:
    """The numbers for a table of so many encoded columns: float64 where that costs no time.

    Examples
    --------
    >>> default_dtype(150, 4), default_dtype(60_000, 784)
    ('float64', 'float32')
    """
    return "float64" if rows * width <= SMALL else "float32"


def default_epochs(rows: int, batch_size: int) -> int:
    """Most passes over so many rows: 200, or as many as make 2000 updates if that is more.

    Examples
    --------
    >>> default_epochs(100_000, 32), default_epochs(4, 32)
    (200, 2000)
    """
    return max(EPOCHS, UPDATES // -(-rows // batch_size))


def default_passes(rows: int, batch_size: int) -> int:
    """Most passes over a stream of so many rows: fewer where 200 would take hours.

    Examples
    --------
    >>> default_passes(100_000, 32), default_passes(10_000_000, 32)
    (200, 4)
    """
    return min(default_epochs(rows, batch_size), max(1, STREAMED // rows))
