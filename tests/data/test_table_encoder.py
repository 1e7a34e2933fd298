"""`TableEncoder` against scikit-learn's transformers, and across data frame libraries."""

from __future__ import annotations

import datetime
import decimal
import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from chainrule.data.readers import load_penguins
from chainrule.data.tables import TableEncoder
from chainrule.errors import DataError

PENGUINS = load_penguins().to_pandas()
NUMBERS = ["bill_length_mm", "bill_depth_mm", "flipper_length_mm", "body_mass_g", "year"]
TEXTS = ["species", "island"]


def encoded(encoder: TableEncoder, matrix: np.ndarray, name: str) -> np.ndarray:
    """The part of the matrix that one column of the table fills."""
    start = 0
    for column in encoder.columns_:
        if column.name == name:
            return matrix[:, start : start + column.width]
        start += column.width
    raise KeyError(name)


# ----------------------------------------------- against independent transformers


@pytest.mark.parametrize("name", NUMBERS)
def test_numbers_are_imputed_and_standardised_as_scikit_learn_does(name):
    train, test = PENGUINS[:200], PENGUINS[150:]
    encoder = TableEncoder().fit(train)
    imputer = SimpleImputer(strategy="median").fit(train[[name]])
    scaler = StandardScaler().fit(imputer.transform(train[[name]]))
    for part in (train, test):
        ours = encoded(encoder, encoder.transform(part), name)
        theirs = scaler.transform(imputer.transform(part[[name]]))
        np.testing.assert_allclose(ours[:, :1], theirs, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("name", NUMBERS)
def test_gaps_are_marked_where_training_rows_had_gaps_as_scikit_learn_does(name):
    train = PENGUINS[:200]
    encoder = TableEncoder().fit(train)
    indicator = MissingIndicator(features="missing-only").fit(train[[name]])
    ours = encoded(encoder, encoder.transform(PENGUINS), name)[:, 1:]
    np.testing.assert_array_equal(ours, indicator.transform(PENGUINS[[name]]))


@pytest.mark.parametrize("name", TEXTS)
def test_texts_are_one_hot_as_scikit_learn_does_and_a_gap_is_all_zeros(name):
    known = PENGUINS[[name]].dropna().astype(object)
    theirs = OneHotEncoder(handle_unknown="ignore", sparse_output=False).fit(known)
    encoder = TableEncoder().fit(PENGUINS)
    expected = theirs.transform(PENGUINS[[name]].astype(object).fillna("no such level"))
    np.testing.assert_array_equal(encoded(encoder, encoder.transform(PENGUINS), name), expected)
    assert encoder.columns_[list(PENGUINS).index(name)].levels == theirs.categories_[0].tolist()


def test_two_levels_are_one_column_as_of_scikit_learn_s_ordinal_encoder():
    encoder = TableEncoder().fit(PENGUINS)
    theirs = OrdinalEncoder().fit_transform(PENGUINS[["sex"]].astype(object).fillna(np.nan))
    ours = encoded(encoder, encoder.transform(PENGUINS), "sex")
    np.testing.assert_array_equal(ours, np.nan_to_num(2 * theirs - 1))
    assert np.isnan(theirs).sum() == (ours == 0).sum() == 11


def test_only_the_chosen_rows_are_learnt_from():
    chosen = np.r_[5:150, 300:320]
    whole, part = TableEncoder().fit(PENGUINS, chosen), TableEncoder().fit(PENGUINS.iloc[chosen])
    assert whole.config() == part.config()
    np.testing.assert_array_equal(
        whole.transform(PENGUINS, chosen), part.transform(PENGUINS.iloc[chosen])
    )
    assert "Chinstrap" not in TableEncoder().fit(PENGUINS, np.arange(200)).columns_[0].levels


@pytest.mark.parametrize("size", [1e-250, 1e250])
def test_numbers_of_any_size_are_standardised(size):
    X = np.array([[1.0], [3.0], [np.nan]])
    np.testing.assert_allclose(
        TableEncoder().fit_transform(X * size), TableEncoder().fit_transform(X), rtol=1e-6
    )


# --------------------------------------------------------- any library, any types


def frames(columns: dict[str, list]) -> dict[str, object]:
    """One table in every library."""
    table = pa.table(columns)
    return {
        "pyarrow": table,
        "polars": pl.from_arrow(table),
        "pandas": table.to_pandas(),
        "pandas with objects": table.to_pandas().astype(object),
        "pandas with Arrow": table.to_pandas(types_mapper=pd.ArrowDtype),
        "NumPy objects": table.to_pandas().astype(object).to_numpy(),
    }


def assert_equal_matrices(columns: dict[str, list]) -> np.ndarray:
    matrices = {k: TableEncoder().fit_transform(frame) for k, frame in frames(columns).items()}
    for library, matrix in matrices.items():
        np.testing.assert_array_equal(matrix, matrices["pyarrow"], err_msg=library)
    return matrices["pyarrow"]


def test_penguins_give_the_same_matrix_in_every_library():
    matrix = assert_equal_matrices(load_penguins().to_pydict())
    assert matrix.shape == (344, 16)
    assert matrix.dtype == np.float32


MIXED = {
    "number": [1.5, None, -2.0, 1e6, 0.0],
    "integer with gaps": [1, 2, None, 4, 5],
    "yes or no": [True, False, True, True, False],
    "yes, no or a gap": [True, None, False, True, False],
    "text": ["b", "a", "b", None, "β"],
    "empty text": ["", "x", "", "y", "y"],
}


def test_every_type_of_column_gives_the_same_matrix_in_every_library():
    matrix = assert_equal_matrices(MIXED)
    assert matrix.shape == (5, 2 + 2 + 1 + 1 + 3 + 3)


CELLS = {
    "numbers": st.none() | st.floats(-1e6, 1e6),
    "integers": st.none() | st.integers(-(2**31), 2**31),
    "answers": st.none() | st.booleans(),
    "texts": st.none() | st.sampled_from(["a", "b", "c d", "", "é", "1"]),
}


@st.composite
def tables(draw: st.DrawFn) -> dict[str, list]:
    """A few columns of a few rows, each with something in it."""
    rows = draw(st.integers(1, 12))
    columns = {}
    for k in range(draw(st.integers(1, 4))):
        kind = draw(st.sampled_from(sorted(CELLS)))
        cells = draw(st.lists(CELLS[kind], min_size=rows, max_size=rows).filter(any_known))
        columns[f"{kind} {k}"] = cells
    return columns


def any_known(cells: list) -> bool:
    return any(cell is not None for cell in cells)


@given(tables())
def test_a_random_table_gives_the_same_finite_matrix_in_every_library(columns):
    matrix = assert_equal_matrices(columns)
    assert np.isfinite(matrix).all()
    assert matrix.shape[1] == len(TableEncoder().fit(pa.table(columns)).labels)


@given(tables(), st.randoms(use_true_random=False))
def test_a_table_with_its_columns_shuffled_and_others_added_encodes_the_same(columns, random):
    table = pa.table(columns)
    encoder = TableEncoder().fit(table)
    order = random.sample(list(columns), len(columns))
    other = table.select(order).append_column("another", [["?"] * table.num_rows])
    np.testing.assert_array_equal(encoder.transform(other), encoder.transform(table))


@given(tables())
def test_an_encoder_survives_json(columns):
    table = pa.table(columns)
    encoder = TableEncoder(max_levels=9).fit(table)
    again = TableEncoder.from_config(json.loads(json.dumps(encoder.config())))
    np.testing.assert_array_equal(again.transform(table), encoder.transform(table))
    assert again.config() == encoder.config()
    assert again.labels == encoder.labels


def test_none_nan_and_pandas_na_are_the_same_gap():
    gaps = [None, np.nan, pd.NA, float("nan"), decimal.Decimal("NaN"), pd.NaT]
    for value, width in ((2.5, 2), ("text", 1), (True, 1), (datetime.date(2020, 1, 1), 2)):
        cells = pd.DataFrame({"a": [value, *gaps]}, dtype=object)
        matrix = TableEncoder().fit_transform(cells)
        assert matrix.shape == (7, width)
        np.testing.assert_array_equal(matrix[1:], np.repeat(matrix[1:2], 6, axis=0))


def test_declared_categories_are_categories_even_if_they_are_numbers():
    codes = [3, 1, 3, 2]
    expected = [[0, 0, 1], [1, 0, 0], [0, 0, 1], [0, 1, 0]]
    frame = pd.DataFrame({"code": pd.Categorical(codes)})
    assert TableEncoder().fit_transform(frame).tolist() == expected
    frame = pl.DataFrame({"code": ["3", "1", "3", "2"]}, schema={"code": pl.Categorical})
    encoder = TableEncoder().fit(frame)
    assert encoder.transform(frame).tolist() == expected
    assert encoder.labels == ["code = 1", "code = 2", "code = 3"]
    numbers = pd.DataFrame({"code": [1.0, np.nan, 7.0]})  # the same codes, read as numbers
    assert encoder.transform(numbers).tolist() == [[1, 0, 0], [0, 0, 0], [0, 0, 0]]


def test_decimals_are_numbers():
    column = pa.array([decimal.Decimal("1.5"), None, decimal.Decimal("2.5")])
    table = pa.table({"price": column})
    expected = TableEncoder().fit_transform(np.array([[1.5], [np.nan], [2.5]]))
    np.testing.assert_array_equal(TableEncoder().fit_transform(table), expected)


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.int8, np.uint64])
def test_an_array_of_any_number_type_is_standardised_in_full_precision(dtype):
    X = np.array([[0], [1], [100], [100]]).astype(dtype)
    expected = StandardScaler().fit_transform(X.astype(np.float64))
    np.testing.assert_allclose(TableEncoder().fit_transform(X), expected, rtol=1e-6)


