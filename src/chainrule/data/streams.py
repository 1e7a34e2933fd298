"""`Stream`: a table in files, read portion by portion in constant memory, shuffled if wanted."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from chainrule.data.folders import TableFiles
from chainrule.data.shuffling import in_portions, shuffled
from chainrule.ops.hyperparameters import HYPERPARAMETERS, check

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Keep", "Stream"]

Keep = Callable[["pa.Table", np.ndarray], np.ndarray]
_SALT = 0x57EA
_BYTES = 2**26  # most that the rows of a window, a sample, the held-out rows each may take


class Stream:
    """A table in a file or a folder that need not fit into memory.

    Parameters
    ----------
    path : str or Path
        A CSV or Parquet file, or a folder of such, as `read_table` takes it.
    drop : sequence of str
        Columns to leave out.
    portion_rows : int
        Rows that are handed on together.
    shuffle_rows : int
        Rows among which the next ones are drawn; files and row groups come in random order too. A
        single CSV file is read from its start to its end, so one that is sorted wants many.
    sample_rows : int
        Size of the random sample from which medians, scales and categories are learnt.
    held_out_rows : int
        Most rows that are held out for validation, or for a test; they stay in memory.
    say : callable
        Takes a line about what was guessed.

    Raises
    ------
    DataError
        If there is no such file; when rows are read, naming the file and the line or column.
    HyperparameterError
        If a number of rows is below 1.

    Examples
    --------
    >>> from pathlib import Path
    >>> import chainrule.data
    >>> stream = Stream(Path(chainrule.data.__file__).parent / "sets" / "penguins.csv")
    >>> stream.rows, [len(table) for table in Stream(stream.path, portion_rows=100).portions()]
    (344, [100, 100, 100, 44])
    """

    def __init__(
        self,
        path: str | Path,
        *,
        drop: Sequence[str] = (),
        portion_rows: int = HYPERPARAMETERS["portion_rows"].default,
        shuffle_rows: int = HYPERPARAMETERS["shuffle_rows"].default,
        sample_rows: int = HYPERPARAMETERS["sample_rows"].default,
        held_out_rows: int = HYPERPARAMETERS["held_out_rows"].default,
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        check(
            portion_rows=portion_rows,
            shuffle_rows=shuffle_rows,
            sample_rows=sample_rows,
            held_out_rows=held_out_rows,
        )
        self.path, self.portion_rows, self.shuffle_rows = Path(path), portion_rows, shuffle_rows
        self.sample_rows, self.held_out_rows = sample_rows, held_out_rows
        self.files = TableFiles(path, drop, say)

    @property
    def schema(self) -> pa.Schema:
        """Names and types of the columns. A CSV file is read once to be sure of them."""
        return self.files.schema

    @cached_property
    def rows(self) -> int:
        """How many rows there are."""
        return sum(map(sum, self._pieces))

    def size(self) -> float:
        """About how many bytes the table takes in memory; read off the first rows."""
        return self.files.size

    def table(self) -> pa.Table:
        """All rows in memory."""
        return self.files.read()

    def limited(self, rows: int) -> int:
        """So many rows, or fewer where they are so wide that they would take too much memory."""
        return max(1, min(rows, int(_BYTES / self._row_bytes)))

    @cached_property
    def _row_bytes(self) -> float:
        return max(1.0, self.size() / self.rows)

    @cached_property
    def _pieces(self) -> list[list[int]]:
        """Rows of each piece of each file."""
        _ = self.schema
        return [file.pieces for file in self.files.files]

    def numbered(
        self, rng: np.random.Generator | None = None
    ) -> Iterator[tuple[pa.Table, np.ndarray]]:
        """Some rows at a time, with their places in the table, (n,); pieces in random order."""
        places = [(f, p) for f, pieces in enumerate(self._pieces) for p in range(len(pieces))]
        sizes = [size for pieces in self._pieces for size in pieces]
        starts = np.cumsum([0, *sizes])
        order = np.arange(len(places)) if rng is None else rng.permutation(len(places))
        for number in order.tolist():
            start = int(starts[number])
            for table in self.files.batches(*places[number]):
                yield table, np.arange(start, start + len(table))
                start += len(table)

    def portions(
        self,
        epoch: int | None = None,
        seed: int = HYPERPARAMETERS["seed"].default,
        *,
        keep: Keep | None = None,
        rows: int | None = None,
    ) -> Iterator[pa.Table]:
        """Every row once, some at a time.

        Parameters
        ----------
        epoch : int, optional
            The order is that of the files if None; otherwise random, and another in each epoch.
        seed : int
            Of the random orders.
        keep : callable, optional
            Which rows to hand on: a mask (n,) from a table (n rows) and their places (n,).
        rows : int, optional
            Rows of a portion instead of `portion_rows`.

        Yields
        ------
        pyarrow.Table
        """
        rows = rows or self.limited(self.portion_rows)
        rng = None if epoch is None else np.random.default_rng([seed, epoch, _SALT])
        tables = self._kept(rng, keep)
        if rng is None:
            yield from in_portions(tables, rows)
        else:
            yield from shuffled(tables, self.limited(self.shuffle_rows), rows, rng)

    def _kept(self, rng: np.random.Generator | None, keep: Keep | None) -> Iterator[pa.Table]:
        import pyarrow as pa

        for table, numbers in self.numbered(rng):
            if keep is not None:
                table = table.filter(pa.array(keep(table, numbers)))  # noqa: PLW2901
            if len(table):
                yield table

    def __repr__(self) -> str:
        return f"Stream({str(self.path)!r})"
