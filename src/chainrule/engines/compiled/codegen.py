"""From formulas to kernels: the text of one loop nest for any set of expressions.

A kernel is a function ``kernel(ops, dims, attrs)``: pointers to matrices, whole numbers, float64
numbers. It walks over rows i and columns j. What changes with neither is computed once, before the
loops, in float64; what changes with i only, once a row; a reduction over a row needs a loop of its
own, so the columns are walked once for each level of nested reductions (softmax: the largest
score, then the sum of exponentials, then the result).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from chainrule.ops.expression import OPERATIONS, REDUCTIONS, Expression, Variable, walk

__all__ = ["Given", "Input", "Output", "kernel_text"]

Rate = Literal["scalar", "row", "element"]
# Python's conditional expression would become a branch; a kernel selects.
_TEXT = {name: text for name, (_, text) in OPERATIONS.items()} | {
    "where": "choose({}, {}, {})",
    "maximum": "larger({0}, {1})",
    "minimum": "smaller({0}, {1})",
}
_ORDER: dict[Rate, int] = {"scalar": 0, "row": 1, "element": 2}


@dataclass(frozen=True)
class Input:
    """A variable read from a matrix: operand number, and what its place depends on.

    kind "element": place (i, j); "column": j, as a bias; "row": i; "one_hot": 1 where j is the
    class index in place i, else 0. A matrix of several `blocks` of columns side by side is read
    in one of them.
    """

    operand: int
    kind: Literal["element", "column", "row", "one_hot"] = "element"
    block: int = 0
    blocks: int = 1


@dataclass(frozen=True)
class Given:
    """A number that a line of the prelude has computed already, under this name."""

    name: str


@dataclass(frozen=True)
class Output:
    """An expression and the operand, or block of an operand, that it is stored in."""

    expression: Expression
    operand: int
    block: int = 0
    blocks: int = 1


def kernel_text(
    inputs: Mapping[str, Input | Given],
    outputs: Sequence[Output],
    totals: Sequence[tuple[str, Expression]] = (),
    scalars: Sequence[str] = (),
    prelude: Sequence[str] = (),
    tail: Sequence[str] = (),
) -> str:
    """The source of one kernel.

    Parameters
    ----------
    inputs : mapping
        Variable -> where it comes from. An output may be stored over an input: give both the
        same operand, else the compiler assumes nothing and gives up vector code.
    outputs : sequence of Output
    totals : sequence of (str, Expression)
        Accumulators (float64) and the number that each row adds to them.
    scalars : sequence of str
        Variables in `attrs`, in this order.
    prelude, tail : sequence of str
        Lines before and after all loops.
    """
    parts = _passes(inputs, outputs, totals)
    numbers = _operands(inputs, outputs)
    lines = ["m = dims[0]", "n = dims[1]", *prelude]
    for number, part in enumerate(parts):
        kernel = _Kernel(part.inputs, scalars, prefix="abc"[number])
        lines += kernel.lines(part.outputs, part.totals) + list(part.flat)
    pointers = "".join(f", p{number}" for number in numbers)
    given = "".join(f", ops[{number}]" for number in numbers)
    # The pointers are arguments, so that the compiler can be told that they do not overlap.
    return (
        f"def body(ops, dims, attrs{pointers}):\n"
        + "".join(f"    {x}\n" for x in [*lines, *tail])
        + f"def kernel(ops, dims, attrs):\n    body(ops, dims, attrs{given})\n"
    )


def _operands(inputs: Mapping[str, Input | Given], outputs: Sequence[Output]) -> list[int]:
    read = {x.operand for x in inputs.values() if isinstance(x, Input)}
    return sorted(read | {o.operand for o in outputs})


@dataclass(frozen=True)
class _Pass:
    """One walk over the rows, and a flat loop after it."""

    inputs: Mapping[str, Input | Given]
    outputs: Sequence[Output]
    totals: Sequence[tuple[str, Expression]] = ()
    flat: Sequence[str] = ()


def _passes(
    inputs: Mapping[str, Input | Given],
    outputs: Sequence[Output],
    totals: Sequence[tuple[str, Expression]],
) -> list[_Pass]:
    """One pass, or two with the shared exponential in between."""
    whole = _Pass(inputs, outputs, totals)
    if len(outputs) != 1:
        return [whole]
    kernel = _Kernel(inputs, ())  # makes equal subtrees one object
    scratch, tree = outputs[0].operand, kernel.canonical(outputs[0].expression)
    sums = [(name, kernel.canonical(e)) for name, e in totals]
    shared = kernel.shared_exponential(tree)
    read = any(isinstance(x, Input) and x.operand == scratch for x in inputs.values())
    if shared is None or read or outputs[0].blocks > 1:
        return [whole]
    known = Variable("exponential")

    def replaced(node: Expression) -> Expression:
        if node is shared:
            return known
        return Expression(node.operation, tuple(map(replaced, node.arguments)), node.value)

    long_loop = ["for j in range(m * n):", f"    p{scratch}[j] = exp(p{scratch}[j])"]
    return [
        _Pass(inputs, [Output(shared.arguments[0], scratch)], flat=long_loop),
        _Pass(
            {**inputs, "exponential": Input(scratch)},
            [Output(replaced(tree), scratch)],
            [(name, replaced(e)) for name, e in sums],
        ),
    ]


@dataclass
class _Kernel:
    """The loops of one pass; the module's text says what is computed where."""

    inputs: Mapping[str, Input | Given]
    scalars: Sequence[str]
    prefix: str = ""
    head: list[str] = field(default_factory=list)
    rows: dict[int, list[str]] = field(default_factory=dict)
    loops: dict[int, list[str]] = field(default_factory=dict)
    names: dict[tuple[str, int], str] = field(default_factory=dict)
    nodes: dict[object, Expression] = field(default_factory=dict)
    count: int = 0

    def lines(
        self,
        outputs: Sequence[Output],
        totals: Sequence[tuple[str, Expression]],
    ) -> list[str]:
        """Scalars first, then the loops."""
        stores = [replace(o, expression=self.canonical(o.expression)) for o in outputs]
        sums = [(name, self.canonical(e)) for name, e in totals]
        for _, expression in sums:
            self.row_name(expression)
        # All values first, then the stores: an output may lie over an input.
        last = max((self.stage(o.expression) for o in stores), default=0)
        named = [(self.element_name(o.expression, last), o) for o in stores]
        for name, o in named:
            self.loop(last).append(f"p{o.operand}[{self.at(o)}] = {name}")
        flat = not (sums or self.rows or any(map(self.depends_on_place, stores)))
        return self.head + (self.flat_body() if flat else self.nested_body(sums))

    def depends_on_place(self, store: Output) -> bool:
        """Whether some input is not simply the matrix entry at the same place."""
        given = [self.inputs.get(str(n.value)) for n in walk(store.expression) if n.value]
        blocks = store.blocks > 1 or any(isinstance(x, Input) and x.blocks > 1 for x in given)
        return blocks or any(isinstance(x, Input) and x.kind != "element" for x in given)

    def at(self, place: Input | Output) -> str:
        """Where column j of row i lies in a matrix of blocks."""
        if place.blocks == 1:
            return "at + j"
        key = ("block", place.block * 64 + place.blocks)
        if key not in self.names:
            name = self.names[key] = self.fresh("k")
            self.rows.setdefault(0, []).append(f"{name} = at * {place.blocks} + {place.block} * n")
        return f"{self.names[key]} + j"

    def flat_body(self) -> list[str]:
        lines = [line.replace("[at + j]", "[j]") for line in self.loop(0)]
        return ["for j in range(m * n):", *(f"    {line}" for line in lines)]

    def nested_body(self, sums: Sequence[tuple[str, Expression]]) -> list[str]:
        lines = ["at = i * n"]
        for stage in range(max([*self.loops, *self.rows, 0]) + 1):
            lines += self.rows.get(stage, [])
            if self.loops.get(stage):
                lines += ["for j in range(n):", *(f"    {line}" for line in self.loops[stage])]
        lines += [f"{name} += {self.row_name(expression)}" for name, expression in sums]
        return ["for i in range(m):", *(f"    {line}" for line in lines)]

    # ---------------------------------------------------------- what a node is

    def canonical(self, expression: Expression) -> Expression:
        """The same tree with equal subtrees shared, and sums over a one-hot row known to be 1."""
        done: dict[int, Expression] = {}
        for node in walk(expression):
            new = Expression(node.operation, tuple(done[id(a)] for a in node.arguments), node.value)
            new = self.picked(new)
            key = (new.operation, new.value, *map(id, new.arguments))
            done[id(node)] = self.nodes.setdefault(key, new)
        return done[id(expression)]

    def picked(self, node: Expression) -> Expression:
        """A reduction against a one-hot row looks at one place only."""
        if node.operation not in REDUCTIONS:
            return node
        (inner,) = node.arguments
        kinds = [self.kind(a) for a in inner.arguments]
        if node.operation == "row_sum" and self.kind(inner) == "one_hot":
            return Expression("constant", value=1.0)
        if node.operation == "row_sum" and inner.operation == "multiply" and kinds[0] == "one_hot":
            return Expression("pick", inner.arguments[1:])
        zero = inner.operation == "where" and inner.arguments[2].value == 0
        if node.operation == "row_max" and zero and kinds[1] == "one_hot":
            chosen = Expression("pick", inner.arguments[:1])
            one = Expression("constant", value=1.0)
            return Expression("where", (chosen, one, inner.arguments[2]))
        return node

    def matrix(self, node: Expression) -> Input:
        """Where a variable that is read from a matrix lies."""
        given = self.inputs[str(node.value)]
        assert isinstance(given, Input)  # numbers known before the loops are never asked for here
        return given

    def kind(self, node: Expression) -> str:
        given = self.inputs.get(str(node.value)) if node.operation == "variable" else None
        return given.kind if isinstance(given, Input) else ""

    def rate(self, node: Expression) -> Rate:
        if node.operation == "variable":
            given = self.inputs.get(str(node.value))
            if given is None or isinstance(given, Given):
                return "scalar"
            return "row" if given.kind == "row" else "element"
        if node.operation in (*REDUCTIONS, "pick"):
            return "row"
        return max((self.rate(a) for a in node.arguments), key=_ORDER.__getitem__, default="scalar")

    def stage(self, node: Expression) -> int:
        """How many loops over the columns come before this node can be computed."""
        below = max((self.stage(a) for a in node.arguments), default=0)
        return below + (node.operation in REDUCTIONS)

    def shared_exponential(self, tree: Expression) -> Expression | None:
        """The exponential that more than one loop over a row would have to compute."""
        tree = self.canonical(tree)
        reduced = [n.arguments[0] for n in walk(tree) if n.operation in REDUCTIONS]
        roots = [(root, self.stage(root)) for root in (tree, *reduced)]
        loops: dict[int, set[int]] = {}
        for root, loop in roots:
            for node in self.within(root):
                if node.operation == "exp":
                    loops.setdefault(id(node), set()).add(loop)
        return next((n for n in walk(tree) if len(loops.get(id(n), ())) > 1), None)

    def within(self, root: Expression) -> list[Expression]:
        """The element-rate nodes that one loop computes for `root`."""
        found, waiting = [], [root]
        while waiting:
            node = waiting.pop()
            if self.rate(node) == "element":
                found.append(node)
                waiting += node.arguments
        return found

    # ------------------------------------------------------------- emission

    def loop(self, stage: int) -> list[str]:
        return self.loops.setdefault(stage, [])

    def fresh(self, prefix: str) -> str:
        self.count += 1
        return f"{self.prefix}{prefix}{self.count}"

    def scalar_name(self, node: Expression) -> str:
        """A float64 number known before the loops."""
        key = ("scalar", id(node))
        if key not in self.names:
            if node.operation == "constant":
                text = repr(float(node.value or 0.0))
            elif node.operation == "variable":
                text = self.scalar_variable(str(node.value))
            else:
                text = _TEXT[node.operation].format(*map(self.scalar_name, node.arguments))
            name = self.fresh("s")
            self.head.append(f"{name} = {text}")
            self.names[key] = name
        return self.names[key]

    def scalar_variable(self, name: str) -> str:
        given = self.inputs.get(name)
        return given.name if isinstance(given, Given) else f"attrs[{self.scalars.index(name)}]"

    def real_name(self, node: Expression) -> str:
        """The same number in the kernel's own floating type."""
        key = ("real", id(node))
        if key not in self.names:
            double = self.scalar_name(node)
            name = self.fresh("r")
            self.head.append(f"{name} = real({double}, ops)")
            self.names[key] = name
        return self.names[key]

    def row_name(self, node: Expression) -> str:
        if self.rate(node) == "scalar":
            return self.real_name(node)
        key = ("row", id(node))
        if key in self.names:
            return self.names[key]
        stage = self.stage(node)
        if node.operation in REDUCTIONS:
            name = self.reduction(node, stage)
        elif node.operation == "pick":
            name = self.pick(node.arguments[0], stage)
        elif node.operation == "variable":
            name = self.fresh("x")
            self.rows.setdefault(0, []).append(f"{name} = p{self.matrix(node).operand}[i]")
        else:
            text = self.formula(node, [self.row_name(a) for a in node.arguments])
            name = self.fresh("x")
            self.rows.setdefault(stage, []).append(f"{name} = {text}")
        self.names[key] = name
        return name

    def reduction(self, node: Expression, stage: int) -> str:
        item = self.element_name(node.arguments[0], stage - 1)
        name = self.fresh("x")
        start = "0.0" if node.operation == "row_sum" else "-np.inf"
        self.rows.setdefault(stage - 1, []).append(f"{name} = real({start}, ops)")
        step = f"{name} + {item}" if node.operation == "row_sum" else f"larger({name}, {item})"
        self.loop(stage - 1).append(f"{name} = {step}")
        return name

    def pick(self, node: Expression, stage: int) -> str:
        """The value of an element at the class index of its row."""
        if self.rate(node) != "element":
            return self.row_name(node)
        if ("pick", id(node)) in self.names:
            return self.names["pick", id(node)]
        if node.operation == "variable":
            hot = next(
                x for x in self.inputs.values() if isinstance(x, Input) and x.kind == "one_hot"
            )
            given = self.matrix(node)
            if given.kind == "element":
                text = f"p{given.operand}[at + int(p{hot.operand}[i])]"
            else:
                text = "real(1.0, ops)"
        else:
            text = self.formula(node, [self.pick(a, stage) for a in node.arguments])
        name = self.names["pick", id(node)] = self.fresh("x")
        self.rows.setdefault(stage, []).append(f"{name} = {text}")
        return name

    def element_name(self, node: Expression, loop: int) -> str:
        if self.rate(node) != "element":
            return self.row_name(node)
        key = (f"loop{loop}", id(node))
        if key not in self.names:
            text = self.element_text(node, loop)
            name = self.names[key] = self.fresh("e")
            self.loop(loop).append(f"{name} = {text}")
        return self.names[key]

    def element_text(self, node: Expression, loop: int) -> str:
        if node.operation != "variable":
            return self.formula(node, [self.element_name(a, loop) for a in node.arguments])
        given = self.matrix(node)
        if given.kind == "column":
            return f"p{given.operand}[j]"
        if given.kind == "one_hot":
            return f"choose(j == int(p{given.operand}[i]), real(1.0, ops), real(0.0, ops))"
        return f"p{given.operand}[{self.at(given)}]"

    def formula(self, node: Expression, arguments: Sequence[str]) -> str:
        if node.operation == "power" and node.arguments[1].operation == "constant":
            exponent = float(node.arguments[1].value or 0)
            if exponent.is_integer() and 1 <= exponent <= 8:
                return " * ".join([arguments[0]] * int(exponent))
        return _TEXT[node.operation].format(*arguments)
