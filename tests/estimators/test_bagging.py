"""Bagging: resampled rows, averages, out-of-bag scores; against scikit-learn and by definition."""

import pickle

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.ensemble import BaggingRegressor as TheirRegressor
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import train_test_split
from sklearn.neighbors import KNeighborsRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier, DecisionTreeRegressor

import chainrule as cr
from chainrule.data.readers import load_penguins, split_target
from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators import BaggingClassifier, BaggingRegressor, bag, k_fold

DIABETES = load_diabetes(return_X_y=True)
IRIS = load_iris(return_X_y=True)


class Recorder(LinearRegression):
    """Keeps the weights it was trained with."""

    def fit(self, X, y, sample_weight=None):
        self.weights_ = np.array(sample_weight)
        return super().fit(X, y, sample_weight)


# ----------------------------------------------------------------------- resampling


def test_each_member_sees_as_many_rows_drawn_with_replacement():
    model = bag(Recorder(), 200, random_state=0).fit(*DIABETES)
    counts = np.array([member.weights_ for member in model.estimators_])
    n = len(DIABETES[1])
    assert (counts.sum(axis=1) == n).all()
    assert len({row.tobytes() for row in counts}) == 200
    np.testing.assert_allclose((counts > 0).mean(), 1 - (1 - 1 / n) ** n, atol=0.004)
    np.testing.assert_allclose(counts.var(), 1 - 1 / n, atol=0.03)  # binomial(n, 1/n)


def test_rows_of_weight_nought_are_never_drawn_and_weights_multiply():
    given = np.where(np.arange(442) < 100, 2.0, 0.0)
    model = bag(Recorder(), 5, random_state=0).fit(*DIABETES, sample_weight=given)
    for member in model.estimators_:
        assert (member.weights_[100:] == 0).all()
        assert member.weights_.sum() == 200
        assert set(member.weights_ % 2) == {0}


def test_a_draw_without_two_classes_is_drawn_again():
    y = np.array(["a"] * 9 + ["b"])
    model = bag(cr.NetworkClassifier((2,), epochs=1, early_stopping=False), 12, random_state=0)
    model.fit(np.arange(10.0)[:, None], y)  # a network refuses a single class
    assert all(len(member.classes_) == 2 for member in model.estimators_)
    with pytest.raises(DataError, match="100 draws of 10 rows held a single class"):
        model.fit(np.arange(10.0)[:, None], ["a"] * 10)


def test_a_class_that_a_member_has_not_seen_has_probability_nought_there():
    y = np.array(["a"] * 20 + ["b"] * 20 + ["c"])
    X = np.arange(41.0)[:, None]
    model = bag(cr.NetworkClassifier((4,), epochs=1), 10, random_state=0).fit(X, y)
    sees = [len(member.classes_) for member in model.estimators_]
    assert {2, 3} == set(sees)
    expected = np.mean([m.predict_proba(X)[:, 2] if k == 3 else np.zeros(41)
                        for m, k in zip(model.estimators_, sees, strict=True)], axis=0)  # fmt: skip
    np.testing.assert_allclose(model.predict_proba(X)[:, 2], expected, rtol=1e-6)
    np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1)


# ------------------------------------------------------------------------- averages


def test_numbers_are_averaged():
    model = bag(DecisionTreeRegressor(max_depth=3), 7, random_state=0).fit(*DIABETES)
    each = np.array([member.predict(DIABETES[0]) for member in model.estimators_])
    np.testing.assert_allclose(model.predict(DIABETES[0]), each.mean(axis=0))


def test_probabilities_are_averaged_and_the_largest_wins():
    model = bag(cr.NetworkClassifier((4,), epochs=3), 5, random_state=0).fit(*IRIS)
    each = np.array([member.predict_proba(IRIS[0]) for member in model.estimators_])
    mean = each.astype(float).mean(axis=0)
    np.testing.assert_allclose(model.predict_proba(IRIS[0]), mean, rtol=1e-12)
    np.testing.assert_array_equal(model.predict(IRIS[0]), mean.argmax(axis=1))


