"""Layers that keep the numbers within bounds: LayerNorm and BatchNorm."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.layers.base import Builder, layer
from chainrule.layers.dense import emit_bias
from chainrule.ops.formulas import formula
from chainrule.ops.hyperparameters import hyperparameter
from chainrule.tape.instruction import columns

__all__ = ["BatchNorm", "LayerNorm"]

_MEMORY = hyperparameter("statistics_memory", name="memory")


def _scaled(builder: Builder, x: str) -> str:
    """γ ⊙ x + β, γ starting at 1 and β at 0."""
    units = columns(builder.shape(x))
    gain = builder.parameter("gain", "g", (1, units), lambda rng: np.ones((1, units)), (units,))
    tape, k = builder.tape, builder.number
    return emit_bias(builder, tape.emit("formula", [x, gain], [f"p{k}"], formula=formula("scale")))


@layer
@dataclass(frozen=True)
class LayerNorm:
    """y = γ ⊙ (x − mean)/√(variance + ε) + β, mean and variance of each row (arXiv 1607.06450).

    Parameters
    ----------
    epsilon : float

    Notes
    -----
    Parameters: "gain" γ and "bias" β, (units,) each. It works on the last dimension.

    Examples
    --------
    >>> import chainrule as cr
    >>> sorted(cr.Network([LayerNorm()], input_shape=(5,)).parameters)
    ['0.bias', '0.gain']
    """

    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        formula("normalise", epsilon=self.epsilon)

    def emit(self, builder: Builder, x: str) -> str:
        """Write the normalisation: (n, …, units) to the same shape."""
        builder.number += 1
        record = formula("normalise", epsilon=self.epsilon)
        return _scaled(
            builder, builder.tape.emit("formula", [x], [f"u{builder.number}"], formula=record)
        )


@layer
@dataclass(frozen=True)
class BatchNorm:
    """y = γ ⊙ (x − mean)/√(variance + ε) + β, of each column over the minibatch (arXiv 1502.03167).

    Predictions use running means of both, so that a row's prediction depends on no other row.

    Parameters
    ----------
    memory : float
        Share of a running mean that is kept at each step; at the start of a training run it is
        the mean of the minibatches so far.
    epsilon : float

    Notes
    -----
    Parameters: "gain" γ and "bias" β, (units,) each; statistics: "mean" and "variance". After a
    convolution a column is a channel, over all places of all rows.

    Examples
    --------
    >>> import chainrule as cr
    >>> sorted(cr.Network([BatchNorm()], input_shape=(5,)).statistics)
    ['0.mean', '0.variance']
    """

    memory: float = _MEMORY.default
    epsilon: float = 1e-5

    def __post_init__(self) -> None:
        _MEMORY.check(self.memory)
        formula("standardise", epsilon=self.epsilon)

    def emit(self, builder: Builder, x: str) -> str:
        """Write the normalisation: (n, …, units) to the same shape."""
        builder.number += 1
        tape, k, units = builder.tape, builder.number, columns(builder.shape(x))
        mean = builder.statistic("mean", "m", units, 0.0)
        variance = builder.statistic("variance", "v", units, 1.0)
        running = [mean, variance]
        if builder.training:
            mean = tape.emit("column_mean", [x], [f"m{k}"])
        centred = tape.emit("formula", [x, mean], [f"u{k}"], formula=formula("centre"))
        if builder.training:
            squares = tape.emit("formula", [centred], [f"s{k}"], formula=formula("square"))
            variance = tape.emit("column_mean", [squares], [f"v{k}"])
            for old, new in zip(running, (mean, variance), strict=True):
                settings = {"memory": float(self.memory), "warm": True}
                builder.after.append(("blend", [old, new], settings, True))
        record = formula("standardise", epsilon=self.epsilon)
        return _scaled(
            builder, tape.emit("formula", [centred, variance], [f"u{k}"], formula=record)
        )
