"""Tables from CSV and Parquet files and folders; the target apart from the other columns."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.data.folders import TableFiles
from chainrule.errors import DataError, unknown_name

if TYPE_CHECKING:
    import narwhals as nw
    import pyarrow as pa

__all__ = ["check_target", "load_penguins", "read_table", "split_target", "with_target"]


def read_table(path: str | Path, say: Callable[[str], None] = lambda _: None) -> pa.Table:
    """A table from a file or a folder.

    Parameters
    ----------
    path : str or Path
        ``.csv``, ``.tsv``, ``.txt`` (the first line has the names of the columns; UTF-8; comma,
        semicolon, tab or bar as separator, which is found out), the same with ``.gz``, or
        ``.parquet``. Or a folder of files of one of both kinds with the same columns, in folders
        of its own too; folders called ``year=2024`` add a column.
    say : callable
        Takes a line about what was guessed.

    Returns
    -------
    pyarrow.Table

    Raises
    ------
    DataError
        If a file is missing, empty, truncated, ragged or not UTF-8, if a column has no name or
        the name of another, if files of a folder differ in columns or types, or if a number is
        infinite: naming the file and the line or column.
    """
    return TableFiles(path, say=say).read()


# --------------------------------------------------------------------- target


def split_target(table: Any, target: str) -> tuple[Any, nw.Series[Any], int]:
    """The table without its target, the target, and how many rows had none and were left out.

    Parameters
    ----------
    table : pyarrow.Table or another data frame
    target : str

    Returns
    -------
    (data frame of the same kind, narwhals.Series, int)

    Raises
    ------
    UnknownNameError
        Suggesting the closest column.
    DataError
        If no row has a target, or there is no other column.
    """
    import narwhals as nw

    frame = nw.from_native(table, eager_only=True)
    known = check_target(frame, target)
    dropped = int((~known).sum())
    if dropped:
        frame = frame.filter(known.tolist())
    return frame.drop(target).to_native(), frame[target], dropped


def check_target(frame: nw.DataFrame[Any], target: str) -> np.ndarray:
    """Which rows have a target, (n,) bool; errors as of `split_target`."""
    known = with_target(frame, target)
    if not known.any():
        raise DataError(f"the target '{target}' is missing in every row.")
    if len(frame.columns) == 1:
        raise DataError(f"the table has no columns besides the target '{target}'.")
    return known


def with_target(frame: nw.DataFrame[Any], target: str) -> np.ndarray:
    """Which rows have a target, (n,) bool.

    Raises
    ------
    UnknownNameError
        If there is no such column.
    """
    if target not in frame.columns:
        raise unknown_name("target column", target, frame.columns)
    series = frame[target]
    known = ~series.is_null().to_numpy()
    if series.dtype.is_float():
        known &= ~series.is_nan().fill_null(value=False).to_numpy().astype(bool)
    return known


def load_penguins() -> pa.Table:
    """344 penguins of three species: two texts, five numbers, 19 gaps; the target is "species".

    Horst, Hill & Gorman (2020), palmerpenguins, CC0.

    Returns
    -------
    pyarrow.Table
    """
    return read_table(Path(__file__).parent / "sets" / "penguins.csv")