def test_several_targets():
    y = np.column_stack([DIABETES[1], -DIABETES[1]])
    model = bag(DecisionTreeRegressor(max_depth=3), 7, random_state=0).fit(DIABETES[0], y)
    prediction = model.predict(DIABETES[0])
    assert prediction.shape == y.shape
    assert model.oob_prediction_.shape == y.shape
    np.testing.assert_allclose(prediction[:, 0], -prediction[:, 1])


# ------------------------------------------------------------------------ out of bag


def test_out_of_bag_by_definition():
    X, y = DIABETES
    model = bag(Recorder(), 6, random_state=0).fit(X, y)
    unseen = np.array([member.weights_ == 0 for member in model.estimators_])
    each = np.array([member.predict(X) for member in model.estimators_])
    total, times = (each * unseen).sum(axis=0), unseen.sum(axis=0)
    seen_by_all = times == 0
    assert 0 < seen_by_all.sum() < 60
    np.testing.assert_array_equal(np.isnan(model.oob_prediction_), seen_by_all)
    expected = total[~seen_by_all] / times[~seen_by_all]
    np.testing.assert_allclose(model.oob_prediction_[~seen_by_all], expected)
    np.testing.assert_allclose(model.oob_score_, r2_score(y[~seen_by_all], expected))
    alone = [r2_score(y[u], p[u]) for u, p in zip(unseen, each, strict=True)]
    np.testing.assert_allclose(model.member_scores_, alone)


def test_out_of_bag_of_classes_by_definition():
    X, y = IRIS
    names = np.array(["x", "y", "z"])[y]
    model = bag(DecisionTreeClassifier(max_depth=2), 8, random_state=0).fit(X, names)
    known = ~np.isnan(model.oob_decision_function_[:, 0])
    best = model.classes_[model.oob_decision_function_[known].argmax(axis=1)]
    np.testing.assert_allclose(model.oob_score_, accuracy_score(names[known], best))
    np.testing.assert_allclose(model.oob_decision_function_[known].sum(axis=1), 1)


def test_out_of_bag_is_near_scikit_learns_and_the_test_score():
    tree = DecisionTreeRegressor(max_depth=6, random_state=0)
    train = [part[:342] for part in DIABETES]
    ours = bag(tree, 100, random_state=0).fit(*train)
    theirs = TheirRegressor(tree, 100, oob_score=True, random_state=0).fit(*train)
    assert abs(ours.oob_score_ - theirs.oob_score_) < 0.05
    rest = DIABETES[0][342:], DIABETES[1][342:]
    assert abs(ours.score(*rest) - theirs.score(*rest)) < 0.05


def test_out_of_bag_does_not_find_structure_where_there_is_none():
    rng = np.random.default_rng(0)
    model = bag(DecisionTreeClassifier(), 50, random_state=0)
    model.fit(rng.normal(size=(300, 5)), rng.integers(2, size=300))
    assert abs(model.oob_score_ - 0.5) < 0.1
    assert model.score(rng.normal(size=(300, 5)), rng.integers(2, size=300)) < 0.6


# ---------------------------------------------------------------- better than one alone


@pytest.mark.parametrize(
    ("model", "data"),
    [
        (cr.NetworkRegressor((64, 64), epochs=60), DIABETES),
        (cr.NetworkClassifier((64, 64), epochs=30), load_breast_cancer(return_X_y=True)),
    ],
    ids=["diabetes", "breast cancer"],
)
def test_better_than_the_mean_member(model, data):
    gains, unseen = [], []
    for seed in range(3):
        X, Xt, y, yt = train_test_split(*data, test_size=0.4, random_state=seed)
        ensemble = bag(model, 6, random_state=seed).fit(X, y)
        gains.append(
            ensemble.score(Xt, yt) - np.mean([m.score(Xt, yt) for m in ensemble.estimators_])
        )
        unseen.append(ensemble.oob_score_ - ensemble.member_scores_.mean())
    assert np.mean(gains) > 0
    assert np.mean(unseen) > 0


# ----------------------------------------------------------------- threads and seeds


