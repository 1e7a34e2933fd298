"""A tape as equations in the notation of the lecture notes, as text or LaTeX.

The code keeps samples as rows, z = y W + b. The notes write columns, z = W y + b; so do these
equations: every product is turned round. A value that is used once and has no name in the notes
(the product before its bias, a gradient on its way) is written where it is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from chainrule.errors import unknown_name
from chainrule.tape.instruction import Instruction
from chainrule.tape.tape import Tape

__all__ = ["NOTATIONS", "Notation", "equations"]

Notation = Literal["000", "002"]
NOTATIONS: tuple[Notation, ...] = ("000", "002")
_SUPER = str.maketrans("0123456789", "⁰¹²³⁴⁵⁶⁷⁸⁹")
_SUB = str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉")


def equations(tape: Tape, notation: Notation = "000", latex: bool = False) -> str:
    """The forward and the backward pass as equations.

    Parameters
    ----------
    tape : Tape
        Before fusion, so that every formula stands on its own.
    notation : {"000", "002"}
        000: z, y, δ, the layer as a superscript. 002: s, h, and D for the slopes, as a subscript.
    latex : bool
        Whether to write LaTeX.

    Raises
    ------
    UnknownNameError
        For another notation.
    """
    if notation not in NOTATIONS:
        raise unknown_name("notation", notation, NOTATIONS)
    writer = _Writer(tape, notation, latex)
    lines = [line for i in tape.instructions if (line := writer.equation(i))]
    if latex:
        body = " \\\\\n".join(line.replace(" = ", " &= ", 1) for line in lines)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
    width = max((line.index(" = ") for line in lines), default=0)
    return "\n".join(" " * (width - line.index(" = ")) + line for line in lines)


@dataclass
class _Writer:
    tape: Tape
    notation: Notation
    latex: bool

    def __post_init__(self) -> None:
        self.inline: dict[str, str] = {}

    def equation(self, i: Instruction) -> str:
        """The line for an instruction, or "" when it is written inside another one."""
        write: Callable[[Instruction], str] | None = getattr(self, f"_{i.operation}", None)
        if write is None:
            return ""
        text = write(i)
        result = i.results[0]
        if re.fullmatch(r"p\d+", result):
            self.inline[result] = text
            return ""
        return f"{self.symbol(result)} = {text}"

    # --------------------------------------------------------------- formulas

    def _matmul(self, i: Instruction) -> str:
        x, w = map(self.symbol, i.operands)
        return f"{w} {x}"

    def _add_bias(self, i: Instruction) -> str:
        return " + ".join(map(self.symbol, i.operands))

    def _activate(self, i: Instruction) -> str:
        return f"{self.function(i.attributes['activation'].name)}({self.symbol(i.operands[0])})"

    def _dropout(self, i: Instruction) -> str:
        mask = f"m{self.level(i.results[0])}" if not self.latex else "m"
        return f"{mask} {self.odot} {self.symbol(i.operands[0])} / {i.attributes['keep']:g}"

    def _loss(self, i: Instruction) -> str:
        name = self.function(i.attributes["loss"].name)
        return f"{name}({', '.join(map(self.symbol, i.operands))})"

    def _loss_slope(self, i: Instruction) -> str:
        z, t = map(self.symbol, i.operands[:2])
        names = {"z": z, "t": t}
        if self.latex:
            names |= {"σ": "\\sigma", "softmax": self.function("softmax")}
        words = re.split(r"\b", i.attributes["loss"].slope_formula)
        text = "".join(names.get(word, word) for word in words)
        return f"({text.replace('−', '-') if self.latex else text}) / n"

    def _slope(self, i: Instruction) -> str:
        kept = ", ".join(map(self.symbol, i.operands[1:]))
        name = self.function(i.attributes["activation"].name)
        return f"{self.symbol(i.operands[0])} {self.odot} {name}{self.prime}({kept})"

    def _matmul_tn(self, i: Instruction) -> str:
        x, dz = map(self.symbol, i.operands)
        return f"{dz} {self.transposed(x)}"

    def _matmul_nt(self, i: Instruction) -> str:
        dz, w = map(self.symbol, i.operands)
        return f"{self.transposed(w)} {dz}"

    def _column_sum(self, i: Instruction) -> str:
        total = "\\sum_n" if self.latex else "Σₙ"
        return f"{total} {self.symbol(i.operands[0])}"

    def _add(self, i: Instruction) -> str:
        return " + ".join(map(self.symbol, i.operands))

    # ---------------------------------------------------------------- symbols

    @property
    def odot(self) -> str:
        return "\\odot" if self.latex else "⊙"

    @property
    def prime(self) -> str:
        return "'" if self.latex else "′"

    def transposed(self, symbol: str) -> str:
        return f"({symbol})^T" if self.latex else f"({symbol})ᵀ"

    def function(self, name: str) -> str:
        if not self.latex:
            return name
        return "\\operatorname{" + name.replace("_", "\\_") + "}"

    def level(self, name: str) -> str:
        found = re.match(r"[a-z]*[A-Za-z](\d+)", name)
        return self.at(int(found.group(1))) if found else ""

    def at(self, k: int) -> str:
        if self.latex:
            return f"^{{({k})}}" if self.notation == "000" else f"_{{{k}}}"
        return str(k).translate(_SUPER if self.notation == "000" else _SUB)

    def symbol(self, name: str) -> str:
        """How a notation writes a value of the tape."""
        if name in self.inline:
            return self.inline[name]
        if name == "x":
            return ("y" if self.notation == "000" else "h") + self.at(0)
        if name == "L":
            return "Err" if self.notation == "000" else "L"
        if name == "t":
            return "d" if self.notation == "000" else "Y"
        found = re.fullmatch(r"(d?)([pzydWb])(\d+)(_\d+)?", name)
        if not found:
            return name
        gradient, letter, level, _ = found.groups()
        return self.named(bool(gradient), letter, self.at(int(level)))

    def named(self, gradient: bool, letter: str, level: str) -> str:
        if letter == "d":  # the output of dropout
            letter = "y"
            level += "~" if not self.latex else "{}'"
        own = {"p": "z"}.get(letter, letter)
        if self.notation == "002":
            own = {"z": "s", "y": "h"}.get(own, own)
        if not gradient:
            return own + level
        if self.notation == "002":
            return ("\\Delta " if self.latex else "Δ") + own + level
        if own == "z":
            return ("\\delta" if self.latex else "δ") + level
        if self.latex:
            return f"\\partial Err / \\partial {own}{level}"
        return f"∂Err/∂{own}{level}"
