"""Bad tables: one line that names column and row; what is left out is named in a warning."""

from __future__ import annotations

import datetime as dt
import warnings

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from chainrule.data.tables import TableEncoder
from chainrule.errors import DataError, HyperparameterError, LeftOutWarning

DAY = dt.date(2020, 1, 1)
NOON = dt.datetime(2020, 1, 1, 12)
MILLION = pa.array(np.arange(10**6)).cast(pa.string())


def objects(**columns: list) -> pd.DataFrame:
    return pd.DataFrame({name: pd.Series(cells, dtype=object) for name, cells in columns.items()})


REFUSED = {
    # a column
    "empty in every row": (
        objects(a=[None, None]), "no column is left to learn from; column 'a': empty in every row"),
    "infinite": (objects(b=[1.0, np.inf]), "'b' is infinite in row 1 (counted from 0)"),
    "minus infinite": (pl.DataFrame({"b": [-np.inf, 1.0]}), "'b' is infinite in row 0"),
    "over 1.8e308": (objects(b=[1, 10**400]), "'b' has a whole number over 1.8e+308"),
    "lists": (pl.DataFrame({"d": [[1, 2]]}), "'d' holds values of type list"),
    "structs": (pl.DataFrame({"d": [{"x": 1}]}), "'d' holds values of type dict"),
    "bytes": (objects(d=[b"x"]), "'d' holds values of type bytes"),
    "bytes and texts": (objects(d=["y", b"x"]), "'d' holds values of type bytes"),
    "complex numbers": (objects(d=[1j]), "'d' holds values of type complex"),
    "no Unicode": (objects(d=["x", "\ud800"]), "'d' holds a text that is no Unicode in row 1"),
    # mixed types
    "numbers and texts": (
        objects(d=[None, 1, 2.5, "x"]), "'d' mixes int (row 1: 1) and str (row 3: 'x')"),
    "texts and numbers in a list": (
        [["u", 0.5], [3, 0.5]], "'0' mixes str (row 0: 'u') and int (row 1: 3)"),
    "texts and dates": (objects(d=["x", DAY]), "'d' mixes str (row 0: 'x') and date (row 1: "),
    "dates and durations": (objects(d=[DAY, dt.timedelta(1)]), "date (row 0: datetime.date(2020"),
    "yes/no and texts": (objects(d=[True, None, "x"]), "'d' mixes bool (row 0: True) and str (row"),
    # dates
    "a day that there is not": (
        objects(d=["2020-02-28", "2020-02-30", "2020-03-01"]),
        "'d' holds dates and is '2020-02-30' in row 1 (counted from 0): give a date such as 2024"),
    "a word among dates": (
        pa.table({"d": ["2020-01-01", None, "soon", "2020-01-03"]}), "is 'soon' in row 2"),
    "with and without a time zone": (
        objects(d=["2020-01-01T10:00", "2020-01-01T10:00Z"]),
        "'d' has a time zone in row 1 and none in row 0"),
    "objects with and without a time zone": (
        objects(d=[NOON.replace(tzinfo=dt.UTC), NOON]), "'d' has a time zone in row 0 and none in"),
    # categories
    "too many levels": (
        objects(e=["x", "y", "z"]),
        "'e' has 3 different texts in 3 rows, more than max_levels = 2: drop it if"),
    "many levels that repeat": (
        pa.table({"e": pa.concat_arrays([MILLION[: 10**5]] * 2)}), "'e' has 100000 different text"),
    "a million declared levels": (
        pa.table({"e": MILLION.dictionary_encode()}), "'e' has 1000000 different texts in"),
    # names
    "one name twice": (pd.DataFrame([[1, 2]], columns=["f", "f"]), "'f'"),
    "one name twice as texts": (
        pd.DataFrame([[1, 2]], columns=["1", 1]), "two columns are called '1'"),
    # shapes and types
    "no rows": (pd.DataFrame({"a": []}), "no rows"),
    "no columns": (pd.DataFrame(index=range(3)), "no columns"),
    "an array without rows": (np.zeros((0, 3)), "no rows"),
    "an array without columns": (np.zeros((3, 0)), "no columns"),
    "a vector": (np.zeros(3), "X has shape (3,): expected a table"),
    "a cube": (np.zeros((3, 3, 3)), "X has shape (3, 3, 3): expected a table"),
    "a complex array": (np.zeros((3, 3), complex), "complex"),
    "an array of bytes": (np.array([[b"x"]]), "|S1"),
    "ragged": ([[1, 2], [3]], "different lengths"),
    "lazy": (pl.LazyFrame({"a": [1]}), "LazyFrame: give X.collect()"),
    "a dict": ({"a": [1]}, "dict"),
    "a series": (pd.Series([1.0]), "expected a table"),
}  # fmt: skip


