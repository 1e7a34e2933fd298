"""The multilayer perceptrons beside scikit-learn's: the same weights, curves and words."""

from __future__ import annotations

import inspect
import pickle
import warnings

import numpy as np
import pytest
from scipy.sparse import csc_array
from sklearn import neural_network as original
from sklearn.datasets import load_iris
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule as cr
from chainrule.compat.sklearn import MLPClassifier, MLPRegressor
from chainrule.compat.sklearn.descent import Descent
from chainrule.errors import DataError, HyperparameterError

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X, KINDS = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)
RNG = np.random.default_rng(0)
WEIGHTS = RNG.uniform(0.1, 3, len(X))
NUMBERS = np.c_[X @ [1, 2, 3, -1], np.sin(X[:, 0]), X[:, 1] ** 2]
TARGETS = {
    "three classes": (MLPClassifier, KINDS, {}),
    "two classes": (MLPClassifier, np.array(["a", "b"])[(KINDS > 0).astype(int)], {}),
    "labels": (MLPClassifier, (X[:, :3] > [0, 0.3, -0.2]).astype(int), {}),
    "number": (MLPRegressor, NUMBERS[:, 0], {}),
    "three numbers": (MLPRegressor, NUMBERS, {}),
    "counts": (MLPRegressor, RNG.poisson(np.exp(X[:, 0] / 2)), {"loss": "poisson"}),
}
SOLVERS = {
    "sgd": {"solver": "sgd"},
    "plain sgd": {"solver": "sgd", "momentum": 0, "shuffle": False},
    "momentum": {"solver": "sgd", "nesterovs_momentum": False, "learning_rate": "invscaling",
                 "learning_rate_init": 0.1},
    "adaptive": {"solver": "sgd", "learning_rate": "adaptive", "learning_rate_init": 0.05,
                 "tol": 0.01, "n_iter_no_change": 2},
    "adam": {"solver": "adam"},
    "early": {"solver": "adam", "early_stopping": True, "learning_rate_init": 0.02, "tol": 0.01},
    "lbfgs": {"solver": "lbfgs", "max_iter": 10},
}  # fmt: skip
COUNTED = ("n_iter_", "t_", "n_layers_", "n_outputs_", "n_features_in_", "out_activation_",
           "_no_improvement_count")  # fmt: skip
CURVES = ("loss_", "loss_curve_", "best_loss_", "validation_scores_", "best_validation_score_")
each_target = pytest.mark.parametrize("target", TARGETS)


def both(target, **arguments):
    """Our estimator, scikit-learn's of the same arguments, and targets."""
    ours, y, more = TARGETS[target]
    settings = {"hidden_layer_sizes": (7, 5), "alpha": 0.1, "batch_size": 32, "max_iter": 15,
                "random_state": 3} | more | arguments  # fmt: skip
    return ours(**settings), getattr(original, ours.__name__)(**settings), y


def assert_same(ours, theirs, atol=1e-9):
    for mine, other in zip(
        ours.coefs_ + ours.intercepts_, theirs.coefs_ + theirs.intercepts_, strict=True
    ):
        np.testing.assert_allclose(mine, other, rtol=0, atol=atol)
    for name in COUNTED:
        assert getattr(ours, name, None) == getattr(theirs, name, None), name
    for name in CURVES:
        mine, other = getattr(ours, name, None), getattr(theirs, name, None)
        assert (mine is None) == (other is None), name
        if other is not None:
            np.testing.assert_allclose(mine, other, rtol=1e-9, atol=1e-12, err_msg=name)


def test_arguments_and_defaults_are_the_same():
    for ours in (MLPClassifier, MLPRegressor):
        theirs = getattr(original, ours.__name__)
        shapes = [
            [(p.name, p.default, p.kind) for p in inspect.signature(kind).parameters.values()]
            for kind in (ours, theirs)
        ]
        assert shapes[0] == shapes[1]
        methods = [
            {n for n in dir(kind) if not n.startswith("_") and callable(getattr(kind, n, None))}
            for kind in (ours, theirs)
        ]
        assert methods[0] == methods[1]


# --------------------------------------------------------------- the same path


