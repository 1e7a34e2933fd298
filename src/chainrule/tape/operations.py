"""Every kind of instruction: its shapes, what may share memory, and its backward rule.

The backward rule stands beside the operation and emits instructions of the same set, so the
gradient of a network is a tape like any other. Rules follow the notes' "for k = N … 1":
δ flows from the loss to the inputs, each rule turning ∂Err/∂result into ∂Err/∂operand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from chainrule.errors import NetworkError
from chainrule.tape.instruction import Emitter, Instruction, Shape

__all__ = ["OPERATIONS", "Operation"]

Attributes = Mapping[str, Any]
ShapeRule = Callable[[Sequence[Shape], Attributes], list[Shape]]
# (tape, instruction, ∂Err/∂result, which operands are wanted) -> ∂Err/∂operand or None, each
Backward = Callable[[Emitter, Instruction, str, Sequence[bool]], Sequence[str | None]]


@dataclass(frozen=True)
class Operation:
    """One kind of instruction.

    Attributes
    ----------
    name : str
    operands, results : tuple of str
        Formal names; a last operand "…" stands for any number more.
    shapes : callable
        Shapes of the results from the shapes of the operands; raises `NetworkError` if these
        do not fit.
    summary : str
        What it computes, in one line.
    in_place : mapping of int to int
        Result -> operand whose memory it may overwrite when nobody reads that operand later.
    backward : callable or None
        Emits the gradient; None if there is none to emit.
    updates : bool
        Whether it changes parameters, so it must come after every gradient.
    """

    name: str
    operands: tuple[str, ...]
    results: tuple[str, ...]
    shapes: ShapeRule
    summary: str
    in_place: Mapping[int, int]
    backward: Backward | None = None
    updates: bool = False


def _same(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [shapes[0]]


def _product(transposed: str) -> ShapeRule:
    def shapes_of(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
        (rows, inner), (inner_b, columns) = shapes
        if transposed == "a":
            rows, inner = inner, rows
        if transposed == "b":
            inner_b, columns = columns, inner_b  # type: ignore[assignment]
        if inner != inner_b:
            raise NetworkError(
                f"a product of shapes {shapes[0]} and {shapes[1]} does not fit: {inner} columns "
                f"meet {inner_b} rows."
            )
        return [(rows, int(columns))]

    return shapes_of


def _gather(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [("n", shapes[0][1])]


def _one_number(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [(1, 1)]


def _matmul_backward(
    tape: Emitter, i: Instruction, dz: str, wanted: Sequence[bool]
) -> Sequence[str | None]:
    x, w = i.operands
    dw = tape.emit("matmul_tn", [x, dz], [f"d{w}"]) if wanted[1] else None
    dx = tape.emit("matmul_nt", [dz, w], [f"d{x}"]) if wanted[0] else None
    return dx, dw


def _add_bias_backward(
    tape: Emitter, i: Instruction, dz: str, wanted: Sequence[bool]
) -> Sequence[str | None]:
    db = tape.emit("column_sum", [dz], [f"d{i.operands[1]}"]) if wanted[1] else None
    return dz, db


def _activate_backward(
    tape: Emitter, i: Instruction, dy: str, wanted: Sequence[bool]
) -> Sequence[str | None]:
    record = i.attributes["activation"]
    if record.slope is None:
        raise NetworkError(
            f"activation '{record.name}' cannot be trained by gradients: {record.untrainable}."
        )
    kept = {"z": i.operands[0], "y": i.results[0]}
    operands = [dy, *(kept[name] for name in record.slope_reads)]
    return [tape.emit("slope", operands, [f"d{i.operands[0]}"], activation=record)]


def _dropout_backward(
    tape: Emitter, i: Instruction, dy: str, wanted: Sequence[bool]
) -> Sequence[str | None]:
    # The mask is drawn anew from (seed, step, place), so only kept units pass the gradient.
    return [tape.emit("dropout", [dy], [f"d{i.operands[0]}"], **i.attributes)]


def _loss_backward(
    tape: Emitter, i: Instruction, dloss: str, wanted: Sequence[bool]
) -> Sequence[str | None]:
    dz = tape.emit("loss_slope", i.operands, [f"d{i.operands[0]}"], **i.attributes)
    return [dz, *[None] * (len(i.operands) - 1)]


def _add_backward(
    tape: Emitter, i: Instruction, dc: str, wanted: Sequence[bool]
) -> Sequence[str | None]:
    return dc, dc


def _fused_loss(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [(1, 1), shapes[0]]


def _bias_activate(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [shapes[0]] * (2 if attributes["keeps_z"] else 1)


def _state(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [shapes[0], *shapes[2:]]


OPERATIONS: dict[str, Operation] = {
    o.name: o
    for o in (
        Operation("gather", ("source",), ("x",), _gather,
                  "the rows of this minibatch", {}),
        Operation("store", ("y",), ("out",), _same,
                  "write the rows of this minibatch to the result", {}),
        Operation("matmul", ("x", "W"), ("z",), _product(""),
                  "z = x W", {}, _matmul_backward),
        Operation("matmul_tn", ("x", "dz"), ("dW",), _product("a"),
                  "dW = xᵀ δ", {}),
        Operation("matmul_nt", ("dz", "W"), ("dx",), _product("b"),
                  "dx = δ Wᵀ", {}),
        Operation("add_bias", ("z", "b"), ("z",), _same,
                  "z + b, b added to every row", {0: 0}, _add_bias_backward),
        Operation("column_sum", ("dz",), ("db",), lambda s, a: [(1, s[0][1])],
                  "db = Σ δ over the rows", {}),
        Operation("activate", ("z",), ("y",), _same,
                  "y = f(z)", {0: 0}, _activate_backward),
        Operation("bias_activate", ("z", "b"), ("y", "…"), _bias_activate,
                  "y = f(z + b); also z + b where the slope reads it", {}),
        Operation("slope", ("dy", "…"), ("dz",), _same,
                  "δ = dy ⊙ f′", {0: 0}),
        Operation("dropout", ("y",), ("d",), _same,
                  "y/keep for units that are kept, else 0", {0: 0}, _dropout_backward),
        Operation("add", ("a", "b"), ("c",), _same,
                  "a + b", {0: 0}, _add_backward),
        Operation("loss", ("z", "t", "…"), ("L",), _one_number,
                  "mean loss of the rows", {}, _loss_backward),
        Operation("loss_slope", ("z", "t", "…"), ("dz",), _same,
                  "δ = ∂L/∂z", {}),
        Operation("loss_and_slope", ("z", "t", "…"), ("L", "dz"), _fused_loss,
                  "mean loss and δ = ∂L/∂z in one pass", {}),
        Operation("update", ("w", "g", "…"), ("w", "…"), _state,
                  "the optimizer's rule", {0: 0}, updates=True),
    )
}  # fmt: skip
