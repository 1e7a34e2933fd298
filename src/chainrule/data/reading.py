"""Reading one column: of a frame by Arrow, of Python objects by their types.

Nothing is guessed from one cell for another: a column of objects has one kind, or is refused by
naming a row of each kind that it has.
"""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator
from decimal import Decimal
from numbers import Real
from typing import Any

import narwhals as nw
import numpy as np

from chainrule.data.cells import INSTANT, Cells, Instants, Texts, is_gap, midnight, text
from chainrule.errors import DataError

__all__ = ["array_column", "frame_column", "no_common_zone"]

_UNUSABLE = complex, bytes, bytearray, list, tuple, set, dict, np.ndarray
_GAPS = "NoneType", "NAType", "NaTType"
_SECOND = np.timedelta64(1, "s")


def array_column(values: np.ndarray, name: str) -> Cells:
    """A column of an array, (rows,)."""
    kind = values.dtype.kind
    if kind == "O":
        return _objects(values, name)
    if kind == "U":  # where one column is a text, NumPy makes texts of all
        try:
            return _finite(values.astype(np.float64), name)
        except ValueError:
            return _objects(values.astype(object), name)
    if kind == "M":
        return Instants(values.astype(INSTANT))
    return values / _SECOND if kind == "m" else _finite(values, name)


# ----------------------------------------------------------------------- frames


def frame_column(series: nw.Series[Any], name: str) -> Cells:
    """A column of a frame.

    Raises
    ------
    DataError
        Naming the column that is infinite, mixed, or of a type that cannot be used.
    """
    import pyarrow as pa

    kind = series.dtype
    if kind.is_numeric() or (kind == nw.Boolean and not series.null_count()):
        if series.null_count():
            series = series.cast(nw.Float64)
        values = series.to_numpy()
        return _finite(values if values.dtype.kind in "fiub" else values.astype(np.float64), name)
    if kind == nw.Object:
        return _objects(series.to_numpy(), name)
    if kind in (nw.Categorical, nw.Enum):  # declared to be categories, whatever the labels are
        return _declared(series)
    array = _arrow(series)
    if array is None or isinstance(array.type, pa.BaseExtensionType):  # such as periods
        return _objects(np.array([*series.to_list(), None], object)[:-1], name)
    return _from_arrow(array, name)


def _declared(series: nw.Series[Any]) -> Texts:
    array = _arrow(series)
    if array is None or _is_spelt_otherwise(array.type.value_type):
        cells = series.to_list()
        levels = {text(cell): None for cell in cells if not is_gap(cell)}
        place = {level: code for code, level in enumerate(levels)}
        codes = [-1 if is_gap(cell) else place[text(cell)] for cell in cells]
        return Texts.of_levels(np.array(codes, np.int64), list(levels), "declared")
    return _from_dictionary(array)


def _is_spelt_otherwise(kind: Any) -> bool:
    """Whether Arrow has another form for cells of a type than their text, such as intervals."""
    import pyarrow as pa

    return pa.types.is_nested(kind) or isinstance(kind, pa.BaseExtensionType)


def _from_dictionary(array: Any) -> Texts:
    import pyarrow as pa

    kind = array.type.value_type
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        return Texts(_indices(array), array.dictionary, "declared")
    return Texts.of_levels(_indices(array), array.dictionary.to_pylist(), "declared")


def _arrow(series: nw.Series[Any]) -> Any:
    """A series as an Arrow array without chunks; None if Arrow has no type for its cells."""
    import pyarrow as pa

    try:
        array: Any = series.to_arrow()
    except (pa.ArrowInvalid, pa.ArrowTypeError, UnicodeEncodeError):
        return None
    if isinstance(array, pa.ChunkedArray):
        return array.unify_dictionaries().combine_chunks()
    return array


def _indices(array: Any) -> np.ndarray:
    """Places in the dictionary, −1 for null."""
    return array.indices.cast("int64").fill_null(-1).to_numpy()


def _from_arrow(array: Any, name: str) -> Cells:
    import pyarrow as pa

    kind, is_ = array.type, pa.types
    if is_.is_dictionary(kind):
        return _from_dictionary(array)
    if is_.is_string(kind) or is_.is_large_string(kind) or is_.is_string_view(kind):
        return _encoded(array.cast(pa.string()) if is_.is_string_view(kind) else array)
    if is_.is_boolean(kind):
        codes = array.cast("int64").fill_null(-1).to_numpy()
        return Texts(codes, pa.array(["False", "True"]), "yes-no")
    if is_.is_null(kind):
        return np.full(len(array), np.nan)
    if is_.is_timestamp(kind) or is_.is_date(kind):
        zone = getattr(kind, "tz", None)
        instants = array.cast(pa.timestamp("us", zone), safe=False)
        return Instants(instants.to_numpy(zero_copy_only=False), zone)
    if is_.is_time(kind):  # one day's clock
        clock = array.cast(pa.time64("us"), safe=False).cast("int64").cast(pa.timestamp("us"))
        return Instants(clock.to_numpy(zero_copy_only=False))
    if is_.is_duration(kind):
        return array.to_numpy(zero_copy_only=False) / _SECOND
    known = array.drop_null()
    raise _unusable(name, type(known[0].as_py()).__name__ if len(known) else str(kind))


def _encoded(array: Any) -> Texts:
    encoded = array.dictionary_encode()
    return Texts(_indices(encoded), encoded.dictionary)


# ---------------------------------------------------------------------- objects


