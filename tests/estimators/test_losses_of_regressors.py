"""`NetworkRegressor(loss=…)`: what each loss learns, against closed forms and other libraries."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from click.testing import CliRunner
from scipy import stats
from sklearn.base import clone
from sklearn.metrics import (
    d2_tweedie_score,
    mean_gamma_deviance,
    mean_pinball_loss,
    mean_poisson_deviance,
)
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule as cr
from chainrule.cli.main import main
from chainrule.errors import DataError, HyperparameterError, NetworkError, UnknownNameError
from chainrule.estimators import leave_one_out
from chainrule.ops import LOSSES
from chainrule.ops.losses import quantiles

RNG = np.random.default_rng(0)
GROUPS = np.repeat([[0.0], [1.0]], 300, axis=0)
NOISE = RNG.normal(size=600)
LEVELS = (0.1, 0.5, 0.9)
SKEWED = np.exp(0.5 * NOISE + GROUPS[:, 0])  # mean and median differ
TARGETS = {
    "squared_error": SKEWED,
    "absolute_error": SKEWED,
    "huber": SKEWED,
    "quantile": SKEWED,
    "gaussian": SKEWED,
    "poisson": RNG.poisson(1 + 4 * GROUPS[:, 0]),
    "gamma": SKEWED,
    "tweedie": np.where(NOISE < -0.5, 0, SKEWED),
}
# By a saturated model of two groups: all rows train, long enough to converge.
EXACT = {
    "hidden": (), "early_stopping": False, "epochs": 400, "batch_size": 600,
    "optimizer": cr.Adam(0.02), "dtype": "float64", "random_state": 0,
}  # fmt: skip
QUICK = {"hidden": (8,), "epochs": 5, "random_state": 0}


def of_groups(function, y):
    return np.array([function(y[:300]), function(y[300:])])


@pytest.mark.parametrize("name", ["squared_error", "gaussian", "poisson", "gamma", "tweedie"])
def test_the_prediction_of_two_groups_is_their_means(name):
    y = TARGETS[name]
    model = cr.NetworkRegressor(loss=name, **EXACT).fit(GROUPS, y)
    np.testing.assert_allclose(model.predict([[0.0], [1.0]]), of_groups(np.mean, y), rtol=5e-3)


def test_the_prediction_of_the_absolute_error_is_the_median():
    model = cr.NetworkRegressor(loss="absolute_error", **EXACT).fit(GROUPS, SKEWED)
    medians, means = of_groups(np.median, SKEWED), of_groups(np.mean, SKEWED)
    found = model.predict([[0.0], [1.0]])
    np.testing.assert_allclose(found, medians, rtol=0.02)
    assert (np.abs(found - medians) < 0.3 * np.abs(found - means)).all()


def test_quantiles_of_two_groups_are_those_of_their_rows():
    arguments = EXACT | {"epochs": 1500}
    model = cr.NetworkRegressor(loss="quantile", quantiles=LEVELS, **arguments)
    found = model.fit(GROUPS, SKEWED).predict_quantiles([[0.0], [1.0]])
    true = np.array([np.quantile(part, LEVELS) for part in (SKEWED[:300], SKEWED[300:])])
    np.testing.assert_allclose(found, true, rtol=0.04)
    np.testing.assert_array_equal(model.predict([[0.0], [1.0]]), found[:, 1])


def test_gaussian_quantiles_and_density_are_scipys_of_mean_and_spread_of_each_group():
    y = GROUPS[:, 0] * 10 + (1 + GROUPS[:, 0]) * NOISE
    model = cr.NetworkRegressor(loss="gaussian", **EXACT).fit(GROUPS, y)
    found = model.predict_distribution([[0.0], [1.0]])
    np.testing.assert_allclose(found.mean, of_groups(np.mean, y), atol=5e-3)
    np.testing.assert_allclose(found.scale, of_groups(np.std, y), rtol=5e-3)
    np.testing.assert_array_equal(found.mean, model.predict([[0.0], [1.0]]))
    wanted = stats.norm(found.mean[:, None], found.scale[:, None]).ppf([0.05, 0.25])
    np.testing.assert_allclose(model.predict_quantiles([[0.0], [1.0]], (0.05, 0.25)), wanted)
    true = stats.norm(of_groups(np.mean, y), of_groups(np.std, y)).logpdf([0.3, 9.0])
    np.testing.assert_allclose(found.distribution.logpdf([0.3, 9.0]), true, atol=0.02)


def test_the_dispersion_of_a_gamma_target_is_one_over_its_shape():
    rng, X = np.random.default_rng(1), np.repeat([[0.0], [1.0]], 4000, axis=0)
    y = stats.gamma(4.0, scale=(1 + 2 * X[:, 0]) / 4).rvs(random_state=rng)
    model = cr.NetworkRegressor(loss="gamma", **EXACT).fit(X, y)
    found = model.predict_distribution([[0.0], [1.0]])
    np.testing.assert_allclose(model.dispersion_, [0.25], rtol=0.05)
    np.testing.assert_allclose(found.mean, [1, 3], rtol=0.05)
    np.testing.assert_allclose(found.distribution.mean(), found.mean)
    np.testing.assert_allclose(found.distribution.std(), found.scale)
    np.testing.assert_allclose(found.scale, [0.5, 1.5], rtol=0.06)


def test_a_poisson_distribution_has_its_mean_as_its_variance():
    model = cr.NetworkRegressor(loss="poisson", **EXACT).fit(GROUPS, TARGETS["poisson"])
    found = model.predict_distribution(GROUPS[::300])
    np.testing.assert_allclose(found.scale**2, found.mean)
    np.testing.assert_allclose(found.distribution.pmf(0), np.exp(-found.mean))
    assert model.predict_quantiles(GROUPS[::300]).shape == (2, 3)


def test_a_tweedie_target_has_a_variance_and_no_quantiles():
    arguments = EXACT | {"loss": {"name": "tweedie", "power": 1.2}}
    model = cr.NetworkRegressor(**arguments).fit(GROUPS, TARGETS["tweedie"])
    found, y = model.predict_distribution(GROUPS), TARGETS["tweedie"]
    phi = np.mean((y - found.mean) ** 2 / found.mean**1.2)
    np.testing.assert_allclose(found.scale, np.sqrt(phi * found.mean**1.2), rtol=1e-9)
    assert found.distribution is None
    with pytest.raises(HyperparameterError, match="mean and variance, no quantiles"):
        model.predict_quantiles(GROUPS)


@pytest.mark.parametrize(
    ("name", "deviance"), [("poisson", mean_poisson_deviance), ("gamma", mean_gamma_deviance)]
)
def test_a_loss_that_fits_the_noise_beats_a_constant_by_its_deviance(name, deviance):
    rng = np.random.default_rng(2)
    X = rng.normal(size=(800, 2))
    mean = np.exp(0.8 * X[:, 0] + 0.3)
    y = rng.poisson(mean) if name == "poisson" else rng.gamma(2.0, mean / 2)
    model = cr.NetworkRegressor((16,), loss=name, random_state=0).fit(X[:600], y[:600])
    test, found = y[600:], model.predict(X[600:])
    least = deviance(test, mean[600:])
    assert least * 0.9 < deviance(test, found) < least * 1.2
    assert d2_tweedie_score(test, found, power=1 if name == "poisson" else 2) > 0.2


def test_quantiles_never_cross_and_beat_constants_by_the_pinball_loss():
    rng = np.random.default_rng(3)
    X = rng.uniform(-2, 2, size=(1500, 1))
    y = X[:, 0] + (0.2 + np.abs(X[:, 0])) * rng.normal(size=1500)
    model = cr.NetworkRegressor((32,), loss="quantile", quantiles=LEVELS, random_state=0)
    found = model.fit(X[:1000], y[:1000]).predict_quantiles(X[1000:])
    far = model.predict_quantiles(RNG.normal(scale=100, size=(500, 1)))
    assert (np.diff(found, axis=1) >= 0).all()
    assert (np.diff(far, axis=1) >= 0).all()
    for k, q in enumerate(LEVELS):
        constant = np.full(500, np.quantile(y[:1000], q))
        loss = mean_pinball_loss(y[1000:], found[:, k], alpha=q)
        assert loss < 0.8 * mean_pinball_loss(y[1000:], constant, alpha=q)
        assert np.mean(y[1000:] <= found[:, k]) == pytest.approx(q, abs=0.06)


@pytest.mark.parametrize("name", ["poisson", "gamma", "tweedie"])
def test_training_starts_at_the_mean(name):
    y = TARGETS[name] * 1000.0
    model = cr.NetworkRegressor((64, 64), loss=name, learning_rate=1e-12, epochs=1, random_state=0)
    found = model.fit(RNG.normal(size=(600, 3)), y).predict(RNG.normal(size=(100, 3)))
    # The last weights are small, not 0: their layer's inputs are of the order of 1.
    np.testing.assert_allclose(found, model.target_mean_[0], rtol=0.4)
    assert np.mean(found) == pytest.approx(y.mean(), rel=0.15)


@pytest.mark.parametrize("name", [name for name in TARGETS if name != "poisson"])
def test_units_of_the_target_do_not_matter(name):
    """Scores of location and scale follow y's unit; a logarithm follows it through the bias."""
    y = TARGETS[name].astype(float)
    arguments = QUICK | {"loss": name, "dtype": "float64", "early_stopping": False}
    small, large = (
        cr.NetworkRegressor(**arguments).fit(GROUPS, unit * y).predict(GROUPS[::300])
        for unit in (1, 1024)
    )
    # Gradients of the Tweedie loss grow with μ²⁻ᵖ, which Adam all but undoes.
    np.testing.assert_allclose(large / 1024, small, rtol=1e-3 if name == "tweedie" else 1e-6)


