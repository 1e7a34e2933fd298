"""From an instruction to a row of the program: which kernel, which addresses, which numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from chainrule.engines.compiled import control as word
from chainrule.engines.compiled.blas import product_address
from chainrule.engines.compiled.codegen import Given, Input, Output, kernel_text
from chainrule.engines.compiled.store import KernelKey
from chainrule.ops.activations import ActivationFunction
from chainrule.ops.expression import Variable
from chainrule.ops.losses import Loss
from chainrule.ops.optimizers import settings, update_expressions, variant
from chainrule.ops.rules import Optimizer, numbers
from chainrule.tape import Instruction, Plan

__all__ = ["Binding", "Row", "lower"]


@dataclass(frozen=True)
class Row:
    """One instruction, lowered."""

    kernel: KernelKey
    operands: list[int] = field(default_factory=list)
    dims: list[int] = field(default_factory=list)
    attributes: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Binding:
    """Where things are: arrays by tape name, the user's matrices, control words, totals."""

    plan: Plan
    arrays: Mapping[str, np.ndarray]
    data: Mapping[str, np.ndarray]
    control: int
    totals: int
    dtype: np.dtype
    batch: int

    def address(self, name: str) -> int:
        """Address of a value, 0 for the sum of the losses, which has its own place."""
        return self.arrays[name].ctypes.data if name in self.arrays else 0

    def shape(self, name: str) -> tuple[int, int]:
        """Rows and columns of a value for this batch."""
        rows, columns = self.plan.tape.shape(name)
        return (self.batch if rows == "n" else int(rows), columns)

    def same_place(self, a: str, b: str) -> bool:
        """Whether two values share memory."""
        return self.address(a) == self.address(b)

    def key(self, name: str, text: str = "") -> KernelKey:
        """The key of a kernel of this binding's floating type."""
        return KernelKey(name, self.dtype.name, text)


def lower(i: Instruction, at: Binding) -> Row:
    """The row of the program that carries out an instruction."""
    return _LOWER[i.operation](i, at)


# ------------------------------------------------------------- moving rows


def _move(i: Instruction, at: Binding) -> Row:
    gathers = i.operation == "gather"
    matrix = at.data[i.operands[0] if gathers else i.results[0]]
    batch = i.results[0] if gathers else i.operands[0]
    kind = matrix.dtype.name if matrix.dtype != bool else "uint8"
    dims = [
        *at.shape(batch),
        matrix.ctypes.data,
        *matrix.strides,
        at.control,
        matrix.dtype.itemsize,
    ]
    return Row(at.key(f"{i.operation}_{kind}"), [at.address(batch)], dims)


# ---------------------------------------------------------------- products


def _product(i: Instruction, at: Binding) -> Row:
    a, b = i.operands
    m, n = at.shape(i.results[0])
    ta, tb = i.operation == "matmul_tn", i.operation == "matmul_nt"
    k = at.shape(a)[0 if ta else 1]
    name = "vector_matmul" if m == 1 and not (ta or tb) else "matmul"
    operands = [at.address(x) for x in (a, b, i.results[0])]
    return Row(at.key(name), operands, [m, n, k, int(ta), int(tb), product_address(at.dtype)])


def _column_sum(i: Instruction, at: Binding) -> Row:
    operands = [at.address(i.operands[0]), at.address(i.results[0])]
    return Row(at.key("column_sum"), operands, [*at.shape(i.operands[0])])


def _dropout(i: Instruction, at: Binding) -> Row:
    x, y = i.operands[0], i.results[0]
    keep = i.attributes["keep"]
    dims = [*at.shape(x), at.control, i.attributes["salt"], round(keep * 2**32)]
    name = "dropout_in_place" if at.same_place(x, y) else "dropout"
    return Row(at.key(name), [at.address(x), at.address(y)], dims, [1 / keep])


# ---------------------------------------------------- elementwise formulas


@lru_cache(maxsize=512)
def _activation_text(record: _Frozen, kind: str, in_place: bool) -> str:
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


@dataclass(frozen=True)
class _Frozen:
    """An activation or a loss as a cache key: its formulas, whatever its settings."""

    record: Any

    def __hash__(self) -> int:
        return hash((self.record.name, id(self.record.value), id(self.record.slope)))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Frozen) and (
            self.record.value is other.record.value and self.record.slope is other.record.slope
        )


def _elementwise(i: Instruction, at: Binding) -> Row:
    record = i.attributes["activation"]
    kind, over = i.operation, i.results[0]
    if kind == "bias_activate":
        kind = "bias_keeps_z" if i.attributes["keeps_z"] else "bias"
        over = i.results[-1]
    in_place = at.same_place(i.operands[0], over)
    text = _activation_text(_Frozen(record), kind, in_place)
    operands = [at.address(x) for x in (*i.operands, *i.results)]
    attributes = [float(v) for v in record.all_settings.values()]
    return Row(at.key(f"{kind}_{record.name}", text), operands, [*at.shape(over)], attributes)


