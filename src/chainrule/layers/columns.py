"""Layers for tables: chosen columns, branches side by side, weights for each column on its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from chainrule.errors import NetworkError
from chainrule.layers.activation import emit_activation
from chainrule.layers.base import Builder, Draw, Layer, check_layers, layer, row_shape
from chainrule.layers.dense import emit_bias
from chainrule.ops.activations import ActivationFunction, activation
from chainrule.ops.formulas import formula
from chainrule.ops.hyperparameters import Hyperparameter, Interval, check
from chainrule.ops.initializers import default_initializer, initializer
from chainrule.tape.instruction import columns

__all__ = ["Columns", "Concatenate", "Parametric", "PerColumn", "PiecewiseLinear", "Scale"]

_PLACE = Hyperparameter("places", 0, Interval("[0, inf)"), "a column, counted from 0", whole=True)
_DEVIATION = Hyperparameter(
    "deviation", None, Interval("(0, inf)"), "standard deviation of first weights"
)


@layer
@dataclass(frozen=True)
class Columns:
    """Some columns of the input, in this order: (n, …, width) to (n, …, chosen).

    Parameters
    ----------
    places : sequence of int
        From 0, each at most once.

    Examples
    --------
    >>> import chainrule as cr, numpy as np
    >>> cr.Network([Columns([3, 1])], input_shape=(4,)).predict(np.arange(4.0)[None])
    array([[3., 1.]], dtype=float32)
    """

    places: Sequence[int]

    def __post_init__(self) -> None:
        places = list(self.places)
        for place in places:
            _PLACE.check(place)
        if not places or len(set(places)) < len(places):
            raise NetworkError(
                f"Columns has places {places}: expected at least one, and each at most once."
            )

    def emit(self, builder: Builder, x: str) -> str:
        """Write the choice."""
        places, width = tuple(int(place) for place in self.places), columns(builder.shape(x))
        if max(places) >= width:
            raise NetworkError(
                f"Columns asks for column {max(places)} (counted from 0), its input has {width}."
            )
        y = builder.tape.emit("select", [x], [f"x{builder.number}"], places=places)
        if x in builder.origin:
            known = builder.origin[x]
            builder.origin[y] = places if known is None else tuple(known[p] for p in places)
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
    "column_bias" (groups · units,). Shapes: (n, …, groups · inputs of each) to
    (n, …, groups · units).

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
        units, width = int(self.units), columns(builder.shape(x))
        groups = width if self.groups is None else int(self.groups)
        if width % groups:
            raise NetworkError(
                f"PerColumn has groups={groups}, which does not divide the {width} columns of its "
                f"input."
            )
        record = activation(self.activation)
        draw = self._draw(record, width, groups)
        z = _blocks(builder, x, (width, units), groups, draw, bias=self.bias)
        if self.bias:
            turn = 0.0 if self.deviation is None else np.pi
            z = emit_bias(
                builder, z, lambda rng, shape: rng.uniform(-turn, turn, shape), "column_bias"
            )
        return emit_activation(builder, record, z)

    def _draw(self, record: ActivationFunction, width: int, groups: int) -> Any:
        """How to draw the weights, (width, units)."""
        units, fan_in = int(self.units), width // groups
        if self.deviation is not None:
            return lambda rng: rng.normal(size=(width, units)) * self.deviation
        rule = initializer(default_initializer(record.name))
        return lambda rng: np.concatenate([rule.draw(rng, fan_in, units) for _ in range(groups)])


def _blocks(
    builder: Builder, x: str, shape: tuple[int, int], groups: int, draw: Draw, bias: bool = True
) -> str:
    """The product of each group of columns with its block of a new weight of this shape."""
    builder.number += 1
    weight = builder.parameter("column_weight", "W", shape, draw)
    builder.fan_in[f"{builder.place}.column_weight"] = shape[0] // groups
    name = f"{'p' if bias else 'z'}{builder.number}"
    return builder.tape.emit("block_matmul", [x, weight], [name], groups=groups)


@layer
@dataclass(frozen=True)
class PiecewiseLinear:
    """Each number as ramps over its intervals: −1 left of one, 1 right of it, straight within.

    y = hard_tanh(2(x − a)/(b − a) − 1) for each interval from a to b of each column: the
    piecewise linear encoding of Gorishniy et al. (arXiv 2203.05556), on which a linear layer can
    form any function with corners at the edges. The edges are first values: they are trained.

    Parameters
    ----------
    edges : sequence of sequences of float
        For each column its edges in rising order, such as quantiles of the training rows. A column
        may have fewer than others; one with a single edge says nothing.

    Notes
    -----
    Parameters: "column_weight" (columns, bins), 2/(b − a), and "column_bias" (columns · bins,),
    bins being the largest number of intervals. Shapes: (n, columns) to (n, columns · bins).

    Examples
    --------
    >>> import chainrule as cr, numpy as np
    >>> net = cr.Network([PiecewiseLinear([[0.0, 1.0, 3.0]])], input_shape=(1,))
    >>> net.predict(np.array([[0.0], [0.5], [2.0], [9.0]])).tolist()
    [[-1.0, -1.0], [0.0, -1.0], [1.0, 0.0], [1.0, 1.0]]
    """

    edges: Sequence[Sequence[float]]

    def __post_init__(self) -> None:
        if not len(self.edges) or max(map(len, self.edges)) < 2:
            raise NetworkError(
                "PiecewiseLinear needs edges for each column, and two of them or more for one of "
                "the columns, such as [[0.0, 0.5, 1.0], [2.0, 4.0]]."
            )
        for column, edges in enumerate(self.edges):
            if not (np.isfinite(edges).all() and (np.diff(edges) > 0).all()):
                raise NetworkError(
                    f"the edges of column {column} are {list(edges)}: expected finite numbers in "
                    f"rising order."
                )

    def emit(self, builder: Builder, x: str) -> str:
        """Write product, bias and ramps."""
        width = columns(builder.shape(x))
        if width != len(self.edges):
            raise NetworkError(
                f"PiecewiseLinear has edges for {len(self.edges)} columns, its input has {width}."
            )
        weight, bias = self._ramps()
        z = _blocks(builder, x, weight.shape, width, lambda rng: weight)
        z = emit_bias(builder, z, lambda rng, shape: bias.reshape(shape), "column_bias")
        return emit_activation(builder, activation("hard_tanh"), z)

    def _ramps(self) -> tuple[np.ndarray, np.ndarray]:
        """Weights and biases of all ramps, (columns, bins) each; 0 where there is none."""
        bins = max(map(len, self.edges)) - 1
        weight, bias = np.zeros((2, len(self.edges), bins))
        for column, edges in enumerate(self.edges):
            low, high = np.array(edges[:-1], float), np.array(edges[1:], float)
            weight[column, : len(low)] = 2 / (high - low)
            bias[column, : len(low)] = -(high + low) / (high - low)
        return weight, bias


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
