"""Mean subtraction, standardisation, whitening; columns that do not vary."""

import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris
from sklearn.decomposition import PCA
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import KFold, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

from chainrule.data import MeanSubtraction, Whitening
from chainrule.errors import DataError, HyperparameterError

IRIS, KINDS = load_iris(return_X_y=True)
SEEDS = st.integers(0, 2**32 - 1)


def covariance(Z):
    return np.atleast_2d(np.cov(Z.T))


# ---------------------------------------------------------------- means and scales


def test_the_mean_is_that_of_the_training_rows():
    train, test = IRIS[:100], IRIS[100:]
    subtraction = MeanSubtraction().fit(train)
    np.testing.assert_allclose(subtraction.transform(test), test - train.mean(axis=0), atol=1e-14)
    np.testing.assert_allclose(subtraction.transform(train).mean(axis=0), 0, atol=1e-14)
    back = subtraction.inverse_transform(subtraction.transform(test))
    np.testing.assert_allclose(back, test, atol=1e-14)


@pytest.mark.parametrize("constant", [0.1, 1e9 + 0.1, -3e-9])
def test_standardisation_leaves_a_constant_column_at_0(constant):
    X = np.c_[IRIS, np.full(150, constant)]
    Z = StandardScaler().fit_transform(X)
    rounding = 150 * np.finfo(float).eps * abs(constant)  # of a mean of 150 numbers
    np.testing.assert_allclose(Z[:, -1], 0, atol=rounding)
    np.testing.assert_allclose(Z[:, :-1].std(axis=0), 1)


# ----------------------------------------------------------------------- whitening


@given(SEEDS, st.integers(1, 12), st.floats(0, 6))
def test_whitened_rows_have_the_identity_as_covariance(seed, columns, spread):
    rng = np.random.default_rng(seed)
    scales = 10 ** rng.uniform(-spread / 2, spread / 2, size=columns)
    X = rng.normal(size=(columns + 20, columns)) * scales @ rng.normal(size=(columns, columns))
    X = X + 10 * rng.normal(size=columns)
    if np.linalg.cond(X - X.mean(axis=0)) > 1e8:
        return
    whitening = Whitening()
    Z = whitening.fit_transform(X)
    np.testing.assert_allclose(covariance(Z), np.eye(columns), atol=1e-6)
    np.testing.assert_allclose(Z.mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(whitening.inverse_transform(Z), X, atol=1e-8 * np.abs(X).max())


def test_it_agrees_with_scikit_learns_pca():
    whitening = Whitening().fit(IRIS[:100])
    pca = PCA(whiten=True, svd_solver="full").fit(IRIS[:100])
    np.testing.assert_allclose(
        whitening.transform(IRIS), pca.transform(IRIS), rtol=1e-10, atol=1e-12
    )
    np.testing.assert_allclose(whitening.spread_**2, pca.explained_variance_, rtol=1e-12)


@pytest.mark.parametrize(
    ("name", "added"),
    [
        ("constant", np.full((150, 1), 0.1)),
        ("zero", np.zeros((150, 1))),
        ("repeated", IRIS[:, :1]),
        ("repeated twice", np.repeat(IRIS[:, 1:2], 2, axis=1)),
        ("a sum of others", IRIS[:, :2] @ [[1.0], [-3.0]]),
    ],
)
def test_columns_that_bring_nothing_new_become_zeros(name, added):
    X = np.c_[IRIS, added]
    whitening = Whitening().fit(X[:100])
    Z = whitening.transform(X)
    assert Z.shape == X.shape
    assert np.isfinite(Z).all()
    dead = whitening.spread_ == 0
    assert dead.sum() == added.shape[1]
    assert not Z[:, dead].any()
    np.testing.assert_allclose(covariance(Z[:100, ~dead]), np.eye(4), atol=1e-6)
    np.testing.assert_allclose(whitening.inverse_transform(Z), X, atol=1e-10)


def test_a_constant_that_changes_in_the_test_rows_stays_at_0():
    train, test = np.c_[IRIS[:100], np.ones(100)], np.c_[IRIS[100:], np.full(50, 7.0)]
    Z = Whitening().fit(train).transform(test)
    expected = Whitening().fit(IRIS[:100]).transform(IRIS[100:])
    np.testing.assert_allclose(Z[:, :4], expected, rtol=1e-9, atol=1e-9)
    assert not Z[:, 4].any()


def test_rows_that_are_all_alike_become_zeros():
    for value in (2.5, 0.1, 0.0):
        assert not Whitening().fit_transform(np.full((9, 3), value)).any()
        assert not Whitening().fit_transform(np.full((9, 1), value)).any()


def test_the_tolerance_decides_which_directions_count():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(50, 2)) * [1.0, 1e-4]
    assert (Whitening().fit(X).spread_ > 0).all()
    assert (Whitening(tolerance=1e-2).fit(X).spread_ > 0).tolist() == [True, False]


