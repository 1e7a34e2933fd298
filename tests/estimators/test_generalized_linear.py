"""Generalised linear models beside least squares and scikit-learn's own."""

import warnings

import numpy as np
import pytest
from sklearn.datasets import load_diabetes, load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LinearRegression, LogisticRegression, PoissonRegressor
from sklearn.utils.estimator_checks import parametrize_with_checks

from chainrule.engines import make_engine
from chainrule.errors import DataError, HyperparameterError, UnknownNameError
from chainrule.estimators import GeneralizedLinearClassifier, GeneralizedLinearRegressor
from chainrule.estimators.families import FAMILIES
from chainrule.ops import LOSSES

SOLVERS = pytest.mark.parametrize("solver", ["lbfgs", "gd"])
RNG = np.random.default_rng(0)
N = 300
X = RNG.normal(size=(N, 3)) * [1.0, 20.0, 0.05] + [0.0, 100.0, 1.0]
ETA = (X - X.mean(axis=0)) / X.std(axis=0) @ [0.5, -0.8, 0.3] + 0.2
COUNTS = RNG.poisson(np.exp(ETA))
LABELS = np.array(["no", "yes"])[(RNG.random(N) < 1 / (1 + np.exp(-ETA))).astype(int)]
KINDS = np.argmax(ETA[:, None] * [1.0, 0.0, -1.0] + RNG.gumbel(size=(N, 3)), axis=1)
WEIGHTS = RNG.uniform(0.2, 3, size=N)


def close(own, other, rtol=1e-5):
    np.testing.assert_allclose(own.coef_, other.coef_, rtol=rtol, atol=rtol * 1e-3)
    np.testing.assert_allclose(own.intercept_, other.intercept_, rtol=rtol)


def logistic(**more):
    return LogisticRegression(C=np.inf, tol=1e-10, max_iter=10_000, **more)


# ------------------------------------------------------- agreement with others


@SOLVERS
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
def test_gaussian_is_least_squares(solver, weights):
    y = 1e4 * ETA + RNG.normal(size=N)
    model = GeneralizedLinearRegressor(solver=solver).fit(X, y, weights)
    root = np.sqrt(np.ones(N) if weights is None else weights)[:, None]
    best = np.linalg.lstsq(np.column_stack([X, np.ones(N)]) * root, y * root[:, 0], rcond=None)[0]
    np.testing.assert_allclose(model.coef_, best[:-1], rtol=1e-6)
    np.testing.assert_allclose(model.intercept_, best[-1], rtol=1e-6)


@SOLVERS
def test_one_feature(solver):
    x, y = load_diabetes(return_X_y=True)
    close(
        GeneralizedLinearRegressor(solver=solver).fit(x[:, 2:3], y),
        LinearRegression().fit(x[:, 2:3], y),
        rtol=1e-6,
    )


@SOLVERS
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
def test_binomial_is_logistic_regression(solver, weights):
    own = GeneralizedLinearClassifier(solver=solver).fit(X, LABELS, weights)
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    other = logistic(solver="newton-cholesky").fit(scaled, LABELS, weights)
    np.testing.assert_allclose(own.coef_ * X.std(axis=0), other.coef_, rtol=1e-5)
    np.testing.assert_allclose(own.predict_proba(X), other.predict_proba(scaled), rtol=1e-5)
    np.testing.assert_array_equal(own.predict(X), other.predict(scaled))
    assert own.family_.name == "binomial"
    assert own.coef_.shape == (1, 3)


@SOLVERS
def test_multinomial_is_softmax_regression(solver):
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    own = GeneralizedLinearClassifier(solver=solver).fit(scaled, KINDS, WEIGHTS)
    other = logistic(solver="newton-cg").fit(scaled, KINDS, WEIGHTS)
    close(own, other)
    np.testing.assert_allclose(own.predict_proba(scaled), other.predict_proba(scaled), rtol=1e-5)
    np.testing.assert_allclose(own.coef_.sum(axis=0), 0, atol=1e-12)