@pytest.mark.parametrize("solver", SOLVERS)
@each_target
def test_weights_and_curves_are_scikit_learns(target, solver):
    place = list(TARGETS).index(target) + list(SOLVERS).index(solver)
    weights = WEIGHTS if place % 2 else None  # each target and each solver meets both
    ours, theirs, y = both(target, **SOLVERS[solver], activation="tanh")
    ours.fit(X, y, weights)
    theirs.fit(X, y, weights)
    assert_same(ours, theirs)
    assert (ours.n_iter_ < 15) == (theirs.n_iter_ < 15)
    np.testing.assert_allclose(ours.score(X, y, WEIGHTS), theirs.score(X, y, WEIGHTS), rtol=1e-9)
    if hasattr(theirs, "predict_proba"):
        np.testing.assert_array_equal(ours.classes_, theirs.classes_)
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-9)
    else:
        np.testing.assert_allclose(ours.predict(X), theirs.predict(X), atol=1e-8)


@pytest.mark.parametrize("activation", ["identity", "logistic", "relu"])
@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_other_activations_too(activation, solver):
    arguments = {"solver": solver, "activation": activation, "max_iter": 8}
    ours, theirs, y = both("three classes", **arguments)
    assert_same(ours.fit(X, y), theirs.fit(X, y))


@pytest.mark.parametrize("solver", ["sgd", "adam"])
@pytest.mark.parametrize("target", ["three classes", "counts"])
def test_partial_fit_goes_on_with_other_numbers_of_rows(solver, target):
    ours, theirs, y = both(target, solver=solver, learning_rate="invscaling")
    for part in (slice(0, 150), slice(3, 150, 2), slice(0, 70), slice(0, 150)):
        more = {"classes": np.unique(y)} if target == "three classes" else {}
        for model in (ours, theirs):
            model.partial_fit(X[part], y[part], WEIGHTS[part], **more)
        ours = pickle.loads(pickle.dumps(ours))  # the optimizer's memory comes along
        assert_same(ours, theirs)


@pytest.mark.parametrize("solver", ["sgd", "early", "lbfgs"])
def test_warm_starts_go_on(solver):
    arguments = SOLVERS[solver] | {"max_iter": 6, "warm_start": True, "activation": "tanh"}
    ours, theirs, y = both("number", **arguments)
    for _ in range(3):
        assert_same(ours.fit(X, y), theirs.fit(X, y))


def test_what_is_printed_and_warned_is_the_same(capsys):
    said = []
    for k in (0, 1):
        model = both("number", **SOLVERS["adaptive"], verbose=True, max_iter=40)[k]
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            model.fit(X, NUMBERS[:, 0])
            model.set_params(solver="lbfgs", max_iter=3, verbose=False).fit(X, NUMBERS[:, 0])
            model.set_params(solver="adam", batch_size=1000).fit(X, NUMBERS[:, 0])
        said.append((capsys.readouterr().out, [(w.category, str(w.message)) for w in caught]))
    assert "Setting learning rate" in said[0][0]
    assert said[0][0] == said[1][0]
    assert said[0][1] == said[1][1]


def test_a_minibatch_without_weight_changes_nothing():
    arguments = {"solver": "sgd", "momentum": 0, "shuffle": False, "batch_size": 20}
    ours, theirs, y = both("number", **arguments)
    ours.fit(X, y, np.arange(len(X)) >= 40)
    theirs.fit(X[40:], y[40:])
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], rtol=0, atol=1e-12)


def test_sgd_goes_on_after_lbfgs():
    model = both("number", solver="lbfgs", warm_start=True)[0].fit(X, NUMBERS[:, 0])
    before = model.loss_
    model.set_params(solver="sgd", max_iter=3).fit(X, NUMBERS[:, 0])
    assert len(model.loss_curve_) == 3
    assert model.loss_ < 1.5 * before


# ------------------------------------------------------------------ mathematics


@pytest.mark.parametrize("activation", ["identity", "logistic", "tanh", "relu"])
@pytest.mark.parametrize("target", ["three classes", "labels", "counts"])
def test_the_gradient_is_that_of_the_loss(activation, target):
    model, _, y = both(target, solver="lbfgs", activation=activation, max_iter=2, alpha=0)
    model.fit(X[:9], y[:9])
    targets = model._targets(y[:9], True).reshape(9, -1)
    assert cr.check_gradients(model._network, X[:9], targets, most=20).passed


def test_a_probability_of_nothing_costs_what_it_does_in_scikit_learn():
    for y in (np.arange(6) % 2, np.arange(6) % 3):
        losses = []
        for kind in (MLPClassifier, original.MLPClassifier):
            model = kind((), solver="sgd", max_iter=1, random_state=0, learning_rate_init=1e-9)
            losses.append(model.fit(1e3 * X[::25], y).loss_)
        assert losses[0] > 10
        np.testing.assert_allclose(losses[0], losses[1], rtol=1e-6)