def test_a_list_of_rows_keeps_the_types_of_its_cells():
    rows = [["a", 1, None], ["b", 3, 2.0]]
    assert TableEncoder().fit(rows).labels == ["0 = b", "1", "2", "2 missing"]


def test_names_of_columns_need_not_be_texts():
    frame = pd.DataFrame({0: [1.0, 3.0], ("a", "b"): ["x", "y"]})
    encoder = TableEncoder().fit(frame)
    assert encoder.labels == ["0", "('a', 'b') = y"]


# ------------------------------------------------------------------- at prediction


def test_levels_that_training_did_not_have_set_nothing():
    encoder = TableEncoder().fit(pl.DataFrame({"a": ["x", "y", "x", "v"]}))
    assert encoder.transform(pl.DataFrame({"a": ["z", "y", None]})).tolist() == [
        [0, 0, 0],
        [0, 0, 1],
        [0, 0, 0],
    ]


def test_a_column_that_is_all_gaps_at_prediction_is_filled_in():
    train = pd.DataFrame({"a": [1.0, None, 4.0], "b": [1.0, 2.0, 3.0], "c": ["x", "y", "x"]})
    encoder = TableEncoder().fit(train)
    matrix = encoder.transform(pa.table({"a": [None], "b": [None], "c": [None]}))
    a, b = encoder.columns_[:2]
    expected = [(2.5 - a.mean) / a.scale, 1, (2.0 - b.mean) / b.scale, 0]
    np.testing.assert_allclose(matrix, [expected], rtol=1e-6)


