"""From formulas to kernels: the text of one loop nest for any set of expressions.

A kernel is a function ``kernel(ops, dims, attrs)``: pointers to matrices, whole numbers, float64
numbers. It walks over rows i and columns j. What changes with neither is computed once, before the
loops, in float64; what changes with i only, once a row; a reduction over a row needs a loop of its
own, so the columns are walked once for each level of nested reductions (softmax: the largest
score, then the sum of exponentials, then the result).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from chainrule.ops.expression import OPERATIONS, REDUCTIONS, Expression, walk

__all__ = ["Given", "Input", "Output", "kernel_text"]

Rate = Literal["scalar", "row", "element"]
_ORDER: dict[Rate, int] = {"scalar": 0, "row": 1, "element": 2}
# Worth keeping rather than computing twice when two loops over the same row need it.
_EXPENSIVE = ("exp", "expm1", "log", "log1p", "tanh", "erfc", "sqrt")


@dataclass(frozen=True)
class Input:
    """A variable read from a matrix: operand number, and what its place depends on.

    kind "element": place (i, j); "column": j, as a bias; "row": i; "one_hot": 1 where j is the
    class index in place i, else 0.
    """

    operand: int
    kind: Literal["element", "column", "row", "one_hot"] = "element"


@dataclass(frozen=True)
class Given:
    """A variable that a line of the prelude (or of the row's prelude) has computed already."""

    text: str
    rate: Rate = "scalar"


@dataclass(frozen=True)
class Output:
    """An expression and the operand that it is stored in."""

    expression: Expression
    operand: int


def kernel_text(
    inputs: Mapping[str, Input | Given],
    outputs: Sequence[Output],
    totals: Sequence[tuple[str, Expression]] = (),
    scalars: Sequence[str] = (),
    prelude: Sequence[str] = (),
    row_prelude: Sequence[str] = (),
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
    prelude, row_prelude, tail : sequence of str
        Lines before all loops, at the start of each row, and at the end.
    """
    return _Kernel(inputs, scalars).text(outputs, totals, prelude, row_prelude, tail)


@dataclass
class _Kernel:
    inputs: Mapping[str, Input | Given]
    scalars: Sequence[str]
    head: list[str] = field(default_factory=list)
    rows: dict[int, list[str]] = field(default_factory=dict)
    loops: dict[int, list[str]] = field(default_factory=dict)
    names: dict[tuple[str, int], str] = field(default_factory=dict)
    nodes: dict[object, Expression] = field(default_factory=dict)
    spilled: dict[int, tuple[int, int]] = field(default_factory=dict)

    def text(
        self,
        outputs: Sequence[Output],
        totals: Sequence[tuple[str, Expression]],
        prelude: Sequence[str],
        row_prelude: Sequence[str],
        tail: Sequence[str],
    ) -> str:
        stores = [Output(self.canonical(o.expression), o.operand) for o in outputs]
        sums = [(name, self.canonical(e)) for name, e in totals]
        self.plan_spill(stores, [e for _, e in sums])
        for _, expression in sums:
            self.row_name(expression)
        # All values first, then the stores: an output may lie over an input.
        named = [(self.element_name(o.expression, self.stage(o.expression)), o) for o in stores]
        for name, o in named:
            self.loop(self.stage(o.expression)).append(f"p{o.operand}[at + j] = {name}")
        flat = not (sums or row_prelude or self.rows or any(map(self.depends_on_place, stores)))
        body = self.flat_body() if flat else self.nested_body(sums, row_prelude)
        pointers = sorted(
            {o.operand for o in outputs}
            | {x.operand for x in self.inputs.values() if isinstance(x, Input)}
        )
        lines = [f"p{number} = ops[{number}]" for number in pointers]
        lines += ["m = dims[0]", "n = dims[1]", *prelude, *self.head, *body, *tail]
        return "def kernel(ops, dims, attrs):\n" + "".join(f"    {line}\n" for line in lines)

    def depends_on_place(self, store: Output) -> bool:
        """Whether some input is not simply the matrix entry at the same place."""
        given = (self.inputs.get(str(n.value)) for n in walk(store.expression) if n.value)
        return any(isinstance(x, Input) and x.kind != "element" for x in given)

    def flat_body(self) -> list[str]:
        lines = [line.replace("[at + j]", "[j]") for line in self.loop(0)]
        return ["for j in range(m * n):", *(f"    {line}" for line in lines)]

    def nested_body(self, sums: Sequence[tuple[str, Expression]], row: Sequence[str]) -> list[str]:
        lines = ["at = i * n", *row]
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
            new = Expression(
                node.operation, tuple(done[id(a)] for a in node.arguments), node.value
            )
            if new.operation == "row_sum" and self.kind(new.arguments[0]) == "one_hot":
                new = Expression("constant", value=1.0)
            key = (new.operation, new.value, *map(id, new.arguments))
            done[id(node)] = self.nodes.setdefault(key, new)
        return done[id(expression)]

    def kind(self, node: Expression) -> str:
        given = self.inputs.get(str(node.value)) if node.operation == "variable" else None
        return given.kind if isinstance(given, Input) else ""

    def rate(self, node: Expression) -> Rate:
        if node.operation == "variable":
            given = self.inputs.get(str(node.value))
            if isinstance(given, Given):
                return given.rate
            if given is None:
                return "scalar"
            return "row" if given.kind == "row" else "element"
        if node.operation in REDUCTIONS:
            return "row"
        return max((self.rate(a) for a in node.arguments), key=_ORDER.__getitem__, default="scalar")

    def stage(self, node: Expression) -> int:
        """How many loops over the columns come before this node can be computed."""
        below = max((self.stage(a) for a in node.arguments), default=0)
        return below + (node.operation in REDUCTIONS)

    def plan_spill(self, stores: Sequence[Output], sums: Sequence[Expression]) -> None:
        """Keep one expensive value in the output's memory when a later loop needs it again."""
        wanted: dict[int, set[int]] = {}
        roots = [(o.expression, self.stage(o.expression)) for o in stores]
        trees = [o.expression for o in stores] + list(sums)
        for tree in trees:
            for node in walk(tree):
                if node.operation in REDUCTIONS:
                    roots.append((node.arguments[0], self.stage(node.arguments[0])))
        for root, loop in roots:
            for node in self.within(root):
                if node.operation in _EXPENSIVE:
                    wanted.setdefault(id(node), set()).add(loop)
        for node, loops in wanted.items():
            if len(loops) > 1 and stores and self.stage(stores[0].expression) >= max(loops):
                self.spilled[node] = (min(loops), stores[0].operand)
                return

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
        return f"{prefix}{len(self.names)}"

    def scalar_name(self, node: Expression) -> str:
        """A float64 number known before the loops."""
        key = ("scalar", id(node))
        if key not in self.names:
            if node.operation == "constant":
                text = repr(float(node.value or 0.0))
            elif node.operation == "variable":
                text = self.scalar_variable(str(node.value))
            else:
                text = OPERATIONS[node.operation][1].format(*map(self.scalar_name, node.arguments))
            name = self.fresh("s")
            self.head.append(f"{name} = {text}")
            self.names[key] = name
        return self.names[key]

    def scalar_variable(self, name: str) -> str:
        given = self.inputs.get(name)
        return given.text if isinstance(given, Given) else f"attrs[{self.scalars.index(name)}]"

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
        elif node.operation == "variable":
            given = self.inputs[str(node.value)]
            if isinstance(given, Given):
                return given.text
            name = self.fresh("x")
            self.rows.setdefault(0, []).append(f"{name} = p{given.operand}[i]")
        else:
            text = self.formula(node, [self.row_name(a) for a in node.arguments])
            name = self.fresh("x")
            self.rows.setdefault(stage, []).append(f"{name} = {text}")
        self.names[key] = name
        return name

    def reduction(self, node: Expression, stage: int) -> str:
        item = self.element_name(node.arguments[0], stage - 1)
        name = self.fresh("x")
        self.names["reserved", id(node)] = name
        start = "0.0" if node.operation == "row_sum" else "-np.inf"
        self.rows.setdefault(stage - 1, []).append(f"{name} = real({start}, ops)")
        step = f"{name} + {item}" if node.operation == "row_sum" else f"max({name}, {item})"
        self.loop(stage - 1).append(f"{name} = {step}")
        return name

    def element_name(self, node: Expression, loop: int) -> str:
        if self.rate(node) != "element":
            return self.row_name(node)
        key = (f"loop{loop}", id(node))
        if key not in self.names:
            first, scratch = self.spilled.get(id(node), (loop, 0))
            text = f"p{scratch}[at + j]" if first < loop else self.element_text(node, loop)
            name = self.fresh("e")
            self.names[key] = name
            self.loop(loop).append(f"{name} = {text}")
            if id(node) in self.spilled and first == loop:
                self.loop(loop).append(f"p{scratch}[at + j] = {name}")
        return self.names[key]

    def element_text(self, node: Expression, loop: int) -> str:
        if node.operation != "variable":
            return self.formula(node, [self.element_name(a, loop) for a in node.arguments])
        given = self.inputs[str(node.value)]
        if isinstance(given, Given):
            return given.text
        if given.kind == "column":
            return f"p{given.operand}[j]"
        if given.kind == "one_hot":
            return f"real(1.0, ops) if j == int(p{given.operand}[i]) else real(0.0, ops)"
        return f"p{given.operand}[at + j]"

    def formula(self, node: Expression, arguments: Sequence[str]) -> str:
        if node.operation == "power" and node.arguments[1].operation == "constant":
            exponent = float(node.arguments[1].value or 0)
            if exponent.is_integer() and 1 <= exponent <= 8:
                return " * ".join([arguments[0]] * int(exponent))
        return OPERATIONS[node.operation][1].format(*arguments)
