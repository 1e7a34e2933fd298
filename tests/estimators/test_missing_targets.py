"""Rows without a target: fit says how many there are and learns from the others."""

from __future__ import annotations

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GroupKFold
from sklearn.tree import DecisionTreeClassifier

import chainrule as cr
from chainrule.data.targets import read_known_targets
from chainrule.errors import DataError, LeftOutWarning
from chainrule.estimators import bag, compare, hold_out, k_fold, leave_one_out, propose_layers

X, KINDS = load_iris(return_X_y=True)
NAMES = np.array(["setosa", "versicolor", "virginica"])[KINDS]
GONE = np.array([4, 7, 90])
KNOWN = np.delete(np.arange(150), GONE)
QUICK = {"hidden": (4,), "epochs": 3, "random_state": 0}


def without(values, none=None):
    cells = list(values)
    for row in GONE:
        cells[row] = none
    return cells


TEXTS = without(NAMES.tolist())
FORMS = {
    "list": TEXTS,
    "NumPy": np.array(TEXTS, dtype=object),
    "pandas": pd.Series(TEXTS),
    "pandas categories": pd.Series(TEXTS, dtype="category"),
    "pandas frame": pd.DataFrame({"kind": TEXTS}),
    "polars": pl.Series("kind", TEXTS),
    "Arrow": pa.chunked_array([TEXTS]),
}


@pytest.mark.parametrize("y", FORMS.values(), ids=FORMS)
def test_rows_without_a_class_are_left_out_and_counted(y):
    with pytest.warns(LeftOutWarning, match=r"missing in 3 of 150 rows \(row 4, 7, 90, counted"):
        model = cr.NetworkClassifier(**QUICK).fit(X, y)
    other = cr.NetworkClassifier(**QUICK).fit(X[KNOWN], NAMES[KNOWN])
    np.testing.assert_array_equal(model.predict_proba(X), other.predict_proba(X))


@pytest.mark.parametrize(
    "y",
    [
        np.array(without(X[:, 0], np.nan)),
        without(X[:, 0].tolist()),
        pd.Series(without(X[:, 0].tolist()), name="length"),
        pl.Series("length", without(X[:, 0].tolist(), float("nan"))),
    ],
)
def test_rows_without_a_number_are_left_out_and_counted(y):
    with pytest.warns(LeftOutWarning, match="missing in 3 of 150 rows"):
        model = cr.NetworkRegressor(**QUICK).fit(X, y)
    other = cr.NetworkRegressor(**QUICK).fit(X[KNOWN], X[KNOWN, 0])
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


def test_the_warning_names_the_target_and_weights_go_on_counting():
    y = pd.Series(without(NAMES), name="kind")
    weights = np.where(np.arange(150) % 3, 1.0, 0.0)
    with pytest.warns(LeftOutWarning, match="^the target 'kind' is missing in 3 of 150 rows"):
        model = cr.NetworkClassifier(**QUICK).fit(X, y, weights)
    other = cr.NetworkClassifier(**QUICK).fit(X[KNOWN], NAMES[KNOWN], weights[KNOWN])
    np.testing.assert_array_equal(model.predict_proba(X), other.predict_proba(X))


def test_a_row_lacks_its_target_if_it_lacks_one_of_several():
    y = pd.DataFrame({"a": without(X[:, 0]), "b": X[:, 1]})
    y.loc[30, "b"] = np.nan
    with pytest.warns(LeftOutWarning, match=r"4 of 150 rows \(row 4, 7, 30, 90, "):
        model = cr.NetworkRegressor(**QUICK).fit(X, y)
    rest = np.delete(np.arange(150), [*GONE, 30])
    other = cr.NetworkRegressor(**QUICK).fit(X[rest], X[rest, :2])
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


def test_a_portion_of_rows_may_lack_targets_too():
    model = cr.NetworkRegressor(**QUICK)
    with pytest.warns(LeftOutWarning, match="3 of 150 rows"):
        model.partial_fit(X, without(X[:, 0]))
    other = cr.NetworkRegressor(**QUICK).partial_fit(X[KNOWN], X[KNOWN, 0])
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


