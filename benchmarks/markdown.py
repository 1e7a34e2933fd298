"""Tables and paragraphs that read well where Markdown is not rendered, too."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence

__all__ = ["digits", "met", "of_threads", "paragraph", "ratio", "table"]


def table(head: Sequence[str], rows: Sequence[Sequence[str]], left: int = 1) -> str:
    """A Markdown table, columns aligned in the text too; the first `left` are aligned left."""
    widths = [max(3, *(len(row[k]) for row in (head, *rows))) for k in range(len(head))]

    def line(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if k < left else cell.rjust(width)
            for k, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = ["-" * width if k < left else "-" * (width - 1) + ":" for k, width in enumerate(widths)]
    return "\n".join([line(head), line(rule), *map(line, rows)])


def digits(number: float) -> str:
    """Three significant digits, without an exponent."""
    return f"{number:.0f}" if number >= 100 else f"{number:#.3g}"


def paragraph(text: str) -> str:
    """Text in lines that are short enough to read where Markdown is not rendered."""
    return textwrap.fill(text, 100, break_long_words=False, break_on_hyphens=False)


def met(holds: bool) -> str:
    """Whether a goal is reached; bold where it is not."""
    return "yes" if holds else "**no**"


def ratio(both: tuple[float, float]) -> str:
    """A ratio of medians, and of minima in brackets."""
    return f"{digits(both[0])} ({digits(both[1])})"


def of_threads(count: int) -> str:
    """Such as "2 threads"."""
    return "1 thread" if count == 1 else f"{count} threads"
