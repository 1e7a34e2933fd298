"""One CSV file: its separator, its types, its rows whole or block by block, and what is wrong."""

from __future__ import annotations

import csv
import gzip
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from chainrule.errors import DataError

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CSV", "CsvFile"]

CSV = ".csv", ".tsv", ".txt", ".csv.gz", ".tsv.gz", ".txt.gz"
_SEPARATORS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
_BLOCK = 2**22  # bytes read at a time: types are guessed from the first block
_HEAD, _LINES = 2**16, 20  # characters and lines from which the separator is guessed
_CELLS = 1000  # cells that are looked at for decimal commas
_DECIMAL_COMMAS = r"^\s*[-+]?\d[\d.]*(,\d+)+\s*$"


class CsvFile:
    """A CSV file, perhaps compressed by gzip; its first line names the columns.

    Parameters
    ----------
    path : Path
    say : callable
        Takes a line about what was guessed.

    Attributes
    ----------
    separator : str
        The one of , ; tab | with which the first lines make the most regular table.
    """

    def __init__(self, path: Path, say: Callable[[str], None] = lambda _: None) -> None:
        self.path, self.separator = path, _separator(path)
        self._say: Callable[[str], None] | None = say
        self._types: list[pa.DataType] | None = None

    # ------------------------------------------------------------------ reading

    def read(self) -> pa.Table:
        """The whole file; types are found from all of its rows."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        try:
            table = arrow_csv.read_csv(self.path, **self._options())
            names = _stripped(table.column_names)  # raises where they are not UTF-8
        except (pa.ArrowInvalid, UnicodeDecodeError, OSError, EOFError) as error:
            raise self._problem(error) from None
        self._check(table)
        self._say_separator()
        return table.rename_columns(names)

    def _say_separator(self) -> None:
        """Say once what was guessed, of a file that can be read: what is wrong says it too."""
        if self._say is not None and self.separator != ",":
            self._say(f"{self.path}: columns are separated by {_SEPARATORS[self.separator]}")
        self._say = None

    @cached_property
    def raw_names(self) -> list[str]:
        """Names of the columns as they stand in the file."""
        return self._open().schema.names

    @property
    def schema(self) -> pa.Schema:
        """Names and types; until `settle` those of the first block."""
        import pyarrow as pa

        if self._types is None:
            first = self._first()
            self._check(first)
            self._types = first.schema.types
        return pa.schema(list(zip(_stripped(self.raw_names), self._types, strict=True)))

    @cached_property
    def rows(self) -> int:
        """How many rows there are; the types fit all of them from then on."""
        import pyarrow as pa

        types = dict(zip(self.raw_names, self.schema.types, strict=True))
        try:
            count = sum(batch.num_rows for batch in self._open(types))
        except (pa.ArrowInvalid, UnicodeDecodeError, OSError, EOFError):
            types = self._exact_types()
            self._types = list(types.values())
            count = sum(batch.num_rows for batch in self._blocks(types))
        self._say_separator()
        return count

    @property
    def pieces(self) -> list[int]:
        """Rows of the parts that can be read one by one: one part, for a line is where it is."""
        return [self.rows]

    def batches(self, piece: int, schema: pa.Schema | None = None) -> Iterator[pa.Table]:
        """The rows block by block, in the types of a schema with these columns."""
        import pyarrow as pa

        schema = self.schema if schema is None else schema
        names = zip(_stripped(self.raw_names), self.raw_names, strict=True)
        types = {raw: schema.field(name).type for name, raw in names}
        for batch in self._blocks(types):
            table = pa.Table.from_batches([batch])
            yield table.rename_columns(_stripped(table.column_names))

    def size(self) -> float:
        """About how many bytes the table takes, from the first block."""
        with self.path.open("rb") as file:
            content = gzip.GzipFile(fileobj=file) if _zipped(self.path) else file
            try:
                head = len(content.read(_BLOCK))
            except (OSError, EOFError) as error:
                raise self._problem(error) from None
            share = min(1.0, file.tell() / max(1, self.path.stat().st_size))
        if head < _BLOCK:
            share = 1.0
        return self._first().nbytes / share

    def place(self, row: int) -> str:
        """Where a row is, as somebody who opens the file counts: "line 7"."""
        with self._text() as file:
            lines = csv.reader(file, delimiter=self.separator)
            filled = (lines.line_num for cells in lines if cells)
            next(filled)  # the header
            for found, line in enumerate(filled):
                if found == row:
                    return f"line {line}"
        return f"row {row + 1}"

    def first_text(self, name: str) -> str:
        """The first cell of a column that is no number, and its line, for a message."""
        import pyarrow as pa

        start = 0
        for batch in self._blocks(dict.fromkeys(self.raw_names, pa.string())):
            cells = batch.column(_stripped(self.raw_names).index(name)).to_pylist()
            for row, cell in enumerate(cells):
                if cell is not None and not _fits(pa.array([cell]), pa.float64()):
                    return f" (such as '{cell}' in {self.place(start + row)})"
            start += len(cells)
        return ""

    # ------------------------------------------------------------------- arrow's

    def _options(self, types: Any = None) -> dict[str, Any]:
        from pyarrow import csv as arrow_csv

        return {
            "parse_options": arrow_csv.ParseOptions(
                delimiter=self.separator, newlines_in_values=True
            ),
            "convert_options": arrow_csv.ConvertOptions(
                strings_can_be_null=True, column_types=types
            ),
        }

    def _open(self, types: Any = None) -> Any:
        """A reader of blocks; types that are not given follow from the first block."""
        import pyarrow as pa
        from pyarrow import csv as arrow_csv

        options = arrow_csv.ReadOptions(block_size=_BLOCK)
        try:
            reader = arrow_csv.open_csv(self.path, read_options=options, **self._options(types))
            _ = reader.schema.names  # raises where they are not UTF-8
            return reader
        except (pa.ArrowInvalid, UnicodeDecodeError, OSError, EOFError) as error:
            raise self._problem(error) from None

    def _first(self) -> pa.Table:
        """The first block, with the types that fit it; no rows if there is a header alone."""
        import pyarrow as pa

        reader = self._open()
        try:
            batch = next(iter(reader), None)
        except (pa.ArrowInvalid, UnicodeDecodeError, OSError, EOFError) as error:
            raise self._problem(error) from None
        return pa.Table.from_batches([] if batch is None else [batch], reader.schema)

    def _blocks(self, types: Any) -> Iterator[pa.RecordBatch]:
        import pyarrow as pa

        try:
            yield from self._open(types)
        except (pa.ArrowInvalid, UnicodeDecodeError, OSError, EOFError) as error:
            raise self._problem(error) from None

    def _exact_types(self) -> dict[str, pa.DataType]:
        """The types that fit every cell: one pass over the file as texts."""
        import pyarrow as pa

        possible = {name: _ladder() for name in self.raw_names}
        for batch in self._blocks(dict.fromkeys(self.raw_names, pa.string())):
            for name, texts in zip(batch.schema.names, batch.columns, strict=True):
                possible[name] = [kind for kind in possible[name] if _fits(texts, kind)]
        return {name: (kinds or [pa.string()])[0] for name, kinds in possible.items()}

    # ------------------------------------------------------------- what is wrong

    def _check(self, table: pa.Table) -> None:
        """Refuse bytes that are no text, and numbers with decimal commas."""
        import pyarrow as pa
        from pyarrow import compute

        if any(pa.types.is_binary(column.type) for column in table.columns):
            raise self._problem(ValueError("bytes that are no text"))
        call: Any = compute
        for name, column in zip(_stripped(table.column_names), table.columns, strict=True):
            if pa.types.is_string(column.type):
                cells = call.drop_null(column.slice(0, _CELLS))
                if len(cells) and call.all(call.match_substring_regex(cells, _DECIMAL_COMMAS)):
                    place = self.place(call.index(column, cells[0]).as_py())
                    raise DataError(
                        f"{self.path}, {place}: '{name}' has numbers with a comma, such as "
                        f"'{cells[0]}': write decimals with a point and thousands without a mark "
                        f"(pandas.read_csv(…, decimal=',') reads them)."
                    )

    def _problem(self, error: Exception) -> DataError:
        return DataError(self._what_is_wrong(error))

    def _what_is_wrong(self, error: Exception) -> str:
        """What is wrong, by line where that can be told."""
        try:
            with self._text() as file:
                rows = csv.reader(file, delimiter=self.separator)
                filled = (row for row in rows if row)
                width = len(next(filled, []))
                if not width:
                    return f"{self.path} is empty."
                count = 0
                for row in filled:
                    count += 1
                    if len(row) != width:
                        return (
                            f"{self.path}, line {rows.line_num} has {len(row)} fields"
                            f"{self._between}, the header has {width}: mend that line."
                        )
                if not count:
                    return f"{self.path} has a header and no rows."
        except UnicodeDecodeError:
            return _not_utf8(self.path)
        except (OSError, EOFError) as problem:
            return f"cannot read {self.path}: {getattr(problem, 'strerror', '') or problem}."
        except csv.Error as problem:
            error = problem
        return f"{self.path} cannot be read as CSV: {error}"

    @property
    def _between(self) -> str:
        """The separator in a message, where it is not the usual one."""
        return "" if self.separator == "," else f" separated by {_SEPARATORS[self.separator]}"

    def _text(self) -> IO[str]:
        return _open_text(self.path)


# ------------------------------------------------------------------------ parts


def _zipped(path: Path) -> bool:
    return path.suffix.lower() == ".gz"


def _open_text(path: Path, errors: str = "strict") -> IO[str]:
    opened: Any = gzip.open if _zipped(path) else open
    return opened(path, "rt", newline="", encoding="utf-8-sig", errors=errors)


def _stripped(names: Sequence[str]) -> list[str]:
    return [name.strip() for name in names]


def _separator(path: Path) -> str:
    """The separator with which the first lines are most regular; commas where several are."""
    try:
        with _open_text(path, errors="replace") as file:
            head = file.read(_HEAD)
    except (OSError, EOFError) as error:
        raise DataError(f"cannot read {path}: {getattr(error, 'strerror', '') or error}.") from None
    whole = head if len(head) < _HEAD else head[: head.rfind("\n") + 1]
    lines = [line for line in whole.splitlines() if line.strip()][:_LINES]
    usual = "\t" if ".tsv" in path.suffixes else ","

    def regular(separator: str) -> tuple[bool, float, bool, int]:
        try:
            widths = [len(row) for row in csv.reader(lines, delimiter=separator)]
        except csv.Error:
            widths = []
        if not widths:
            return False, 0.0, separator == usual, 0
        share = widths.count(widths[0]) / len(widths)
        return widths[0] > 1, share if widths[0] > 1 else 0.0, separator == usual, widths[0]

    return max(_SEPARATORS, key=regular)


def _ladder() -> list[pa.DataType]:
    """Types in the order in which they are preferred; a text is what remains."""
    import pyarrow as pa

    times = pa.date32(), pa.timestamp("s"), pa.timestamp("ns")
    return [pa.null(), pa.int64(), pa.bool_(), *times, pa.float64()]


def _fits(texts: pa.Array, kind: pa.DataType) -> bool:
    import pyarrow as pa
    from pyarrow import compute

    call: Any = compute
    if pa.types.is_null(kind):
        return texts.null_count == len(texts)
    try:
        call.cast(call.utf8_trim_whitespace(texts), kind)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        return False
    return True


def _not_utf8(path: Path) -> str:
    """The line that is not UTF-8, and in which encoding it makes sense."""
    opened: Any = gzip.open if _zipped(path) else open
    with opened(path, "rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError as error:
                return (
                    f"{path}, line {number} is not UTF-8{_perhaps(line, error.start)}: save the "
                    f"file as UTF-8."
                )
    return f"{path}, line 1 is not UTF-8: save the file as UTF-8."


def _perhaps(line: bytes, place: int) -> str:
    """A guess at the encoding: the word around the byte that was refused."""
    if line.startswith((b"\xff\xfe", b"\xfe\xff")):
        return " but looks like UTF-16"
    try:
        before, after = line[:place].decode("cp1252"), line[place:].decode("cp1252")
    except UnicodeDecodeError:
        return ""
    word = "".join(re.findall(r"\w*$", before)[:1] + re.findall(r"^\w*", after))
    return f" but may be cp1252, which reads '{word}'" if word else " but may be cp1252"
