"""Permutation importance, attributions and partial dependence, on tables with texts and gaps."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.datasets import load_iris
from sklearn.inspection import PartialDependenceDisplay, partial_dependence, permutation_importance
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score

import chainrule as cr
from chainrule import plots
from chainrule.data.readers import load_penguins, split_target
from chainrule.errors import DataError, HyperparameterError, UnknownNameError
from chainrule.estimators import attribute, importance
from chainrule.estimators.attribution import input_gradients
from chainrule.layers import Residual

TABLE, SPECIES, _ = split_target(load_penguins(), "species")
PENGUINS, KINDS = TABLE.to_pandas(), SPECIES.to_numpy()
IRIS, IRIS_KINDS = load_iris(return_X_y=True)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(200, 4))
Y = X @ [3.0, -1.0, 0.0, 0.5] + 7
QUICK = {"hidden": (16,), "epochs": 40, "learning_rate": 0.01, "random_state": 0}


@pytest.fixture(scope="module")
def penguins():
    return cr.NetworkClassifier(**QUICK).fit(PENGUINS, KINDS)


# ------------------------------------------------------------- permutation importance


def test_it_is_scikit_learns_on_an_array():
    model = cr.NetworkRegressor(**QUICK).fit(X, Y)
    found = importance(model, X, Y, repeats=4, seed=3)
    true = permutation_importance(model, X, Y, n_repeats=4, random_state=3)
    order = [int(name) for name in found.names]
    assert order == np.argsort(-true.importances_mean).tolist()
    np.testing.assert_allclose(found.values, true.importances[order], rtol=1e-5, atol=1e-7)
    np.testing.assert_allclose(found.std, true.importances_std[order], rtol=1e-5, atol=1e-7)
    assert found.score == pytest.approx(model.score(X, Y))


def test_it_is_scikit_learns_on_a_data_frame_with_texts_and_gaps(penguins):
    found = importance(penguins, PENGUINS, KINDS, repeats=3)
    true = permutation_importance(penguins, PENGUINS, KINDS, n_repeats=3, random_state=0)
    by_name = dict(zip(PENGUINS.columns, true.importances, strict=True))
    np.testing.assert_allclose(found.values, [by_name[name] for name in found.names])
    assert (np.diff(found.mean) <= 0).all()


@pytest.mark.parametrize("kind", ["polars", "arrow", "shuffled index"])
def test_every_kind_of_table_gives_the_same(penguins, kind):
    frame = {
        "polars": pl.from_arrow(TABLE),
        "arrow": pa.table(TABLE),
        "shuffled index": PENGUINS.set_index(RNG.permutation(len(PENGUINS))),
    }[kind]
    found, true = (importance(penguins, f, KINDS, repeats=2) for f in (frame, PENGUINS))
    assert found.names == true.names
    np.testing.assert_array_equal(found.values, true.values)


def test_columns_may_be_called_by_numbers():
    frame = pd.DataFrame(X)
    model = LinearRegression().fit(frame, Y)
    found = importance(model, frame, Y, repeats=2)
    assert found.names[0] == "0"
    np.testing.assert_allclose(found.values, importance(model, X, Y, repeats=2).values)


@pytest.mark.filterwarnings("ignore:X does not have valid feature names")
def test_a_column_that_the_model_does_not_read_is_worth_0():
    model = LinearRegression().fit(X, Y)
    model.coef_ = np.array([3.0, -1.0, 0.0, 0.5])
    found = importance(model, X, Y, scoring="neg_mean_squared_error", repeats=30)
    assert found.names == ("0", "1", "3", "2")
    assert found.values[3].tolist() == [0.0] * 30
    # E (w xᵢ − w xⱼ)² = 2 w² var for a shuffled column.
    np.testing.assert_allclose(
        found.mean[:3], 2 * np.array([9, 1, 0.25]) * X[:, [0, 1, 3]].var(0), rtol=0.1
    )


def test_scoring_and_weights_are_those_that_are_given(penguins):
    weights = (KINDS == "Gentoo").astype(float)
    found = importance(penguins, PENGUINS, KINDS, sample_weight=weights, repeats=2)
    expected = accuracy_score(KINDS, penguins.predict(PENGUINS), sample_weight=weights)
    assert found.score == pytest.approx(expected)
    text = str(importance(penguins, PENGUINS, KINDS, scoring="neg_log_loss", repeats=2))
    assert text.startswith("rise of the log loss when a column is shuffled; 0.")
    with pytest.raises(UnknownNameError, match="neg_log_loss"):
        importance(penguins, PENGUINS, KINDS, scoring="neg_logloss")


def test_it_prints_as_an_aligned_table_and_draws_its_bars(penguins):
    mpl.use("Agg")
    found = importance(penguins, PENGUINS, KINDS)
    title, header, *rows = str(found).splitlines()
    assert title.startswith("fall of the accuracy when a column is shuffled; ")
    assert header.split() == ["column", "mean", "±", "std"]
    assert [row.split()[0] for row in rows] == list(found.names)
    assert len({len(row) for row in rows}) == 1
    display = plots.ImportancesDisplay.from_model(penguins, PENGUINS, KINDS, most=3).plot()
    bars = display.ax_.patches
    np.testing.assert_allclose([bar.get_width() for bar in bars], found.mean[:3])
    assert [t.get_text() for t in display.ax_.get_yticklabels()] == list(found.names[:3])
    assert display.ax_.yaxis_inverted()
    dots = display.ax_.lines[0].get_xydata()
    np.testing.assert_allclose(dots[:, 0], found.values[:3].ravel())


def test_what_cannot_be_shuffled_is_refused(penguins):
    with pytest.raises(DataError, match="X is sparse"):
        importance(penguins, sparse.csr_array(X), Y)
    with pytest.raises(DataError, match="200 rows and y has 199"):
        importance(LinearRegression().fit(X, Y), X, Y[1:])
    with pytest.raises(DataError, match="expected a table"):
        importance(LinearRegression().fit(X, Y), X[:, 0], Y)
    with pytest.raises(HyperparameterError, match="repeats = 0"):
        importance(penguins, PENGUINS, KINDS, repeats=0)
    with pytest.raises(HyperparameterError, match="most = 0"):
        plots.ImportancesDisplay.from_model(penguins, PENGUINS, KINDS, most=0)


# ------------------------------------------------------------------------ attributions

NETWORKS = {
    "smooth": [cr.Dense(6, "tanh"), cr.Dense(5, "gelu"), cr.Dense(3)],
    "rectifiers": [cr.Dense(8, "relu"), cr.Dense(3)],
    "residual": [
        cr.Dense(4, "tanh"),
        Residual([cr.Dense(4, "sigmoid")]),
        cr.Dropout(0.5),
        cr.Dense(3),
    ],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_gradients_of_inputs_agree_with_centred_differences(name):
    net = cr.Network(NETWORKS[name], input_shape=(4,), engine="reference", seed=1)
    rows, direction, h = X[:6], np.array([0.5, -1.0, 2.0]), 1e-6
    found = input_gradients(net, rows, direction)
    for k in range(4):
        shift = h * np.eye(4)[k]
        change = net.predict(rows + shift) - net.predict(rows - shift)
        np.testing.assert_allclose(found[:, k], change @ direction / (2 * h), atol=1e-7)
    each = input_gradients(net, rows, np.eye(3)[[0, 1, 2, 0, 1, 2]])
    np.testing.assert_allclose(each[1], input_gradients(net, rows, [0, 1, 0])[1])


@pytest.mark.parametrize("target", ["Adelie", "Chinstrap", "Gentoo", None])
def test_integrated_gradients_of_a_class_add_up_to_its_score(penguins, target):
    found = attribute(penguins, PENGUINS, target=target, steps=200)
    place = list(penguins.classes_).index(target or "Gentoo")
    scores = penguins.decision_function(PENGUINS)[:, place]
    np.testing.assert_allclose(found.scores, scores, rtol=1e-4, atol=1e-4)
    assert found.names == tuple(PENGUINS.columns)
    # A rectifier's slope jumps on the way; each step can miss a part of one jump.
    assert found.gap < 2e-3 * np.ptp(found.scores)
    assert found.gap == pytest.approx(
        np.abs(found.values.sum(axis=1) - found.scores + found.baseline_score).max()
    )


@pytest.mark.parametrize(
    ("loss", "y"),
    [("squared_error", Y), ("gaussian", Y), ("quantile", Y), ("poisson", np.round(np.abs(Y)))],
)
def test_integrated_gradients_of_a_smooth_regressor_add_up_to_rounding(loss, y):
    model = cr.NetworkRegressor(loss=loss, activation="tanh", dtype="float64", **QUICK).fit(X, y)
    found = attribute(model, X)
    assert found.gap < 1e-9 * np.abs(found.scores).max()

    def f(rows):
        if loss == "quantile":  # that of the median, as it is before quantiles are sorted
            raw = model.network_.predict(model.encoder_.transform(rows))[:, 1]
            return raw * model.target_scale_[0] + model.target_mean_[0]
        return np.log(model.predict(rows)) if loss == "poisson" else model.predict(rows)

    np.testing.assert_allclose(found.scores, f(X), rtol=1e-6)
    baseline = f(np.median(X, axis=0)[None])[0]
    assert found.baseline_score == pytest.approx(baseline, rel=1e-6)


def test_several_networks_are_explained_by_the_mean_of_their_scores():
    model = cr.NetworkRegressor(members=2, activation="tanh", dtype="float64", **QUICK).fit(X, Y)
    found = attribute(model, X)
    np.testing.assert_allclose(found.scores, model.predict(X), rtol=1e-6)
    assert found.gap < 1e-9 * np.abs(found.scores).max()


@pytest.mark.parametrize("method", ["integrated", "input_times_gradient"])
def test_a_linear_model_is_attributed_by_its_weights(method):
    arguments = QUICK | {"hidden": (), "epochs": 300, "dtype": "float64"}
    model = cr.NetworkRegressor(**arguments).fit(X, Y)
    weights = model.predict(np.eye(4)) - model.predict(np.zeros((1, 4)))
    found = attribute(model, X[:20], baseline=X, method=method, steps=3)
    np.testing.assert_allclose(found.values, (X[:20] - np.median(X, axis=0)) * weights, atol=1e-5)
    assert found.gap < 1e-5


def test_two_classes_are_explained_by_the_logarithm_of_their_odds():
    rows = IRIS_KINDS > 0
    model = cr.NetworkClassifier(**QUICK).fit(IRIS[rows], IRIS_KINDS[rows])
    second = attribute(model, IRIS[rows])
    np.testing.assert_allclose(second.scores, model.decision_function(IRIS[rows]), atol=1e-4)
    first = attribute(model, IRIS[rows], target=1)
    np.testing.assert_allclose(first.values, -second.values, atol=1e-9)


def test_labels_and_outputs_are_chosen_by_their_number():
    both = np.column_stack([Y > 7, X[:, 1] > 0]).astype(int)
    model = cr.NetworkClassifier(**QUICK).fit(X, both)
    found = attribute(model, X, target=1)
    np.testing.assert_allclose(found.scores, model.decision_function(X)[:, 1], atol=1e-4)
    model = cr.NetworkRegressor(loss="gaussian", **QUICK).fit(X, np.c_[Y, 100 * X[:, 2]])
    found = attribute(model, X, target=1)
    np.testing.assert_allclose(found.scores, model.predict(X)[:, 1], rtol=1e-3, atol=1e-3)
    assert str(found).splitlines()[2].split()[0] == "2"
    for target in (None, 2, -1, "1", True):
        with pytest.raises(DataError, match="from 0 to 1"):
            attribute(model, X, target=target)


def test_what_cannot_be_attributed_is_refused(penguins):
    with pytest.raises(DataError, match="'Emperor' is no class of the model: give one of 'Adelie'"):
        attribute(penguins, PENGUINS, target="Emperor")
    with pytest.raises(HyperparameterError, match="importance"):
        attribute(LinearRegression().fit(X, Y), X)
    with pytest.raises(HyperparameterError, match="'integrated' or 'input_times_gradient'"):
        attribute(penguins, PENGUINS, method="saliency")
    with pytest.raises(HyperparameterError, match="path_steps = 0"):
        attribute(penguins, PENGUINS, steps=0)
    columns = cr.NetworkClassifier(**QUICK).fit(IRIS, np.c_[IRIS_KINDS, IRIS_KINDS + 1])
    with pytest.raises(DataError, match="one label for each row"):
        attribute(columns, IRIS)


# ------------------------------------------------------------------- partial dependence


def test_partial_dependence_of_a_table_with_texts_and_gaps(penguins):
    """The average of predictions with one column set to each value."""
    assert PENGUINS.isna().any().any()
    found = partial_dependence(
        penguins, PENGUINS, ["bill_length_mm"], grid_resolution=5, response_method="predict_proba"
    )
    for k, value in enumerate(found["grid_values"][0]):
        changed = PENGUINS.assign(bill_length_mm=value)
        expected = penguins.predict_proba(changed).mean(axis=0)
        np.testing.assert_allclose(found["average"][:, k], expected, rtol=1e-5)


def test_displays_of_partial_dependence_and_of_single_rows(penguins):
    mpl.use("Agg")
    for kind in ("average", "both"):
        display = PartialDependenceDisplay.from_estimator(
            penguins, PENGUINS, ["bill_length_mm", "body_mass_g"], target="Adelie", kind=kind,
            grid_resolution=4,
        )  # fmt: skip
        assert display.figure_ is not None
    display = PartialDependenceDisplay.from_estimator(
        penguins, PENGUINS, ["island"], categorical_features=["island"], target="Adelie"
    )
    assert display.figure_ is not None
    full = PENGUINS.dropna()
    display = PartialDependenceDisplay.from_estimator(
        penguins, full, ["sex", ("bill_length_mm", "flipper_length_mm")],
        categorical_features=["sex"], target="Gentoo", grid_resolution=4,
    )  # fmt: skip
    assert display.figure_ is not None
    model = cr.NetworkRegressor(**QUICK).fit(pd.DataFrame(X).add_prefix("x"), Y)
    found = partial_dependence(model, pd.DataFrame(X).add_prefix("x"), ["x0"], grid_resolution=4)
    slope = np.polyfit(found["grid_values"][0], found["average"][0], 1)[0]
    assert slope == pytest.approx(3.0, rel=0.2)