@pytest.mark.parametrize(
    ("y", "weights", "words"),
    [
        ([None] * 150, None, "missing in 150 of 150 rows"),
        (np.full(150, np.nan), None, "missing in 150 of 150 rows"),
        (np.where(np.arange(150) == 3, np.inf, X[:, 0]), None, "infinite in row 3"),
    ],
)
def test_a_target_without_any_value_is_refused(y, weights, words):
    with pytest.raises(DataError) as caught:
        cr.NetworkRegressor(**QUICK).fit(X, y, weights)
    assert words in str(caught.value)


def test_a_weight_for_missing_targets_only_is_refused():
    weights = np.zeros(150)
    weights[GONE] = 1
    with (
        pytest.warns(LeftOutWarning),
        pytest.raises(DataError, match="every row that has a target weighs 0"),
    ):
        cr.NetworkRegressor(**QUICK).fit(X, without(X[:, 0]), weights)


# ------------------------------------------------------- several models, validation


@pytest.mark.parametrize(
    "model",
    [cr.NetworkClassifier(**QUICK), DecisionTreeClassifier(random_state=0)],
    ids=["network", "of scikit-learn"],
)
def test_bagging_draws_known_rows_alone(model):
    with pytest.warns(LeftOutWarning, match="missing in 3 of 150 rows"):
        bagged = bag(model, 3, random_state=0).fit(X, TEXTS)
    other = bag(model, 3, random_state=0).fit(X[KNOWN], NAMES[KNOWN])
    np.testing.assert_array_equal(bagged.predict_proba(X), other.predict_proba(X))
    np.testing.assert_array_equal(
        bagged.oob_decision_function_[KNOWN], other.oob_decision_function_
    )
    assert bagged.oob_score_ == other.oob_score_


def test_bagging_multiplies_weights_and_needs_one_of_a_known_row():
    y, weights = without(X[:, 0]), 1.0 + np.arange(150) % 2
    with pytest.warns(LeftOutWarning):
        bagged = bag(LinearRegression(), 3, random_state=0).fit(X, y, weights)
    other = bag(LinearRegression(), 3, random_state=0).fit(X[KNOWN], X[KNOWN, 0], weights[KNOWN])
    np.testing.assert_allclose(bagged.predict(X), other.predict(X), rtol=1e-12)
    weights[KNOWN] = 0
    with (
        pytest.warns(LeftOutWarning),
        pytest.raises(DataError, match="every row that has a target"),
    ):
        bag(LinearRegression()).fit(X, y, weights)


VALIDATIONS = {
    "k_fold": lambda model, X, y: k_fold(model, X, y, 4),
    "hold_out": lambda model, X, y: hold_out(model, X, y, repeats=3),
    "leave_one_out": leave_one_out,
    "compare": lambda model, X, y: compare({"": model}, X, y, 3).scores[""],
    "approximate": lambda model, X, y: leave_one_out(
        cr.NetworkRegressor((2,), epochs=30, dtype="float64", random_state=0), X, y,
        approximate=True,
    ),
}  # fmt: skip


@pytest.mark.parametrize("validate", VALIDATIONS.values(), ids=VALIDATIONS)
def test_validation_splits_known_rows_alone(validate):
    with pytest.warns(LeftOutWarning, match="missing in 3 of 150 rows") as caught:
        scores = validate(LinearRegression(), X, without(X[:, 0]))
    other = validate(LinearRegression(), X[KNOWN], X[KNOWN, 0])
    np.testing.assert_allclose(scores.scores, other.scores, rtol=1e-9, atol=1e-20)
    np.testing.assert_array_equal(scores.train_rows, other.train_rows)
    assert len(caught) == 1


def test_a_proposal_counts_known_rows():
    with pytest.warns(LeftOutWarning):
        proposed = propose_layers(X, TEXTS)
    assert proposed == propose_layers(X[KNOWN], NAMES[KNOWN])


def test_a_score_is_that_of_the_rows_with_a_target():
    model = cr.NetworkClassifier(**QUICK).fit(X, NAMES)
    with pytest.warns(LeftOutWarning, match="missing in 3 of 150 rows"):
        found = model.score(X, TEXTS)
    assert found == model.score(X[KNOWN], NAMES[KNOWN])


