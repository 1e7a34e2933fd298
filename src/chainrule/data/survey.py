"""One pass over a stream: what is in its columns, and the rows that stay in memory."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from chainrule.data.shuffling import row_shares
from chainrule.errors import DataError, unknown_name

if TYPE_CHECKING:
    import pyarrow as pa

    from chainrule.data.streams import Stream

__all__ = ["Split", "Stock", "Survey", "take_stock"]

MOST_LABELS = 10_000  # of a target, before it can be none of classes
_SAMPLE_SALT = 1


@dataclass(frozen=True)
class Split:
    """Which rows test, which are held out, which train: by (seed, row number) alone.

    Attributes
    ----------
    seed : int
    test, held : float
        Shares of the rows.
    """

    seed: int
    test: float = 0.0
    held: float = 0.0

    def parts(self, numbers: np.ndarray) -> np.ndarray:
        """The use of each row, "test", "held" or "train", by its number, (n,)."""
        shares = row_shares(numbers, self.seed)
        rest = np.where(shares < self.test + self.held, "held", "train")
        return np.where(shares < self.test, "test", rest)

    def limited(self, rows: int, most: int) -> Split:
        """The shares cut so that neither part is expected to have more than `most` of `rows`."""
        share = most / rows
        return Split(self.seed, min(self.test, share), min(self.held, share))


@dataclass
class ColumnSurvey:
    """Gaps, smallest and largest value of one column; None for texts."""

    name: str
    gaps: int = 0
    minimum: Any = None
    maximum: Any = None

    def see(self, column: Any) -> None:
        """Take note of more cells."""
        from pyarrow import compute

        call: Any = compute
        self.gaps += call.sum(call.is_null(column, nan_is_null=True)).as_py() or 0
        if _is_ordered(column.type):
            low, high = call.min_max(column).as_py().values()
            if low is not None and low == low:
                self.minimum = low if self.minimum is None else min(low, self.minimum)
                self.maximum = high if self.maximum is None else max(high, self.maximum)


@dataclass
class Survey:
    """What one pass over all rows has counted.

    Attributes
    ----------
    target : str
    rows : int
        Of the files.
    dropped : int
        Rows without a target.
    trained, held, tested : int
        Rows with a target, by their use.
    columns : list of ColumnSurvey
        Gaps, smallest and largest value of each column, target included.
    labels : dict or None
        How often each value of the target occurs; None if there are too many.
    """

    target: str
    rows: int = 0
    dropped: int = 0
    trained: int = 0
    held: int = 0
    tested: int = 0
    columns: list[ColumnSurvey] = field(default_factory=list)
    labels: dict[Any, int] | None = field(default_factory=dict)

    def see_labels(self, column: Any) -> None:
        """Count values of the target."""
        if self.labels is not None:
            for pair in column.value_counts().to_pylist():
                self.labels[pair["values"]] = self.labels.get(pair["values"], 0) + pair["counts"]
            if len(self.labels) > MOST_LABELS:
                self.labels = None


@dataclass(frozen=True)
class Stock:
    """A survey, the split it was made with, and the rows that were put aside, target included.

    Attributes
    ----------
    sample : pyarrow.Table
        A uniform random sample of the training rows, in the order of the files; all of them if
        the stream's `sample_rows` is not less than the rows of the table.
    held, test : pyarrow.Table
    """

    survey: Survey
    split: Split
    sample: pa.Table
    held: pa.Table
    test: pa.Table

    @property
    def keep(self) -> Callable[[pa.Table, np.ndarray], np.ndarray]:
        """Which rows to train on, for `Stream.portions`."""
        return lambda table, numbers: (
            _known(table, self.survey.target) & (self.split.parts(numbers) == "train")
        )


def take_stock(
    stream: Stream,
    target: str,
    split: Split,
    watch: Callable[[int], None] = lambda _: None,
) -> Stock:
    """Read the whole stream once.

    Parameters
    ----------
    stream : Stream
    target : str
    split : Split
        Cut where a part would have more than the stream's `held_out_rows`.
    watch : callable
        Takes the number of rows seen so far.

    Returns
    -------
    Stock

    Raises
    ------
    UnknownNameError
        If there is no such column.
    DataError
        If no row has a target, or there is no other column.
    """
    names = stream.schema.names
    if target not in names:
        raise unknown_name("target column", target, names)
    if len(names) == 1:
        raise DataError(f"the table has no columns besides the target '{target}'.")
    split = split.limited(stream.rows, stream.limited(stream.held_out_rows))
    share = stream.limited(stream.sample_rows) / stream.rows
    survey = Survey(target, columns=[ColumnSurvey(name) for name in names])
    aside: dict[str, list[pa.Table]] = {"sample": [], "held": [], "test": []}
    for table, numbers in stream.numbered():
        known = _known(table, target)
        _count(survey, table, known)
        parts = split.parts(numbers)
        drawn = row_shares(numbers, split.seed, _SAMPLE_SALT) < share
        chosen = {
            "sample": known & drawn & (parts == "train"),
            "held": known & (parts == "held"),
            "test": known & (parts == "test"),
        }
        survey.held += int(chosen["held"].sum())
        survey.tested += int(chosen["test"].sum())
        for name, mask in chosen.items():
            aside[name].append(table.filter(mask))
        watch(survey.rows)
    if survey.dropped == survey.rows:
        raise DataError(f"the target '{target}' is missing in every row.")
    survey.trained = survey.rows - survey.dropped - survey.held - survey.tested
    return Stock(survey, split, **{name: _joined(parts) for name, parts in aside.items()})


def _known(table: pa.Table, target: str) -> np.ndarray:
    """Which rows have a target, (n,) bool."""
    from pyarrow import compute

    call: Any = compute
    return ~call.is_null(table.column(target), nan_is_null=True).to_numpy()


def _count(survey: Survey, table: pa.Table, known: np.ndarray) -> None:
    survey.rows += len(table)
    survey.dropped += int((~known).sum())
    for column in survey.columns:
        column.see(table.column(column.name))
    if known.any():
        survey.see_labels(table.column(survey.target).filter(known))


def _is_ordered(kind: pa.DataType) -> bool:
    """Whether it is of numbers, yes and no, or dates."""
    import pyarrow as pa

    kinds = pa.types
    numbers = kinds.is_integer(kind) or kinds.is_floating(kind) or kinds.is_boolean(kind)
    return numbers or kinds.is_date(kind) or kinds.is_timestamp(kind)


def _joined(tables: list[pa.Table]) -> pa.Table:
    import pyarrow as pa

    return pa.concat_tables(tables).combine_chunks()
