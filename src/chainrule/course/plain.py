"""reStructuredText as a terminal shows it: wrapped, without markup, formulas as they are."""

from __future__ import annotations

import re
import unicodedata
from itertools import pairwise

__all__ = ["plain", "wrapped"]

_CLOSING = "，。；：、？！）】》”’…,.;:?!)]"  # never first in a line
_OPENING = "（《“(["  # never last
_INLINE = (
    (re.compile(r":\w+:`([^`]+)`"), r"\1"),
    (re.compile(r"``([^`]+)``"), r"\1"),
    (re.compile(r"`([^`<]+) <([^>]+)>`_+"), r"\1 (\2)"),
    (re.compile(r"\*\*(\S(?:[^*]*\S)?)\*\*"), r"\1"),
    (re.compile(r"\\([^\w\s])"), r"\1"),
    (re.compile(r"(?<!\w)\*(\S(?:[^*]*\S)?)\*(?!\w)"), r"\1"),
)


def plain(text: str, width: int = 80) -> str:
    r"""Prose for a terminal.

    Parameters
    ----------
    text : str
        reStructuredText: a title, paragraphs, lists, ``.. math::``, literal blocks.
    width : int
        Columns; a Chinese character takes two.

    Examples
    --------
    >>> print(plain("Let *x* be ``3``:\n\n.. math::\n\n   z = w x"))
    Let x be 3:
    <BLANKLINE>
        z = w x
    """
    parts = [_part(part, width) for part in re.split(r"\n\s*\n(?! )", text.strip())]
    return "\n\n".join(part for part in parts if part)


def _part(part: str, width: int) -> str:
    lines = part.splitlines()
    if lines[0].startswith(".. math::"):
        body = "\n".join(lines[1:]).strip()
        return "\n".join(f"    {line.strip()}" for line in body.splitlines() if line.strip())
    if len(lines) > 1 and re.fullmatch(r"([=\-~])\1{2,}", lines[1]):
        size = columns(lines[0])
        heading = f"{lines[0]}\n{lines[1][0] * size}"
        rest = "\n".join(lines[2:]).strip()
        return f"{heading}\n\n{_part(rest, width)}" if rest else heading
    if lines[0].startswith("- "):
        items = re.split(r"^- ", part, flags=re.MULTILINE)[1:]
        return "\n".join(f"- {wrapped(_inline(item), width - 2, '  ')}" for item in items)
    return wrapped(_inline(part), width)


def _inline(text: str) -> str:
    for pattern, replacement in _INLINE:
        text = pattern.sub(replacement, text)
    return text


def columns(text: str) -> int:
    """How many columns of a terminal a text takes."""
    return sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def wrapped(text: str, width: int, indent: str = "") -> str:
    """Lines of at most `width` columns; further lines begin with `indent`.

    Chinese breaks between any two characters, but not before a closing mark.

    Examples
    --------
    >>> print(wrapped("学习率 is the rate，梯度。", 14))
    学习率 is the
    rate，梯度。
    """
    lines, line = [], ""
    for token in _tokens(" ".join(text.split())):
        if line and columns(line + token.rstrip()) > width:
            lines.append(line.rstrip())
            line = ""
        line += token
    return f"\n{indent}".join([*lines, line.rstrip()])


def _tokens(text: str) -> list[str]:
    """What may not be broken: words with the blank after them, single wide characters."""
    breaks = [
        k + 1
        for k, (a, b) in enumerate(pairwise(text))
        if (a == " " or _wide(a) or _wide(b))
        and b != " "
        and b not in _CLOSING
        and a not in _OPENING
    ]
    return [text[a:b] for a, b in pairwise([0, *breaks, len(text)])]


def _wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in "WF"