@lru_cache(maxsize=8)
def _sum_text(second: str, in_place: bool) -> str:
    inputs = {"a": Input(0), "b": Input(1, second)}  # type: ignore[arg-type]
    total = Output(Variable("a") + Variable("b"), 0 if in_place else 2)
    return kernel_text(inputs, [total])


def _sum(i: Instruction, at: Binding) -> Row:
    a, b = i.operands
    text = _sum_text(
        "column" if i.operation == "add_bias" else "element", at.same_place(a, i.results[0])
    )
    operands = [at.address(x) for x in (a, b, i.results[0])]
    return Row(at.key(i.operation, text), operands, [*at.shape(a)])


# ------------------------------------------------------------------ losses


@lru_cache(maxsize=128)
def _loss_text(frozen: _Frozen, kind: str, indices: bool, weighted: bool) -> str:
    """ops: z, t, [weights], [dz]; dims: m, n, address of the totals; attrs: the settings."""
    record: Loss = frozen.record
    inputs: dict[str, Input | Given] = {
        "z": Input(0),
        "t": Input(1, "one_hot" if indices else "element"),
    }
    prelude = ["totals = doubles(dims[2])", "loss_sum = 0.0", "metric_sum = 0.0"]
    if weighted:
        inputs["w"] = Input(2, "row")
        prelude += ["weight = 0.0", "for i in range(m):", "    weight += p2[i]"]
        share = Variable("w") * Variable("inverse")
    else:
        prelude += ["weight = float(m)"]
        share = Variable("inverse")
    prelude += ["inverse = 1.0 / weight if weight > 0.0 else 0.0"]
    inputs["inverse"] = Given("inverse")
    factor = Variable("w") if weighted else 1.0
    totals = []
    tail = ["totals[1] += weight"] if kind != "loss_slope" else []
    if kind != "loss_slope":
        totals = [
            ("loss_sum", record.value_expression * factor),
            ("metric_sum", record.metric_expression * factor),
        ]
        tail += ["totals[0] += loss_sum", "totals[2] += metric_sum"]
    target = 3 if weighted else 2
    outputs = [] if kind == "loss" else [Output(record.slope_expression * share, target)]
    return kernel_text(inputs, outputs, totals, list(record.all_settings), prelude, tail)


def _loss(i: Instruction, at: Binding) -> Row:
    record, kind = i.attributes["loss"], i.operation
    text = _loss_text(_Frozen(record), kind, i.attributes["indices"], len(i.operands) > 2)
    results = () if kind == "loss" else i.results[-1:]
    operands = [at.address(x) for x in (*i.operands, *results)]
    dims = [*at.shape(i.operands[0]), at.totals]
    key = at.key(f"{kind}_{record.name}", text)
    return Row(key, operands, dims, list(record.all_settings.values()))


# --------------------------------------------------------------- optimizers


@lru_cache(maxsize=64)
def _update_text(kind: type[Optimizer], words: tuple[tuple[str, str], ...]) -> str:
    """ops: w, g, state…; dims: 1, size, address of the control words; attrs: the numbers."""
    trees = update_expressions(kind, words)
    names = ["w", "g", *kind.state]
    inputs: dict[str, Input | Given] = {name: Input(place) for place, name in enumerate(names)}
    inputs |= {"t": Given("t"), "learning_rate": Given("rate")}
    outputs = [Output(tree, names.index(name)) for name, tree in trees.items()]
    scalars = numbers(kind)
    prelude = [
        "control = int64s(dims[2])",
        f"t = float(control[{word.STEP}] + 1)",
        f"factor = doubles(control[{word.RATES}])[control[{word.START}] // control[{word.BATCH}]]",
        f"rate = attrs[{scalars.index('learning_rate')}] * factor",
    ]
    return kernel_text(inputs, outputs, scalars=scalars, prelude=prelude)


def _update(i: Instruction, at: Binding) -> Row:
    rule = i.attributes["optimizer"]
    hyper = settings(rule) | i.attributes["overrides"]
    size = at.arrays[i.operands[0]].size
    kernel = at.key(f"update_{type(rule).__name__}", _update_text(type(rule), variant(rule)))
    return Row(
        kernel, [at.address(x) for x in i.operands], [1, size, at.control], list(hyper.values())
    )


_LOWER: dict[str, Callable[[Instruction, Binding], Row]] = {
    "gather": _move,
    "store": _move,
    "matmul": _product,
    "matmul_tn": _product,
    "matmul_nt": _product,
    "add_bias": _sum,
    "add": _sum,
    "column_sum": _column_sum,
    "activate": _elementwise,
    "bias_activate": _elementwise,
    "slope": _elementwise,
    "dropout": _dropout,
    "loss": _loss,
    "loss_slope": _loss,
    "loss_and_slope": _loss,
    "update": _update,
}