@pytest.mark.parametrize(("X", "words"), REFUSED.values(), ids=REFUSED)
def test_a_table_that_cannot_be_used_is_refused_by_name(X, words):
    with pytest.raises(DataError) as caught:
        TableEncoder(max_levels=2).fit(X)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


TRAINED = pd.DataFrame(
    {
        "number": [1.0, 2.0, 4.0, 3.0],
        "text": ["x", "y", "z", "x"],
        "day": [dt.datetime(2020, 1, d) for d in (1, 2, 3, 5)],
        "zoned": pd.date_range("2020-01-01", periods=4, tz="Europe/Berlin"),
    }
)
UNLIKE = {
    "a column is missing": (
        {"text": None, "txt": "x"}, "lacks column 'text', which the model was trained on. Did you "
                                    "mean 'txt'?"),
    "two are missing": ({"number": None, "text": None}, "lacks columns 'number', 'text'"),
    "texts for numbers": (
        {"number": ["1", "two", "3"]}, "'number' held numbers in training and is the text 'two' in "
                                       "row 1"),
    "numbers written as texts": ({"number": ["1", "2", "3"]}, "is the text '1' in row 0"),
    "dates for numbers": ({"number": [NOON] * 3}, "'number' held numbers in training and holds da"),
    "too far": ({"number": [0.5, 1e300, 1]}, "'number' is 1e+300 in row 1"),
    "dates for texts": ({"text": [NOON] * 3}, "'text' held texts in training and holds dates"),
    "numbers for dates": ({"day": [1, 2, 3]}, "'day' held dates in training and holds numbers now"),
    "a text that is no date": (
        {"day": ["2020-01-01", "2020-13-01", "x"]}, "holds dates and is '2020-13-01' in row 1"),
    "texts that are no dates": ({"day": ["u", "v", "w"]}, "'day' holds dates and is 'u' in row 0"),
    "a time zone where there was none": (
        {"day": pd.date_range("2020-01-01", periods=3, tz="UTC")},
        "'day' had no time zone in training and has a time zone (UTC) now"),
    "no time zone where there was one": (
        {"zoned": pd.date_range("2020-01-01", periods=3)},
        "'zoned' had a time zone (Europe/Berlin) in training and has no time zone now"),
}  # fmt: skip


@pytest.mark.parametrize(("changes", "words"), UNLIKE.values(), ids=UNLIKE)
def test_a_table_unlike_the_training_table_is_refused_by_name(changes, words):
    encoder = TableEncoder().fit(TRAINED)
    table = TRAINED[:3].assign(**changes)
    table = table.drop(columns=[name for name, cells in changes.items() if cells is None])
    with pytest.raises(DataError) as caught:
        encoder.transform(table)
    assert words in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_bad_date_is_counted_in_the_whole_table_not_in_the_chosen_rows():
    table = pa.table({"d": ["2020-01-01", "2020-01-02", "2020-01-03", "never", "2020-01-05"]})
    with pytest.raises(DataError, match="is 'never' in row 3 "):
        TableEncoder().fit(table, np.array([1, 2, 3]))
    encoder = TableEncoder().fit(table, np.array([0, 1, 2]))
    with pytest.raises(DataError, match="is 'never' in row 3 "):
        encoder.transform(table, np.array([4, 3]))


def test_few_dates_among_texts_make_a_category():
    table = pd.DataFrame({"note": ["2020-01-01", "none", "late", "none"] * 3})
    assert TableEncoder().fit(table).columns_[0].kind == "category"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"max_levels": 1}, r"max_levels = 1 .*\[2, ∞\)"),
        ({"min_level_count": 0}, r"min_level_count = 0 .*\[1, ∞\)"),
        ({"embed_levels": 1}, r"embed_levels = 1 .*\[2, ∞\)"),
        ({"scaling": "minmax"}, "scaling = 'minmax' .*'standard' or 'robust'"),
    ],
)
def test_an_argument_that_is_wrong_is_refused_by_fit(arguments, words):
    with pytest.raises(HyperparameterError, match=words):
        TableEncoder(**arguments).fit(np.eye(3))


