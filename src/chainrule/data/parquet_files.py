"""One Parquet file: its rows whole, or a few row groups at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["PARQUET", "ParquetFile"]

PARQUET = ".parquet", ".pq"
_BUFFER = 2**20  # bytes of a column that are read at a time
_ROWS = 2**15  # rows decoded at a time, and fewest rows of a piece


class ParquetFile:
    """A Parquet file.

    Parameters
    ----------
    path : Path
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def read(self) -> pa.Table:
        """The whole file."""
        return self._guarded(lambda: self._opened().read())

    @cached_property
    def _metadata(self) -> Any:
        from pyarrow import parquet

        return self._guarded(lambda: parquet.read_metadata(self.path))

    @property
    def schema(self) -> pa.Schema:
        """Names and types."""
        return self._metadata.schema.to_arrow_schema()

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return self._metadata.num_rows

    @cached_property
    def _groups(self) -> list[list[int]]:
        """Row groups that are read together: one, or several small neighbours."""
        groups: list[list[int]] = []
        rows = _ROWS
        for number in range(self._metadata.num_row_groups):
            if rows >= _ROWS:
                groups.append([])
                rows = 0
            groups[-1].append(number)
            rows += self._metadata.row_group(number).num_rows
        return groups

    @property
    def pieces(self) -> list[int]:
        """Rows of the parts that can be read one by one."""
        count = self._metadata.row_group
        return [sum(count(number).num_rows for number in group) for group in self._groups]

    def batches(self, piece: int, schema: pa.Schema | None = None) -> Iterator[pa.Table]:
        """The rows of one piece, in the types of a schema with these columns."""
        import pyarrow as pa

        names = None if schema is None else schema.names
        groups = self._groups[piece]
        try:
            with self._opened() as file:
                for batch in file.iter_batches(_ROWS, row_groups=groups, columns=names):
                    table = pa.Table.from_batches([batch])
                    yield table if schema is None else table.select(names).cast(schema)
        except (pa.ArrowInvalid, OSError) as error:
            raise self._problem(error) from None

    def size(self) -> float:
        """About how many bytes the table takes, from the first rows."""
        if not self.rows:
            return 0.0
        first = next(iter(self.batches(0)))
        return first.nbytes / first.num_rows * self.rows

    def place(self, row: int) -> str:
        """Where a row is: "row 7", counted from 1."""
        return f"row {row + 1}"

    def _opened(self) -> Any:
        from pyarrow import parquet

        return parquet.ParquetFile(
            self.path, metadata=self._metadata, buffer_size=_BUFFER, pre_buffer=False
        )

    def _guarded(self, call: Any) -> Any:
        import pyarrow as pa

        try:
            return call()
        except (pa.ArrowInvalid, OSError) as error:
            raise self._problem(error) from None

    def _problem(self, error: Exception) -> DataError:
        if isinstance(error, OSError) and error.strerror:
            return DataError(f"cannot read {self.path}: {error.strerror}.")
        return DataError(f"{self.path} is not a Parquet file, or it was truncated.")
