"""What an estimator is given: a frame or an array, a path or a stream, a target by its name."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import narwhals as nw
import numpy as np

from chainrule.data.frames import as_frame
from chainrule.data.matrices import as_weights
from chainrule.data.readers import check_target, split_target, with_target
from chainrule.data.streams import Stream
from chainrule.data.targets import read_known_targets, read_target
from chainrule.errors import DataError, LeftOutWarning, warn

__all__ = ["by_portions", "opened", "predicted_and_true"]


def opened(X: Any, y: Any, sample_weight: Any, memory_limit: float) -> Any:
    """What to learn from, in memory where the limit allows.

    Parameters
    ----------
    X : path, Stream, data frame or array-like
    y : str or array-like
        The target, or the name of its column.
    sample_weight : array-like of shape (n,), optional
    memory_limit : float
        Bytes that a table from files may take.

    Returns
    -------
    Stream or (X, y, sample_weight)

    Raises
    ------
    DataError
        If X is a path and y no name, or weights are given for rows that are streamed.

    Warns
    -----
    UserWarning
        If a lazy frame is collected.
    """
    if _in_files(X):
        stream = as_stream(X)
        _check_name(stream, y)
        if stream.size() > memory_limit:
            if sample_weight is not None:
                raise DataError(
                    f"sample_weight was given for {stream.path}, which exceeds memory_limit and is "
                    f"streamed: give a larger memory_limit."
                )
            return stream
        X = stream.table()
    X = _collected(X)
    return (*(_named(X, y) if isinstance(y, str) else (X, y)), sample_weight)


def by_portions(call: Callable[[Any], Any], X: Any) -> Any:
    """What a function of rows gives for all rows, (n, …); files are read portion by portion."""
    if not _in_files(X):
        return call(_collected(X))
    parts = [call(table) for table in as_stream(X).portions()]
    if isinstance(parts[0], dict):
        return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    return np.concatenate(parts)


def predicted_and_true(
    predict: Callable[[Any], np.ndarray], X: Any, y: Any, sample_weight: Any
) -> tuple[np.ndarray, np.ndarray, Any]:
    """Predictions, targets, (n,) or (n, outputs) each, and weights: what a score compares."""
    if not _in_files(X):
        X, y, sample_weight = opened(X, y, sample_weight, np.inf)
        predicted, (targets, _, known) = predict(X), read_known_targets(y)
        if known is None or len(predicted) != len(targets):  # lengths are for the score to refuse
            return predicted, targets, sample_weight
        weights = as_weights(sample_weight, len(targets))
        return predicted[known], targets[known], None if weights is None else weights[known, 0]
    stream = as_stream(X)
    _check_name(stream, y)
    predicted, true, known, dropped = [], [], [], 0
    for table in stream.portions():
        mask = with_target(nw.from_native(table, eager_only=True), y)
        known.append(mask)
        if mask.any():
            rest, targets, _ = split_target(table, y)
            predicted.append(predict(rest))
            true.append(read_target(targets)[0])
    chosen = np.concatenate(known)
    dropped = int((~chosen).sum())
    if dropped == len(chosen):
        raise DataError(f"the target '{y}' is missing in every row.")
    _say_dropped(dropped, len(chosen), y)
    weights = as_weights(sample_weight, len(chosen))
    given = None if weights is None else weights[chosen, 0]
    return np.concatenate(predicted), np.concatenate(true), given


def as_stream(X: Any) -> Stream:
    """The stream itself, or that of a path."""
    return X if isinstance(X, Stream) else Stream(X)


def _in_files(X: Any) -> bool:
    return isinstance(X, str | os.PathLike | Stream)


def _check_name(stream: Stream, y: Any) -> None:
    if not isinstance(y, str):
        given = "None" if y is None else type(y).__name__
        raise DataError(
            f"X is the file or folder {stream.path} and y is {given}: give the name of its target "
            f"column, such as fit('{stream.path.name}', 'price')."
        )


def _collected(X: Any) -> Any:
    """An eager frame from a lazy one, others as they are."""
    if not hasattr(X, "collect"):
        return X
    frame = nw.from_native(X, pass_through=True)
    if not isinstance(frame, nw.LazyFrame):
        return X
    whole = frame.collect()
    warn(
        f"X is a {type(X).__name__}: its {len(whole)} rows were collected into memory.", UserWarning
    )
    return whole.to_native()


def _named(X: Any, y: str) -> tuple[Any, Any]:
    """A frame without the target, and the target, both with the rows that have none."""
    frame = as_frame(X)
    if frame is None:
        raise DataError(
            f"y is the name '{y}' and X is a {type(X).__name__}, which has no names of columns: "
            f"give a data frame or a path as X, or the values of the target as y."
        )
    check_target(frame, y)
    return frame.drop(y).to_native(), frame[y]


def _say_dropped(dropped: int, rows: int, y: str) -> None:
    if dropped:
        warn(f"{dropped} of {rows} rows have no target '{y}' and were left out.", LeftOutWarning)
