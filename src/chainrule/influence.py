"""Influence paths: the distributed chain rule of 000, path by path.

x acts on L through every chain of numbers between them. The derivative along one chain is the
product of the local derivatives, and ∂L/∂x is the sum over all chains. The local derivatives come
from the backward rules of the tape's own operations, one unit gradient at a time.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from chainrule.data.matrices import as_row
from chainrule.errors import DataError, NetworkError, UnknownNameError, unknown_name
from chainrule.network import Network
from chainrule.stepping import Step, run_tape
from chainrule.tape import OPERATIONS, Tape, differentiate

__all__ = ["Influence", "InfluencePath", "influence_paths"]

MOST_PATHS = 10_000
MOST_NUMBERS = 4_000  # between source and target; each costs one backward rule

Node = tuple[str, int]  # a value of the tape, and which of its entries


@dataclass(frozen=True)
class InfluencePath:
    """One chain of numbers from source to target.

    Attributes
    ----------
    nodes : tuple of str
        From source to target: ``("x[0]", "z1[2]", "y1[2]", "z2[0]")``.
    factors : tuple of float
        The derivative of each node with respect to the one before it.
    """

    nodes: tuple[str, ...]
    factors: tuple[float, ...]

    @property
    def product(self) -> float:
        """What this path adds to the derivative."""
        return math.prod(self.factors) + 0.0  # −0 is 0


@dataclass(frozen=True)
class Influence:
    """All paths between two numbers; `print` shows them as a table.

    Attributes
    ----------
    source, target : str
    paths : tuple of InfluencePath
    """

    source: str
    target: str
    paths: tuple[InfluencePath, ...]

    @property
    def derivative(self) -> float:
        """∂target/∂source: the sum of the paths' products."""
        return math.fsum(path.product for path in self.paths)

    def __str__(self) -> str:
        name = f"∂{self.target}/∂{self.source}"
        if not self.paths:
            return f"{name} = 0: no path leads from {self.source} to {self.target}"
        rows = [
            (" → ".join(p.nodes), " × ".join(f"{f:.4g}" for f in p.factors), f"{p.product:.6g}")
            for p in self.paths
        ]
        rows = [("path", "local derivatives", "product"), *rows]
        rows.append((f"{name}", f"sum of {len(self.paths)}", f"{self.derivative:.6g}"))
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [f"{a:<{widths[0]}}  {b:<{widths[1]}}  {c:>{widths[2]}}" for a, b, c in rows]
        rule = "─" * len(lines[0])
        return "\n".join([lines[0], rule, *lines[1:-1], rule, lines[-1]])


def influence_paths(network: Network, x: Any, source: str, target: str, y: Any = None) -> Influence:
    """Every path by which one number of a network acts on another, for one row.

    ∂t/∂s = Σ over paths Π over steps of the local derivative (000, distributed chain rule).

    Parameters
    ----------
    network : Network
        A small one: the number of paths is the product of the widths between the two numbers.
    x : array-like of shape (inputs,)
    source, target : str
        Numbers by the names of the tape: ``"x[0]"``, ``"W1[0,1]"``, ``"b1[2]"``, ``"z1[2]"``,
        ``"y1[2]"``, ``"L"``; counted from 0.
    y : number or array-like of shape (outputs,), optional
        The row's target; needed for "L".

    Returns
    -------
    Influence
        `paths`, and their sum `derivative`. A path through a unit that is flat there, such as a
        dead ReLU, is listed with product 0.

    Raises
    ------
    UnknownNameError
        If the tape has no such value.
    DataError
        If x is no row of the network's inputs, or a value has no such entry.
    NetworkError
        If there are too many paths; the message says how many.

    Examples
    --------
    >>> import chainrule as cr
    >>> net = cr.Network([cr.Dense(2, "tanh"), cr.Dense(1)], input_shape=(1,), seed=0)
    >>> found = influence_paths(net, [0.5], "x[0]", "z2[0]")
    >>> [path.nodes[2] for path in found.paths]
    ['y1[0]', 'y1[1]']
    """
    for role, name in (("source", source), ("target", target)):
        if not isinstance(name, str):
            raise DataError(
                f"{role} is {name!r}: expected a name such as 'x[0]', 'W1[0,1]' or 'L'."
            )
    rows = as_row(x, network.input_shape)[None]
    targets = None if y is None else np.asarray(y)[None]
    passed = [step for step in network.steps(rows, targets) if step.half == "forward"]
    values = _values(passed)
    graph = _Graph(passed, values, _node(values, source, y), _node(values, target, y))
    count = graph.count(graph.target)
    if count > MOST_PATHS:
        raise NetworkError(
            f"{count:,} paths lead from {source} to {target}, more than {MOST_PATHS:,}: take a "
            f"smaller network, or numbers that lie closer to each other."
        )
    return Influence(source, target, tuple(graph.paths()))


