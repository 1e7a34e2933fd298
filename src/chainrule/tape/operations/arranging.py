"""Operations that move numbers or see them otherwise, and sums over rows."""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.errors import NetworkError
from chainrule.tape.instruction import Emitter, Instruction, Shape, cells
from chainrule.tape.operations.base import Attributes, Operation, Passed, like

__all__ = ["ARRANGING"]


def _gather(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [attributes.get("shape") or ("n", shapes[0][1])]


def _flat(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [("n", cells(shapes[0]))]


def _reshaped(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    shape: Shape = attributes["shape"]
    if cells(shape) != cells(shapes[0]) or shape.count("n") != shapes[0].count("n"):
        raise NetworkError(f"a value of shape {shapes[0]} cannot be read as {shape}.")
    return [shape]


def _reshape_backward(
    tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]
) -> Passed:
    return [tape.emit("reshape", [given[0] or ""], [f"d{i.operands[0]}"],
                      shape=tape.shape(i.operands[0]))]  # fmt: skip


def _parts(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [shapes[0][1:]] * int(shapes[0][0])


def _unstack_backward(
    tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]
) -> Passed:
    shape = tape.shape(i.results[0])
    parts = [
        tape.emit("fill", [], [f"d{name}"], shape=shape, value=0.0) if g is None else g
        for name, g in zip(i.results, given, strict=True)
    ]
    return [tape.emit("stack", parts, [f"d{i.operands[0]}"])]


def _stacked(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    if any(s != shapes[0] for s in shapes):
        raise NetworkError(f"values of shapes {sorted(set(map(str, shapes)))} cannot be stacked.")
    return [(len(shapes), *shapes[0])]


def _stack_backward(tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]) -> Passed:
    return tape.emit_all("unstack", [given[0] or ""], [f"d{o}" for o in i.operands])


def _swapped(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    first, second, *rest = shapes[0]
    return [(second, first, *rest)]


def _swap_backward(tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]) -> Passed:
    return [tape.emit("swap", [given[0] or ""], [f"d{i.operands[0]}"])]


def _looked_up(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [(*shapes[0], shapes[1][1])]


def _lookup_backward(
    tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]
) -> Passed:
    tokens, table = i.operands
    rows = int(tape.shape(table)[0])
    return None, tape.emit("lookup_slope", [tokens, given[0] or ""], [f"d{table}"], rows=rows)


def _looked_up_slope(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [(attributes["rows"], shapes[1][-1])]


def _one_row(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [(1, shapes[0][-1])]


def _selected(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    places, width = attributes["places"], int(shapes[0][-1])
    if not all(0 <= place < width for place in places):
        raise NetworkError(f"columns {places} are not all there: a row has {width}.")
    return [(*shapes[0][:-1], len(places))]


def _select_backward(
    tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]
) -> Passed:
    (x,), places = i.operands, i.attributes["places"]
    width = tape.shape(x)[-1]
    return [tape.emit("place", [given[0] or ""], [f"d{x}"], places=places, width=width)]


def _placed(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    return [(*shapes[0][:-1], attributes["width"])]


def _joined(shapes: Sequence[Shape], attributes: Attributes) -> list[Shape]:
    a, b = shapes
    if a[:-1] != b[:-1]:
        raise NetworkError(f"values of shapes {a} and {b} cannot stand side by side.")
    return [(*a[:-1], int(a[-1]) + int(b[-1]))]


def _join_backward(tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]) -> Passed:
    first, second = (int(tape.shape(o)[-1]) for o in i.operands)
    every = tuple(range(first + second))
    return [
        tape.emit("select", [given[0] or ""], [f"d{o}"], places=places) if want else None
        for o, want, places in zip(i.operands, wanted, (every[:first], every[first:]), strict=True)
    ]


def _mean_backward(tape: Emitter, i: Instruction, given: Passed, wanted: Sequence[bool]) -> Passed:
    return [tape.emit("spread", [given[0] or "", i.operands[0]], [f"d{i.operands[0]}"])]


ARRANGING = (
    Operation("gather", ("source",), ("x",), _gather, "the rows of this minibatch"),
    Operation("store", ("y",), ("out",), _flat, "write the rows of this minibatch to the result"),
    Operation("reshape", ("x",), ("y",), _reshaped, "the same numbers in another shape",
              backward=_reshape_backward, view=True),
    Operation("unstack", ("x",), ("y", "…"), _parts, "the parts along the first dimension",
              backward=_unstack_backward, view=True),
    Operation("stack", ("x", "…"), ("y",), _stacked, "the parts as one value",
              backward=_stack_backward, view=True),
    Operation("copy", ("x",), ("y",), like(0), "the same numbers in another place"),
    Operation("swap", ("x",), ("y",), _swapped, "the first two dimensions change places",
              backward=_swap_backward),
    Operation("lookup", ("x", "E"), ("e",), _looked_up, "row x of E for each token x",
              backward=_lookup_backward),
    Operation("lookup_slope", ("x", "de"), ("dE",), _looked_up_slope,
              "row x of dE = Σ δ of the tokens x", sums_rows=True),
    Operation("select", ("x",), ("y",), _selected, "some columns", backward=_select_backward),
    Operation("place", ("dy",), ("dx",), _placed, "columns back in their place, 0 in the others"),
    Operation("join", ("a", "b"), ("y",), _joined, "the columns of a, then those of b",
              backward=_join_backward),
    Operation("column_sum", ("dz",), ("db",), _one_row, "db = Σ δ over the rows",
              sums_rows=True),
    Operation("column_mean", ("z",), ("m",), _one_row, "mean of each column",
              backward=_mean_backward, sums_rows=True),
    Operation("spread", ("dm", "z"), ("dz",), like(1), "δ/n, the same in every row"),
)  # fmt: skip
