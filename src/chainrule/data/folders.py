"""One file or a folder of files as one table: which files, their partitions, their one schema."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from chainrule.data.csv_files import CSV, CsvFile
from chainrule.data.parquet_files import PARQUET, ParquetFile
from chainrule.errors import DataError, LeftOutWarning, closest, unknown_name, warn

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["TableFiles"]

_quiet: Callable[[str], None] = lambda _: None  # noqa: E731
_SHOWN = 5  # files that are named
_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"  # what Hive and Spark write for a gap


class TableFiles:
    """The files that hold one table.

    Parameters
    ----------
    path : str or Path
        A CSV or Parquet file, or a folder of files of one kind, read in the order of their names.
        Folders called ``year=2024`` add a column. Names that begin with a dot or an underscore
        are passed over.
    drop : sequence of str
        Columns to leave out.
    say : callable
        Takes a line about what was guessed.

    Raises
    ------
    DataError
        If there is no such file, or none in the folder, or files of both kinds.

    Warns
    -----
    LeftOutWarning
        Naming the files of a folder that are no tables.
    """

    def __init__(
        self,
        path: str | Path,
        drop: Sequence[str] = (),
        say: Callable[[str], None] = lambda _: None,
    ) -> None:
        self.path, self.drop = Path(path), tuple(drop)
        paths = _find(self.path)
        self.files = [
            (CsvFile(p, say if p == paths[0] else _quiet) if _kind(p) == "CSV" else ParquetFile(p))
            for p in paths
        ]
        self.added = _partitions(self.path, paths)

    def read(self) -> pa.Table:
        """All rows in memory.

        Raises
        ------
        DataError
            Naming the file, and the line or the column.
        """
        import pyarrow as pa

        tables = [file.read() for file in self.files]
        for file, table in zip(self.files, tables, strict=True):
            check_names(file.path, table.column_names)
        if not sum(table.num_rows for table in tables):
            raise self.no_rows()
        for file, table in zip(self.files, tables, strict=True):
            check_finite(file, table, 0)
        schema = self._common([table.schema for table in tables])
        return pa.concat_tables(
            self._completed(table, added, schema)
            for table, added in zip(tables, self.added, strict=True)
        )

    @cached_property
    def schema(self) -> pa.Schema:
        """Names and types of the columns, which fit every row."""
        for file in self.files:
            check_names(file.path, file.schema.names)
        if not sum(file.rows for file in self.files):
            raise self.no_rows()
        return self._common([file.schema for file in self.files])

    @cached_property
    def size(self) -> float:
        """About how many bytes the table takes in memory."""
        return sum(file.size() for file in self.files)

    def batches(self, file: int, piece: int) -> Iterator[pa.Table]:
        """The rows of one piece of one file, all numbers finite."""
        import pyarrow as pa

        source, added = self.files[file], self.added[file]
        own = [field for field in self.schema if field.name not in added]
        inner = pa.schema([field for field in own if field.name in source.schema.names])
        if isinstance(source, CsvFile):
            inner = self._with_dropped(inner, source.schema)
        start = sum(source.pieces[:piece])
        for table in source.batches(piece, inner):
            check_finite(source, table, start)
            start += table.num_rows
            yield self._completed(table, added, self.schema)

    def no_rows(self) -> DataError:
        """What to say of a table of a header alone."""
        has = "have headers" if len(self.files) > 1 else "has a header"
        which = f"the files in {self.path}" if len(self.files) > 1 else str(self.files[0].path)
        return DataError(f"{which} {has} and no rows.")

    def _with_dropped(self, inner: pa.Schema, own: pa.Schema) -> pa.Schema:
        """CSV reads every column of a line, so dropped ones need a type too."""
        for name in own.names:
            if name in self.drop:
                inner = inner.append(own.field(name))
        return inner

    def _completed(self, table: pa.Table, added: dict[str, Any], schema: pa.Schema) -> pa.Table:
        """The table with the columns of its folders' names, in the order and types of a schema."""
        import pyarrow as pa

        for name, value in added.items():
            if name in schema.names:
                constant = pa.repeat(pa.scalar(value, schema.field(name).type), table.num_rows)
                table = table.append_column(name, constant)
        table = table.select(schema.names).replace_schema_metadata()
        return table if table.schema == schema else table.cast(schema)

    def _common(self, schemas: list[pa.Schema]) -> pa.Schema:
        """The one schema of all files, partitions included, without what is dropped."""
        import pyarrow as pa

        types = self._common_types(schemas)
        for name in self.added[0]:
            if name in types:
                raise DataError(
                    f"{self.files[0].path}: the column '{name}' is also the name of its folder."
                )
            values = [added[name] for added in self.added]
            types[name] = pa.infer_type(values)
        for name in self.drop:
            if name not in types:
                raise unknown_name("column", name, list(types))
        return pa.schema([item for item in types.items() if item[0] not in self.drop])

    def _common_types(self, schemas: list[pa.Schema]) -> dict[str, pa.DataType]:
        first = self.files[0].path
        types = dict(zip(schemas[0].names, schemas[0].types, strict=True))
        origin = dict.fromkeys(types, 0)
        for number, (file, schema) in enumerate(zip(self.files, schemas, strict=True)):
            for name in types:
                if name not in schema.names:
                    hint = closest(name, [other for other in schema.names if other not in types])
                    raise DataError(
                        f"{file.path} has no column '{name}', which {first.name} has: give all "
                        f"files of a folder the same columns.{hint}"
                    )
            for field in schema:
                if field.name not in types:
                    raise DataError(
                        f"{file.path} has a column '{field.name}', which {first.name} has not: "
                        f"give all files of a folder the same columns."
                    )
                common = _common_type(types[field.name], field.type)
                if common is None:
                    raise self._two_types(field.name, origin[field.name], number, schemas)
                if common != types[field.name]:
                    types[field.name], origin[field.name] = common, number
        return types

    def _two_types(self, name: str, first: int, second: int, schemas: list[pa.Schema]) -> DataError:
        """What to say of a column whose types have nothing in common."""
        import pyarrow as pa

        def described(number: int) -> str:
            kind, file = schemas[number].field(name).type, self.files[number]
            text = pa.types.is_string(kind) and isinstance(file, CsvFile)
            return f"holds {_called(kind)}{file.first_text(name) if text else ''}"

        return DataError(
            f"{self.files[second].path}: column '{name}' {described(second)}, and "
            f"{described(first)} in {self.files[first].path.name}: make the files alike."
        )


