"""Layers for tables: chosen columns, branches side by side, weights for each column on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import NetworkError
from chainrule.layers.activation import emit_activation
from chainrule.layers.base import Builder, Layer, check_layers, layer, row_shape
from chainrule.layers.dense import emit_bias
from chainrule.ops.activations import ActivationFunction, activation
from chainrule.ops.formulas import formula
from chainrule.ops.hyperparameters import Hyperparameter, Interval, check
from chainrule.ops.initializers import default_initializer, initializer
from chainrule.tape.instruction import columns

__all__ = ["Columns", "Concatenate", "Parametric", "PerColumn", "Scale"]

_PLACE = Hyperparameter("start", 0, Interval("[0, inf)"), "first column, from 0", whole=True)
_DEVIATION = Hyperparameter(
    "deviation", None, Interval("(0, inf)"), "standard deviation of first weights"
)


@layer
@dataclass(frozen=True)
class Columns:
    """Some columns of the input: (n, …, width) to (n, …, stop − start).

    Parameters
    ----------
    start, stop : int
        The first column, and the one after the last.

    Examples
    --------
    >>> import chainrule as cr, numpy as np
    >>> cr.Network([Columns(1, 3)], input_shape=(4,)).predict(np.arange(4.0)[None])
    array([[1., 2.]], dtype=float32)
    """

    start: int
    stop: int

    def __post_init__(self) -> None:
        _PLACE.check(self.start)
        if not self.start < self.stop:
            raise NetworkError(
                f"Columns({self.start}, {self.stop}) chooses nothing: stop is the column after the "
                f"last one, so it must be larger than start."
            )

    def emit(self, builder: Builder, x: str) -> str:
        """Write the choice."""
        width = columns(builder.shape(x))
        if self.stop > width:
            raise NetworkError(
                f"Columns({self.start}, {self.stop}) asks for more columns than the {width} that "
                f"there are."
            )
        start, stop = int(self.start), int(self.stop)
        y = builder.tape.emit("select", [x], [f"x{builder.number}"], start=start, stop=stop)
        if x in builder.origin:
            builder.origin[y] = builder.origin[x] + start
        return y


@layer
@dataclass(frozen=True)
class Concatenate:
    """Branches on the same input, their outputs side by side: (n, …, Σ units).

    Parameters
    ----------
    branches : sequence of sequences of Layer
        An empty branch passes the input on.

    Examples
    --------
    >>> import chainrule as cr
    >>> wide_and_deep = Concatenate([[], [cr.Dense(8, "relu")]])
    >>> cr.Network([wide_and_deep, cr.Dense(1)], input_shape=(4,)).parameters["1.weight"].shape
    (12, 1)
    """

    branches: Sequence[Sequence[Layer]]

    def __post_init__(self) -> None:
        if not isinstance(self.branches, list | tuple) or len(self.branches) == 0:
            raise NetworkError(
                f"branches is {self.branches!r}: expected lists of layers, such as "
                f"[[], [Dense(8)]]."
            )
        for position, branch in enumerate(self.branches):
            check_layers(branch, f" of branch {position}")

    def emit(self, builder: Builder, x: str) -> str:
        """Write the branches one after the other, and join what they put out."""
        outer, y = builder.place, ""
        for position, branch in enumerate(self.branches):
            with builder.at(f"{outer}.{position}"):
                part = builder.run(branch, x)
            shape = builder.shape(part)
            if y and shape[:-1] != builder.shape(y)[:-1]:
                raise NetworkError(
                    f"branch {position} of a Concatenate gives rows of shape {row_shape(shape)}, "
                    f"those before {row_shape(builder.shape(y))}: all but the last number must "
                    f"agree."
                )
            y = builder.tape.emit("join", [y, part], [f"c{builder.number}"]) if y else part
        return y


@layer
@dataclass(frozen=True)
class PerColumn:
    """z = x W + b for each group of columns with weights of its own; y = f(z).

    ``PerColumn(16, "cosine")`` turns each number into 16 waves of trained frequencies and phases,
    cos(wx + b); ``PerColumn(3, groups=d)`` after it mixes those of each column (arXiv 2203.05556,
    2407.04491). The same as a Dense layer whose weights are 0 wherever an output belongs to
    another column, without the zeros.

    Parameters
    ----------
    units : int
        Outputs for each group.
    activation : str or ActivationFunction
    groups : int, optional
        Groups of neighbouring columns; if None each column is one.
    deviation : float, optional
        The first weights come from N(0, deviation²), and the biases from U(−π, π): random
        phases. If None the weights are those that suit the activation, and the biases start at 0.
    bias : bool

    Notes
    -----
    Parameters: "column_weight" (inputs, units), the rows of a group being its matrix, and
    "column_bias" (groups · units,). Shapes: (n, …, groups · inputs of each) to (n, …, groups · units).

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([PerColumn(16, "cosine", deviation=0.6), PerColumn(3, groups=5)],
    ...                  input_shape=(5,))
    >>> net.output_shape, net.parameters["1.column_weight"].shape
    ((15,), (80, 3))
    """

    units: int
    activation: str | Mapping[str, Any] | ActivationFunction = "identity"
    groups: int | None = None
    deviation: float | None = None
    bias: bool = True

    def __post_init__(self) -> None:
        check(units=self.units)
        if self.groups is not None:
            check(groups=self.groups)
        if self.deviation is not None:
            _DEVIATION.check(self.deviation)
        activation(self.activation)

    def emit(self, builder: Builder, x: str) -> str:
        """Write product, bias and activation."""
        builder.number += 1
        number, units, width = builder.number, int(self.units), columns(builder.shape(x))
        groups = width if self.groups is None else int(self.groups)
        if width % groups:
            raise NetworkError(
                f"PerColumn has groups={groups}, which does not divide the {width} columns of its "
                f"input."
            )
        record = activation(self.activation)
        weight = builder.parameter(
            "column_weight", "W", (width, units), self._draw(record, width, groups)
        )
        builder.fan_in[f"{builder.place}.column_weight"] = width // groups
        z = builder.tape.emit(
            "block_matmul", [x, weight], [f"{'p' if self.bias else 'z'}{number}"], groups=groups
        )
        if self.bias:
            turn = 0.0 if self.deviation is None else np.pi
            z = emit_bias(builder, z, groups * units, "column_bias", turn)
        return emit_activation(builder, record, z)

    def _draw(self, record: ActivationFunction, width: int, groups: int) -> Any:
        """How to draw the weights, (width, units)."""
        units, fan_in = int(self.units), width // groups
        if self.deviation is not None:
            return lambda rng: rng.normal(size=(width, units)) * self.deviation
        rule = initializer(default_initializer(record.name))
        return lambda rng: np.concatenate([rule.draw(rng, fan_in, units) for _ in range(groups)])


@layer
@dataclass(frozen=True)
class Scale:
    """y = g ⊙ x, with a trained factor for each column that starts at 1 (arXiv 2407.04491).

    Before the first Dense layer it learns which columns matter.

    Notes
    -----
    Parameter: "gain" (columns,). Shapes: (n, …, columns) to the same.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Network([Scale()], input_shape=(3,)).parameters["0.gain"]
    array([1., 1., 1.], dtype=float32)
    """

    def emit(self, builder: Builder, x: str) -> str:
        """Write the formula."""
        units = columns(builder.shape(x))
        gain = builder.parameter("gain", "g", (1, units), lambda rng: np.ones((1, units)), (units,))
        return builder.tape.emit(
            "formula", [x, gain], [f"s{builder.number}"], formula=formula("scale")
        )


@layer
@dataclass(frozen=True)
class Parametric:
    """y = z + α(f(z) − z), with a trained α for each unit that starts at 1 (arXiv 2407.04491).

    Each unit finds how much of its activation it wants; α = 0 is a linear unit.

    Parameters
    ----------
    activation : str
        f, by name.

    Notes
    -----
    Parameter: "alpha" (units,). Shapes: (n, …, units) to the same.

    Examples
    --------
    >>> import chainrule as cr
    >>> list(cr.Network([cr.Dense(8), Parametric("mish")], input_shape=(2,)).parameters)
    ['0.weight', '0.bias', '1.alpha']
    """

    activation: str

    def __post_init__(self) -> None:
        formula(f"parametric_{activation(self.activation).name}")

    def emit(self, builder: Builder, x: str) -> str:
        """Write the formula."""
        units, k = columns(builder.shape(x)), builder.number
        alpha = builder.parameter(
            "alpha", "α", (1, units), lambda rng: np.ones((1, units)), (units,)
        )
        name = f"parametric_{self.activation}"
        return builder.tape.emit("formula", [x, alpha], [f"y{k}"], formula=formula(name))
