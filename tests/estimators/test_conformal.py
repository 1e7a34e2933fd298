"""Conformal intervals and sets: the coverage they promise, over many draws of new rows."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError

import chainrule as cr
from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators.conformal import Conformal

QUICK = {"hidden": (16,), "epochs": 20, "learning_rate": 0.01, "random_state": 0}
DRAWS, NEW = 200, 4000  # draws of calibration rows, and how many new rows judge each


def numbers(n, rng, kind="normal"):
    """Noise that grows with x: no interval of one width fits all rows."""
    X = rng.uniform(-1, 1, size=(n, 1))
    if kind == "counts":
        return X, rng.poisson(np.exp(1 + X[:, 0]))
    if kind == "positive":
        return X, rng.gamma(3, np.exp(X[:, 0]))
    return X, X[:, 0] + (0.2 + np.abs(X[:, 0])) * rng.standard_t(4, size=n)


def classes(n, rng):
    X = rng.normal(size=(n, 2))
    odds = X @ [[1.5, 0, -1.0], [0, 2.0, 0]]
    return X, np.argmax(odds + rng.gumbel(size=(n, 3)), axis=1)


def coverages(model, draw, rows, coverage, judge):
    """Share of new rows that are covered, for many draws of calibration rows."""
    rng, found = np.random.default_rng(1), []
    for _ in range(DRAWS):
        model.conformalise(*draw(rows, rng))
        X, y = draw(NEW, rng)
        found.append(np.mean(judge(model, X, y, coverage)))
    return np.array(found)


def inside(model, X, y, coverage):
    low, high = model.predict_interval(X, coverage).T
    return (low <= y) & (y <= high)


def in_set(model, X, y, coverage):
    return model.predict_set(X, coverage)[np.arange(len(y)), y]


@pytest.mark.parametrize(
    ("loss", "kind"),
    [("squared_error", "residual"), ("quantile", "quantile"), ("gaussian", "normalised")],
)
def test_the_coverage_of_intervals_follows_its_beta_law(loss, kind):
    """Given the calibration rows Beta(k, n + 1 − k), k = ⌈(n + 1) coverage⌉, for any network."""
    n, coverage = 60, 0.8
    model = cr.NetworkRegressor(loss=loss, **QUICK).fit(*numbers(300, np.random.default_rng(0)))
    found = coverages(model, numbers, n, coverage, inside)
    assert model.conformal_.method == kind
    k = int(np.ceil((n + 1) * coverage))
    law = stats.beta(k, n + 1 - k)
    error = np.sqrt((law.var() + coverage * (1 - coverage) / NEW) / DRAWS)
    assert found.mean() == pytest.approx(k / (n + 1), abs=4 * error)
    assert stats.kstest(found, law.cdf).pvalue > 1e-3


@pytest.mark.parametrize(("loss", "kind"), [("poisson", "counts"), ("gamma", "positive")])
def test_intervals_of_counts_and_amounts_cover_and_hold_nothing_below_0(loss, kind):
    def draw(n, rng):
        return numbers(n, rng, kind)

    n, coverage = 60, 0.8
    model = cr.NetworkRegressor(loss=loss, **QUICK).fit(*draw(300, np.random.default_rng(0)))
    found = coverages(model, draw, n, coverage, inside)
    error = np.sqrt((coverage * (1 - coverage) / n) / DRAWS)
    assert found.mean() > coverage - 4 * error
    assert model.predict_interval(np.linspace(-1, 1, 50)[:, None]).min() >= 0


@pytest.mark.parametrize("method", ["lac", "aps"])
def test_the_coverage_of_sets_is_what_was_asked_for(method):
    n, coverage = 60, 0.85
    model = cr.NetworkClassifier(**QUICK).fit(*classes(300, np.random.default_rng(0)))
    rng, found, sizes = np.random.default_rng(1), [], []
    for _ in range(DRAWS):
        model.conformalise(*classes(n, rng), method=method)
        X, y = classes(NEW, rng)
        chosen = model.predict_set(X, coverage)
        found.append(np.mean(chosen[np.arange(NEW), y]))
        sizes.append(chosen.sum(axis=1).min())
    k = int(np.ceil((n + 1) * coverage))
    law = stats.beta(k, n + 1 - k)
    error = np.sqrt((law.var() + coverage * (1 - coverage) / NEW) / DRAWS)
    assert np.mean(found) > k / (n + 1) - 4 * error
    if method == "lac":  # no ties: exact; the other counts the class in question out
        assert np.mean(found) < k / (n + 1) + 4 * error
    else:
        assert min(sizes) >= 1


def test_quantile_intervals_are_narrow_where_the_noise_is_small():
    rng = np.random.default_rng(0)
    near, far = np.array([[0.0]]), np.array([[0.95]])
    for loss in ("quantile", "gaussian"):
        model = cr.NetworkRegressor((32,), loss=loss, random_state=0).fit(*numbers(1500, rng))
        model.conformalise(*numbers(300, rng))
        widths = [np.diff(model.predict_interval(x))[0, 0] for x in (near, far)]
        assert widths[1] > 2 * widths[0]
    plain = cr.NetworkRegressor(**QUICK).fit(*numbers(300, rng)).conformalise(*numbers(99, rng))
    widths = np.diff(plain.predict_interval(np.vstack([near, far])))
    np.testing.assert_allclose(widths[0], widths[1])


def test_the_interval_is_the_residual_of_the_right_rank():
    rng = np.random.default_rng(0)
    model = cr.NetworkRegressor(**QUICK).fit(*numbers(100, rng))
    X, y = numbers(39, rng)
    residuals = np.sort(np.abs(y - model.predict(X)))
    model.conformalise(X, y)
    for coverage, rank in ((0.9, 36), (0.5, 20), (0.975, 39), (0.875, 35)):
        interval = model.predict_interval(X, coverage)
        np.testing.assert_allclose(interval.mean(axis=1), model.predict(X))
        np.testing.assert_allclose(np.diff(interval)[:, 0] / 2, residuals[rank - 1], rtol=1e-9)


def test_sets_are_the_classes_whose_score_is_not_above_the_threshold():
    rng = np.random.default_rng(0)
    model = cr.NetworkClassifier(**QUICK).fit(*classes(200, rng))
    X, y = classes(99, rng)
    p = model.predict_proba(X).astype(float)
    own = p[np.arange(99), y]
    limit = np.sort(1 - own)[89]
    np.testing.assert_array_equal(model.conformalise(X, y).predict_set(X), 1 - p <= limit)
    larger = np.array([[row[row > value].sum() for value in row] for row in p])
    limit = np.sort(larger[np.arange(99), y])[89]
    found = model.conformalise(X, y, method="aps").predict_set(X)
    np.testing.assert_array_equal(found, larger <= limit + 1e-12)


def test_several_targets_have_an_interval_each():
    rng = np.random.default_rng(0)
    X, y = numbers(200, rng)
    both = np.column_stack([y, 100 * y[::-1]])
    for loss in ("squared_error", "quantile", "gaussian"):
        model = cr.NetworkRegressor(loss=loss, **QUICK).fit(X[:100], both[:100])
        found = model.conformalise(X[100:], both[100:]).predict_interval(X[100:], 0.8)
        assert found.shape == (100, 2, 2)
        share = ((found[..., 0] <= both[100:]) & (both[100:] <= found[..., 1])).mean(axis=0)
        np.testing.assert_allclose(share, 0.81, atol=1e-9)  # ⌈101 · 0.8⌉ of the rows themselves


def test_intervals_that_would_cross_become_a_point():
    """Quantiles far too wide: scores are negative, and intervals narrower than none."""
    rng = np.random.default_rng(0)
    X, y = numbers(200, rng)
    model = cr.NetworkRegressor(loss="quantile", quantiles=(0.01, 0.99), **QUICK).fit(X, 50 * y)
    model.conformalise(X, np.zeros(200))
    found = model.predict_interval(X, 0.05)
    assert (found[:, 0] <= found[:, 1]).all()


def test_tables_with_texts_and_gaps_have_intervals():
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"a": rng.choice(["x", "y", None], 120), "b": rng.normal(size=120)})
    y = frame["b"].to_numpy() + (frame["a"] == "x")
    frame.loc[::7, "b"] = np.nan
    model = cr.NetworkRegressor(**QUICK).fit(frame[:80], y[:80]).conformalise(frame[80:], y[80:])
    assert model.predict_interval(frame).shape == (120, 2)


def test_files_and_pickles_keep_it_and_training_removes_it(tmp_path):
    rng = np.random.default_rng(0)
    iris, kinds = load_iris(return_X_y=True)
    X, y = numbers(150, rng)
    for model, data, ask in (
        (cr.NetworkRegressor(**QUICK), (X, y), "predict_interval"),
        (cr.NetworkRegressor(**QUICK), (X, np.c_[y, y]), "predict_interval"),
        (cr.NetworkClassifier(**QUICK), (iris, kinds), "predict_set"),
    ):
        model.fit(*data).conformalise(*data).save(tmp_path / "model.safetensors")
        for twin in (cr.load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(model))):
            np.testing.assert_array_equal(getattr(twin, ask)(data[0]), getattr(model, ask)(data[0]))
        for again in ("fit", "partial_fit"):
            twin = pickle.loads(pickle.dumps(model))
            with pytest.raises(DataError, match=rf"{ask} needs .* conformalise\(X, y\) first"):
                getattr(getattr(twin, again)(*data), ask)(data[0])


# ------------------------------------------------------------------- bad input


def test_too_few_rows_for_a_coverage_say_how_many_are_needed():
    record = Conformal("residual", np.arange(18.0))
    assert record.threshold(0.9) == 17
    with pytest.raises(HyperparameterError, match=r"coverage = 0\.95 needs 19 rows .* had 18") as e:
        record.threshold(0.95)
    assert "at most 0.947" in str(e.value)
    assert Conformal("residual", np.arange(19.0)).threshold(0.95) == 18
    for coverage in (0, 1, 1.5, "much"):
        with pytest.raises(HyperparameterError, match=r"\(0, 1\)"):
            record.threshold(coverage)


def test_rows_that_do_not_fit_are_refused():
    rng = np.random.default_rng(0)
    X, y = numbers(50, rng)
    model = cr.NetworkRegressor(**QUICK)
    with pytest.raises(NotFittedError):
        clone(model).conformalise(X, y)
    with pytest.raises(NotFittedError):
        clone(model).predict_interval(X)
    model.fit(X, y)
    with pytest.raises(DataError, match="50 rows and y has 49"):
        model.conformalise(X, y[1:])
    with pytest.raises(DataError, match=r"expected \(n,\)|trained on \(n,\)"):
        model.conformalise(X, np.c_[y, y])
    with pytest.raises(DataError, match="infinite in row 3"):
        model.conformalise(X, np.where(np.arange(50) == 3, np.inf, y))
    chosen = cr.NetworkClassifier(**QUICK).fit(*classes(60, rng))
    with pytest.raises(DataError, match="has the class 7"):
        chosen.conformalise(rng.normal(size=(3, 2)), [0, 1, 7])
    with pytest.raises(HyperparameterError, match="'lac' or 'aps'"):
        chosen.conformalise(*classes(60, rng), method="raps")
    several = cr.NetworkClassifier(**QUICK).fit(X, np.c_[y > 0, y > 1])
    with pytest.raises(DataError, match="one label for each row"):
        several.conformalise(X, np.c_[y > 0, y > 1])
