"""Lowering updates: the optimizer's rule and what goes with it."""

from __future__ import annotations

from functools import lru_cache

from chainrule.engines.compiled import control as word
from chainrule.engines.compiled.codegen import Given, Input, Output, kernel_text
from chainrule.engines.compiled.lowering.binding import Binding, Row
from chainrule.ops.expression import Variable, maximum, minimum, where
from chainrule.ops.optimizers import settings, update_expressions, variant
from chainrule.ops.rules import Optimizer, numbers
from chainrule.tape import Instruction

__all__ = ["blend", "clip", "shrink", "square_sum", "update"]

# Lines that find the factors of the learning rate and of weight decay for this minibatch.
_FACTOR = [
    "control = int64s(dims[2])",
    f"minibatch = control[{word.START}] // control[{word.BATCH}]",
    f"factor = doubles(control[{word.RATES}])[minibatch]",
]
_STRENGTH = f"doubles(control[{word.STRENGTHS}])[minibatch]"


@lru_cache(maxsize=64)
def _update_text(kind: type[Optimizer], words: tuple[tuple[str, str], ...]) -> str:
    """ops: w, g, state…; dims: 1, size, address of the control words; attrs: the numbers."""
    trees = update_expressions(kind, words)
    names = ["w", "g", *kind.state]
    inputs: dict[str, Input | Given] = {name: Input(place) for place, name in enumerate(names)}
    inputs |= {"t": Given("t"), "learning_rate": Given("rate")}
    outputs = [Output(tree, names.index(name)) for name, tree in trees.items()]
    scalars = numbers(kind)
    decay = []
    if "weight_decay" in scalars:
        inputs["weight_decay"] = Given("decay")
        decay = [f"decay = attrs[{scalars.index('weight_decay')}] * {_STRENGTH}"]
    prelude = [
        *_FACTOR,
        f"t = float(control[{word.STEP}] + 1)",
        f"rate = attrs[{scalars.index('learning_rate')}] * factor",
        *decay,
    ]
    return kernel_text(inputs, outputs, scalars=scalars, prelude=prelude)


def update(i: Instruction, at: Binding) -> Row:
    """The optimizer's rule for one parameter."""
    rule = i.attributes["optimizer"]
    hyper = settings(rule) | i.attributes["overrides"]
    size = at.arrays[i.operands[0]].size
    kernel = at.key(f"update_{type(rule).__name__}", _update_text(type(rule), variant(rule)))
    return Row(
        kernel, [at.address(x) for x in i.operands], [1, size, at.control], list(hyper.values())
    )


def square_sum(i: Instruction, at: Binding) -> Row:
    """Σ g², added to the sum so far."""
    g = i.operands[0]
    before = at.address(i.operands[1]) if len(i.operands) > 1 else 0
    operands = [at.address(g), at.address(i.results[0]), before or at.address(i.results[0])]
    return Row(at.key("square_sum"), operands, [at.arrays[g].size, int(bool(before))])


def clip(i: Instruction, at: Binding) -> Row:
    """A gradient shortened."""
    operands = [at.address(x) for x in i.operands]
    return Row(at.key("clip"), operands, [at.arrays[i.operands[0]].size], [i.attributes["limit"]])


@lru_cache(maxsize=2)
def _shrink_text(own: bool) -> str:
    inputs: dict[str, Input | Given] = {"w": Input(0), "factor": Given("factor")}
    step = Variable("rate") * Variable("factor")
    if own:
        inputs["own"] = Input(1)
        step = step * Variable("own")
    w = Variable("w")
    # w − step where w is larger, w + step where it is smaller than −step, else 0.
    left = where(w > 0, maximum(w - step, 0), minimum(w + step, 0))
    return kernel_text(inputs, [Output(left, 0)], scalars=["rate"], prelude=_FACTOR)


def shrink(i: Instruction, at: Binding) -> Row:
    """The proximal step of an L1 penalty."""
    own = len(i.operands) > 1
    rate = i.attributes["learning_rate"] * (1.0 if own else i.attributes["strength"])
    operands = [at.address(x) for x in i.operands]
    size = at.arrays[i.operands[0]].size
    return Row(at.key("shrink", _shrink_text(own)), operands, [1, size, at.control], [rate])


@lru_cache(maxsize=2)
def _blend_text(warm: bool) -> str:
    inputs: dict[str, Input | Given] = {"a": Input(0), "b": Input(1), "memory": Given("memory")}
    a, b, memory = Variable("a"), Variable("b"), Variable("memory")
    prelude = ["memory = attrs[0]"]
    if warm:
        prelude += [
            "control = int64s(dims[2])",
            f"before = float(control[{word.STEP}])",
            "memory = min(attrs[0], before / (before + 1.0))",
        ]
    output = Output(memory * a + (1 - memory) * b, 0)
    return kernel_text(inputs, [output], scalars=["memory"], prelude=prelude)


def blend(i: Instruction, at: Binding) -> Row:
    """A running mean."""
    operands = [at.address(x) for x in i.operands]
    text = _blend_text(bool(i.attributes.get("warm")))
    size = at.arrays[i.operands[0]].size
    dims = [1, size, at.control]
    return Row(at.key("blend", text), operands, dims, [i.attributes["memory"]])
