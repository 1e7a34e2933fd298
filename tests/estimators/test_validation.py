"""Validation against scikit-learn on the same splits, against closed forms, and against itself."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression, Ridge, RidgeCV
from sklearn.model_selection import (
    KFold,
    LeaveOneOut,
    ShuffleSplit,
    StratifiedKFold,
    StratifiedShuffleSplit,
    TimeSeriesSplit,
    cross_val_score,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.data.readers import load_penguins, split_target
from chainrule.errors import DataError, HyperparameterError, NetworkError, UnknownNameError
from chainrule.estimators import compare, hold_out, k_fold, leave_one_out
from chainrule.estimators.leverage import jacobian, left_out_scores
from chainrule.estimators.scores import Comparison, Scores

DIABETES = load_diabetes(return_X_y=True)
IRIS = load_iris(return_X_y=True)
MSE = "neg_mean_squared_error"


def logistic():
    return make_pipeline(StandardScaler(), LogisticRegression())


def small(**more):
    return cr.NetworkClassifier((8,), **({"epochs": 15, "random_state": 0} | more))


# ------------------------------------------------------------- as scikit-learn's


@pytest.mark.parametrize(
    ("model", "data", "splitter"),
    [
        (LinearRegression(), DIABETES, KFold(4, shuffle=True, random_state=7)),
        (logistic(), IRIS, StratifiedKFold(4, shuffle=True, random_state=7)),
        (small(), IRIS, StratifiedKFold(4, shuffle=True, random_state=7)),
    ],
)
def test_k_fold_is_cross_val_score_on_the_same_splits(model, data, splitter):
    ours = k_fold(model, *data, folds=4, seed=7)
    np.testing.assert_array_equal(ours.scores, cross_val_score(model, *data, cv=splitter))
    assert ours.n == 4
    assert ours.test_rows.sum() == len(data[1])
    assert (ours.train_rows + ours.test_rows == len(data[1])).all()
    assert (ours.seconds > 0).all()


@pytest.mark.parametrize(
    ("model", "data", "kind"),
    [(Ridge(), DIABETES, ShuffleSplit), (logistic(), IRIS, StratifiedShuffleSplit)],
)
def test_hold_out_is_cross_val_score_on_the_same_splits(model, data, kind):
    ours = hold_out(model, *data, test=0.3, repeats=6, seed=2)
    splitter = kind(6, test_size=0.3, random_state=2)
    np.testing.assert_array_equal(ours.scores, cross_val_score(model, *data, cv=splitter))


def test_leave_one_out_is_cross_val_score_and_the_mean_of_the_squared_errors():
    X, y = DIABETES[0][:60], DIABETES[1][:60]
    ours = leave_one_out(LinearRegression(), X, y)
    theirs = -cross_val_score(LinearRegression(), X, y, cv=LeaveOneOut(), scoring=MSE)
    np.testing.assert_allclose(ours.scores, theirs)
    assert (ours.n, ours.metric, ours.lower_is_better) == (60, "mean squared error", True)
    assert not ours.approximate


def test_leave_one_out_of_classes_is_the_share_of_hits():
    X, y = IRIS[0][::4], IRIS[1][::4]
    ours = leave_one_out(GaussianNB(), X, y)
    theirs = cross_val_score(GaussianNB(), X, y, cv=LeaveOneOut())
    np.testing.assert_array_equal(ours.scores, theirs)
    assert ours.metric == "accuracy"


def test_errors_are_given_as_errors_and_other_scorers_by_name():
    folds = KFold(5, shuffle=True, random_state=0)
    errors = k_fold(Ridge(), *DIABETES, scoring=MSE)
    theirs = cross_val_score(Ridge(), *DIABETES, cv=folds, scoring=MSE)
    np.testing.assert_allclose(errors.scores, -theirs)
    assert (errors.metric, errors.lower_is_better) == ("mean squared error", True)
    assert k_fold(Ridge(), *DIABETES, scoring="explained_variance").metric == "explained variance"
    assert k_fold(Ridge(), *DIABETES).metric == "R²"
    with pytest.raises(UnknownNameError, match="Did you mean 'accuracy'"):
        k_fold(Ridge(), *DIABETES, scoring="acuracy")


@pytest.mark.parametrize("form", ["pandas", "polars", "arrow"])
def test_frames_with_texts_and_gaps(form):
    table, species, _ = split_target(load_penguins(), "species")
    X, y = {
        "pandas": (table.to_pandas(), species.to_pandas()),
        "polars": (pl.from_arrow(table), pl.Series(species.to_list())),
        "arrow": (table, species.to_list()),
    }[form]
    assert k_fold(small(epochs=30), X, y, folds=3).mean > 0.8


# ---------------------------------------------------------------------- closed forms


def test_mean_spread_and_both_errors():
    values = np.array([1.0, 2.0, 4.0, 5.0])
    s = Scores("m", "error", values, np.ones(4), np.full(4, 30), np.full(4, 10))
    assert s.mean == 3
    np.testing.assert_allclose(s.std, np.sqrt(10 / 3))
    np.testing.assert_allclose(s.standard_error, np.sqrt(10 / 3 / 4))
    np.testing.assert_allclose(s.corrected_error, np.sqrt(10 / 3 * (1 / 4 + 1 / 3)))


def test_the_corrected_error_is_nearer_the_truth_than_the_naive_one():
    """Means of repeated hold-outs over many fresh samples: how far do they really scatter?"""
    rng, means, naive, corrected = np.random.default_rng(0), [], [], []
    for _ in range(40):
        y = rng.normal(size=40)
        s = hold_out(DummyRegressor(), np.zeros((40, 1)), y, repeats=8, scoring=MSE)
        means.append(s.mean)
        naive.append(s.standard_error)
        corrected.append(s.corrected_error)
    truth = np.std(means)
    assert np.mean(naive) < 0.6 * truth
    assert abs(np.mean(corrected) - truth) < 0.5 * abs(np.mean(naive) - truth)


def test_leaving_one_out_of_the_mean_in_closed_form():
    """The mean of the others misses y by n/(n − 1) of its distance to the mean of all."""
    y = np.array([1.0, 4.0, 5.0, 10.0])
    ours = leave_one_out(DummyRegressor(), np.zeros((4, 1)), y)
    np.testing.assert_allclose(ours.scores, ((y - y.mean()) * 4 / 3) ** 2)


# ------------------------------------------------------------------------- in threads


def test_the_number_of_threads_changes_no_bit():
    results = [k_fold(small(), *IRIS, folds=4, n_jobs=n).scores.tolist() for n in (1, 2, 4)]
    assert results[0] == results[1] == results[2]


def test_the_model_is_cloned_and_never_changed():
    model = small()
    k_fold(model, *IRIS, folds=2)
    assert not hasattr(model, "network_")


def test_nothing_of_a_test_row_reaches_the_training():
    """One row of 1e6 in each fold's test part would move the scale of every other fold's."""
    X, y = IRIS[0].copy(), IRIS[1]
    splits = StratifiedKFold(5, shuffle=True, random_state=0).split(X, y)
    _, test = next(splits)
    X[test[0]] = 1e6
    spoilt = k_fold(small(epochs=40), X, y).scores[0]
    clean = k_fold(small(epochs=40), *IRIS).scores[0]
    assert abs(spoilt - clean) <= 1 / len(test) + 1e-9


# --------------------------------------------------------------------------- compare


def test_models_are_compared_on_the_same_splits():
    models = {"mean": DummyRegressor(), "linear": LinearRegression(), "ridge": Ridge()}
    result = compare(models, *DIABETES, seed=3)
    for name, model in models.items():
        alone = k_fold(model, *DIABETES, seed=3)
        np.testing.assert_array_equal(result.scores[name].scores, alone.scores)
    assert result.ranking == ["linear", "ridge", "mean"]
    difference = result.differences["mean"]
    paired = result.scores["mean"].scores - result.scores["linear"].scores
    np.testing.assert_allclose(difference.scores, paired)
    np.testing.assert_allclose(difference.std, np.std(paired, ddof=1))
    assert result.differences["linear"].mean == 0


def test_the_lowest_error_is_the_best():
    models = {"mean": DummyRegressor(), "linear": LinearRegression()}
    result = compare(models, *DIABETES, scoring=MSE)
    assert (result.best, result.differences["mean"].mean > 0) == ("linear", True)


def test_a_splitter_of_ones_own():
    splitter = TimeSeriesSplit(4)
    result = compare({"a": Ridge()}, *DIABETES, folds=splitter)
    theirs = cross_val_score(Ridge(), *DIABETES, cv=splitter)
    np.testing.assert_array_equal(result.scores["a"].scores, theirs)
    assert result.scores["a"].method == "TimeSeriesSplit"


def scores_of(model):
    return cross_val_score(model, *DIABETES, cv=KFold(5, shuffle=True, random_state=0)).mean()


def test_tables_are_aligned():
    scores = k_fold(Ridge(), *DIABETES)
    lines = str(scores).splitlines()
    assert lines[0] == "5-fold cross-validation: R², higher is better"
    assert len({len(line) for line in lines[1:7]}) == 1
    assert lines[2].split()[:4] == ["1", f"{scores.scores[0]:.4g}", "353", "89"]
    assert "5 splits" in lines[-1]
    table = str(compare({"mean": DummyRegressor(), "a linear one": LinearRegression()}, *DIABETES))
    header, first, second = table.splitlines()[1:4]
    assert first.split()[:4] == ["a", "linear", "one", f"{scores_of(LinearRegression()):.4g}"]
    assert second.split()[:2] == ["mean", f"{scores_of(DummyRegressor()):.4g}"]
    assert len(header) == len(first) == len(second)


def test_many_splits_are_summed_up():
    text = str(leave_one_out(Ridge(), DIABETES[0][:30], DIABETES[1][:30]))
    assert text.splitlines()[0] == "leave-one-out: mean squared error, lower is better"
    assert len(text.splitlines()) == 2


# ------------------------------------------------- approximate leave-one-out


def exact_linear(X, y):
    """The least-squares solution as a network, and the errors of n least-squares fits."""
    solution = LinearRegression().fit(X, y)
    net = cr.Network([cr.Dense(1)], input_shape=X.shape[1], engine="reference")
    net.set_parameters(
        {"0.weight": solution.coef_.reshape(-1, 1), "0.bias": np.atleast_1d(solution.intercept_)}
    )
    return net, leave_one_out(LinearRegression(), X, y).scores


def test_it_is_exact_for_linear_least_squares():
    X, y = DIABETES[0][:80], DIABETES[1][:80]
    net, errors = exact_linear(X, y)
    ours = leave_one_out(net, X, y, approximate=True)
    np.testing.assert_allclose(ours.scores, errors, rtol=1e-6)
    assert ours.approximate
    assert str(ours).startswith("approximate leave-one-out: mean squared error")


def test_it_is_exact_with_equal_columns():
    """The pseudo-inverse: parameters that the data do not tell apart do no harm."""
    X, y = DIABETES[0][:50, :3], DIABETES[1][:50]
    net, errors = exact_linear(np.column_stack([X, X[:, 0]]), y)
    ours = leave_one_out(net, np.column_stack([X, X[:, 0]]), y, approximate=True, damping=0)
    np.testing.assert_allclose(ours.scores, errors, rtol=1e-6)


def test_its_damping_is_ridge_regressions():
    """Ridge without intercept, λ of the mean loss: scikit-learn's own leave-one-out errors."""
    X, y = StandardScaler().fit_transform(DIABETES[0][:60]), DIABETES[1][:60] - 150
    ridge = RidgeCV([30.0], fit_intercept=False, store_cv_results=True).fit(X, y)
    net = cr.Network([cr.Dense(1, bias=False)], input_shape=10, engine="reference")
    net.set_parameters({"0.weight": ridge.coef_.reshape(-1, 1)})
    for damping in (30 / 60, None):  # None: found from the gradient that is left
        ours = leave_one_out(net, X, y, approximate=True, damping=damping)
        np.testing.assert_allclose(ours.scores, ridge.cv_results_[:, 0], rtol=1e-6)


