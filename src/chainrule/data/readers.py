"""Tables from CSV and Parquet files; what is wrong with a file is said in one line."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import DataError, unknown_name

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["load_penguins", "read_table", "split_target"]


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
        If the file is missing, empty, ragged, or has two columns of one name.
    """
    path = Path(path)
    if not path.is_file():
        raise DataError(f"there is no file {path}.")
    suffix = path.suffix.lower()
    if suffix in (".parquet", ".pq"):
        table = _read_parquet(path)
    elif suffix in (".csv", ".txt"):
        table = _read_csv(path)
    else:
        raise DataError(f"{path}: expected a .csv or .parquet file.")
    names = table.column_names
    doubled = sorted({name for name in names if names.count(name) > 1})
    if doubled:
        raise DataError(f"{path}: two columns are called '{doubled[0]}'; rename one.")
    if not table.num_rows:
        raise DataError(f"{path} has a header and no rows.")
    return table


def _read_csv(path: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow import csv as arrow_csv

    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty.")
    options = arrow_csv.ConvertOptions(strings_can_be_null=True)
    try:
        return arrow_csv.read_csv(path, convert_options=options)
    except pa.ArrowInvalid as error:
        raise DataError(_csv_problem(path, error)) from None


def _csv_problem(path: Path, error: Exception) -> str:
    """Name the line where Arrow gives an excerpt."""
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = csv.reader(file)
            width = len(next(rows, []))
            for row in rows:
                if row and len(row) != width:
                    return (
                        f"{path}, line {rows.line_num} has {len(row)} fields, the header has "
                        f"{width}: mend that line."
                    )
    except UnicodeDecodeError:
        return f"{path} is not UTF-8: save it as UTF-8."
    return f"{path} cannot be read as CSV: {error}"


def _read_parquet(path: Path) -> pa.Table:
    import pyarrow as pa
    from pyarrow import parquet

    try:
        return parquet.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise DataError(f"{path} is not a Parquet file: {error}") from None


def split_target(table: pa.Table, target: str) -> tuple[pa.Table, Any, int]:
    """The table without its target, the target, and how many rows had none and were left out.

    Parameters
    ----------
    table : pyarrow.Table
    target : str

    Returns
    -------
    (pyarrow.Table, pyarrow.ChunkedArray, int)

    Raises
    ------
    UnknownNameError
        Suggesting the closest column.
    DataError
        If no row has a target, or there is no other column.
    """
    if target not in table.column_names:
        raise unknown_name("target column", target, table.column_names)
    known = table.column(target).is_valid()
    dropped = table.num_rows - sum(known.to_pylist())
    if dropped == table.num_rows:
        raise DataError(f"the target '{target}' is missing in every row.")
    if dropped:
        table = table.filter(known)
    rest = table.drop_columns([target])
    if not rest.num_columns:
        raise DataError(f"the table has no columns besides the target '{target}'.")
    return rest, table.column(target), dropped


def load_penguins() -> pa.Table:
    """344 penguins of three species: two texts, five numbers, 19 gaps; the target is "species".

    Horst, Hill & Gorman (2020), palmerpenguins, CC0.

    Returns
    -------
    pyarrow.Table
    """
    return read_table(Path(__file__).parent / "sets" / "penguins.csv")