@pytest.mark.parametrize("name", TARGETS)
def test_whole_weights_are_repeated_rows(name):
    y, counts = TARGETS[name][::10], np.arange(60) % 3
    arguments = QUICK | {"loss": name, "dtype": "float64", "early_stopping": False}
    arguments |= {"batch_size": 200, "epochs": 20}
    weighted = cr.NetworkRegressor(**arguments).fit(GROUPS[::10], y, sample_weight=counts)
    repeated = cr.NetworkRegressor(**arguments)
    repeated.fit(GROUPS[::10].repeat(counts, axis=0), y.repeat(counts))
    np.testing.assert_allclose(weighted.predict(GROUPS), repeated.predict(GROUPS), rtol=1e-6)
    if weighted.dispersion_ is not None:
        np.testing.assert_allclose(weighted.dispersion_, repeated.dispersion_, rtol=1e-6)


@pytest.mark.parametrize("name", TARGETS)
def test_files_and_pickles_keep_all_of_it(name, tmp_path):
    given = {"name": "tweedie", "power": 1.3} if name == "tweedie" else name
    model = cr.NetworkRegressor(loss=given, quantiles=[0.2, 0.7], **QUICK)
    model.fit(GROUPS, TARGETS[name]).save(tmp_path / "model.safetensors")
    for twin in (cr.load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.predict(GROUPS), model.predict(GROUPS))
        assert twin.network_.loss.config() == model.network_.loss.config()
        assert twin.get_params()["loss"] == given
        assert list(twin.quantiles) == [0.2, 0.7]
        if name in ("gaussian", "poisson", "gamma", "tweedie"):
            mine, its = (m.predict_distribution(GROUPS).scale for m in (model, twin))
            np.testing.assert_array_equal(mine, its)


