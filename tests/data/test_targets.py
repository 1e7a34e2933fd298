"""Targets from whatever holds them; matrices and weights that are checked before they are used."""

from __future__ import annotations

import datetime

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

from chainrule.data.matrices import as_matrix, as_targets, as_weights
from chainrule.data.targets import read_target
from chainrule.errors import DataError
from chainrule.ops.losses import loss

LABELS = ["b", "a", "b"]


@pytest.mark.parametrize(
    "y",
    [
        LABELS,
        tuple(LABELS),
        np.array(LABELS),
        np.array(LABELS, dtype=object),
        np.array(LABELS)[:, None],
        pd.Series(LABELS),
        pd.Series(LABELS, dtype=object, index=[7, 7, 1]),
        pd.Series(LABELS, dtype="category"),
        pd.Series(LABELS, dtype="string"),
        pd.DataFrame({"y": LABELS}),
        pl.Series(LABELS),
        pl.Series(LABELS, dtype=pl.Categorical),
        pl.DataFrame({"y": LABELS}),
        pa.array(LABELS),
        pa.chunked_array([LABELS[:1], LABELS[1:]]),
        pa.table({"y": LABELS}),
    ],
    ids=lambda y: f"{type(y).__module__.split('.')[0]} {type(y).__name__}",
)
def test_texts_are_read_from_anything_that_holds_a_column(y):
    values, _ = read_target(y)
    assert values.tolist() == LABELS
    assert values.dtype.kind == "U"


@pytest.mark.parametrize(
    ("y", "kind"),
    [
        ([True, False], "b"),
        (pd.Series([True, False], dtype="boolean"), "b"),
        (np.array([True, False], dtype=object), "b"),
        ([1, 2], "i"),
        (pd.Series([1, 2], dtype="Int64"), "i"),
        (np.array([1, 2], dtype=object), "i"),
        ([1, 2.5], "f"),
        (pa.array([1.0, 2.5]), "f"),
        (pl.Series([1, 2], dtype=pl.Decimal(10, 2)), "f"),
    ],
)
def test_numbers_and_booleans_keep_their_kind(y, kind):
    values, _ = read_target(y)
    assert values.dtype.kind == kind
    assert values.shape == (2,)


def test_several_columns_are_a_matrix():
    for y in (
        [[1, 2], [3, 4]],
        pd.DataFrame([[1, 2], [3, 4]]),
        pl.DataFrame({"a": [1, 3], "b": [2, 4]}),
    ):
        values, name = read_target(y)
        assert values.tolist() == [[1, 2], [3, 4]]
        assert name is None


def test_the_name_of_a_series_is_the_name_of_the_target():
    assert read_target(pd.Series([1], name="price"))[1] == "price"
    assert read_target(pl.DataFrame({"price": [1]}))[1] == "price"
    assert read_target(pd.Series([1]))[1] is None
    assert read_target(pd.Series([1], name=3))[1] is None


@pytest.mark.parametrize(
    "y",
    [
        ["a", np.nan, "b"],
        ["a", None, "b"],
        [1.0, float("nan"), 2.0],
        np.array([1.0, np.nan, 2.0]),
        np.array([[1.0, 2.0], [np.nan, 1.0], [0.0, 0.0]]),
        pd.Series(["a", None, "b"]),
        pd.Series(["a", None, "b"], dtype="category"),
        pd.Series([True, None, False], dtype="boolean"),
        pd.Series([1, None, 2], dtype="Int64"),
        pl.Series([1, None, 2]),
        pl.Series([1.0, float("nan"), 2.0]),
        pa.chunked_array([["a", None, "b"]]),
    ],
)
def test_a_gap_is_refused_by_row(y):
    with pytest.raises(DataError, match=r"missing in 1 of 3 rows \(row 1, counted from 0\)"):
        read_target(y)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([1, "a"], "the target mixes int and str"),
        (pd.Series([1, "a"], name="grade"), "the target 'grade' mixes int and str"),
        ([datetime.date(2020, 1, 1)], "values of type date"),
        (pl.Series("day", [datetime.date(2020, 1, 1)]), "the target 'day' holds dates or times"),
        (np.array(["2020-01-01"], dtype="datetime64[D]"), "datetime64"),
        (np.array([1j]), "complex128"),
        ([b"x"], "bytes"),
        (5, "y is 5"),
    ],
)
def test_a_target_that_cannot_be_used_is_refused(y, words):
    with pytest.raises(DataError) as caught:
        read_target(y)
    assert words in str(caught.value)