def test_the_jacobian_is_that_of_finite_differences():
    net = cr.Network(
        [cr.Dense(3, "tanh"), cr.Dense(2)], "cross_entropy", input_shape=4, engine="reference"
    )
    X, h, columns = IRIS[0][:5], 1e-6, []
    z, J = jacobian(net, X)
    np.testing.assert_allclose(z, net.predict(X))
    for p in net.parameters.values():
        for k in np.ndindex(p.shape):
            p[k] += h
            up = net.predict(X)
            p[k] -= 2 * h
            columns.append((up - net.predict(X)) / (2 * h))
            p[k] += h
    np.testing.assert_allclose(J, np.stack(columns, axis=2), atol=1e-8)


def fitted_logistic(X, y):
    """Multinomial logistic regression with a ridge of C = 1, as a network."""
    model = LogisticRegression(C=1.0, fit_intercept=False, tol=1e-10, solver="newton-cholesky").fit(
        X, y
    )
    net = cr.Network(
        [cr.Dense(3, bias=False)], "cross_entropy", input_shape=X.shape[1], engine="reference"
    )
    net.set_parameters({"0.weight": model.coef_.T})
    return model, net


def test_it_follows_logistic_regression_closely():
    """Not exact there: the step is one of Newton's. Its scores against n fits of scikit-learn."""
    X, y = StandardScaler().fit_transform(IRIS[0])[::5], IRIS[1][::5]
    model, net = fitted_logistic(X, y)
    ours = left_out_scores(net, X, y, damping=1 / len(X))
    exact = np.empty_like(ours)
    for train, test in LeaveOneOut().split(X):
        exact[test] = model.fit(X[train], y[train]).decision_function(X[test])
    plain = net.predict(X) - exact
    assert np.abs(ours - exact).mean() < 0.1 * np.abs(plain).mean()