# ------------------------------------------------------------------------ left out

N = 40
LEFT = {
    "names": ("name", [f"Mr {k}" for k in range(N)], "identifier"),
    "nearly all different": (
        "name",
        ["Mr 1"] * 2 + [f"Mr {k}" for k in range(N - 2)],
        "identifier",
    ),
    "row numbers": ("id", list(range(N)), "identifier"),
    "row numbers of a file": ("Unnamed: 0", list(range(7, 7 + N)), "identifier"),
    "numbers of customers": ("Customer_ID", [k * 17 % 1009 for k in range(N)], "identifier"),
    "index": ("index", [float(k) for k in range(N)], "identifier"),
    "gaps": ("gone", [None] * N, "empty"),
    "gaps of texts": ("gone", pd.Series([None] * N, dtype="str"), "empty"),
    "gaps of dates": ("gone", pd.Series([None] * N, dtype="datetime64[ns]"), "empty"),
}


@pytest.mark.parametrize(("name", "cells", "why"), LEFT.values(), ids=LEFT)
def test_columns_without_anything_to_learn_are_left_out_and_named(name, cells, why):
    table = pd.DataFrame({name: cells, "x": np.sin(np.arange(N))})
    with pytest.warns(LeftOutWarning, match=f"left out of the table: column '{name}': ") as caught:
        encoder = TableEncoder().fit(table)
    assert len(caught) == 1
    assert (encoder.left_out_, encoder.labels) == ([name], ["x"])
    assert encoder.describe()[0].kind == why
    assert encoder.describe()[0].encoding == "left out"
    np.testing.assert_array_equal(
        encoder.transform(table[["x"]]), TableEncoder().fit_transform(table[["x"]])
    )


KEPT = {
    "a few names": ("name", [f"Mr {k}" for k in range(19)]),
    "half of the names twice": ("name", [f"Mr {k // 2}" for k in range(N)]),
    "numbers that are called otherwise": ("age", list(range(N))),
    "numbers that occur twice": ("shop_id", [1, 1, *range(2, N)]),
    "halves": ("id", [k / 2 for k in range(N)]),
    "different days": ("id", [DAY + dt.timedelta(k) for k in range(N)]),
    "declared categories": ("name", pd.Categorical([f"Mr {k}" for k in range(N)])),
}


@pytest.mark.parametrize(("name", "cells"), KEPT.values(), ids=KEPT)
def test_columns_that_may_mean_something_are_kept(name, cells):
    assert TableEncoder().fit(pd.DataFrame({name: cells})).left_out_ == []


def test_a_million_different_texts_are_left_out_at_once():
    table = pa.table({"key": MILLION, "x": np.arange(10**6) % 7})
    with pytest.warns(LeftOutWarning, match="column 'key'"):
        encoder = TableEncoder().fit(table)
    assert encoder.transform(table, np.arange(5)).shape == (5, 1)
    assert encoder.describe()[0].values == "1000000 different texts in 1000000 rows"
    assert len(str(encoder.config())) < 1000  # nothing of them is kept


def test_an_identifier_is_not_asked_for_and_not_looked_at_later():
    table = pd.DataFrame({"id": range(N), "x": np.arange(N) % 3})
    with pytest.warns(LeftOutWarning):
        encoder = TableEncoder().fit(table)
    later = table.assign(id="?")
    np.testing.assert_array_equal(encoder.transform(later), encoder.transform(table))


def test_nothing_is_warned_of_where_nothing_is_left_out():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        TableEncoder().fit(TRAINED)


def test_numbers_with_a_stray_text_are_no_identifier():
    cells = [str(k * 1.5) for k in range(59)] + ["abc"]
    words = r"column 'x' holds numbers but for 1 of its 60 .* 'abc' in row 59 .* leave it empty"
    with pytest.raises(DataError, match=words):
        TableEncoder().fit(pd.DataFrame({"x": cells, "y": range(60)}))