# -------------------------------------------------------------------- matrices


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int16, np.uint8, bool])
def test_a_numeric_matrix_is_used_where_it_lies(dtype):
    X = np.ones((4, 6), dtype)[::2, ::3]
    assert np.shares_memory(as_matrix(X, 2), X)


@pytest.mark.parametrize(
    ("X", "words"),
    [
        (np.zeros(2), "one row must still be two-dimensional"),
        (np.zeros(5), "expected (rows, columns)"),
        (np.zeros((0, 2)), "no rows"),
        (np.zeros((3, 4)), "4 columns, the network expects 2"),
        ([[1, np.nan]], "missing (NaN) in row 0, column 1"),
        ([[1, 2], [-np.inf, 2]], "infinite in row 1, column 0"),
        ([["a", "b"]], "expected numbers"),
        (np.array([[1, None]], dtype=object), "missing (NaN) in row 0, column 1"),
        (np.array([["a", 1]], dtype=object), "no numbers"),
    ],
)
def test_a_matrix_that_cannot_be_used_is_refused_by_place(X, words):
    with pytest.raises(DataError) as caught:
        as_matrix(X, 2)
    assert words in str(caught.value)


def test_a_number_that_is_not_finite_is_found_in_any_part_of_a_large_matrix():
    X = np.zeros((600_000, 2), np.float32)  # more than is looked at in one go
    X[599_999, 1] = np.nan
    with pytest.raises(DataError, match="row 599999, column 1"):
        as_matrix(X)


def test_targets_take_the_form_that_the_loss_asks_for():
    classes, indices = as_targets([0, 2, 1], loss("cross_entropy"), (3,), rows=3)
    assert classes.shape == (3, 1)
    assert indices
    shares, indices = as_targets(np.eye(3), loss("cross_entropy"), (3,), rows=3)
    assert shares.shape == (3, 3)
    assert not indices


@pytest.mark.parametrize(
    ("y", "name", "outputs", "words"),
    [
        ([0, 1, 3], "cross_entropy", 3, "whole numbers from 0 to 2"),
        ([0, 1, -1], "cross_entropy", 3, "whole numbers from 0 to 2"),
        ([0, 1, 0.5], "cross_entropy", 3, "whole numbers from 0 to 2"),
        ([0, 1], "cross_entropy", 3, "one target for each of 3 rows"),
        ([0, 1, 2], "binary_cross_entropy", 1, "from 0 to 1"),
        (np.zeros((3, 2)), "squared_error", 1, "2 columns, the network has 1 output:"),
        ([1, 2, np.nan], "squared_error", 1, "missing (NaN) in row 2"),
        (["a", "b", "c"], "squared_error", 1, "expected numbers"),
    ],
)
def test_targets_that_do_not_fit_the_loss_are_refused(y, name, outputs, words):
    with pytest.raises(DataError) as caught:
        as_targets(y, loss(name), (outputs,), rows=3)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ([1], "expected (3,)"),
        ([1, -1, 1], "not be negative"),
        ([0, 0, 0], "not zero in every row"),
        ([1, np.nan, 1], "missing (NaN) in row 1"),
        (["a", "b", "c"], "a number for each row"),
    ],
)
def test_weights_that_cannot_be_used_are_refused(weights, words):
    with pytest.raises(DataError) as caught:
        as_weights(weights, 3)
    assert words in str(caught.value)
