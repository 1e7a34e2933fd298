"""Rows in random order through a window of bounded size, and random numbers that rows own."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from chainrule.ops.random import key, mix

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["ahead", "in_portions", "row_shares", "shuffled"]

_MASK = np.uint64(0xFFFFFFFF)
_T = TypeVar("_T")


def row_shares(numbers: np.ndarray, seed: int, salt: int = 0) -> np.ndarray:
    """A random number in [0, 1) for each row, a function of (seed, row number) alone.

    "In the held-out tenth" is then ``row_shares(...) < 0.1``, in every pass and whatever the
    order in which rows come.

    Parameters
    ----------
    numbers : ndarray of int, (n,)
        Places of the rows in the whole table.
    seed, salt : int
        Another salt gives independent numbers.

    Returns
    -------
    ndarray of shape (n,), float64

    Examples
    --------
    >>> row_shares(np.array([0, 1, 2]), seed=0).round(3).tolist()
    [0.803, 0.382, 0.02]
    """
    rows = numbers.astype(np.uint64)
    high = mix((rows >> np.uint64(32)) ^ np.uint64(key(seed, salt, 0x50A1)))
    return mix(mix(rows & _MASK) ^ high) / 2.0**32


def shuffled(
    tables: Iterable[pa.Table], window: int, portion: int, rng: np.random.Generator
) -> Iterator[pa.Table]:
    """Rows in random order, in portions; at most `window` rows and one table are held.

    A window is filled, mixed, and half of it leaves; the other half is mixed again with the rows
    that come next.

    Parameters
    ----------
    tables : iterable of pyarrow.Table
        With one schema.
    window, portion : int
        Rows. A portion has so many, the last one fewer.
    rng : Generator

    Yields
    ------
    pyarrow.Table
    """
    leaving = portion * max(1, window // (2 * portion))
    waiting: list[pa.Table] = []
    count = 0
    for table in _small(tables, leaving):
        waiting.append(table)
        count += len(table)
        if count >= 2 * leaving:
            mixed = _mixed(waiting, rng)
            waiting, count = [mixed.slice(leaving)], count - leaving
            yield from _cut(mixed.slice(0, leaving), portion)
    if count:
        yield from _cut(_mixed(waiting, rng), portion)


def in_portions(tables: Iterable[pa.Table], portion: int) -> Iterator[pa.Table]:
    """The same rows in the same order, `portion` at a time, the last ones fewer."""
    import pyarrow as pa

    waiting: list[pa.Table] = []
    count = 0
    for table in _small(tables, portion):
        waiting.append(table)
        count += len(table)
        if count >= portion:
            whole = pa.concat_tables(waiting)
            yield whole.slice(0, portion).combine_chunks()
            waiting, count = [whole.slice(portion)], count - portion
    if count:
        yield pa.concat_tables(waiting).combine_chunks()


def _small(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same rows in tables of at most so many."""
    for table in tables:
        yield from _cut(table, rows)


def _cut(table: pa.Table, rows: int) -> Iterator[pa.Table]:
    return (table.slice(start, rows) for start in range(0, len(table), rows))


def _mixed(tables: list[pa.Table], rng: np.random.Generator) -> pa.Table:
    import pyarrow as pa

    whole = pa.concat_tables(tables).combine_chunks()
    return whole.take(rng.permutation(len(whole)))


def ahead(items: Iterable[_T]) -> Generator[_T, None, None]:
    """The same items, the next one made by a thread while this one is used."""
    source, end = iter(items), object()
    with ThreadPoolExecutor(1, "chainrule-reader") as pool:
        coming = pool.submit(next, source, end)
        while (item := coming.result()) is not end:
            coming = pool.submit(next, source, end)
            yield item  # type: ignore[misc]
