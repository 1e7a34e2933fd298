"""From an instruction to a row of the program: which kernel, which addresses, which numbers."""

from __future__ import annotations

from collections.abc import Callable

from chainrule.engines.compiled.lowering import (
    arranging,
    elementwise,
    objective,
    products,
    updates,
)
from chainrule.engines.compiled.lowering.arranging import MATRIX
from chainrule.engines.compiled.lowering.binding import Binding, Row
from chainrule.tape import Instruction

__all__ = ["LOWER", "MATRIX", "Binding", "Row", "lower"]


def lower(i: Instruction, at: Binding) -> Row | None:
    """The row of the program that carries out an instruction, or None if there is nothing to do."""
    return LOWER[i.operation](i, at)


def _nothing(i: Instruction, at: Binding) -> None:
    """A view: the plan has put its results where its operands lie."""


LOWER: dict[str, Callable[[Instruction, Binding], Row | None]] = {
    "gather": arranging.move,
    "store": arranging.move,
    "reshape": _nothing,
    "unstack": _nothing,
    "stack": _nothing,
    "copy": arranging.copy,
    "swap": arranging.swap,
    "fill": arranging.fill,
    "lookup": arranging.lookup,
    "lookup_slope": arranging.lookup,
    "select": arranging.columns,
    "place": arranging.columns,
    "join": arranging.join,
    "matmul": products.product,
    "matmul_tn": products.product,
    "matmul_nt": products.product,
    "block_matmul": products.blocks,
    "block_matmul_tn": products.blocks,
    "block_matmul_nt": products.blocks,
    "matmul_add": products.product,
    "matmul_tn_add": products.product,
    "matmul_nt_add": products.product,
    "add_bias": elementwise.total,
    "add": elementwise.total,
    "column_sum": arranging.column_sum,
    "column_mean": arranging.column_sum,
    "spread": arranging.spread,
    "activate": elementwise.activation,
    "bias_activate": elementwise.activation,
    "slope": elementwise.activation,
    "dropout": arranging.dropout,
    "formula": elementwise.formula,
    "formula_slope": elementwise.formula_slope,
    "patches": arranging.window,
    "fold": arranging.window,
    "max_pool": arranging.window,
    "max_pool_slope": arranging.window,
    "mean_pool": arranging.window,
    "mean_pool_slope": arranging.window,
    "loss": objective.loss,
    "loss_slope": objective.loss,
    "loss_and_slope": objective.loss,
    "penalty": objective.penalty,
    "penalty_slope": objective.penalty,
    "square_sum": updates.square_sum,
    "clip": updates.clip,
    "update": updates.update,
    "shrink": updates.shrink,
    "blend": updates.blend,
    "carry": arranging.copy,
}