def test_it_is_near_the_exact_one_for_a_small_trained_network():
    rng = np.random.default_rng(0)
    X = rng.uniform(-2, 2, (50, 1))
    y = np.sin(2 * X[:, 0]) + 0.3 * rng.normal(size=50)
    model = cr.NetworkRegressor(
        (3,), activation="tanh", early_stopping=False, epochs=150, learning_rate=0.03,
        batch_size=32, random_state=0,
    )  # fmt: skip
    ours = leave_one_out(model, X, y, approximate=True)
    exact = leave_one_out(model, X, y)
    training = np.mean((model.fit(X, y).predict(X) - y) ** 2)
    assert training < ours.mean
    assert abs(ours.mean - exact.mean) < 0.3 * exact.mean
    assert np.corrcoef(ours.scores, exact.scores)[0, 1] > 0.9


def test_it_counts_hits_of_a_classifier():
    X, y = IRIS[0][::2], IRIS[1][::2]
    model = cr.NetworkClassifier(
        (), early_stopping=False, epochs=100, learning_rate=0.05, random_state=0
    )
    ours = leave_one_out(model, X, y, approximate=True)
    assert (ours.metric, ours.lower_is_better) == ("accuracy", False)
    assert set(ours.scores) <= {0.0, 1.0}
    assert abs(ours.mean - leave_one_out(model, X, y).mean) < 0.05


