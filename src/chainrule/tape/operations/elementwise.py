"""Operations that go through their operands place by place, or along each row."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.errors import NetworkError
from chainrule.ops.formulas import Formula
from chainrule.tape.instruction import Emitter, Instruction, Shape
from chainrule.tape.operations.base import Attributes, Operation, Passed, like

__all__ = ["ELEMENTWISE"]


def _add_bias_backward(
    tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]
) -> Passed:
    dz = given[0] or ""
    db = tape.emit("column_sum", [dz], [f"d{i.operands[1]}"]) if wanted[1] else None
    return dz, db


def _activate_backward(
    tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]
) -> Passed:
    record = i.attributes["activation"]
    if record.slope is None:
        raise NetworkError(
            f"activation '{record.name}' cannot be trained by gradients: {record.untrainable}."
        )
    kept = {"z": i.operands[0], "y": i.results[0]}
    operands = [given[0] or "", *(kept[name] for name in record.slope_reads)]
    return [tape.emit("slope", operands, [f"d{i.operands[0]}"], activation=record)]


def _dropout_backward(
    tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]
) -> Passed:
    # The mask is drawn anew from (seed, step, place), so only kept units pass the gradient.
    return [tape.emit("dropout", [given[0] or ""], [f"d{i.operands[0]}"], **i.attributes)]


def _add_backward(tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]) -> Passed:
    return given[0], given[0]


def _bias_activate(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [shapes[0]] * (2 if attributes["keeps_z"] else 1)


# ------------------------------------------------------------------- formulas


def _formula_shapes(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    record: Formula = attributes["formula"]
    element = next(k for k, operand in enumerate(record.operands) if operand.kind == "element")
    whole, blocks = shapes[element], len(record.operands[element].names)
    result = (*whole[:-1], int(whole[-1]) // blocks)
    for operand, shape in zip(record.operands, shapes, strict=True):
        width = int(result[-1]) * len(operand.names)
        expected = (1, width) if operand.kind == "column" else (*result[:-1], width)
        if shape != expected:
            raise NetworkError(
                f"formula '{record.name}': {'|'.join(operand.names)} has shape {shape}, expected "
                f"{expected}."
            )
    return [result] * len(record.outputs)


def _formula_backward(
    tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]
) -> Passed:
    record: Formula = i.attributes["formula"]
    chosen = [k for k, want in enumerate(wanted) if want]
    names = tuple(n for n, g in zip(record.outputs, given, strict=True) if g is not None)
    reads = record.reads(names, chosen)
    kept = [i.results[record.outputs.index(name)] for name in reads]
    results = tape.emit_all(
        "formula_slope",
        [*(g for g in given if g is not None), *i.operands, *kept],
        [f"d{i.operands[k]}" for k in chosen],
        formula=record,
        given=names,
        wanted=tuple(chosen),
        reads=reads,
    )
    passed: list[str | None] = [None] * len(i.operands)
    for k, name in zip(chosen, results, strict=True):
        column = record.operands[k].kind == "column"
        passed[k] = tape.emit("column_sum", [name], [f"d{i.operands[k]}"]) if column else name
    return passed


def _formula_slope_shapes(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    record: Formula = attributes["formula"]
    whole = shapes[0]
    return [
        (*whole[:-1], int(whole[-1]) * len(record.operands[k].names)) for k in attributes["wanted"]
    ]


ELEMENTWISE = (
    Operation("add_bias", ("z", "b"), ("z",), like(0), "z + b, b added to every row", {0: 0},
              _add_bias_backward),
    Operation("activate", ("z",), ("y",), like(0), "y = f(z)", {0: 0}, _activate_backward),
    Operation("bias_activate", ("z", "b"), ("y", "…"), _bias_activate,
              "y = f(z + b); also z + b where the slope reads it"),
    Operation("slope", ("dy", "…"), ("dz",), like(0), "δ = dy ⊙ f′", {0: 0}),
    Operation("dropout", ("y",), ("d",), like(0), "y/keep for units that are kept, else 0", {0: 0},
              _dropout_backward),
    Operation("add", ("a", "b"), ("c",), like(0), "a + b", {0: 0}, _add_backward),
    Operation("fill", (), ("y",), lambda s, a: [a["shape"]], "the same number everywhere"),
    Operation("formula", ("x", "…"), ("y", "…"), _formula_shapes, "y = f(x, …)",
              backward=_formula_backward),
    Operation("formula_slope", ("dy", "…"), ("dx", "…"), _formula_slope_shapes,
              "what the formula passes back"),
)  # fmt: skip
