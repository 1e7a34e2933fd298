"""Dropout."""

from __future__ import annotations

from dataclasses import dataclass

from chainrule.layers.base import Builder, layer
from chainrule.ops.hyperparameters import HYPERPARAMETERS, check

__all__ = ["Dropout"]


@layer
@dataclass(frozen=True)
class Dropout:
    """In training keep each unit with probability `keep` and divide it by `keep`, else set it to 0.

    So the expected output is the one used for prediction, where nothing is dropped (inverted
    dropout; 001 and 003 scale at prediction instead, which comes to the same). Only kept units
    pass the gradient back. Shapes: (n, units) to (n, units).

    Parameters
    ----------
    keep : float
        Probability in (0, 1].

    Examples
    --------
    >>> Dropout(keep=0.5)
    Dropout(keep=0.5)
    """

    keep: float = HYPERPARAMETERS["keep"].default

    def __post_init__(self) -> None:
        check(keep=self.keep)

    def emit(self, builder: Builder, x: str) -> str:
        """Write the mask while training: x (n, units) to (n, units)."""
        if not builder.training or self.keep == 1:
            return x
        builder.masks += 1  # masks of different layers are independent
        return builder.tape.emit(
            "dropout", [x], [f"d{builder.number}"], keep=float(self.keep), salt=builder.masks
        )