# ------------------------------------------------------------------- the names


def _values(passed: Sequence[Step]) -> dict[str, np.ndarray]:
    """What the steps read and write, without the user's own matrices."""
    found: dict[str, np.ndarray] = {}
    for step in passed:
        given = {} if step.instruction.operation == "gather" else step.inputs
        found |= {**given, **step.outputs}
    return found


def _node(values: Mapping[str, np.ndarray], text: str, y: Any) -> Node:
    """The number that a text such as "W1[0,1]" means."""
    match = re.fullmatch(r"\s*(\w+)\s*(?:\[([\d,\s]+)\])?\s*", text)
    if match is None:
        raise DataError(f"'{text}' names no number: write it like 'x[0]', 'W1[0,1]' or 'L'.")
    name = match[1]
    if name not in values:
        hint = " Give y, the row's target." if name == "L" and y is None else ""
        raise UnknownNameError(f"{unknown_name('value', name, values)}{hint}")
    if name in ("t", "w"):
        raise DataError(
            f"'{text}' is a target or a weight: the chain rule runs to x and parameters."
        )
    shape = values[name].shape
    own = shape[1:] if shape[0] == 1 else shape  # one row of samples, or a bias
    index = tuple(int(k) for k in (match[2] or "").split(",") if k.strip())
    if not index and values[name].size == 1:
        return name, 0
    for form in (shape, own):
        if len(index) == len(form) and all(k < size for k, size in zip(index, form, strict=True)):
            return name, int(np.ravel_multi_index(index, form))
    raise DataError(f"'{text}' is no entry of {name}, which has shape {own}, counted from 0.")


# ------------------------------------------------------------------- the graph


