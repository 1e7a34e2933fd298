"""Formulas as data: written once, evaluated on arrays and compiled to machine code.

A formula is an ordinary function over the names in this module,

    def softplus(z):
        return maximum(z, 0) + log1p(exp(-absolute(z)))

Called on arrays it computes. Called on a `Variable` it returns an `Expression`, a small tree
that every reader handles in its own way: the reference engine evaluates it with array
functions, the compiled engine turns it into one loop.

Conventions: `z`, `t`, `w` … are matrices of shape (rows, columns); a reduction such as
`row_sum` gives one number for each row, shape (rows, 1).
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = [
    "Expression",
    "Function",
    "Variable",
    "absolute",
    "as_expression",
    "cos",
    "erfc",
    "evaluate",
    "exp",
    "expm1",
    "log",
    "log1p",
    "maximum",
    "minimum",
    "row_max",
    "row_sum",
    "sin",
    "sqrt",
    "tanh",
    "variables",
    "walk",
    "where",
]

Array = Any
Scalar = float | int


def _erfc(xp: Any, x: Array) -> Array:
    if xp is _Scalars:
        return math.erfc(x)
    from scipy.special import erfc  # the array API standard has none

    return xp.asarray(erfc(np.asarray(x)))


# operation -> (what it computes with an array namespace, how Python writes it)
OPERATIONS: dict[str, tuple[Callable[..., Array], str]] = {
    "add": (lambda xp, a, b: a + b, "({} + {})"),
    "subtract": (lambda xp, a, b: a - b, "({} - {})"),
    "multiply": (lambda xp, a, b: a * b, "({} * {})"),
    "divide": (lambda xp, a, b: a / b, "({} / {})"),
    "power": (lambda xp, a, b: a**b, "({} ** {})"),
    "negative": (lambda xp, a: -a, "(-{})"),
    "less": (lambda xp, a, b: a < b, "({} < {})"),
    "less_equal": (lambda xp, a, b: a <= b, "({} <= {})"),
    "greater": (lambda xp, a, b: a > b, "({} > {})"),
    "greater_equal": (lambda xp, a, b: a >= b, "({} >= {})"),
    "where": (lambda xp, c, a, b: xp.where(c, a, b), "({1} if {0} else {2})"),
    # A missing number must not vanish: when `a` is NaN the result is NaN.
    "maximum": (lambda xp, a, b: xp.where(a < b, b, a), "({1} if {0} < {1} else {0})"),
    "minimum": (lambda xp, a, b: xp.where(a > b, b, a), "({1} if {0} > {1} else {0})"),
    "absolute": (lambda xp, a: xp.abs(a), "abs({})"),
    "sqrt": (lambda xp, a: xp.sqrt(a), "sqrt({})"),
    "exp": (lambda xp, a: xp.exp(a), "exp({})"),
    "expm1": (lambda xp, a: xp.expm1(a), "expm1({})"),
    "log": (lambda xp, a: xp.log(a), "log({})"),
    "log1p": (lambda xp, a: xp.log1p(a), "log1p({})"),
    "tanh": (lambda xp, a: xp.tanh(a), "tanh({})"),
    "cos": (lambda xp, a: xp.cos(a), "cos({})"),
    "sin": (lambda xp, a: xp.sin(a), "sin({})"),
    "erfc": (_erfc, "erfc({})"),
    "row_sum": (lambda xp, a: xp.sum(a, axis=-1, keepdims=True), "row_sum({})"),
    "row_max": (lambda xp, a: xp.max(a, axis=-1, keepdims=True), "row_max({})"),
}
REDUCTIONS = ("row_sum", "row_max")
_SELECTIONS = ("where", "maximum", "minimum")


@dataclass(frozen=True, eq=False)
class Expression:
    """An operation over other expressions, a constant or a variable.

    Attributes
    ----------
    operation : str
        A key of `OPERATIONS`, or "constant", or "variable".
    arguments : tuple of Expression
    value : float or str or None
        The constant's number or the variable's name.
    """

    operation: str
    arguments: tuple[Expression, ...] = ()
    value: float | str | None = None

    def __add__(self, other: Formula) -> Expression:
        return _node("add", self, other)

    def __radd__(self, other: Scalar) -> Expression:
        return _node("add", other, self)

    def __sub__(self, other: Formula) -> Expression:
        return _node("subtract", self, other)

    def __rsub__(self, other: Scalar) -> Expression:
        return _node("subtract", other, self)

    def __mul__(self, other: Formula) -> Expression:
        return _node("multiply", self, other)

    def __rmul__(self, other: Scalar) -> Expression:
        return _node("multiply", other, self)

    def __truediv__(self, other: Formula) -> Expression:
        return _node("divide", self, other)

    def __rtruediv__(self, other: Scalar) -> Expression:
        return _node("divide", other, self)

    def __pow__(self, other: Formula) -> Expression:
        return _node("power", self, other)

    def __rpow__(self, other: Scalar) -> Expression:
        return _node("power", other, self)

    def __neg__(self) -> Expression:
        return _node("negative", self)

    def __lt__(self, other: Formula) -> Expression:
        return _node("less", self, other)

    def __le__(self, other: Formula) -> Expression:
        return _node("less_equal", self, other)

    def __gt__(self, other: Formula) -> Expression:
        return _node("greater", self, other)

    def __ge__(self, other: Formula) -> Expression:
        return _node("greater_equal", self, other)

    def __bool__(self) -> bool:
        raise TypeError(
            "a formula cannot branch with 'if', 'and' or 'or' on its variables: "
            "write where(condition, a, b)"
        )

    def __array__(self, *_: object, **__: object) -> np.ndarray:
        raise TypeError(
            "a formula uses chainrule.ops functions (exp, where, maximum, …), not NumPy's"
        )

    def __str__(self) -> str:
        if self.operation == "constant":
            return f"{self.value:g}"
        if self.operation == "variable":
            return str(self.value)
        return OPERATIONS[self.operation][1].format(*map(str, self.arguments))


Formula = Expression | Scalar


def Variable(name: str) -> Expression:  # noqa: N802  (reads as the constructor it is)
    """A named input of a formula."""
    return Expression("variable", value=name)


def as_expression(x: Formula) -> Expression:
    """A number becomes a constant; an expression stays as it is."""
    return x if isinstance(x, Expression) else Expression("constant", value=float(x))


def _node(operation: str, *arguments: Formula) -> Expression:
    return Expression(operation, tuple(map(as_expression, arguments)))


def _apply(operation: str, *arguments: Any) -> Any:
    """A node when an argument is an expression, else the result at once."""
    if any(isinstance(a, Expression) for a in arguments):
        return _node(operation, *arguments)
    return OPERATIONS[operation][0](np, *arguments)


def exp(x: Any) -> Any:
    """E to the power `x`, elementwise; any shape."""
    return _apply("exp", x)


def expm1(x: Any) -> Any:
    """exp(x) − 1, accurate near 0, elementwise; any shape."""
    return _apply("expm1", x)


def log(x: Any) -> Any:
    """Natural logarithm, elementwise; any shape."""
    return _apply("log", x)


def log1p(x: Any) -> Any:
    """log(1 + x), accurate near 0, elementwise; any shape."""
    return _apply("log1p", x)


def sqrt(x: Any) -> Any:
    """Square root, elementwise; any shape."""
    return _apply("sqrt", x)


def tanh(x: Any) -> Any:
    """Hyperbolic tangent, elementwise; any shape."""
    return _apply("tanh", x)


def cos(x: Any) -> Any:
    """Cosine of an angle in radians, elementwise; any shape."""
    return _apply("cos", x)


def sin(x: Any) -> Any:
    """Sine of an angle in radians, elementwise; any shape."""
    return _apply("sin", x)


def erfc(x: Any) -> Any:
    """Complementary error function, elementwise; any shape."""
    return _apply("erfc", x)


def absolute(x: Any) -> Any:
    """Absolute value, elementwise; any shape."""
    return _apply("absolute", x)


def maximum(a: Any, b: Any) -> Any:
    """The larger of two, elementwise; NaN where `a` is NaN; any shapes that broadcast."""
    return _apply("maximum", a, b)


def minimum(a: Any, b: Any) -> Any:
    """The smaller of two, elementwise; NaN where `a` is NaN; any shapes that broadcast."""
    return _apply("minimum", a, b)


def where(condition: Any, a: Any, b: Any) -> Any:
    """`a` where the condition holds, else `b`, elementwise; any shapes that broadcast."""
    return _apply("where", condition, a, b)


def row_sum(x: Any) -> Any:
    """Sum over the columns of each row: (rows, columns) to (rows, 1)."""
    return _apply("row_sum", x)


def row_max(x: Any) -> Any:
    """Largest entry of each row: (rows, columns) to (rows, 1)."""
    return _apply("row_max", x)


def walk(expression: Expression) -> Iterator[Expression]:
    """Every node below and including `expression`, arguments first; shared nodes once."""
    seen: set[int] = set()

    def visit(node: Expression) -> Iterator[Expression]:
        if id(node) not in seen:
            seen.add(id(node))
            for argument in node.arguments:
                yield from visit(argument)
            yield node

    return visit(expression)


def variables(expression: Expression) -> set[str]:
    """The names of the variables that a formula reads.

    Examples
    --------
    >>> sorted(variables(Variable("y") * (1 - Variable("y"))))
    ['y']
    """
    return {str(node.value) for node in walk(expression) if node.operation == "variable"}


def evaluate(expression: Expression, values: Mapping[str, Array], xp: Any = np) -> Array:
    """The value of a formula on arrays.

    Parameters
    ----------
    expression : Expression
    values : mapping of str to array
        One for each variable; shapes broadcast.
    xp : array namespace
        NumPy, jax.numpy or any module that follows the array API standard.

    Examples
    --------
    >>> float(evaluate(1 / (1 + exp(-Variable("z"))), {"z": np.array(0.0)}))
    0.5
    """
    return Function(expression)(values, xp)


class Function:
    """A formula as a function of its variables, as `evaluate`; for one that is asked often.

    Parameters
    ----------
    expression : Expression

    Examples
    --------
    >>> square = Function(Variable("z") ** 2)
    >>> float(square({"z": np.array(3.0)}))
    9.0
    """

    def __init__(self, expression: Expression) -> None:
        nodes = list(walk(expression))
        places = {id(node): place for place, node in enumerate(nodes)}
        self._steps = [
            (node.operation, node.value, [places[id(a)] for a in node.arguments]) for node in nodes
        ]

    def __call__(self, values: Mapping[str, Array], xp: Any = np) -> Array:
        """The value for some arrays, by variable."""
        dtype = next((v.dtype for v in values.values() if hasattr(v, "dtype")), None)
        done: list[Any] = []
        for operation, value, operands in self._steps:
            if operation == "variable":
                done.append(values[str(value)])
            elif operation == "constant":
                done.append(value)
            else:
                done.append(_carried_out(operation, [done[k] for k in operands], dtype, xp))
        return done[-1]


def _carried_out(operation: str, arguments: list[Any], dtype: Any, xp: Any) -> Array:
    """One operation on arrays and bare numbers."""
    if all(isinstance(a, float | int) for a in arguments):
        return float(OPERATIONS[operation][0](_Scalars, *arguments))
    if operation in _SELECTIONS:  # two bare numbers would lose the dtype
        arguments = [
            xp.asarray(a, dtype=dtype) if isinstance(a, float | int) else a for a in arguments
        ]
    return OPERATIONS[operation][0](xp, *arguments)


class _Scalars:
    """The namespace for nodes that read constants and hyper-parameters only."""

    exp, expm1, log, log1p = math.exp, math.expm1, math.log, math.log1p
    sqrt, tanh, abs = math.sqrt, math.tanh, abs
    cos, sin = math.cos, math.sin

    @staticmethod
    def where(condition: bool, a: float, b: float) -> float:
        return a if condition else b
