"""What ``chainrule train`` learns from: a table, its target, which rows train and which test."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.cli.console import note
from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators.defaults import DEFAULTS

if TYPE_CHECKING:
    import narwhals as nw
    import numpy as np
    import pyarrow as pa

    from chainrule.data.frames import Table
    from chainrule.data.streams import Stream
    from chainrule.data.survey import Stock
    from chainrule.estimators import NetworkClassifier, NetworkRegressor

__all__ = ["Job", "fit", "read_job"]


@dataclass
class Job:
    """A table without its target, the target as a series and as values, and how to use its rows.

    Of a table that is streamed it is a sample of the training rows, and the rows held out.

    Attributes
    ----------
    task : str
        "classification" or "regression"; `guessed` from the target or not.
    dropped : int
        Rows of the file that had no target.
    rest, test : ndarray of int
        Rows to train on and rows held out.
    stream : Stream or None
        What to train on if the table is not read whole.
    stock : Stock or None
        What the first pass over it found.
    numbers : ndarray of int, or None
        Places of the rows in the file; None if they are not known.
    """

    table: pa.Table
    target: nw.Series[Any]
    y: np.ndarray
    task: str
    guessed: bool
    dropped: int
    rest: np.ndarray
    test: np.ndarray
    stream: Stream | None = None
    stock: Stock | None = None
    numbers: np.ndarray | None = None

    def part(self, rows: np.ndarray) -> Table:
        """Some rows, whose messages count the rows of the file."""
        from chainrule.data.frames import Table

        numbers = None if self.numbers is None else self.numbers[rows]
        return Table.read(self.table.take(rows)).renumbered(numbers)

    @property
    def trained(self) -> int:
        """How many rows there are to train on."""
        if self.stock is None:
            return len(self.rest)
        return self.stock.survey.trained + self.stock.survey.held


def read_job(
    data: Path,
    target: str,
    drop: tuple[str, ...],
    task: str,
    share: float,
    seed: int,
    settings: dict[str, Any],
) -> Job:
    """Read the files, find out what the target is, hold rows out; stream what is too large."""
    from chainrule.data.streams import Stream

    if target in drop:
        raise DataError(f"'{target}' is given as --target and as --drop: leave it out of --drop.")
    stream = Stream(data, drop=drop, say=note)
    size, limit = stream.size(), settings.get("memory_limit", DEFAULTS["memory_limit"].default)
    if size <= limit:
        return _in_memory(data, stream.table(), target, task, share, seed)
    note(
        f"{data} would take about {size / 2**20:.0f} MiB, over --memory-limit "
        f"({limit / 2**20:.3g} MiB): it is read in portions, again in every epoch"
    )
    return _streamed(stream, target, task, share, seed, settings)


def _in_memory(data: Path, table: pa.Table, target: str, task: str, share: float, seed: int) -> Job:
    import narwhals as nw
    import numpy as np

    from chainrule.data.readers import split_target, with_target
    from chainrule.data.targets import guess_task, read_target
    from chainrule.estimators.splits import random_share, stratified_share

    numbers = np.flatnonzero(with_target(nw.from_native(table, eager_only=True), target))
    table, column, dropped = split_target(table, target)
    y, _ = read_target(column)
    guessed = task == "auto"
    task = guess_task(y) if guessed else task
    rng = np.random.default_rng(seed)
    classes = task == "classification"
    held = stratified_share(y, share, rng) if classes else random_share(len(y), share, rng)
    if held.all():
        raise DataError(f"{data} has {len(y)} rows: too few to hold out {share:g} of them.")
    rest, test = np.flatnonzero(~held), np.flatnonzero(held)
    return Job(table, column, y, task, guessed, dropped, rest, test, numbers=numbers)


def _streamed(
    stream: Stream, target: str, task: str, share: float, seed: int, settings: dict[str, Any]
) -> Job:
    import numpy as np
    import pyarrow as pa

    from chainrule.data.readers import split_target
    from chainrule.data.survey import Split
    from chainrule.data.targets import guess_task, read_target
    from chainrule.estimators.streaming import stock_for

    fraction = settings.get("validation_fraction", DEFAULTS["validation_fraction"].default)
    split = Split(seed, test=share, held=fraction * (1 - share))
    stock = stock_for(stream, target, split, settings["verbose"])
    rows = pa.concat_tables([stock.sample, stock.test])
    table, column, _ = split_target(rows, target)
    y, _ = read_target(column)
    guessed = task == "auto"
    task = guess_task(y) if guessed else task
    places = np.arange(len(y))
    rest, test = places[: len(stock.sample)], places[len(stock.sample) :]
    dropped = stock.survey.dropped
    return Job(table, column, y, task, guessed, dropped, rest, test, stream, stock)


# -------------------------------------------------------------------- training


def fit(job: Job, settings: dict[str, Any]) -> tuple[NetworkClassifier | NetworkRegressor, float]:
    """The trained estimator, and how many seconds that took."""
    from chainrule.estimators import NetworkClassifier, NetworkRegressor
    from chainrule.estimators.streaming import fit_stream

    made = NetworkClassifier if job.task == "classification" else NetworkRegressor
    estimator = made(**settings)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        begin = time.perf_counter()
        if job.stream is None:
            estimator.fit(job.part(job.rest), job.target[job.rest.tolist()])
        else:
            fit_stream(estimator, job.stream, job.target.name, job.stock)
        seconds = time.perf_counter() - begin
    if estimator.history_.best_epoch is None:
        why = str(caught[-1].message) if caught else f"{estimator.history_.stopped}."
        raise HyperparameterError(f"nothing was learnt, nothing is saved: {why}")
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return estimator, seconds