def test_a_loss_object_works_and_is_kept(tmp_path):
    record = LOSSES["quantile"](level=0.9)
    model = cr.NetworkRegressor(loss=record, **QUICK).fit(GROUPS, SKEWED)
    assert model.loss is record
    assert clone(model).loss == record
    assert model.predict_quantiles(GROUPS).shape == (600, 1)
    model.save(tmp_path / "model.safetensors")
    twin = cr.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(twin.predict(GROUPS), model.predict(GROUPS))
    several = cr.NetworkRegressor(loss=quantiles((0.3, 0.6)), **QUICK).fit(GROUPS, SKEWED)
    assert several.predict_quantiles(GROUPS, [0.6]).shape == (600, 1)


@pytest.mark.parametrize("name", ["quantile", "gaussian", "poisson", "gamma", "huber"])
def test_several_targets_side_by_side(name):
    both = np.column_stack([TARGETS[name], TARGETS[name][::-1]]).astype(float)
    model = cr.NetworkRegressor(loss=name, **QUICK).fit(GROUPS, both)
    assert model.predict(GROUPS).shape == (600, 2)
    if name != "huber":
        found = model.predict_quantiles(GROUPS[:7])
        assert found.shape == (7, 2, 3)
        assert (np.diff(found, axis=-1) >= 0).all()
    if name in ("gaussian", "gamma"):
        assert model.predict_distribution(GROUPS[:7]).distribution.mean().shape == (7, 2)


@pytest.mark.parametrize("name", TARGETS)
def test_several_networks_average_what_each_says(name, tmp_path):
    y = TARGETS[name]
    model = cr.NetworkRegressor(loss=name, members=2, **QUICK).fit(GROUPS, y)
    encoded = model.encoder_.transform(GROUPS)
    twins = [twin._in_units(twin.network_.predict(encoded)) for twin in model._twins]
    mean = np.mean(twins, axis=0)
    np.testing.assert_allclose(model._blocks(GROUPS), mean, rtol=1e-6, atol=1e-9)
    model.save(tmp_path / "model.safetensors")
    twin = cr.load(tmp_path / "model.safetensors")
    np.testing.assert_allclose(twin.predict(GROUPS), model.predict(GROUPS), rtol=1e-12)
    folds = cr.NetworkRegressor(loss=name, cv=3, **QUICK).fit(GROUPS, y)
    assert np.isfinite(folds.cv_scores_).all()
    if name == "gamma":  # from rows that no network behind the prediction has seen
        mean = folds.out_of_fold_
        np.testing.assert_allclose(folds.dispersion_, np.mean((y / mean - 1) ** 2))


