"""HTML from Python calls: every text is escaped unless it is markup already."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

__all__ = ["Cell", "Markup", "details", "element", "join", "quantity", "table"]

_VOID = "meta", "br", "hr"
_NUMBER = re.compile(r"[\d,.]+( \([\d.]+%\))?$")


class Markup(str):
    """Text that is HTML, and safe."""

    __slots__ = ()


@dataclass(frozen=True)
class Cell:
    """A cell of a table that looks other than its neighbours; `kind` is its class in the style.

    A "gap" stands where other rows have a number or a text.
    """

    content: Any
    kind: str = ""
    style: str = ""


def element(name: str, /, *children: Any, **attributes: Any) -> Markup:
    """One element of HTML.

    Children that are no `Markup` are escaped; None is left out, lists are flattened. Names of
    attributes lose an underscore at the end, and others become hyphens; None and False leave an
    attribute out, True gives it no value.

    Examples
    --------
    >>> element("p", "a < b ", element("b", 1), class_="note", aria_label='"')
    '<p class="note" aria-label="&quot;">a &lt; b <b>1</b></p>'
    """
    inner = join(*children)
    opening = f"<{name}{''.join(_attribute(*item) for item in attributes.items())}>"
    return Markup(opening if name in _VOID else f"{opening}{inner}</{name}>")


def join(*children: Any) -> Markup:
    """Children one after the other, escaped as in `element`."""
    return Markup("".join(map(_text, children)))


def _text(child: Any) -> str:
    if child is None:
        return ""
    if isinstance(child, str):
        return child if isinstance(child, Markup) else escape(child)
    if isinstance(child, Iterable):
        return join(*child)
    return escape(str(child))


def _attribute(name: str, value: Any) -> str:
    if value is None or value is False:
        return ""
    name = name.rstrip("_").replace("_", "-")
    return f" {name}" if value is True else f' {name}="{escape(str(value))}"'


def quantity(value: float, form: str = ".4g") -> Markup:
    """A number for people to read, and exactly for machines.

    Examples
    --------
    >>> quantity(-0.123456)
    '<data value="-0.123456">−0.1235</data>'
    >>> quantity(12345.678)
    '<data value="12345.678">12,346</data>'
    """
    if form == ".4g" and 1e4 <= abs(value) < 1e15:
        form = ",.0f"
    return element("data", f"{value:{form}}".replace("-", "−"), value=repr(value))


def table(
    caption: str, head: Sequence[Any], rows: Iterable[Sequence[Any]], *, hidden: bool = False
) -> Markup:
    """A table; the first cell of each row is its header.

    A column of numbers is flush right. Wide tables scroll sideways, by keyboard too.
    `hidden` leaves the caption to those who listen.
    """
    content = [[_cell(cell) for cell in row] for row in rows]
    right = [_right(column) for column in zip(*content, strict=True)] or [False] * len(head)
    names = [
        element("th", name, scope="col", class_="n" if number else None)
        for name, number in zip(head, right, strict=True)
    ]
    made = element(
        "table",
        element("caption", caption, class_="hidden" if hidden else None),
        element("thead", element("tr", names)),
        element("tbody", [_row(row, right) for row in content]),
    )
    return element("div", made, class_="scroll", role="group", aria_label=caption, tabindex=0)


def _row(cells: Sequence[Cell], right: Sequence[bool]) -> Markup:
    made = [
        element(
            "td" if place else "th",
            cell.content,
            scope=None if place else "row",
            class_=f"{cell.kind}{' n' if number else ''}".strip() or None,
            style=cell.style or None,
        )
        for place, (cell, number) in enumerate(zip(cells, right, strict=True))
    ]
    return element("tr", made)


def _cell(content: Any) -> Cell:
    return content if isinstance(content, Cell) else Cell(content)


def _right(column: Sequence[Cell]) -> bool:
    """Whether a column is one of numbers."""
    known = [cell.content for cell in column if cell.kind != "gap"]
    return bool(known) and all(map(_is_number, known))


def _is_number(text: Any) -> bool:
    if isinstance(text, Markup):
        return text.startswith("<data ") and text.count("<data") == 1
    return isinstance(text, int | float) or (isinstance(text, str) and bool(_NUMBER.match(text)))


def details(summary: str, *children: Any) -> Markup:
    """What opens when it is asked for."""
    return element("details", element("summary", summary), *children)
