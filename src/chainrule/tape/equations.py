"""A tape as equations in the notation of the lecture notes, as text or LaTeX.

The code keeps samples as rows, z = y W + b. The notes write columns, z = W y + b; so do these
equations: every product is turned round. A value that has no name in the notes (the product before
its bias, a convolution's patches, a part of a gradient) is written where it is used.
"""

from __future__ import annotations

from collections.abc import Sequence

from chainrule.errors import unknown_name
from chainrule.tape.symbols import NOTATIONS, Notation, Symbols
from chainrule.tape.tape import Tape
from chainrule.tape.writer import SHOWN, Line, Writer

__all__ = ["NOTATIONS", "Line", "Notation", "equations", "lines"]


def equations(tape: Tape, notation: Notation = "000", latex: bool = False) -> str:
    """The forward and the backward pass as equations.

    Of a long sequence the first two steps and the last are shown.

    Parameters
    ----------
    tape : Tape
        Before fusion, so that every formula stands on its own.
    notation : {"000", "002"}
        000: z, y, δ, the layer as a superscript. 002: s, h, and D for the slopes, as a subscript.
        A time step follows in brackets.
    latex : bool
        Whether to write LaTeX.

    Raises
    ------
    UnknownNameError
        For another notation.
    """
    found = _collapsed([line for own in lines(tape, notation, latex) for line in own])
    if latex:
        rows = ["&\\ \\vdots" if x is None else f"{x.left} &= {x.right}" for x in found]
        body = " \\\\\n".join(rows)
        return f"\\begin{{aligned}}\n{body}\n\\end{{aligned}}"
    width = max((len(line.left) for line in found if line), default=0)
    return "\n".join(
        " " * (width + 1) + "⋮" if line is None else " " * (width - len(line.left)) + str(line)
        for line in found
    )


def lines(tape: Tape, notation: Notation = "000", latex: bool = False) -> list[list[Line]]:
    """For each instruction of a tape the equations that are complete with it.

    Raises
    ------
    UnknownNameError
        For another notation.
    """
    if notation not in NOTATIONS:
        raise unknown_name("notation", notation, NOTATIONS)
    writer = Writer(tape, Symbols(notation, latex))
    return [writer.lines(place, i) for place, i in enumerate(tape.instructions)]


def _collapsed(found: Sequence[Line]) -> list[Line | None]:
    """The lines without the middle steps of long sequences; None where some are left out."""
    result: list[Line | None] = []
    place = 0
    while place < len(found):
        end = place
        while end < len(found) and bool(found[end].step) == bool(found[place].step):
            end += 1
        run = found[place:end]
        steps = list(dict.fromkeys(line.step for line in run))
        if len(steps) > SHOWN:
            first = [line for line in run if line.step in steps[:2]]
            result += [*first, None, *(line for line in run if line.step == steps[-1])]
        else:
            result += run
        place = end
    return result
