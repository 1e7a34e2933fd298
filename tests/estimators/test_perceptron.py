"""Rosenblatt's rule against itself by hand, Novikoff's bound, and the refusal of XOR."""

import pickle
import warnings

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.datasets import load_breast_cancer, load_iris, load_wine
from sklearn.exceptions import ConvergenceWarning, NotFittedError
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import check_estimator

import chainrule as cr
from chainrule.errors import DataError, HyperparameterError, NotSeparableWarning

CORNERS = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]])


def by_hand(X, s, epochs):
    """The rule as it is printed, row by row."""
    w, b, mistakes = np.zeros(X.shape[1]), 0.0, [0] * epochs
    for epoch in range(epochs):
        for row, sign in zip(X, s, strict=True):
            if sign * (row @ w + b) <= 0:
                w, b, mistakes[epoch] = w + sign * row, b + sign, mistakes[epoch] + 1
    return w, b, mistakes


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("labels", [[0, 0, 0, 1], [0, 1, 1, 1], [1, 1, 1, 0]])
def test_gates_are_learnt_exactly_as_by_hand(engine, labels):
    model = cr.Perceptron(engine=engine).fit(CORNERS, labels)
    w, b, mistakes = by_hand(CORNERS, np.where(labels, 1, -1), model.n_epochs_)
    assert model.coef_.tolist() == [w.tolist()]
    assert model.intercept_.tolist() == [b]
    assert model.mistakes_ == mistakes
    assert mistakes[-1] == 0
    assert 0 not in mistakes[:-1]
    assert model.converged_
    assert model.certificate_ is None
    assert model.separability_ is None  # no need to ask
    assert model.predict(CORNERS).tolist() == labels


def test_several_classes_are_perceptrons_by_hand_side_by_side():
    X, y = load_wine(return_X_y=True)
    X = StandardScaler().fit_transform(X)
    model = cr.Perceptron().fit(X, y)
    assert model.converged_
    total = np.zeros(model.n_epochs_)
    for k in range(3):
        w, b, mistakes = by_hand(X, np.where(y == k, 1, -1), model.n_epochs_)
        np.testing.assert_allclose(model.coef_[k], w, rtol=1e-12, atol=1e-12)
        assert model.intercept_[k] == b
        total += mistakes
    assert model.mistakes_ == total.tolist()
    np.testing.assert_array_equal(model.predict(X), y)
    assert model.decision_function(X).shape == (178, 3)


@given(st.integers(1, 5), st.integers(2, 60), st.integers(0, 2**32 - 1), st.booleans())
def test_it_converges_on_separable_rows_within_novikoffs_bound(columns, n, seed, shuffle):
    rng = np.random.default_rng(seed)
    truth, bias = rng.normal(size=columns), rng.normal()
    X = rng.normal(size=(n, columns))
    X[:2] = [truth * 2, truth * -2]
    X[0] -= truth * (bias / (truth @ truth))
    X[1] -= truth * (bias / (truth @ truth))
    length = np.hypot(np.linalg.norm(truth), bias)
    X = X[np.abs(X @ truth + bias) > 0.05 * length]
    s = np.sign(X @ truth + bias)
    if len(set(s)) < 2:
        return
    model = cr.Perceptron(max_epochs=3, shuffle=shuffle, random_state=0).fit(X, s)
    margin = np.abs(X @ truth + bias).min() / length
    radius = np.hypot(np.linalg.norm(X, axis=1), 1).max()
    assert model.converged_
    assert sum(model.mistakes_) <= (radius / margin) ** 2
    np.testing.assert_array_equal(model.predict(X), s)
    if model.separability_ is not None:  # it took more than 3 epochs
        assert model.separability_.separable
        assert sum(model.mistakes_) <= model.separability_.most_mistakes