def test_partial_fit_learns_every_loss_but_no_dispersion():
    for name, y in TARGETS.items():
        model = cr.NetworkRegressor(loss=name, **QUICK)
        for _ in range(3):
            model.partial_fit(GROUPS, y)
        assert np.isfinite(model.predict(GROUPS)).all()
    model = cr.NetworkRegressor(loss="gamma", **QUICK).partial_fit(GROUPS, SKEWED)
    with pytest.raises(HyperparameterError, match="partial_fit alone does not learn it"):
        model.predict_distribution(GROUPS)


@parametrize_with_checks(
    [
        cr.NetworkRegressor((8,), epochs=20, learning_rate=0.03, loss=name)
        for name in ("gaussian", "quantile", "absolute_error")
    ]
)
def test_scikit_learn_finds_nothing_to_object_to(estimator, check):
    check(estimator)


# ------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("poisson", -2.0, r"the target is -2 in row 3 \(counted from 0\): loss 'poisson' needs"),
        ("tweedie", -1e-9, "loss 'tweedie' needs numbers of 0 or more"),
        ("gamma", 0.0, r"is 0 in row 3 \(counted from 0\): loss 'gamma' needs numbers above 0"),
    ],
)
def test_a_target_that_cannot_be_is_refused_with_its_row(name, value, message):
    y = np.arange(1.0, 9.0)
    y[3] = value
    with pytest.raises(DataError, match=message):
        cr.NetworkRegressor(loss=name, **QUICK).fit(GROUPS[:8], y)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"loss": "poison"}, UnknownNameError, "Did you mean 'poisson'"),
        ({"loss": "cross_entropy"}, HyperparameterError, "use NetworkClassifier"),
        ({"loss": 3}, HyperparameterError, "loss = 3 is not possible"),
        ({"loss": {"name": "tweedie", "power": 2}}, HyperparameterError, r"power = 2 .*\(1, 2\)"),
        ({"quantiles": ()}, HyperparameterError, "numbers in"),
        ({"quantiles": 0.5}, HyperparameterError, "quantiles = 0.5"),
        ({"quantiles": (0.9, 0.1)}, HyperparameterError, "the smallest first"),
        ({"quantiles": (0.1, 1.0)}, HyperparameterError, r"level = 1.0 .*\(0, 1\)"),
    ],
)
def test_arguments_that_cannot_be_are_refused(arguments, error, message):
    with pytest.raises(error, match=message):
        cr.NetworkRegressor(**QUICK, **arguments).fit(GROUPS, SKEWED)


def test_what_a_loss_does_not_say_is_refused():
    plain = cr.NetworkRegressor(**QUICK).fit(GROUPS, SKEWED)
    with pytest.raises(HyperparameterError, match="says nothing of a distribution"):
        plain.predict_distribution(GROUPS)
    with pytest.raises(HyperparameterError, match="says nothing of a distribution"):
        plain.predict_quantiles(GROUPS)
    model = cr.NetworkRegressor(loss="quantile", **QUICK).fit(GROUPS, SKEWED)
    with pytest.raises(HyperparameterError, match=r"0\.25 was not trained: ask for some of 0.05"):
        model.predict_quantiles(GROUPS, [0.25])


def test_approximate_leave_one_out_is_for_the_squared_error():
    model = cr.NetworkRegressor(loss="absolute_error", **QUICK)
    with pytest.raises(NetworkError, match="leave approximate=True out"):
        leave_one_out(model, GROUPS[:20], SKEWED[:20], approximate=True)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("poisson", "target, whose expected value has the logarithm score"),
        ("gaussian", "× mean"),
        ("quantile", "× score of each of q1, q2, q3"),
        ("huber", "× score"),
    ],
)
def test_the_command_line_says_what_the_scores_are(name, text, tmp_path):
    model = cr.NetworkRegressor(loss=name, **QUICK).fit(GROUPS, TARGETS[name])
    model.save(tmp_path / "model.safetensors")
    shown = CliRunner().invoke(main, ["explain", str(tmp_path / "model.safetensors")])
    assert text in shown.output


def test_warm_start_does_not_change_the_loss():
    model = cr.NetworkRegressor(warm_start=True, **QUICK).fit(GROUPS, SKEWED).fit(GROUPS, SKEWED)
    with pytest.raises(HyperparameterError, match="loss or quantiles"):
        model.set_params(loss="huber").fit(GROUPS, SKEWED)
