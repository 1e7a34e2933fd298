"""The chain rule on formulas: from a value to what it passes back.

`pull_back` walks a formula from its result to its variables, once, and adds up what each node
passes to its arguments: back-propagation on a small tree, so a layer that states its value needs
to state no slope.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from chainrule.errors import NetworkError
from chainrule.ops.expression import Expression, as_expression, cos, exp, row_sum, sin, walk, where

__all__ = ["pull_back"]

Passed = Sequence[Expression | None]


def pull_back(
    results: Sequence[tuple[Expression, Expression]], wanted: Sequence[str], columns: Sequence[str]
) -> dict[str, Expression]:
    """∂L/∂v for each wanted variable v, from ∂L/∂result of one or more results.

    Parameters
    ----------
    results : sequence of (Expression, Expression)
        A result, (rows, columns), and its ∂L/∂result of the same shape.
    wanted : sequence of str
        Variables.
    columns : sequence of str
        Every variable that has a number of its own in each column; the others are settings.

    Raises
    ------
    NetworkError
        For an operation without a rule, such as `row_max`.

    Examples
    --------
    >>> from chainrule.ops.expression import Variable, tanh
    >>> x = Variable("x")
    >>> print(pull_back([(tanh(x), Variable("dy"))], ["x"], ["x"])["x"])
    (dy * ((1 - tanh(x)) * (1 + tanh(x))))
    """
    wide: dict[int, bool] = {}
    order: list[Expression] = []
    for value, _ in results:
        for node in walk(value):
            if id(node) not in wide:
                wide[id(node)] = _is_wide(node, wide, columns)
                order.append(node)
    adjoints: dict[int, Expression] = {}
    for value, adjoint in results:
        _collect(adjoints, value, adjoint)
    for node in reversed(order):
        adjoint = adjoints.get(id(node))
        if adjoint is not None and node.arguments:
            for argument, passed in zip(node.arguments, _passed(node, adjoint), strict=True):
                if passed is not None:
                    narrow = wide[id(node)] and not wide[id(argument)]
                    _collect(adjoints, argument, row_sum(passed) if narrow else passed)
    found = {str(n.value): adjoints[id(n)] for n in _named(order, adjoints)}
    return {name: found.get(name, as_expression(0.0)) for name in wanted}


def _named(order: Sequence[Expression], adjoints: Mapping[int, Expression]) -> list[Expression]:
    """The variables reached, each once however many nodes write it."""
    kept: dict[str, Expression] = {}
    for node in order:
        if node.operation == "variable" and id(node) in adjoints:
            first = kept.setdefault(str(node.value), node)
            if first is not node:
                raise NetworkError(
                    f"variable '{node.value}' of a formula is two objects: make it once."
                )
    return list(kept.values())


def _is_wide(node: Expression, wide: Mapping[int, bool], columns: Sequence[str]) -> bool:
    """Whether a node differs from column to column."""
    if node.operation in ("row_sum", "row_max"):
        return False
    if node.operation == "variable":
        return node.value in columns
    return any(wide[id(a)] for a in node.arguments)


def _collect(adjoints: dict[int, Expression], node: Expression, passed: Expression) -> None:
    before = adjoints.get(id(node))
    adjoints[id(node)] = passed if before is None else before + passed


def _times(a: Expression, b: Expression) -> Expression | None:
    """Their product; nothing for 0, the other one for 1."""
    for one, other in ((a, b), (b, a)):
        if one.operation == "constant" and one.value in (0.0, 1.0):
            return other if one.value else None
    return a * b


def _passed(node: Expression, g: Expression) -> Passed:
    if node.operation not in _RULES:
        raise NetworkError(
            f"a formula with '{node.operation}' cannot be differentiated: give it a pull-back."
        )
    return _RULES[node.operation](node, g, *node.arguments)


def _power(n: Expression, g: Expression, a: Expression, b: Expression) -> Passed:
    if b.operation != "constant":
        raise NetworkError("a power with a variable exponent cannot be differentiated.")
    return _times(g, b * a ** as_expression(float(b.value or 0.0) - 1)), None


_RULES: dict[str, Callable[..., Passed]] = {
    "add": lambda n, g, a, b: (g, g),
    "subtract": lambda n, g, a, b: (g, -g),
    "multiply": lambda n, g, a, b: (_times(g, b), _times(g, a)),
    "divide": lambda n, g, a, b: (g / b, -(g * n) / b),
    "power": _power,
    "negative": lambda n, g, a: (-g,),
    "less": lambda n, g, a, b: (None, None),
    "less_equal": lambda n, g, a, b: (None, None),
    "greater": lambda n, g, a, b: (None, None),
    "greater_equal": lambda n, g, a, b: (None, None),
    "where": lambda n, g, c, a, b: (None, where(c, g, 0), where(c, 0, g)),
    "maximum": lambda n, g, a, b: (where(a < b, 0, g), where(a < b, g, 0)),
    "minimum": lambda n, g, a, b: (where(a > b, 0, g), where(a > b, g, 0)),
    "absolute": lambda n, g, a: (where(a >= 0, g, -g),),
    "sqrt": lambda n, g, a: (g * 0.5 / n,),
    "exp": lambda n, g, a: (g * n,),
    "expm1": lambda n, g, a: (g * (n + 1),),
    "log": lambda n, g, a: (g / a,),
    "log1p": lambda n, g, a: (g / (1 + a),),
    "tanh": lambda n, g, a: (g * ((1 - n) * (1 + n)),),
    "cos": lambda n, g, a: (-(g * sin(a)),),
    "sin": lambda n, g, a: (g * cos(a),),
    "erfc": lambda n, g, a: (g * (-2 / math.sqrt(math.pi) * exp(-(a * a))),),
    "row_sum": lambda n, g, a: (g + 0 * a,),  # the same in every column
}
