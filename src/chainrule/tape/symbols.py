"""How a notation of the lecture notes writes the values of a tape, as text or LaTeX."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["NOTATIONS", "Notation", "Symbols", "in_latex", "parts", "substituted"]

Notation = Literal["000", "002"]
NOTATIONS: tuple[Notation, ...] = ("000", "002")
_SUPER = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUB = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")
_NAME = re.compile(r"([A-Za-zα]+?)(\d+)(?:\[(\d+)\])?((?:_\d+)*)")
_WORD = re.compile(r"[a-zA-Z]₋₁|[A-Za-zα-ω]+|.", re.DOTALL)
_LATEX = {
    "⊙": "\\odot", "−": "-", "σ": "\\sigma", "α": "\\alpha", "ε": "\\varepsilon", "ρ": "\\rho",
    "θ": "\\theta", "Σ": "\\sum", "²": "^2", "½": "\\tfrac{1}{2}", "tanh": "\\tanh",
    "exp": "\\exp", "log": "\\log", "mean": "\\operatorname{mean}", "var": "\\operatorname{var}",
    "softmax": "\\operatorname{softmax}", "sign": "\\operatorname{sign}", "if": "\\text{ if }",
    "else": "\\text{ else }", "where": "\\text{where}", "⋯": "\\cdots", "√": "\\sqrt",
}  # fmt: skip


def parts(name: str) -> tuple[str, int, str, str] | None:
    """Letter, layer, time step and number of a value's name; None for other names.

    Examples
    --------
    >>> parts("h1[3]"), parts("y2_3"), parts("targets")
    (('h', 1, '3', ''), ('y', 2, '', '_3'), None)
    """
    found = _NAME.fullmatch(name)
    if not found:
        return None
    letter, level, time, number = found.groups()
    return letter, int(level), time or "", number


def substituted(text: str, names: dict[str, str]) -> str:
    """A formula with symbols in place of its variables.

    Examples
    --------
    >>> substituted("z/√(v + ε)", {"z": "u²", "v": "v²"})
    'u²/√(v² + ε)'
    """
    words = _WORD.findall(text)
    following = [*words[1:], ""]
    return "".join(
        f"({names[word]})" if word in names and after in ("²", "^") else names.get(word, word)
        for word, after in zip(words, following, strict=True)
    )


def in_latex(text: str) -> str:
    r"""A formula of a record, before symbols are put in, as LaTeX.

    Examples
    --------
    >>> print(in_latex("z/√(v + ε)"))
    z/\sqrt{v + \varepsilon}
    """
    text = re.sub(r"√\(([^()]*)\)", r"√{\1}", text)
    return "".join(_LATEX.get(word, word) for word in _WORD.findall(text))


@dataclass(frozen=True)
class Symbols:
    """Letters, marks and indices of one notation."""

    notation: Notation
    latex: bool

    def choose(self, text: str, latex: str) -> str:
        return latex if self.latex else text

    @property
    def odot(self) -> str:
        return self.choose("⊙", "\\odot")

    @property
    def error(self) -> str:
        return "Err" if self.notation == "000" else "L"

    def function(self, name: str) -> str:
        """A named function."""
        plain = name.replace("_", "\\_")
        return self.choose(name, f"\\operatorname{{{plain}}}")

    def slope(self, name: str) -> str:
        """Its derivative."""
        return self.function(name) + self.choose("′", "'")

    def transposed(self, symbol: str) -> str:
        return self.choose(f"({symbol})ᵀ", f"({symbol})^T")

    def total(self, over: str) -> str:
        """A sum over indices, such as "nt"."""
        below = over.replace("n", "ₙ").replace("t", "ₜ").replace("p", "ₚ")
        return self.choose(f"Σ{below}", f"\\sum_{{{','.join(over)}}}")

    def jacobian(self, of: str, by: str) -> str:
        """The transposed matrix of derivatives, which passes a gradient back."""
        return self.choose(
            f"(∂{wrapped(of)}/∂{by})ᵀ", f"(\\partial {wrapped(of)} / \\partial {by})^T"
        )

    def level(self, k: int) -> str:
        if self.latex:
            return f"^{{({k})}}" if self.notation == "000" else f"_{{{k}}}"
        return str(k).translate(_SUPER if self.notation == "000" else _SUB)

    def numbered(self, letter: str, number: int) -> str:
        """One of several losses or targets."""
        return letter + self.choose(str(number).translate(_SUB), f"_{{{number}}}")

    def value(self, letter: str, level: int, time: str, again: int) -> str:
        """A value of a layer; the second one of the same letter has a prime."""
        own = {"d": "y", "p": "z"}.get(letter, letter)
        if self.notation == "002":
            own = {"z": "s", "y": "h"}.get(own, own)
        marks = self.level(level)
        if letter == "d":  # the output of dropout
            marks += self.choose("~", "{}'")
        if again:
            marks += self.choose("′" * again, "{}" + "'" * again)
        if self.latex and own == "α":
            own = "\\alpha"
        return f"{own}{marks}[{time}]" if time else own + marks

    def gradient(self, symbol: str) -> str:
        """∂Err/∂ of a value, by its symbol."""
        if self.notation == "002":
            return self.choose(f"Δ{symbol}", f"\\Delta {symbol}")
        if symbol.startswith("z"):
            return self.choose("δ", "\\delta") + symbol[1:]
        return self.choose(f"∂Err/∂{symbol}", f"\\partial Err / \\partial {symbol}")


def wrapped(text: str) -> str:
    """In brackets if it is a sum or a product place by place."""
    compound = any(sign in text for sign in (" + ", " − ", " - ", " ⊙ ", " \\odot ", " / "))
    return f"({text})" if compound else text