def test_a_class_that_training_did_not_have():
    model = cr.NetworkClassifier(**QUICK).partial_fit(X, NAMES, classes=sorted(set(NAMES)))
    with pytest.raises(DataError, match="has the class 'iris', the model knows 'setosa'"):
        model.partial_fit(X[:2], ["iris", "setosa"])
    assert model.score(X[:2], ["iris", "iris"]) == 0


def test_known_targets_cost_no_copy():
    y = np.arange(5.0)
    values, _, known = read_known_targets(y)
    assert known is None
    assert np.shares_memory(values, y)


@pytest.mark.parametrize("form", [pd.DataFrame, pl.DataFrame, pa.Table.from_pydict])
@pytest.mark.parametrize("cv", [3, "pairs", "groups"])
def test_predictions_out_of_fold_stand_in_the_rows_of_the_table(form, cv):
    columns = {f"x{k}": X[:, k] for k in range(4)}
    groups = np.arange(150) % 3 if cv == "groups" else None
    ways = {
        "groups": GroupKFold(3),
        "pairs": [(np.arange(75), np.arange(75, 150)), (np.arange(75, 150), np.arange(75))],
    }
    own = QUICK | {"cv": ways.get(cv, cv)}
    with pytest.warns(LeftOutWarning, match="^the target 'kind' is missing in 3 of 150 rows"):
        named = cr.NetworkClassifier(**own).fit(
            form(columns | {"kind": TEXTS}), "kind", None, groups
        )
    with pytest.warns(LeftOutWarning):
        apart = cr.NetworkClassifier(**own).fit(form(columns), TEXTS, None, groups)
    assert named.out_of_fold_.shape == (150, 3)
    np.testing.assert_array_equal(named.out_of_fold_, apart.out_of_fold_)
    np.testing.assert_array_equal(np.isnan(named.out_of_fold_[:, 0]).nonzero()[0], GONE)
    best = named.classes_[named.out_of_fold_[KNOWN].argmax(axis=1)]
    folds = [k == KNOWN % 3 for k in range(3)] if cv == "groups" else []
    found = sorted((best[fold] == NAMES[KNOWN][fold]).mean() for fold in folds)
    np.testing.assert_allclose(found, sorted(named.cv_scores_)[: len(found)])


def test_weights_of_a_table_with_a_named_target_are_those_of_its_rows():
    table = pd.DataFrame(X).assign(y=without(X[:, 0], np.nan)).rename(columns=str)
    weights = np.where(np.arange(150) % 3, 1.0, 2.0)
    with pytest.warns(LeftOutWarning):
        model = cr.NetworkRegressor(**QUICK).fit(table, "y", weights)
    other = cr.NetworkRegressor(**QUICK).fit(X[KNOWN], X[KNOWN, 0], weights[KNOWN])
    np.testing.assert_array_equal(model.predict(X), other.predict(X))


def test_conformal_scores_and_the_score_are_those_of_the_rows_with_a_target():
    X = np.random.default_rng(0).normal(size=(200, 2))
    y = X[:, 0] + np.random.default_rng(1).normal(size=200)
    gaps = y.copy()
    gaps[3:40] = np.nan
    known = ~np.isnan(gaps)
    model = cr.NetworkRegressor((4,), epochs=5, random_state=0).fit(X, y)
    expected = model.conformalise(X[known], y[known]).predict_interval(X)
    with pytest.warns(LeftOutWarning, match="missing in 37 of 200 rows"):
        model.conformalise(X, gaps)
    np.testing.assert_array_equal(model.predict_interval(X), expected)
    weights = np.arange(200.0)
    with pytest.warns(LeftOutWarning, match="missing in 37 of 200 rows"):
        found = model.score(X, gaps, weights)
    assert found == model.score(X[known], y[known], weights[known])


def test_conformal_sets_are_those_of_the_rows_with_a_target():
    X = np.random.default_rng(0).normal(size=(200, 2))
    y = np.where(X[:, 0] > 0, "a", "b").astype(object)
    gaps = y.copy()
    gaps[:50] = None
    model = cr.NetworkClassifier((4,), epochs=5, random_state=0).fit(X, y)
    expected = model.conformalise(X[50:], y[50:]).conformal_.scores
    with pytest.warns(LeftOutWarning, match="missing in 50 of 200 rows"):
        model.conformalise(X, gaps)
    np.testing.assert_array_equal(model.conformal_.scores, expected)
