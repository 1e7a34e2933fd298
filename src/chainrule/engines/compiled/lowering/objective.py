"""Lowering losses and penalties."""

from __future__ import annotations

from functools import lru_cache

from chainrule.engines.compiled.codegen import Given, Input, Output, kernel_text
from chainrule.engines.compiled.lowering.binding import Binding, Frozen, Row
from chainrule.ops.expression import Expression, Variable, row_sum
from chainrule.ops.losses import Loss
from chainrule.ops.penalties import PenaltyFunction
from chainrule.tape import Instruction
from chainrule.tape.instruction import per_row

__all__ = ["loss", "penalty"]


@lru_cache(maxsize=128)
def _loss_text(frozen: Frozen, kind: str, indices: bool, weighted: bool, leading: bool) -> str:
    """ops: z, t, [weights], [dz], [all weights]; attrs: factor, settings.

    dims: m, n, address of the totals, rows of all cores.
    """
    record: Loss = frozen.record
    blocks = len(record.scores)
    inputs: dict[str, Input | Given] = {
        name: Input(0, "element", k, blocks) for k, name in enumerate(record.scores)
    }
    inputs["t"] = Input(1, "one_hot" if indices else "element")
    prelude = ["totals = doubles(dims[2])", "loss_sum = 0.0", "metric_sum = 0.0"]
    if weighted:
        inputs["w"] = Input(2, "row")
        every = 3 if kind == "loss" else 4
        prelude += ["weight = 0.0", "for i in range(m):", "    weight += p2[i]"]
        prelude += ["whole = 0.0", "for i in range(dims[3]):", f"    whole += ops[{every}][i]"]
    else:
        prelude += ["weight = float(m)", "whole = float(dims[3])"]
    prelude += ["factor = attrs[0]", "inverse = factor / whole if whole > 0.0 else 0.0"]
    inputs["inverse"] = Given("inverse")
    share = Variable("w") * Variable("inverse") if weighted else Variable("inverse")
    target = 3 if weighted else 2
    outputs = [
        Output(slope * share, target, k, blocks)
        for k, slope in enumerate(record.slope_expressions if kind != "loss" else ())
    ]
    totals, tail = _sums(record, weighted, leading) if kind != "loss_slope" else ([], [])
    scalars = ["factor", *record.all_settings]
    return kernel_text(inputs, outputs, totals, scalars, prelude, tail)


def _sums(
    record: Loss, weighted: bool, leading: bool
) -> tuple[list[tuple[str, Expression]], list[str]]:
    """What is added up over the rows, and the lines that enter it into the totals."""
    factor = Variable("w") if weighted else 1.0
    totals = [("loss_sum", record.value_expression * factor)]
    tail = ["totals[0] += factor * loss_sum"]
    if leading:
        totals.append(("metric_sum", record.metric_expression * factor))
        tail += ["totals[1] += weight", "totals[2] += metric_sum"]
    return totals, tail


def loss(i: Instruction, at: Binding) -> Row:
    """loss, loss_slope and both in one."""
    record, kind = i.attributes["loss"], i.operation
    leading = i.attributes.get("leading", True)
    weighted = len(i.operands) > 2
    text = _loss_text(Frozen(record), kind, i.attributes["indices"], weighted, leading)
    results = () if kind == "loss" else i.results[-1:]
    operands = [at.address(x) for x in (*i.operands, *results)]
    if weighted:
        operands.append((at.whole or at).address(i.operands[2]))
    rows, columns = at.shape(i.operands[0])
    dims = [rows, columns // len(record.scores), at.totals, at.rows_of_all(i.operands[0])]
    attributes = [i.attributes.get("factor", 1.0), *record.all_settings.values()]
    return Row(at.key(f"{kind}_{record.name}", text), operands, dims, attributes)


@lru_cache(maxsize=64)
def _penalty_text(frozen: Frozen, slope: bool, own: bool) -> str:
    """ops: v, [θ of each place], [dv]; dims: m, n, address of the totals; attrs: θ, settings."""
    record: PenaltyFunction = frozen.record
    inputs: dict[str, Input | Given] = {"v": Input(0)}
    strength = Variable("strength")
    if own:
        inputs["own"] = Input(1)
        strength = strength * Variable("own")
    scalars = ["strength", *record.all_settings]
    if slope:
        output = Output(strength * record.slope_expression, 2 if own else 1)
        return kernel_text(inputs, [output], scalars=scalars)
    totals = [("penalty_sum", row_sum(strength * record.value_expression))]
    prelude = ["totals = doubles(dims[2])", "penalty_sum = 0.0"]
    return kernel_text(inputs, [], totals, scalars, prelude, ["totals[3] += penalty_sum"])


def penalty(i: Instruction, at: Binding) -> Row:
    """Penalty and penalty_slope."""
    record, slope = i.attributes["penalty"], i.operation == "penalty_slope"
    own = len(i.operands) > 1
    text = _penalty_text(Frozen(record), slope, own)
    operands = [at.address(x) for x in (*i.operands, *(i.results if slope else ()))]
    strength = 1.0 if own else i.attributes["strength"]
    if i.attributes["by_row"]:
        assert per_row(at.plan.tape.shape(i.operands[0]))
        strength /= at.rows_of_all(i.operands[0])
    attributes = [strength, *record.all_settings.values()]
    dims = [*at.shape(i.operands[0]), at.totals]  # summed row by row, the rows in float64
    return Row(at.key(f"{i.operation}_{record.name}", text), operands, dims, attributes)
