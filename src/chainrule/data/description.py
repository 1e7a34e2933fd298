"""What was inferred of a table's columns, a line each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import astuple, dataclass

from chainrule.data.columns import Column, LeftOut

__all__ = ["ColumnDescription", "Description", "describe"]

_KINDS = {  # in this order, with the plural
    "number": "numbers",
    "date": "dates",
    "yes-no": "yes-no",
    "category": "categories",
    "constant": "constant",
    "identifier": "identifiers",
    "empty": "empty",
}
_HEAD = "column", "kind", "values", "gaps", "encoded as"


@dataclass(frozen=True)
class ColumnDescription:
    """One column of a table.

    Attributes
    ----------
    name : str
    kind : str
        "number", "yes-no", "category", "date", "identifier", "constant" or "empty".
    values : str
        Range or levels of the training rows.
    gaps : int
        Training rows without a value.
    encoding : str
        What was made of it.
    """

    name: str
    kind: str
    values: str
    gaps: int
    encoding: str

    @property
    def summary(self) -> str:
        """Kind, values and gaps in a line."""
        gaps = f"; {self.gaps} gap{'s' if self.gaps > 1 else ''}" if self.gaps else ""
        left = "; left out" if self.kind in ("identifier", "empty") else ""
        return _one_line(f"{self.kind}: {self.values}{gaps}{left}")

    @classmethod
    def of(cls, column: Column) -> ColumnDescription:
        """The description of a column."""
        return cls(column.name, _kind(column), column.values, column.missing, column.encoding)


def _kind(column: Column) -> str:
    if isinstance(column, LeftOut):
        return column.why
    return "constant" if column.constant else column.kind


class Description(tuple[ColumnDescription, ...]):
    """The columns of a table; `print` shows them as a table."""

    __slots__ = ()

    @property
    def kinds(self) -> str:
        """How many columns there are of each kind.

        Examples
        --------
        >>> from chainrule.data.numbers import Number
        >>> describe([Number("a"), Number("b")]).kinds
        '2 numbers'
        """
        count = Counter(column.kind for column in self)
        return ", ".join(
            f"{count[k]} {k if count[k] == 1 else many}" for k, many in _KINDS.items() if count[k]
        )

    def __str__(self) -> str:
        lines = [_HEAD, *(tuple(map(_one_line, astuple(column))) for column in self)]
        widths = [max(map(len, cells)) for cells in zip(*lines, strict=True)]
        return "\n".join(_aligned(line, widths) for line in lines)


def _one_line(value: object) -> str:
    return " ".join(str(value).split())


def _aligned(cells: tuple[str, ...], widths: list[int]) -> str:
    """Cells side by side, the number of gaps to the right."""
    padded = [
        cell.rjust(width) if head == "gaps" else cell.ljust(width)
        for cell, width, head in zip(cells, widths, _HEAD, strict=True)
    ]
    return "   ".join(padded).rstrip()


def describe(columns: Iterable[Column]) -> Description:
    """What was inferred of columns, in their order."""
    return Description(ColumnDescription.of(column) for column in columns)