@pytest.mark.parametrize("max_epochs", [1, 30])
def test_xor_is_refused_with_a_certificate(max_epochs):
    y = np.array(["no", "yes", "yes", "no"])
    with pytest.warns(
        NotSeparableWarning, match=r"no hyperplane .*\(0.5, 0.5\).*NetworkCl"
    ) as told:
        model = cr.Perceptron(max_epochs=max_epochs).fit(CORNERS, y)
    assert f"after {max_epochs} epochs" in str(told[0].message)
    assert told[0].filename == __file__
    assert not model.converged_
    assert model.n_epochs_ == max_epochs
    proof = model.certificate_
    s = np.where(y[proof.rows] == proof.label, 1, -1)
    assert (proof.multipliers > 0).all()
    assert proof.multipliers.sum() == pytest.approx(1, abs=1e-14)
    extended = np.c_[CORNERS[proof.rows], np.ones(len(s))]
    np.testing.assert_allclose((proof.multipliers * s) @ extended, 0, atol=1e-14)
    np.testing.assert_allclose(proof.point, [0.5, 0.5], atol=1e-14)


def test_of_several_classes_those_that_cannot_be_separated_are_named():
    X, y = load_iris(return_X_y=True)
    names = np.array(["setosa", "versicolor", "virginica"])[y]
    with pytest.warns(NotSeparableWarning, match="'versicolor', 'virginica'; for 'versicolor'"):
        model = cr.Perceptron().fit(X, names)
    assert [proof.label for proof in model.separability_.certificates] == [
        "versicolor",
        "virginica",
    ]


def test_separable_classes_go_on_after_the_programme_was_asked():
    X, y = load_iris(return_X_y=True)
    X, y = X[y != 1] - 2, y[y != 1]
    model = cr.Perceptron(max_epochs=1).fit(X, y)
    assert model.n_epochs_ > 1
    assert model.separability_.separable
    assert model.converged_
    assert model.score(X, y) == 1


def test_out_of_time_is_said_with_the_bound_and_the_remedy():
    X, y = load_breast_cancer(return_X_y=True)
    with pytest.warns(ConvergenceWarning, match=r"limit of 0.2 s .*a hyperplane exists.*Scaler"):
        model = cr.Perceptron(time_limit=0.2).fit(X, y)
    assert not model.converged_
    assert model.certificate_ is None
    assert model.separability_.separable


def test_the_network_inside_is_a_network_like_any_other():
    model = cr.Perceptron().fit(CORNERS, [0, 0, 0, 1])
    assert model.network_.loss.name == "perceptron"
    assert model.network_.n_parameters == 3
    loss, gradients = model.network_.loss_and_gradients(CORNERS, [0, 0, 0, 1])
    assert loss == 0
    assert not any(g.any() for g in gradients.values())
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.decision_function(CORNERS), model.decision_function(CORNERS))


def test_labels_come_back_and_names_of_columns_are_kept():
    frame = pd.DataFrame(CORNERS, columns=["left", "right"])
    model = cr.Perceptron().fit(frame, [False, False, False, True])
    assert model.feature_names_in_.tolist() == ["left", "right"]
    assert model.predict(frame).dtype == bool
    model = clone(model).fit(CORNERS, ["a", "b", "b", "b"])
    assert model.predict(CORNERS).tolist() == ["a", "b", "b", "b"]


def test_it_works_in_pipelines_and_cross_validation():
    X, y = load_wine(return_X_y=True)
    model = make_pipeline(StandardScaler(), cr.Perceptron())
    assert cross_val_score(model, X, y, cv=5).mean() > 0.95


@pytest.mark.parametrize(
    ("arguments", "y", "error", "message"),
    [
        ({}, [1, 1, 1, 1], DataError, "one class only, '1'"),
        ({"max_epochs": 0}, [0, 1, 1, 1], HyperparameterError, r"max_epochs = 0 .*\[1, ∞\)"),
        ({"time_limit": -1}, [0, 1, 1, 1], HyperparameterError, "time_limit = -1"),
        ({}, [0.5, 1.5, 2.5, 3.7], ValueError, "continuous"),
        ({}, [0, 1, 1], ValueError, "inconsistent numbers of samples"),
    ],
)
def test_what_cannot_be_learnt_is_refused(arguments, y, error, message):
    with pytest.raises(error, match=message):
        cr.Perceptron(**arguments).fit(CORNERS, y)


def test_an_unfitted_one_says_so():
    with pytest.raises(NotFittedError):
        cr.Perceptron().predict(CORNERS)


def test_scikit_learns_own_checks_pass():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # its data are not separable, some checks are skipped
        results = check_estimator(cr.Perceptron())
    assert len(results) > 40
    assert {result["status"] for result in results} <= {"passed", "skipped"}