# --------------------------------------------------------------------- contract


@parametrize_with_checks(
    [kind(hidden_layer_sizes=(30,), max_iter=100) for kind in (MLPClassifier, MLPRegressor)]
)
def test_the_scikit_learn_contract(estimator, check):
    check(estimator)


def test_sparse_rows_are_the_same_rows():
    dense, sparse = (both("three classes")[0] for _ in "ab")
    assert_same(dense.fit(X, KINDS), sparse.fit(csc_array(X), KINDS), atol=0)
    np.testing.assert_array_equal(dense.predict_proba(X), sparse.predict_proba(csc_array(X)))


@pytest.mark.parametrize("solver", ["sgd", "adam", "lbfgs"])
def test_numbers_of_four_bytes_are_kept_but_by_lbfgs(solver):
    ours, theirs, y = both("number", solver=solver, max_iter=3)
    ours.fit(X.astype(np.float32), y)
    theirs.fit(X.astype(np.float32), y)
    assert [W.dtype for W in ours.coefs_] == [W.dtype for W in theirs.coefs_]
    np.testing.assert_allclose(ours.coefs_[0], theirs.coefs_[0], atol=1e-5)


def test_weights_set_by_hand_count():
    model = both("number", hidden_layer_sizes=())[0].fit(X, NUMBERS[:, 0])
    model.coefs_[0] = np.array([[1.0], [2], [3], [-1]])
    model.intercepts_ = [np.zeros(1)]
    np.testing.assert_allclose(model.predict(X), NUMBERS[:, 0], atol=1e-12)
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(twin.predict(X), model.predict(X))
    model.coefs_[0] = np.ones((4, 2))
    with pytest.raises(DataError, match=r"\(4, 2\) where .* imply \(4, 1\)"):
        model.set_params(warm_start=True).fit(X, NUMBERS[:, 0])


@pytest.mark.parametrize(
    "wrong",
    [
        {"activation": "gelu"}, {"solver": "newton"}, {"alpha": -1}, {"batch_size": 0},
        {"batch_size": "all"}, {"learning_rate": 0.1}, {"learning_rate_init": 0}, {"power_t": -1},
        {"max_iter": 0}, {"shuffle": "yes"}, {"tol": -1}, {"momentum": 1},
        {"validation_fraction": 1}, {"beta_1": 1}, {"epsilon": 0}, {"n_iter_no_change": 0},
        {"max_fun": 0}, {"loss": "huber"}, {"hidden_layer_sizes": 2.5},
    ],
    ids=lambda wrong: next(iter(wrong)),
)  # fmt: skip
def test_arguments_that_cannot_be_are_named(wrong):
    with pytest.raises(HyperparameterError, match=f"^{next(iter(wrong))} = "):
        MLPRegressor(**wrong).fit(X, NUMBERS)


@pytest.mark.parametrize("sizes", [0, -1, (3, 0)])
def test_a_layer_needs_units(sizes):
    with pytest.raises(ValueError, match="hidden_layer_sizes must be > 0, got"):
        MLPClassifier(sizes).fit(X, KINDS)


def test_bad_data_is_refused():
    with pytest.raises(DataError, match="targets of 0 or more"):
        MLPRegressor("poisson").fit(X, NUMBERS[:, 0])
    with pytest.raises(DataError, match="must not be negative"):
        MLPRegressor().fit(X, NUMBERS, -WEIGHTS)
    with pytest.raises(DataError, match="non-finite parameter weights"):
        MLPRegressor(solver="sgd", learning_rate_init=1e6).fit(1e3 * X, NUMBERS)
    with pytest.raises(AttributeError, match="partial_fit"):
        _ = MLPRegressor(solver="lbfgs").partial_fit


def test_ctrl_c_keeps_what_there_is(monkeypatch):
    epoch = Descent.epoch

    def third_time(self, *arguments):
        if self.updates >= 10:  # five minibatches make an epoch
            raise KeyboardInterrupt
        return epoch(self, *arguments)

    ours, theirs, y = both("number", max_iter=2)
    theirs.fit(X, y)
    monkeypatch.setattr(Descent, "epoch", third_time)
    with pytest.warns(UserWarning, match="Training interrupted by user"):
        ours.set_params(max_iter=9).fit(X, y)
    assert_same(ours, theirs)


def test_training_that_does_not_end_is_told():
    with pytest.warns(ConvergenceWarning, match=r"Maximum iterations \(2\) reached"):
        both("number", max_iter=2)[0].fit(X, NUMBERS[:, 0])