def _objects(values: np.ndarray, name: str) -> Cells:
    """A column of Python objects, (rows,), by the one kind that its cells have."""
    cells = values.tolist()
    families: dict[str, list[type]] = {}
    for kind in set(map(type, cells)):
        if kind.__name__ not in _GAPS:
            families.setdefault(_family(kind), []).append(kind)
    if "unusable" in families:
        raise _unusable(name, min(kind.__name__ for kind in families["unusable"]))
    for family in ("number", "date"):  # NaN and NaT are gaps of any column
        if len(families) > 1 and all(map(is_gap, _of(cells, families.get(family, [])))):
            families.pop(family, None)
    if {"number", "yes-no"} <= families.keys():
        families["number"] += families.pop("yes-no")
    if len(families) > 1:
        raise _mixed(name, cells, list(families.values()))
    family = next(iter(families), "number")
    return _READERS.get(family, _as_texts)(cells, name)


def _family(kind: type) -> str:
    """What cells of a type are."""
    if issubclass(kind, _UNUSABLE):
        return "unusable"
    if issubclass(kind, str):
        return "text"
    if issubclass(kind, bool | np.bool_):
        return "yes-no"
    if issubclass(kind, datetime.timedelta | np.timedelta64):
        return "duration"
    if issubclass(kind, datetime.date | np.datetime64):
        return "date"
    if issubclass(kind, datetime.time):
        return "time"
    return "number" if issubclass(kind, Real | Decimal) else f"a {kind.__name__}"


def _of(cells: list[Any], kinds: list[type]) -> Iterator[Any]:
    return (cell for cell in cells if type(cell) in kinds)


def _numbers(cells: list[Any], name: str) -> Cells:
    try:
        numbers = np.array(cells, dtype=np.float64)
    except TypeError:  # pandas' NA is no number
        numbers = np.array([np.nan if is_gap(v) else float(v) for v in cells])
    except OverflowError:
        raise DataError(
            f"column '{name}' has a whole number over {np.finfo(np.float64).max:.3g}, which no "
            f"floating-point number holds: give its logarithm, or a text."
        ) from None
    return _finite(numbers, name)


def _texts(cells: list[Any], name: str) -> Cells:
    import pyarrow as pa

    known = [None if is_gap(cell) else cell for cell in cells]
    try:
        return _encoded(pa.array(known, pa.string()))
    except UnicodeEncodeError as error:
        row = next(row for row, cell in enumerate(known) if cell == error.object)
        raise DataError(
            f"column '{name}' holds a text that is no Unicode in row {row} (counted from 0): "
            f"{_short(known[row])}. Read the file with its encoding."
        ) from None


def _yes_no(cells: list[Any], name: str) -> Cells:
    return Texts.of_levels(
        np.array([-1 if is_gap(v) else int(v) for v in cells]), [False, True], "yes-no"
    )


def _dates(cells: list[Any], name: str) -> Cells:
    """Dates and times; a date is the midnight that it begins with."""
    aware = [getattr(cell, "tzinfo", None) is not None for cell in cells]
    if any(aware):
        without = [row for row, cell in enumerate(cells) if not aware[row] and not is_gap(cell)]
        if without:
            raise no_common_zone(name, aware.index(True), without[0])
        zones = {getattr(cell.tzinfo, "key", "UTC") for cell in cells if not is_gap(cell)}
        utc = datetime.UTC
        cells = [c if is_gap(c) else c.astimezone(utc).replace(tzinfo=None) for c in cells]
        return Instants(_instants(cells), zones.pop() if len(zones) == 1 else "UTC")
    return Instants(_instants(cells))


def _instants(cells: list[Any]) -> np.ndarray:
    return np.array([None if is_gap(cell) else cell for cell in cells], INSTANT)


def _clock(cells: list[Any], name: str) -> Cells:
    times = [None if is_gap(cell) else midnight(cell.replace(tzinfo=None)) for cell in cells]
    return Instants(np.array(times, INSTANT))


def _durations(cells: list[Any], name: str) -> Cells:
    known = [None if is_gap(cell) else cell for cell in cells]
    return np.array(known, "timedelta64[us]") / _SECOND


def _as_texts(cells: list[Any], name: str) -> Cells:
    return _texts([None if is_gap(cell) else text(cell) for cell in cells], name)


_READERS: dict[str, Callable[[list[Any], str], Cells]] = {
    "number": _numbers,
    "text": _texts,
    "yes-no": _yes_no,
    "date": _dates,
    "time": _clock,
    "duration": _durations,
}


# ------------------------------------------------------------------------ errors


def no_common_zone(name: str, aware: int, naive: int) -> DataError:
    """The error for a column with and without time zones; a row of each."""
    return DataError(
        f"column '{name}' has a time zone in row {aware} and none in row {naive} (counted from "
        f"0): give all its times one form."
    )


def _unusable(name: str, kind: str) -> DataError:
    return DataError(
        f"column '{name}' holds values of type {kind}: give numbers, texts or dates, or drop it."
    )


def _mixed(name: str, cells: list[Any], families: list[list[type]]) -> DataError:
    """Names the first row of each kind of cell, in the order of the rows."""
    kinds = list(map(type, cells))
    first = sorted(min(kinds.index(kind) for kind in family) for family in families)
    there = " and ".join(
        f"{kinds[row].__name__} (row {row}: {_short(cells[row])})" for row in first
    )
    return DataError(
        f"column '{name}' mixes {there}, rows counted from 0: give all its cells one type."
    )


def _short(value: object) -> str:
    shown = repr(value)
    return shown if len(shown) <= 40 else shown[:39] + "…"


def _finite(values: np.ndarray, name: str) -> np.ndarray:
    if values.dtype.kind == "f":
        infinite = np.isinf(values)
        if infinite.any():
            raise DataError(
                f"column '{name}' is infinite in row {int(np.argmax(infinite))} (counted from 0): "
                f"give a number or leave it empty."
            )
    return values