def test_two_classes_by_softmax_are_those_by_sigmoid():
    both = [GeneralizedLinearClassifier(f).fit(X, LABELS) for f in ("binomial", "multinomial")]
    np.testing.assert_allclose(*(m.predict_proba(X) for m in both), rtol=1e-6)
    np.testing.assert_allclose(*(m.decision_function(X) for m in both), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(*(m.predict(X) for m in both))


@SOLVERS
@pytest.mark.parametrize("weights", [None, WEIGHTS], ids=["equal", "weighted"])
def test_poisson_is_poisson_regression(solver, weights):
    scaled = (X - X.mean(axis=0)) / X.std(axis=0)
    own = GeneralizedLinearRegressor("poisson", solver=solver).fit(scaled, COUNTS, weights)
    other = PoissonRegressor(alpha=0, tol=1e-12, max_iter=10_000, solver="newton-cholesky")
    close(own, other.fit(scaled, COUNTS, weights))
    np.testing.assert_allclose(own.predict(scaled), other.predict(scaled), rtol=1e-5)


@pytest.mark.parametrize("engine", ["reference", make_engine("compiled", "float64")])
def test_every_engine_gives_the_same(engine):
    own = GeneralizedLinearRegressor("poisson", engine=engine).fit(X, COUNTS)
    close(own, GeneralizedLinearRegressor("poisson").fit(X, COUNTS))


# ------------------------------------------------------------------- the model


@pytest.mark.parametrize("record", FAMILIES.values(), ids=FAMILIES)
def test_the_inverse_link_undoes_the_link_and_is_the_losses_own(record):
    z = np.linspace(-3, 3, 12).reshape(4, 3)
    z -= z.mean(axis=1, keepdims=True)
    links = {
        "gaussian": lambda mean: mean,
        "poisson": np.log,
        "binomial": lambda mean: np.log(mean / (1 - mean)),
        "multinomial": lambda mean: np.log(mean) - np.log(mean).mean(axis=1, keepdims=True),
    }
    mean = LOSSES[record.loss].predictions(z)
    np.testing.assert_allclose(links[record.name](mean), z, atol=1e-12)


def test_the_network_is_a_single_layer_of_the_columns_as_they_are():
    model = GeneralizedLinearClassifier().fit(X, LABELS)
    assert [p.shape for p in model.network_.parameters.values()] == [(3, 1), (1,)]
    scores = X @ model.coef_[0] + model.intercept_
    np.testing.assert_allclose(model.network_.predict(X)[:, 0], scores, rtol=1e-10)
    np.testing.assert_allclose(model.decision_function(X), scores, rtol=1e-10)
    _, gradients = model.network_.loss_and_gradients(X, (LABELS == "yes").astype(float))
    assert (
        max(np.abs(g / [[1.0], [20.0], [0.05]][: len(g)]).max() for g in gradients.values()) < 1e-5
    )
    assert "z¹" in model.network_.explain()


def test_the_border_is_a_hyperplane_whatever_the_link():
    """Halfway between any two points of the border lies another one."""
    model = GeneralizedLinearClassifier().fit(X, LABELS)
    w, b = model.coef_[0], model.intercept_[0]
    on = X - np.outer((X @ w + b) / (w @ w), w)
    np.testing.assert_allclose(model.predict_proba((on[:-1] + on[1:]) / 2), 0.5, atol=1e-9)


def test_units_do_not_matter():
    model = GeneralizedLinearRegressor().fit(X, ETA + COUNTS)
    tiny = GeneralizedLinearRegressor().fit(X * 1e6, (ETA + COUNTS) * 1e-9)
    np.testing.assert_allclose(tiny.coef_ * 1e15, model.coef_, rtol=1e-6)


def test_a_constant_column_gets_no_weight():
    model = GeneralizedLinearRegressor().fit(np.column_stack([X, np.full(N, 7.0)]), ETA)
    assert model.coef_[3] == 0


# ----------------------------------------------------------- stopping, refusals


def test_a_search_that_has_not_converged_warns():
    with pytest.warns(ConvergenceWarning, match="not converged after 3 iterations"):
        model = GeneralizedLinearClassifier(max_iterations=3).fit(X, LABELS)
    assert model.n_iter_ == 3
    with pytest.warns(ConvergenceWarning, match="all epochs done"):
        GeneralizedLinearRegressor(solver="gd", max_iterations=2).fit(X, COUNTS)


def test_separable_classes_end_with_large_weights_and_no_error():
    inputs, y = load_iris(return_X_y=True)
    model = GeneralizedLinearClassifier().fit(inputs[:100], y[:100])
    assert model.score(inputs[:100], y[:100]) == 1
    assert model.history_.stopped.startswith("converged")


def test_gradient_descent_takes_a_rate_of_ones_own():
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        fits = [
            GeneralizedLinearRegressor(solver="gd", learning_rate=r, max_iterations=1).fit(X, ETA)
            for r in (0.1, 0.2)
        ]
    np.testing.assert_allclose(2 * fits[0].coef_, fits[1].coef_, rtol=1e-9)


@pytest.mark.parametrize(
    ("made", "y", "error", "message"),
    [
        (GeneralizedLinearRegressor("gamma"), COUNTS, UnknownNameError, "gaussian, poisson"),
        (GeneralizedLinearRegressor("binomial"), COUNTS, UnknownNameError, "regression"),
        (GeneralizedLinearClassifier("poisson"), LABELS, UnknownNameError, "multinomial"),
        (GeneralizedLinearClassifier("binomial"), KINDS, DataError, "3 classes"),
        (GeneralizedLinearClassifier(), np.zeros(N, int), DataError, "one class"),
        (GeneralizedLinearRegressor("poisson"), -COUNTS, DataError, "0 or more"),
        (GeneralizedLinearRegressor("poisson"), 0 * COUNTS, DataError, "not all 0"),
        (GeneralizedLinearRegressor(solver="newton"), COUNTS, UnknownNameError, "gd, lbfgs"),
        (GeneralizedLinearRegressor(tolerance=-1), COUNTS, HyperparameterError, "tolerance"),
        (GeneralizedLinearRegressor(max_iterations=0), COUNTS, HyperparameterError, "max_iter"),
        (GeneralizedLinearRegressor(learning_rate=0), COUNTS, HyperparameterError, "learning_rate"),
    ],
)
def test_what_cannot_be_is_refused(made, y, error, message):
    with pytest.raises(error, match=message):
        made.fit(X, y)


def test_wrong_weights_are_refused():
    for weights in (WEIGHTS[:-1], -WEIGHTS, np.zeros(N)):
        with pytest.raises(DataError, match="sample_weight"):
            GeneralizedLinearRegressor().fit(X, ETA, weights)


@parametrize_with_checks([GeneralizedLinearRegressor(), GeneralizedLinearClassifier()])
def test_the_scikit_learn_contract(estimator, check):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        check(estimator)