def test_same_seed_same_bits_whatever_the_number_of_threads():
    def prediction(n_jobs, seed):
        model = bag(cr.NetworkRegressor((6,), epochs=5), 5, n_jobs=n_jobs, random_state=seed)
        model.fit(*DIABETES)
        return (*model.predict(DIABETES[0]), model.oob_score_, *model.member_scores_)

    first = prediction(1, 0)
    assert prediction(2, 0) == first
    assert prediction(5, 0) == first
    assert prediction(2, 1) != first


def test_members_differ_in_their_rows_and_their_seeds():
    model = bag(cr.NetworkRegressor((6,), epochs=1, random_state=0), 3, random_state=0)
    model.fit(*DIABETES)
    assert len({member.random_state for member in model.estimators_}) == 3
    assert model.estimator.random_state == 0


# -------------------------------------------------------------- with everything else


@pytest.mark.parametrize("form", ["pandas", "polars", "arrow"])
def test_frames_reach_the_members_as_they_are(form):
    table, y, _ = split_target(load_penguins(), "species")
    X = {"pandas": table.to_pandas(), "polars": pl.from_arrow(table), "arrow": table}[form]
    model = BaggingClassifier(
        cr.NetworkClassifier((16,), epochs=40, learning_rate=0.01), 4, random_state=0
    ).fit(X, y)
    assert model.oob_score_ > 0.9
    assert list(model.feature_names_in_) == table.column_names
    assert "island = Biscoe" in model.estimators_[0].encoder_.labels
    if form == "pandas":
        np.testing.assert_array_equal(model.predict(X[X.columns[::-1]]), model.predict(X))


def test_inside_validation_clone_and_pickle():
    model = bag(cr.NetworkClassifier((8,), epochs=30, learning_rate=0.02), 3, random_state=0)
    assert k_fold(clone(model), *IRIS, folds=3).mean > 0.85
    model.fit(*IRIS)
    again = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(again.predict(IRIS[0]), model.predict(IRIS[0]))


def test_the_default_members_are_networks():
    model = BaggingRegressor(members=1, random_state=0).fit(DIABETES[0][:60], DIABETES[1][:60])
    assert isinstance(model.estimators_[0], cr.NetworkRegressor)


def test_the_kind_follows_from_the_estimator():
    assert isinstance(bag(cr.NetworkClassifier()), BaggingClassifier)
    assert isinstance(bag(cr.NetworkRegressor()), BaggingRegressor)


# ---------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: bag(LinearRegression(), 0), r"members = 0 .* \[1, ∞\)"),
        (lambda: bag(LinearRegression(), n_jobs=0), "n_jobs = 0"),
        (lambda: bag("network"), "estimator is 'network': expected a scikit-learn estimator"),
        (lambda: bag(KNeighborsRegressor()), "takes no sample_weight.*sklearn.ensemble.BaggingR"),
        (
            lambda: bag(make_pipeline(StandardScaler(), LinearRegression())),
            "takes no sample_weight",
        ),
        (lambda: BaggingClassifier(LinearRegression()), r"not possible in a BaggingClassifier"),
    ],
)
def test_impossible_arguments_are_refused(make, message):
    with pytest.raises(HyperparameterError, match=message):
        make().fit(IRIS[0], IRIS[1])


def test_bad_data_is_refused():
    with pytest.raises(DataError, match=r"sample_weight has shape \(3,\): expected \(150,\)"):
        bag(LinearRegression()).fit(*IRIS, sample_weight=np.ones(3))
    with pytest.raises(DataError, match=r"y has shape \(150, 2\): expected one label"):
        bag(cr.NetworkClassifier()).fit(IRIS[0], np.column_stack([IRIS[1]] * 2))
    with pytest.raises(DataError, match="X has 150 rows and y has 149"):
        bag(cr.NetworkRegressor()).fit(IRIS[0], IRIS[1][1:])
    for model in (BaggingClassifier(), BaggingRegressor()):
        with pytest.raises(NotFittedError):
            model.predict(pd.DataFrame({"a": [1.0]}))
