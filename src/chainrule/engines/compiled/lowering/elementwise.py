"""Lowering formulas: place by place, or along each row."""

from __future__ import annotations

from functools import lru_cache

from chainrule.engines.compiled.codegen import Input, Output, kernel_text
from chainrule.engines.compiled.lowering.binding import Binding, Frozen, Row, numbered
from chainrule.ops.activations import ActivationFunction
from chainrule.ops.expression import Variable
from chainrule.ops.formulas import Formula
from chainrule.tape import Instruction

__all__ = ["activation", "formula", "formula_slope", "total"]


@lru_cache(maxsize=512)
def _activation_text(record: Frozen, kind: str, in_place: bool) -> str:
    activation: ActivationFunction = record.record
    scalars = list(activation.all_settings)
    if kind == "slope":
        slope, reads = activation.slope_expression, activation.slope_reads
        inputs = {"dy": Input(0)} | {name: Input(1 + k) for k, name in enumerate(reads)}
        target = 0 if in_place else 1 + len(reads)
        return kernel_text(inputs, [Output(Variable("dy") * slope, target)], scalars=scalars)
    if kind == "activate":
        output = Output(activation.value_expression, 0 if in_place else 1)
        return kernel_text({"z": Input(0)}, [output], scalars=scalars)
    # z stands for the sum p + b wherever the formula reads it.
    z = Variable("p") + Variable("b")
    inputs = {"p": Input(0), "b": Input(1, "column")}
    summed = activation.value(z, **{name: Variable(name) for name in scalars})
    if kind == "bias_keeps_z":
        outputs = [Output(summed, 2), Output(z, 0 if in_place else 3)]
    else:
        outputs = [Output(summed, 0 if in_place else 2)]
    return kernel_text(inputs, outputs, scalars=scalars)


def activation(i: Instruction, at: Binding) -> Row:
    """activate, bias_activate and slope."""
    record = i.attributes["activation"]
    kind, over = i.operation, i.results[0]
    if kind == "bias_activate":
        kind = "bias_keeps_z" if i.attributes["keeps_z"] else "bias"
        over = i.results[-1]
    in_place = at.same_place(i.operands[0], over)
    text = _activation_text(Frozen(record), kind, in_place)
    operands = [at.address(x) for x in (*i.operands, *i.results)]
    attributes = [float(v) for v in record.all_settings.values()]
    return Row(at.key(f"{kind}_{record.name}", text), operands, [*at.shape(over)], attributes)


@lru_cache(maxsize=16)
def _sum_text(second: str, operands: tuple[int, ...]) -> str:
    a, b, result = operands
    inputs = {"a": Input(a), "b": Input(b, second)}  # type: ignore[arg-type]
    return kernel_text(inputs, [Output(Variable("a") + Variable("b"), result)])


def total(i: Instruction, at: Binding) -> Row:
    """Add and add_bias."""
    a, b = i.operands
    operands = [at.address(x) for x in (a, b, i.results[0])]
    kind = "column" if i.operation == "add_bias" else "element"
    text = _sum_text(kind, numbered(operands))
    return Row(at.key(i.operation, text), operands, [*at.shape(a)])


# ------------------------------------------------------------------- formulas


def _inputs(record: Formula, places: tuple[int, ...]) -> dict[str, Input]:
    return {
        name: Input(place, operand.kind, block, len(operand.names))
        for operand, place in zip(record.operands, places, strict=True)
        for block, name in enumerate(operand.names)
    }


@lru_cache(maxsize=256)
def _formula_text(frozen: Frozen, places: tuple[int, ...]) -> str:
    record: Formula = frozen.record
    count = len(record.operands)
    outputs = [
        Output(e, place)
        for e, place in zip(record.expressions.values(), places[count:], strict=True)
    ]
    return kernel_text(_inputs(record, places[:count]), outputs, scalars=list(record.all_settings))


def formula(i: Instruction, at: Binding) -> Row:
    """The results of a formula."""
    record = i.attributes["formula"]
    operands = [at.address(x) for x in (*i.operands, *i.results)]
    text = _formula_text(Frozen(record), numbered(operands))
    attributes = list(record.all_settings.values())
    return Row(at.key(record.name, text), operands, [*at.shape(i.results[0])], attributes)


@lru_cache(maxsize=256)
def _slope_text(
    frozen: Frozen, given: tuple[str, ...], wanted: tuple[int, ...], places: tuple[int, ...]
) -> str:
    """ops: ∂L/∂output of each given, the operands, the outputs that are read, the results."""
    record: Formula = frozen.record
    first, count, reads = len(given), len(record.operands), record.reads(given, wanted)
    last = first + count + len(reads)
    inputs = {f"d{name}": Input(places[k]) for k, name in enumerate(given)}
    inputs |= _inputs(record, places[first : first + count])
    inputs |= {name: Input(places[first + count + k]) for k, name in enumerate(reads)}
    chosen = [record.operands[k] for k in wanted]
    passed = record.pulled(given, [name for operand in chosen for name in operand.names])
    outputs = [
        Output(passed[name], place, block, len(operand.names))
        for operand, place in zip(chosen, places[last:], strict=True)
        for block, name in enumerate(operand.names)
    ]
    return kernel_text(inputs, outputs, scalars=list(record.all_settings))


def formula_slope(i: Instruction, at: Binding) -> Row:
    """What a formula passes back to its operands."""
    record, given = i.attributes["formula"], i.attributes["given"]
    operands = [at.address(x) for x in (*i.operands, *i.results)]
    text = _slope_text(Frozen(record), given, i.attributes["wanted"], numbered(operands))
    attributes = list(record.all_settings.values())
    key = at.key(f"{record.name}_slope", text)
    return Row(key, operands, [*at.shape(i.operands[0])], attributes)
