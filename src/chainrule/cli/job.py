"""What ``chainrule train`` learns from: a table, its target, which rows train and which test."""

from __future__ import annotations

import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import DataError, HyperparameterError, unknown_name

if TYPE_CHECKING:
    import narwhals as nw
    import numpy as np
    import pyarrow as pa

    from chainrule.estimators import NetworkClassifier, NetworkRegressor

__all__ = ["Job", "fit"]


@dataclass
class Job:
    """A table without its target, the target as a series and as values, and how to use its rows.

    Attributes
    ----------
    task : str
        "classification" or "regression"; `guessed` from the target or not.
    dropped : int
        Rows of the file that had no target.
    rest, test : ndarray of int
        Rows to train on and rows held out.
    """

    table: pa.Table
    target: nw.Series[Any]
    y: np.ndarray
    task: str
    guessed: bool
    dropped: int
    rest: np.ndarray
    test: np.ndarray

    @classmethod
    def read(
        cls, data: Path, target: str, drop: tuple[str, ...], task: str, share: float, seed: int
    ) -> Job:
        """Read the file, find out what the target is, hold rows out."""
        import numpy as np

        from chainrule.data.readers import read_table, split_target
        from chainrule.data.targets import guess_task, read_target
        from chainrule.estimators.splits import random_share, stratified_share

        table, column, dropped = split_target(_without(read_table(data), drop), target)
        y, _ = read_target(column)
        guessed = task == "auto"
        task = guess_task(y) if guessed else task
        rng = np.random.default_rng(seed)
        classes = task == "classification"
        held = stratified_share(y, share, rng) if classes else random_share(len(y), share, rng)
        if held.all():
            raise DataError(f"{data} has {len(y)} rows: too few to hold out {share:g} of them.")
        rest, test = np.flatnonzero(~held), np.flatnonzero(held)
        return cls(table, column, y, task, guessed, dropped, rest, test)


def _without(table: pa.Table, names: tuple[str, ...]) -> pa.Table:
    for name in names:
        if name not in table.column_names:
            raise unknown_name("column", name, table.column_names)
    return table.drop_columns(list(names))


# -------------------------------------------------------------------- training


def fit(job: Job, settings: dict[str, Any]) -> tuple[NetworkClassifier | NetworkRegressor, float]:
    """The trained estimator, and how many seconds that took."""
    from chainrule.estimators import NetworkClassifier, NetworkRegressor

    made = NetworkClassifier if job.task == "classification" else NetworkRegressor
    estimator = made(**settings)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        begin = time.perf_counter()
        estimator.fit(job.table.take(job.rest), job.target[job.rest.tolist()])
        seconds = time.perf_counter() - begin
    if estimator.history_.best_epoch is None:
        why = str(caught[-1].message) if caught else f"{estimator.history_.stopped}."
        raise HyperparameterError(f"nothing was learnt, nothing is saved: {why}")
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return estimator, seconds