def test_rank_keeps_the_directions_of_largest_spread():
    whitening = Whitening(rank=2)
    Z = whitening.fit_transform(IRIS)
    assert Z.shape == (150, 2)
    np.testing.assert_allclose(Z, Whitening().fit_transform(IRIS)[:, :2], rtol=1e-10)
    residual = IRIS - whitening.inverse_transform(Z)
    lost = np.linalg.svd(IRIS - IRIS.mean(axis=0), compute_uv=False)[2:]
    assert np.sum(residual**2) == pytest.approx(np.sum(lost**2))


def test_fewer_rows_than_columns_work_with_a_rank():
    X = np.random.default_rng(0).normal(size=(6, 40))
    Z = Whitening(rank=5).fit_transform(X)
    np.testing.assert_allclose(covariance(Z), np.eye(5), atol=1e-6)


@pytest.mark.parametrize(
    ("arguments", "shape", "message"),
    [
        ({}, (5, 8), "X has 5 rows, .* 8 directions .*rank=4"),
        ({}, (8, 8), "X has 8 rows, .* 8 directions .*7 directions at most.* rank=7"),
        ({"rank": 5}, (5, 8), "X has 5 rows, .* 5 directions .8 columns.*rank=4"),
        ({"rank": 9}, (50, 8), "rank = 9, but X has 8 columns"),
    ],
)
def test_what_the_rows_do_not_allow_is_refused_with_the_numbers(arguments, shape, message):
    with pytest.raises(DataError, match=message):
        Whitening(**arguments).fit(np.random.default_rng(0).normal(size=shape))


def test_other_misuse_is_refused():
    with pytest.raises(HyperparameterError, match=r"tolerance = 1\.0"):
        Whitening(tolerance=1.0).fit(IRIS)
    with pytest.raises(HyperparameterError, match="rank = 0"):
        Whitening(rank=0).fit(IRIS)
    with pytest.raises(DataError, match="3 columns, whitened rows have 4"):
        Whitening().fit(IRIS).inverse_transform(IRIS[:, :3])
    with pytest.raises(ValueError, match="contains NaN"):
        Whitening().fit([[1.0], [np.nan], [2.0]])
    with pytest.raises(NotFittedError):
        Whitening().transform(IRIS)


# ------------------------------------------------------------------- scikit-learn


@pytest.mark.parametrize("step", [MeanSubtraction(), Whitening(), Whitening(rank=3)])
def test_in_cross_validation_only_training_rows_count(step):
    """Predictions of a pipeline are those of steps fitted by hand on each fold's training rows."""
    neighbours = KNeighborsClassifier(5)
    folds = KFold(5, shuffle=True, random_state=0)
    got = cross_val_predict(make_pipeline(step, neighbours), IRIS, KINDS, cv=folds)
    expected = np.empty_like(KINDS)
    for train, test in folds.split(IRIS):
        fitted = clone(step).fit(IRIS[train])
        assert np.allclose(fitted.mean_, IRIS[train].mean(axis=0))
        model = clone(neighbours).fit(fitted.transform(IRIS[train]), KINDS[train])
        expected[test] = model.predict(fitted.transform(IRIS[test]))
    np.testing.assert_array_equal(got, expected)


def test_names_of_columns():
    frame = pd.DataFrame(IRIS, columns=list("abcd"))
    assert MeanSubtraction().fit(frame).get_feature_names_out().tolist() == list("abcd")
    names = Whitening(rank=2).fit(frame).get_feature_names_out().tolist()
    assert names == ["whitening0", "whitening1"]


def test_real_columns_of_very_different_scales():
    X = load_breast_cancer().data
    for Z in (
        Whitening().fit_transform(X),
        make_pipeline(StandardScaler(), Whitening()).fit_transform(X),
    ):
        np.testing.assert_allclose(covariance(Z), np.eye(30), atol=1e-6)


@pytest.mark.parametrize("transformer", [MeanSubtraction(), Whitening(), Whitening(rank=1)])
def test_scikit_learns_own_checks_pass(transformer):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # about checks that are skipped
        results = check_estimator(transformer)
    assert len(results) > 40
    assert {result["status"] for result in results} <= {"passed", "skipped"}
