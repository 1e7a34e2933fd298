"""One column of a table: what all kinds share, and columns that are left out.

A column knows how many columns of the matrix it fills, what they mean, and how to write them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, ClassVar, Literal, Self

import numpy as np

from chainrule.data.cells import Cells

__all__ = ["Column", "LeftOut", "Role"]

Role = Literal["number", "indicator", "level"]
"""What an encoded column holds: a scaled number, 0/1 or ±1, or the number of a level."""


@dataclass
class Column(ABC):
    """How one column of the table is encoded.

    Attributes
    ----------
    name : str
    missing : int
        Gaps in the training rows.
    constant : bool
        Whether the training rows were all the same.
    """

    kind: ClassVar[str]
    name: str
    missing: int = field(default=0, kw_only=True)
    constant: bool = field(default=False, kw_only=True)

    @property
    def width(self) -> int:
        """Columns of the encoded matrix that this one fills."""
        return len(self.labels)

    @property
    @abstractmethod
    def labels(self) -> list[str]:
        """Names of these columns."""

    @property
    @abstractmethod
    def roles(self) -> list[Role]:
        """What these columns hold."""

    @property
    def vocabulary(self) -> int:
        """Different numbers of levels, where they are numbered; else 0."""
        return 0

    @property
    @abstractmethod
    def values(self) -> str:
        """Range or levels of the training rows, for a reader."""

    @property
    @abstractmethod
    def encoding(self) -> str:
        """What is made of the column, in a few words."""

    @property
    def formula(self) -> str:
        """What is made of the column, in full."""
        return self.encoding

    @abstractmethod
    def fill(self, part: np.ndarray, cells: Cells, rows: np.ndarray | None) -> None:
        """Write the encoding into the column's part of the matrix.

        Parameters
        ----------
        part : ndarray of shape (n, width)
            Zeros, to be written into.
        cells : Cells of n rows
        rows : ndarray of int, shape (n,), or None
            Their places in the whole table, for messages.

        Raises
        ------
        DataError
            Naming column and row, if a cell is unlike the training rows.
        """

    def config(self) -> dict[str, Any]:
        """All of it as data that JSON can hold."""
        return {"kind": self.kind, **asdict(self)}

    @classmethod
    def from_config(cls, data: Mapping[str, Any]) -> Self:
        """The column whose fields those are; what an older version wrote besides is not needed."""
        return cls(**{f.name: data[f.name] for f in fields(cls) if f.name in data})


@dataclass
class LeftOut(Column):
    """A column that is not learnt from: empty in every row, or an identifier.

    Attributes
    ----------
    why : {"identifier", "empty"}
    found : str
        What the training rows held.
    """

    kind = "left out"
    why: str = "identifier"
    found: str = ""

    @property
    def labels(self) -> list[str]:
        return []

    @property
    def roles(self) -> list[Role]:
        return []

    @property
    def values(self) -> str:
        return self.found

    @property
    def encoding(self) -> str:
        return "left out"

    def fill(self, part: np.ndarray, cells: Cells, rows: np.ndarray | None) -> None:
        """Nothing is written."""
