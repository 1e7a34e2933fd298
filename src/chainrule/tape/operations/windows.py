"""Windows over a grid: patches for a convolution, pooling, and what they pass back.

A convolution is a product: `patches` writes what each position of the kernel sees as one row, the
kernel is a matrix. Its gradient is then the sum over all positions: weights are shared (000).
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.tape.instruction import Emitter, Instruction, Shape
from chainrule.tape.operations.base import Attributes, Operation, Passed, like

__all__ = ["WINDOWS"]


def _patches(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    window = attributes["window"]
    return [("n", *window.outputs, window.cells * int(shapes[0][-1]))]


def _patches_backward(
    tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]
) -> Passed:
    shape = tape.shape(i.operands[0])
    return [tape.emit("fold", [given[0] or ""], [f"d{i.operands[0]}"], shape=shape,
                      window=i.attributes["window"])]  # fmt: skip


def _pooled(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [("n", *attributes["window"].outputs, shapes[0][-1])]


def _max_backward(tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]) -> Passed:
    operands = [given[0] or "", i.operands[0], i.results[0]]
    return [tape.emit("max_pool_slope", operands, [f"d{i.operands[0]}"], **i.attributes)]


def _mean_backward(tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]) -> Passed:
    shape = tape.shape(i.operands[0])
    return [tape.emit("mean_pool_slope", [given[0] or ""], [f"d{i.operands[0]}"], shape=shape,
                      window=i.attributes["window"])]  # fmt: skip


def _given_shape(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [attributes["shape"]]


WINDOWS = (
    Operation("patches", ("x",), ("p",), _patches, "what each position of the kernel sees",
              backward=_patches_backward),
    Operation("fold", ("dp",), ("dx",), _given_shape, "each place's sum over the patches it is in"),
    Operation("max_pool", ("x",), ("y",), _pooled, "the largest number under each window",
              backward=_max_backward),
    Operation("max_pool_slope", ("dy", "x", "y"), ("dx",), like(1),
              "δ to the first place that was the largest"),
    Operation("mean_pool", ("x",), ("y",), _pooled, "the mean under each window",
              backward=_mean_backward),
    Operation("mean_pool_slope", ("dy",), ("dx",), _given_shape, "δ in equal shares"),
)  # fmt: skip