# ---------------------------------------------------------------------- finding


def _kind(path: Path) -> str | None:
    name = path.name.lower()
    if name.endswith(CSV):
        return "CSV"
    return "Parquet" if name.endswith(PARQUET) else None


def _find(path: Path) -> list[Path]:
    if path.is_dir():
        return _in_folder(path)
    if not path.is_file():
        others = [other.name for other in path.parent.glob(f"*{path.suffix}")]
        raise DataError(f"there is no file {path}.{closest(path.name, others)}")
    if _kind(path) is None:
        raise DataError(
            f"{path}: expected a .csv or .parquet file, or a folder of such (.tsv and .csv.gz are "
            f"read as well)."
        )
    return [path]


def _in_folder(folder: Path) -> list[Path]:
    every = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(("_", ".")) for part in path.relative_to(folder).parts)
    )
    paths, others = [[p for p in every if bool(_kind(p)) is table] for table in (True, False)]
    if not paths:
        raise DataError(f"the folder {folder} holds no .csv or .parquet files.")
    kinds = {_kind(path): path for path in paths}
    if len(kinds) > 1:
        raise DataError(
            f"the folder {folder} holds CSV and Parquet files, such as {kinds['CSV'].name} and "
            f"{kinds['Parquet'].name}: keep those of one kind."
        )
    if others:
        _say_not_read(folder, others)
    return paths


def _say_not_read(folder: Path, others: Sequence[Path]) -> None:
    names = ", ".join(str(path.relative_to(folder)) for path in others[:_SHOWN])
    more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
    warn(
        f"of the folder {folder} only the .csv and .parquet files were read, not {names}{more}.",
        LeftOutWarning,
    )


def _partitions(root: Path, paths: Sequence[Path]) -> list[dict[str, Any]]:
    """Columns from folders called ``name=value``, for each file; whole numbers where all are."""
    if not root.is_dir():
        return [{} for _ in paths]
    found = [
        dict(part.split("=", 1) for part in path.relative_to(root).parts[:-1] if "=" in part)
        for path in paths
    ]
    for path, keys in zip(paths, found, strict=True):
        if keys.keys() != found[0].keys():
            raise DataError(
                f"{path} lies in the folders {sorted(keys)} and {paths[0].name} in "
                f"{sorted(found[0])}: give all files the same levels of name=value folders."
            )
    values = {name: [keys[name] for keys in found] for name in found[0]}
    read = {name: _values(texts) for name, texts in values.items()}
    return [{name: column[k] for name, column in read.items()} for k in range(len(paths))]


def _values(texts: Sequence[str]) -> list[Any]:
    cells = [None if text == _NO_VALUE else unquote(text) for text in texts]
    whole = all(cell is None or cell.lstrip("-").isdecimal() for cell in cells)
    return [int(cell) if whole and cell is not None else cell for cell in cells]


# --------------------------------------------------------------------- checking


def check_names(path: Path, names: Sequence[str]) -> None:
    """Refuse columns without a name, or with the name of another."""
    for place, name in enumerate(names):
        if not name.strip():
            raise DataError(f"{path}: column {place + 1} has no name; name it or remove it.")
        if list(names).index(name) < place:
            raise DataError(f"{path}: two columns are called '{name}'; rename one.")


def check_finite(file: CsvFile | ParquetFile, table: pa.Table, start: int) -> None:
    """Refuse infinite numbers; the table begins in row `start` of its file."""
    import pyarrow as pa
    from pyarrow import compute

    call: Any = compute
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_floating(column.type):
            row = call.index(call.is_inf(column), value=True).as_py()
            if row >= 0:
                raise DataError(
                    f"{file.path}, {file.place(start + row)}: '{name}' is infinite; give a number "
                    f"there or leave it empty."
                )


def _common_type(a: pa.DataType, b: pa.DataType) -> pa.DataType | None:
    """The type to which both can be cast, or None."""
    import pyarrow as pa

    kinds = pa.types
    if a == b or kinds.is_null(b):
        return a
    if kinds.is_null(a):
        return b
    if all(kinds.is_integer(kind) or kinds.is_floating(kind) for kind in (a, b)):
        both_whole = kinds.is_integer(a) and kinds.is_integer(b)
        return pa.int64() if both_whole else pa.float64()
    if all(kinds.is_date(kind) or kinds.is_timestamp(kind) for kind in (a, b)):
        return pa.timestamp("ns" if pa.timestamp("ns") in (a, b) else "us")
    if all(_is_text(kind) for kind in (a, b)):
        return pa.string()
    return None


def _is_text(kind: pa.DataType) -> bool:
    import pyarrow as pa

    kinds = pa.types
    if kinds.is_dictionary(kind):
        return _is_text(kind.value_type)
    return kinds.is_string(kind) or kinds.is_large_string(kind)


def _called(kind: pa.DataType) -> str:
    import pyarrow as pa

    if _is_text(kind):
        return "texts"
    numbers = pa.types.is_integer(kind) or pa.types.is_floating(kind)
    return "numbers" if numbers else f"values of type {kind}"
