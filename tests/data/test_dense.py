"""Arrays of numbers are encoded at once, and as column by column."""

import tracemalloc

import numpy as np
import pytest

from chainrule.data.dense import NumberColumns
from chainrule.data.frames import Table
from chainrule.data.tables import TableEncoder
from chainrule.errors import DataError

RNG = np.random.default_rng(0)


def array(dtype, order):
    X = RNG.normal(size=(3000, 5)) * [1, 10, 1e-3, 1, 100]
    X[:, 3] = 7  # constant
    X[:, 4] = RNG.standard_cauchy(size=3000)  # long tails
    if np.dtype(dtype).kind == "f":
        X[::7, 1] = np.nan
    return np.array(X, dtype=dtype, order=order)


def by_column(encoder, X):
    """The same without looking at columns together."""
    columns = {str(k): X[:, k] for k in range(X.shape[1])}
    return encoder.transform(Table(columns, False, len(X)))


@pytest.mark.parametrize("scaling", ["standard", "robust"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int16", "bool"])
@pytest.mark.parametrize("order", ["C", "F"])
def test_at_once_is_column_by_column(scaling, dtype, order):
    X = array(dtype, order)
    encoder = TableEncoder(scaling=scaling).fit(X)
    assert isinstance(Table.read(X).columns, NumberColumns)
    np.testing.assert_array_equal(encoder.transform(X), by_column(encoder, X))
    rows = RNG.permutation(3000)[:1500]
    np.testing.assert_array_equal(encoder.transform(X, rows), by_column(encoder, X)[rows])


@pytest.mark.parametrize("scaling", ["standard", "robust"])
@pytest.mark.parametrize("dtype", ["float64", "float32", "int16"])
def test_a_few_rows_without_questions_are_those_of_the_table(scaling, dtype):
    X = array(dtype, "C")
    encoder = TableEncoder(scaling=scaling).fit(X)
    some = [X[1:2], X[1:7], X[:1], X[:7], X[1:1], X, X[1:7, :4], X[1], np.asfortranarray(X[1:7])]
    for rows in some:
        whole = rows.ndim == 2 and rows.shape[1] == 5 and 0 < len(rows) < 1000
        plain = whole and dtype != "int16" and np.isfinite(rows).all()
        found = encoder.transform_numbers(rows)
        assert (found is not None) == plain
        if plain:
            np.testing.assert_array_equal(found, encoder.transform(rows))


@pytest.mark.parametrize("scaling", ["standard", "robust"])
@pytest.mark.parametrize("number", [np.nan, np.inf, -np.inf])
def test_a_few_rows_with_one_that_is_not_finite_need_a_closer_look(scaling, number):
    encoder = TableEncoder(scaling=scaling).fit(array("float64", "C"))
    row = np.ones((1, 5))
    assert encoder.transform_numbers(row) is not None
    row[0, 2] = number
    assert encoder.transform_numbers(row) is None


def test_texts_beside_numbers_are_encoded_too():
    import pandas as pd

    frame = pd.DataFrame({"a": RNG.normal(size=50), "yes": RNG.integers(0, 2, 50) > 0})
    encoder = TableEncoder().fit(frame)
    values = np.array(frame, dtype=float)
    np.testing.assert_array_equal(encoder.transform(values), encoder.transform(frame))


def test_numbers_from_memory_that_cannot_be_written():
    X = array("float64", "C")
    X.flags.writeable = False
    before = X.copy()
    encoder = TableEncoder().fit(X)
    assert np.isfinite(encoder.transform(X)).all()
    np.testing.assert_array_equal(X, before)


def test_what_is_too_far_out_or_infinite_is_named():
    X = RNG.normal(size=(2000, 3))
    encoder = TableEncoder().fit(X)
    far = X.copy()
    far[1500, 2] = 1e300
    with pytest.raises(DataError, match="column '2' is 1e\\+300 in row 1500"):
        encoder.transform(far)
    far[1500, 2] = -np.inf
    with pytest.raises(DataError, match="column '2' is infinite in row 1500"):
        encoder.transform(far)
    with pytest.raises(DataError, match="X has 2 columns, the model was trained on 3"):
        encoder.transform(X[:, :2])


def test_an_encoder_that_is_fitted_again_forgets():
    first, second = RNG.normal(size=(100, 2)), RNG.normal(size=(100, 3)) * 5
    encoder = TableEncoder().fit(first)
    assert encoder.transform(first).shape == (100, 2)
    assert encoder.fit(second).width == 3
    np.testing.assert_allclose(encoder.transform(second).std(axis=0), 1, rtol=1e-5)


def test_some_rows_are_encoded_without_a_copy_of_the_array():
    X = RNG.normal(size=(40_000, 50))
    encoder, rows = TableEncoder().fit(X[:1000]), RNG.permutation(40_000)
    tracemalloc.start()
    try:
        result = encoder.transform(X, rows)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < result.nbytes + X.nbytes / 4
