"""Tables from CSV and Parquet files; what is wrong with a file is said in one line."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import DataError, closest, unknown_name

if TYPE_CHECKING:
    import narwhals as nw
    import pyarrow as pa

__all__ = ["load_penguins", "read_table", "split_target"]

_CSV = ".csv", ".txt"
_PARQUET = ".parquet", ".pq"
_OTHER_SEPARATORS = ";", "\t", "|"


def read_table(path: str | Path) -> pa.Table:
    """A table from a file.

    Parameters
    ----------
    path : str or Path
        ``.csv`` (comma, first line the names of the columns, UTF-8) or ``.parquet``.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    DataError
        If the file is missing, empty, ragged or not UTF-8, if a column has no name or the name of
        another, or if a number is infinite.
    """
    path = Path(path)
    if path.is_dir():
        raise DataError(f"{path} is a folder: give a .csv or .parquet file.")
    if not path.is_file():
        others = [other.name for other in path.parent.glob(f"*{path.suffix}")]
        raise DataError(f"there is no file {path}.{closest(path.name, others)}")
    suffix = path.suffix.lower()
    if suffix not in (*_CSV, *_PARQUET):
        raise DataError(f"{path}: expected a .csv or .parquet file.")
    try:
        table = _read_csv(path) if suffix in _CSV else _read_parquet(path)
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}.") from None
    _check_names(path, table.column_names)
    if not table.num_rows:
        raise DataError(f"{path} has a header and no rows.")
    _check_finite(path, table)
    return table


def _check_names(path: Path, names: list[str]) -> None:
    for place, name in enumerate(names):
        if not name.strip():
            raise DataError(f"{path}: column {place + 1} has no name; name it or remove it.")
        if names.index(name) < place:
            raise DataError(f"{path}: two columns are called '{name}'; rename one.")
    if len(names) == 1:
        for separator in _OTHER_SEPARATORS:
            if separator in names[0]:
                raise DataError(
                    f"{path} separates its columns by {separator!r}: save it with commas."
                )


def _check_finite(path: Path, table: pa.Table) -> None:
    import pyarrow as pa
    from pyarrow import compute

    call: Any = compute
    for name in table.column_names:
        column = table.column(name)
        if pa.types.is_floating(column.type):
            row = call.index(call.is_inf(column), value=True).as_py()
            if row >= 0:
                raise DataError(
                    f"{path}, {_place(path, row)}: '{name}' is infinite; give a number there or "
                    f"leave it empty."
                )


def _place(path: Path, row: int) -> str:
    """Where the row is, as somebody who opens the file counts."""
    if path.suffix.lower() in _CSV:
        with path.open(newline="", encoding="utf-8-sig") as file:
            lines = csv.reader(file)
            filled = (lines.line_num for cells in lines if cells)
            next(filled)  # the header
            for found, line in enumerate(filled):
                if found == row:
                    return f"line {line}"
    return f"row {row + 1}"


# ------------------------------------------------------------------------ CSV


def _read_csv(path: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    try:
        table = arrow_csv.read_csv(
            path,
            parse_options=arrow_csv.ParseOptions(newlines_in_values=True),
            convert_options=arrow_csv.ConvertOptions(strings_can_be_null=True),
        )
        names = [name.strip() for name in table.column_names]
    except (pa.ArrowInvalid, UnicodeDecodeError) as error:
        raise DataError(_csv_problem(path, error)) from None
    if any(pa.types.is_binary(column.type) for column in table.columns):
        raise DataError(_csv_problem(path, ValueError("bytes that are no text")))
    return table.rename_columns(names)


def _csv_problem(path: Path, error: Exception) -> str:
    """What is wrong, by line where that can be told."""
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = csv.reader(file)
            filled = (row for row in rows if row)
            width = len(next(filled, []))
            if not width:
                return f"{path} is empty."
            count = 0
            for row in filled:
                count += 1
                if len(row) != width:
                    return (
                        f"{path}, line {rows.line_num} has {len(row)} fields, the header has "
                        f"{width}: mend that line."
                    )
            if not count:
                return f"{path} has a header and no rows."
    except UnicodeDecodeError:
        return f"{path}, line {_line_not_utf8(path)} is not UTF-8: save the file as UTF-8."
    except csv.Error as problem:
        error = problem
    return f"{path} cannot be read as CSV: {error}"


def _line_not_utf8(path: Path) -> int:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return number
    return 1  # a character that is cut by a line's end


def _read_parquet(path: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_table(path)
    except pa.ArrowInvalid:
        raise DataError(f"{path} is not a Parquet file, or it was truncated.") from None


# --------------------------------------------------------------------- target


def split_target(table: pa.Table, target: str) -> tuple[pa.Table, nw.Series[Any], int]:
    """The table without its target, the target, and how many rows had none and were left out.

    Parameters
    ----------
    table : pyarrow.Table
    target : str

    Returns
    -------
    (pyarrow.Table, narwhals.Series, int)

    Raises
    ------
    UnknownNameError
        Suggesting the closest column.
    DataError
        If no row has a target, or there is no other column.
    """
    import narwhals as nw
    import pyarrow as pa
    from pyarrow import compute

    if target not in table.column_names:
        raise unknown_name("target column", target, table.column_names)
    call: Any = compute
    known = call.invert(call.is_null(table.column(target), nan_is_null=True))
    kept = table.filter(known)
    dropped = table.num_rows - kept.num_rows
    if not kept.num_rows:
        raise DataError(f"the target '{target}' is missing in every row.")
    rest = kept.drop_columns([target])
    if not rest.num_columns:
        raise DataError(f"the table has no columns besides the target '{target}'.")
    return rest, nw.from_native(pa.table({target: kept.column(target)}))[target], dropped


def load_penguins() -> pa.Table:
    """344 penguins of three species: two texts, five numbers, 19 gaps; the target is "species".

    Horst, Hill & Gorman (2020), palmerpenguins, CC0.

    Returns
    -------
    pyarrow.Table
    """
    return read_table(Path(__file__).parent / "sets" / "penguins.csv")