@dataclass
class _Graph:
    """The numbers that lie between source and target, with the derivative of each edge."""

    passed: Sequence[Step]
    values: Mapping[str, np.ndarray]
    source: Node
    target: Node
    before: dict[Node, list[tuple[Node, float]]] = field(default_factory=lambda: defaultdict(list))

    def __post_init__(self) -> None:
        between = self.between()
        size = sum(self.values[name].size for name in between)
        if size > MOST_NUMBERS:
            raise NetworkError(
                f"{size:,} numbers lie between {self.source[0]} and {self.target[0]}, more than "
                f"{MOST_NUMBERS:,}: take a smaller network."
            )
        wanted = {self.target}
        for step in reversed(self.passed):
            name = step.instruction.results[0]
            entries = [k for other, k in wanted if other == name]
            if entries and name in between and name != self.source[0]:
                for edge in _local(step, entries, between):
                    self.before[edge[1]].append((edge[0], edge[2]))
                    wanted.add(edge[0])
        self.counts: dict[Node, int] = {}

    def between(self) -> set[str]:
        """The values that depend on the source and that the target depends on, both included."""
        after, ahead = {self.source[0]}, {self.target[0]}
        for step in self.passed:
            if after.intersection(step.instruction.operands):
                after.update(step.instruction.results)
        for step in reversed(self.passed):
            if ahead.intersection(step.instruction.results):
                ahead.update(step.instruction.operands)
        return after & ahead

    def count(self, node: Node) -> int:
        """How many paths lead from the source to a node."""
        if node == self.source:
            return 1
        if node not in self.counts:
            self.counts[node] = sum(self.count(other) for other, _ in self.before[node])
        return self.counts[node]

    def paths(self) -> list[InfluencePath]:
        """Every path, in the order of the numbers that it passes."""
        places = {name: place for place, name in enumerate(self.values)}
        found = sorted(
            self._to(self.target), key=lambda path: [(places[name], k) for (name, k), _ in path]
        )
        return [self._record(path) for path in found]

    def _to(self, node: Node) -> Iterator[list[tuple[Node, float]]]:
        """Paths from the source to a node: each node with the derivative of the edge into it."""
        if node == self.source:
            yield [(node, 1.0)]
            return
        for other, derivative in self.before[node]:
            if self.count(other):
                for path in self._to(other):
                    yield [*path, (node, derivative)]

    def _record(self, path: list[tuple[Node, float]]) -> InfluencePath:
        """A path without the products before their bias, which the notes do not name."""
        nodes, factors, waiting = [self._label(path[0][0])], [], 1.0
        for node, derivative in path[1:]:
            waiting *= derivative
            if node == self.target or not re.fullmatch(r"p\d+", node[0]):
                nodes.append(self._label(node))
                factors.append(waiting)
                waiting = 1.0
        return InfluencePath(tuple(nodes), tuple(factors))

    def _label(self, node: Node) -> str:
        name, entry = node
        shape = self.values[name].shape
        if name == "L":
            return name
        index = np.unravel_index(entry, shape)[1 if shape[0] == 1 and len(shape) > 1 else 0 :]
        return f"{name}[{','.join(str(int(k)) for k in index)}]"


# ----------------------------------------------------------- local derivatives


def _local(step: Step, entries: list[int], between: set[str]) -> Iterator[tuple[Node, Node, float]]:
    """Edges into some entries of a step's result: (operand's entry, result's entry, derivative).

    An edge is there when the derivative is not 0 for these numbers or for others; so a unit that is
    flat just here keeps its place in the diagram.
    """
    rng = np.random.default_rng(0)
    moved = {
        name: rng.uniform(0.25, 0.75, value.shape)
        if name in between or name in step.outputs
        else value
        for name, value in {**step.inputs, **step.outputs}.items()
    }
    result = step.instruction.results[0]
    for entry in entries:
        here = _pull_back(step, {**step.inputs, **step.outputs}, entry, between)
        elsewhere = _pull_back(step, moved, entry, between)
        for (name, row), (_, other) in zip(here, elsewhere, strict=True):
            for k in np.flatnonzero((row != 0) | (other != 0)):
                yield (name, int(k)), (result, entry), float(row[k])


def _pull_back(
    step: Step, values: Mapping[str, np.ndarray], entry: int, between: set[str]
) -> list[tuple[str, np.ndarray]]:
    """∂(entry of the result)/∂operand for each operand that matters, flat, by the backward rule."""
    i = step.instruction
    wanted = [name for name in dict.fromkeys(i.operands) if name in between]
    if OPERATIONS[i.operation].backward is None:
        return []
    # The result takes the loss's name, which is where `differentiate` starts; it calls the gradient
    # it starts from "", and here that is a unit vector.
    i = replace(i, results=("L", *i.results[1:]))
    result = values[step.instruction.results[0]]
    values = {**values, "L": result, "": np.zeros(result.shape)}
    values[""].flat[entry] = 1
    local = Tape(instructions=[i])
    for name, value in values.items():
        constant = name in step.inputs and name not in step.reads
        local.add_value(name, value.shape if constant else ("n", *value.shape[1:]))
    backward = differentiate(local, wrt=wanted)
    backward.instructions.remove(i)
    done = run_tape(backward, values, {"rows": np.zeros(1)})
    return [(name, np.ravel(done[backward.gradients[name]])) for name in wanted]