def test_too_many_parameters_are_refused_and_many_warned_of():
    X, y = DIABETES[0][:40], DIABETES[1][:40]
    with pytest.raises(NetworkError, match=r"too many parameters.*larger damping.*k_fold"):
        leave_one_out(cr.NetworkRegressor(epochs=5, random_state=0), X, y, approximate=True,
                      damping=0)  # fmt: skip
    net, _ = exact_linear(X[:18], y[:18])
    with pytest.warns(UserWarning, match="rows decide 61% of their own scores"):
        leave_one_out(net, X[:18], y[:18], approximate=True)


def test_what_the_approximation_does_not_do():
    net = cr.Network([cr.Dense(1)], "absolute_error", input_shape=10)
    with pytest.raises(NetworkError, match=r"no curvature.*k_fold"):
        leave_one_out(net, *DIABETES, approximate=True)
    with pytest.raises(NetworkError, match=r"model is Ridge\(\).*leave approximate=True out"):
        leave_one_out(Ridge(), *DIABETES, approximate=True)
    with pytest.raises(HyperparameterError, match="scoring and approximate"):
        leave_one_out(net, *DIABETES, approximate=True, scoring="r2")
    with pytest.raises(HyperparameterError, match=r"damping = -1 .* \[0, ∞\)"):
        leave_one_out(net, *DIABETES, approximate=True, damping=-1)
    with pytest.raises(HyperparameterError, match="damping is for approximate=True"):
        leave_one_out(Ridge(), *DIABETES, damping=1)
    with pytest.raises(NetworkError, match="GB, more than 1; use k_fold"):
        jacobian(cr.Network([cr.Dense(2000), cr.Dense(50)], input_shape=10), np.ones((500, 10)))