def test_a_gap_where_training_had_none_becomes_the_median():
    encoder = TableEncoder().fit(np.array([[1.0], [2.0], [9.0]]))
    np.testing.assert_array_equal(encoder.transform([[np.nan]]), encoder.transform([[2.0]]))


def test_a_constant_column_is_zero_and_named():
    frame = pd.DataFrame({"a": [0.1] * 7, "b": ["x"] * 7, "c": range(7), "d": [None, *"xxxxxx"]})
    encoder = TableEncoder().fit(frame)
    assert encoder.constant_ == ["a", "b"]
    assert not encoder.transform(frame)[:, 0].any()


def test_an_array_may_follow_a_frame_and_a_frame_an_array():
    frame = pd.DataFrame({"a": [1.0, 2.0], "b": [5.0, 3.0]})
    expected = TableEncoder().fit_transform(frame)
    by_frame, by_array = TableEncoder().fit(frame), TableEncoder().fit(frame.to_numpy())
    np.testing.assert_array_equal(by_frame.transform(frame.to_numpy()), expected)
    np.testing.assert_array_equal(by_array.transform(frame), expected)


# ------------------------------------------------------------------------- refusals


def test_a_refusal_counts_rows_of_the_whole_table_not_of_the_chosen_ones():
    encoder = TableEncoder().fit(np.array([[1.0], [2.0]]))
    X = np.array([[1.0], [1.0], [1e300]])
    with pytest.raises(DataError, match="row 2"):
        encoder.transform(X, np.array([2]))


def test_another_number_of_columns_is_refused():
    with pytest.raises(DataError, match="X has 3 columns, the model was trained on 2"):
        TableEncoder().fit(np.eye(2)).transform(np.eye(3))


def test_reading_numbers_copies_nothing():
    X = np.random.default_rng(0).normal(size=(1000, 3)).astype(np.float32)
    from chainrule.data.frames import Table

    assert all(np.shares_memory(column, X) for column in Table.read(X).columns.values())
