"""Tokens to vectors."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from chainrule.errors import NetworkError
from chainrule.layers.base import Builder, layer
from chainrule.ops.hyperparameters import HYPERPARAMETERS, check
from chainrule.tape.instruction import columns

__all__ = ["Embedding"]


@layer
@dataclass(frozen=True)
class Embedding:
    """A vector of trained numbers for each token: (n, steps) to (n, steps, width).

    The same as a Dense layer on one-hot rows, without the zeros (003).

    Parameters
    ----------
    vocabulary : int
        Tokens are 0 … vocabulary − 1.
    width : int

    Notes
    -----
    Parameter: "weight" (vocabulary, width), drawn from N(0, 1/width).

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.Network([Embedding(50, 8)], input_shape=(20,)).output_shape
    (20, 8)
    """

    vocabulary: int
    width: int = HYPERPARAMETERS["width"].default

    def __post_init__(self) -> None:
        check(vocabulary=self.vocabulary, width=self.width)

    def emit(self, builder: Builder, x: str) -> str:
        """Write the look-up: tokens (n, steps) to (n, steps, width)."""
        if x not in builder.origin or len(builder.shape(x)) != 2:
            raise NetworkError(
                "Embedding reads tokens, so it must be the first layer, with input_shape=(steps,), "
                "or follow Columns that choose tokens of the input."
            )
        builder.number += 1
        vocabulary = int(self.vocabulary)
        for place in builder.origin[x] or range(columns(builder.shape(x))):
            builder.tokens[place] = min(vocabulary, builder.tokens.get(place, vocabulary))
        shape = (vocabulary, int(self.width))
        table = builder.parameter(
            "weight", "E", shape, lambda rng: rng.normal(size=shape) / np.sqrt(shape[1])
        )
        return builder.tape.emit("lookup", [x, table], [f"y{builder.number}"])