# ---------------------------------------------------------------------- bad input


def test_more_folds_than_rows():
    with pytest.raises(HyperparameterError, match=r"folds = 10 and 6 rows.*\[2, 6\]"):
        k_fold(Ridge(), np.zeros((6, 1)), np.arange(6.0), folds=10)
    with pytest.raises(HyperparameterError, match=r"folds = 10 and 6 rows"):
        compare({"a": Ridge()}, np.zeros((6, 1)), np.arange(6.0), folds=10)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: k_fold(Ridge(), *DIABETES, folds=1), r"folds = 1 .* \[2, ∞\)"),
        (lambda: k_fold(Ridge(), *DIABETES, folds="five"), "folds = 'five'"),
        (lambda: k_fold(Ridge(), *DIABETES, seed=-1), "seed = -1"),
        (lambda: hold_out(Ridge(), *DIABETES, test=1.5), r"test = 1.5 .* \(0, 1\)"),
        (lambda: hold_out(Ridge(), *DIABETES, repeats=0), r"repeats = 0 .* \[1, ∞\)"),
        (lambda: k_fold("ridge", *DIABETES), "model is 'ridge': expected a scikit-learn"),
        (lambda: compare([Ridge()], *DIABETES), "give names and estimators"),
        (lambda: compare({}, *DIABETES), "give names and estimators"),
        (lambda: compare({"a": Ridge(), "b": 3}, *DIABETES), r"models\['b'\] is 3"),
        (
            lambda: compare({"a": Ridge(), "b": logistic()}, *IRIS),
            "the models measure R² and accuracy: give scoring=",
        ),
    ],
)
def test_impossible_arguments_are_refused(call, message):
    with pytest.raises(HyperparameterError, match=message):
        call()


def test_a_split_that_would_train_on_one_class():
    X, y = np.arange(8.0)[:, None], np.array(["a"] * 7 + ["b"])
    with pytest.raises(DataError, match=r"split 8 of 8 .*a single class .*'a'.*fewer folds"):
        compare({"dummy": DummyClassifier()}, X, y, folds=KFold(8))


def test_a_class_with_fewer_rows_than_folds_is_named():
    X, y = np.arange(8.0)[:, None], np.array(["a"] * 5 + ["b"] * 3)
    with pytest.raises(DataError, match=r"3 rows of the class 'b', and each of 4 folds needs one"):
        k_fold(DummyClassifier(), X, y, folds=4)
    with pytest.raises(DataError, match=r"^the target 'kind' has 3 rows of the class 'b'"):
        k_fold(DummyClassifier(), X, pl.Series("kind", y), folds=4)


def test_splits_that_scikit_learn_refuses():
    X, y = np.arange(8.0)[:, None], np.array(["a"] * 7 + ["b"])
    with pytest.raises(DataError, match=r"8 rows cannot be split so.*join rare classes"):
        hold_out(DummyClassifier(), X, y)


def test_an_error_in_a_model_names_its_split():
    X = pd.DataFrame({"word": [f"w{k}" for k in range(20)]})
    with pytest.raises(DataError, match=r"split 1 of 2 \(10 rows to train on\): "):
        k_fold(cr.NetworkRegressor(max_levels=5, epochs=2), X, np.arange(20.0), folds=2)
    with pytest.raises(DataError, match="y has 1 row: leaving one out needs 2"):
        leave_one_out(Ridge(), [[1.0]], [1.0])


def test_long_work_shows_its_progress(capsys):
    k_fold(Ridge(), *DIABETES, progress="always")
    assert "5-fold cross-validation: 100%  5/5" in capsys.readouterr().err
    k_fold(Ridge(), *DIABETES)
    assert capsys.readouterr().err == ""


def test_default_networks_against_others_on_real_data():
    X, y = load_breast_cancer(return_X_y=True)
    models = {"dummy": DummyClassifier(), "network": small(epochs=30)}
    result = compare(models, X, y, folds=3)
    assert isinstance(result, Comparison)
    assert result.best == "network"
    assert result.scores["network"].mean > 0.93
