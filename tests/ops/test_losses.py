"""Every loss × one list of invariants, against closed forms and scikit-learn."""

import numpy as np
import pytest
from scipy.special import expit, rel_entr, softmax
from scipy.stats import gamma, norm, poisson
from sklearn.metrics import (
    accuracy_score,
    log_loss,
    mean_pinball_loss,
    mean_tweedie_deviance,
    root_mean_squared_error,
)

import chainrule as cr
from chainrule.errors import DataError, HyperparameterError, UnknownNameError
from chainrule.ops import LOSSES, loss, quantiles, register_loss, row_sum
from chainrule.ops.expression import absolute, evaluate, exp, where

ENGINES = [
    ("reference", "float64", 1e-12),
    ("compiled", "float64", 1e-12),
    ("compiled", "float32", 2e-6),
]


def scores(record, rng, rows, outputs, scale=1.0):
    """Random scores for so many outputs: a block of columns for each kind of score."""
    return rng.normal(scale=scale, size=(rows, outputs * len(record.scores)))


def named(record, z):
    """The blocks of scores by the names that formulas use."""
    return dict(zip(record.scores, np.split(z, len(record.scores), axis=1), strict=True))


def targets(record, rng, shape):
    if record.targets == "classes":
        return rng.dirichlet(np.ones(shape[1]), size=shape[0])
    if record.targets == "counts":
        return rng.poisson(2.0, size=shape).astype(float)
    if record.targets == "positive":
        return rng.exponential(size=shape)
    return rng.uniform(size=shape) if record.targets == "fractions" else rng.normal(size=shape)


def through(name, z, t, engine="compiled", dtype="float64", weight=None):
    """Loss, gradient and metric of given scores: a linear layer with W = I and b = 0."""
    width = z.shape[1]
    net = cr.Network([cr.Dense(width)], name, input_shape=(width,), engine=engine, dtype=dtype)
    net.parameters["0.weight"][...] = np.eye(width)
    value, gradients = net.loss_and_gradients(z, t, weight)
    metric = list(net.evaluate(z, t, weight).values())[1]
    return value, gradients, metric


@pytest.mark.parametrize(("engine", "dtype", "tolerance"), ENGINES)
@pytest.mark.parametrize("name", LOSSES)
def test_slopes_agree_with_centred_differences(name, engine, dtype, tolerance):
    record, rng = LOSSES[name], np.random.default_rng(0)
    z = scores(record, rng, 6, 3, scale=2)
    t = targets(record, rng, (6, 3))
    h, true = 1e-6, np.zeros(z.shape[1])
    for k in range(len(true)):
        shift = np.zeros(len(true))
        shift[k] = h
        given = [{**named(record, z + s), "t": t, **record.all_settings} for s in (shift, -shift)]
        values = [np.mean(evaluate(record.value_expression, each)) for each in given]
        true[k] = (values[0] - values[1]) / (2 * h)
    _, gradients, _ = through(name, z, t, engine, dtype)
    np.testing.assert_allclose(gradients["0.bias"], true, rtol=1e-5, atol=1e-8)


@pytest.mark.parametrize(("engine", "dtype", "tolerance"), ENGINES)
@pytest.mark.parametrize("name", LOSSES)
def test_scores_far_out_give_finite_numbers(name, engine, dtype, tolerance):
    record, rng = LOSSES[name], np.random.default_rng(0)
    z = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4], [1e4, 1e4, 1e4], [-1e4, 1e4, 3.0]])
    if record.inverse_link:  # a mean eᶻ, and e⁻ᶻ, which no number can hold beyond z = 709
        z = np.clip(z, -80, 80)
    t = targets(record, rng, z.shape)
    if record.name == "gaussian":  # likewise e⁻ˢ of a variance eˢ
        z = np.concatenate([z, np.maximum(z[::-1], -40)], axis=1)
    z = np.tile(z, len(record.scores)) if record.name == "quantiles" else z
    value, gradients, metric = through(name, z, t, engine, dtype)
    assert np.isfinite(value)
    assert np.isfinite(metric)
    assert all(np.isfinite(g).all() for g in gradients.values())


@pytest.mark.parametrize(("engine", "dtype", "tolerance"), ENGINES)
@pytest.mark.parametrize("name", LOSSES)
def test_whole_weights_are_repeated_rows(name, engine, dtype, tolerance):
    record, rng = LOSSES[name], np.random.default_rng(0)
    z = scores(record, rng, 5, 3)
    t, counts = targets(record, rng, (5, 3)), np.array([1, 3, 0, 2, 1])
    weighted = through(name, z, t, engine, dtype, counts)
    repeated = through(name, z.repeat(counts, axis=0), t.repeat(counts, axis=0), engine, dtype)
    assert weighted[0] == pytest.approx(repeated[0], rel=max(tolerance, 1e-6))
    assert weighted[2] == pytest.approx(repeated[2], rel=1e-5)
    for key in weighted[1]:
        np.testing.assert_allclose(weighted[1][key], repeated[1][key], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(("engine", "dtype", "tolerance"), ENGINES)
def test_cross_entropy_is_log_loss_of_the_softmax(engine, dtype, tolerance):
    rng = np.random.default_rng(1)
    z, labels = rng.normal(scale=3, size=(50, 4)), rng.integers(4, size=50)
    value, gradients, accuracy = through("cross_entropy", z, labels, engine, dtype)
    p = softmax(z, axis=1)
    assert value == pytest.approx(log_loss(labels, p, labels=range(4)), rel=tolerance * 10)
    assert accuracy == pytest.approx(accuracy_score(labels, p.argmax(axis=1)))
    delta = (p - np.eye(4)[labels]) / 50
    np.testing.assert_allclose(gradients["0.weight"], z.T @ delta, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_class_indices_and_class_probabilities_agree(engine):
    rng = np.random.default_rng(2)
    z, labels = rng.normal(size=(20, 5)), rng.integers(5, size=20)
    by_index = through("cross_entropy", z, labels, engine)
    by_probability = through("cross_entropy", z, np.eye(5)[labels], engine)
    assert by_index[0] == pytest.approx(by_probability[0], rel=1e-12)
    assert by_index[2] == pytest.approx(by_probability[2])
    for key in by_index[1]:
        np.testing.assert_allclose(by_index[1][key], by_probability[1][key], atol=1e-14)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_binary_cross_entropy_is_log_loss_of_the_sigmoid(engine):
    rng = np.random.default_rng(3)
    z, labels = rng.normal(scale=3, size=(50, 1)), rng.integers(2, size=50)
    value, gradients, accuracy = through("binary_cross_entropy", z, labels, engine)
    p = expit(z[:, 0])
    assert value == pytest.approx(log_loss(labels, p), rel=1e-12)
    assert accuracy == pytest.approx(accuracy_score(labels, p > 0.5))
    np.testing.assert_allclose(gradients["0.bias"], [np.mean(p - labels)], rtol=1e-12)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_squared_error_is_half_the_mean_square(engine):
    rng = np.random.default_rng(4)
    z, t = rng.normal(size=(30, 1)), rng.normal(size=(30, 1))
    value, gradients, rmse = through("squared_error", z, t, engine)
    assert value == pytest.approx(0.5 * np.mean((z - t) ** 2), rel=1e-12)
    assert rmse == pytest.approx(root_mean_squared_error(t, z), rel=1e-12)
    np.testing.assert_allclose(gradients["0.bias"], [np.mean(z - t)], rtol=1e-12)


@pytest.mark.parametrize("name", LOSSES)
def test_probabilities_are_probabilities(name):
    z = np.array([[1e4, -1e4, 0.0], [1.0, 2.0, 3.0]])
    if LOSSES[name].inverse_link:
        z = np.clip(z, -80, 80)
    expected = {
        "classes": softmax(z, axis=1),
        "fractions": expit(z),
        "counts": np.exp(np.clip(z, -80, 80)),
        "positive": np.exp(np.clip(z, -80, 80)),
    }
    if name in ("hinge", "perceptron", "multiclass_margin"):  # scores that are no logits
        expected = {}
    link = LOSSES[name].predictions(z) if name != "gaussian" else z
    np.testing.assert_allclose(link, expected.get(LOSSES[name].targets, z), atol=1e-15)


def test_predictions_of_two_scores_are_mean_and_standard_deviation():
    record, rng = LOSSES["gaussian"], np.random.default_rng(0)
    z = rng.normal(size=(4, 3, 6))  # also for each step of a sequence
    found = record.predictions(z)
    np.testing.assert_array_equal(found[..., :3], z[..., :3])
    np.testing.assert_allclose(found[..., 3:] ** 2, np.exp(z[..., 3:]), rtol=1e-14)
    net = cr.Network([cr.Dense(2)], "gaussian", input_shape=(3,), dtype="float64")
    X = rng.normal(size=(5, 3))
    np.testing.assert_allclose(net.predict_proba(X)[:, 0], net.predict(X)[:, 0])
    assert (net.predict_proba(X)[:, 1] > 0).all()


def test_two_scores_learn_the_mean_and_the_spread_of_the_targets():
    y = np.random.default_rng(0).normal(3.0, 0.5, size=(400, 1))
    net = cr.Network([cr.Dense(2)], "gaussian", input_shape=(1,), dtype="float64")
    cr.train(net, np.zeros((400, 1)), y, optimizer=cr.SGD(0.2), batch_size=400, epochs=400)
    mean, deviation = net.predict_proba([[0.0]])[0]
    assert mean == pytest.approx(y.mean(), abs=1e-6)
    assert deviation == pytest.approx(y.std(), abs=1e-6)


# ------------------------------------------------- every loss, written out again


def log_softmax(z):
    return np.log(softmax(z, axis=1))


def smooth(z, t):
    return -np.sum((0.9 * t + 0.1 / z.shape[1]) * log_softmax(z), axis=1)


def margins(z, t):
    """Weston and Watkins, class by class; only for targets that are one class."""
    rows = []
    for scores, right in zip(z, t.argmax(axis=1), strict=True):
        wrong = [max(0, 1 + s - scores[right]) for k, s in enumerate(scores) if k != right]
        rows.append(sum(wrong))
    return np.array(rows)


def huber(z, t):
    e = np.abs(z - t)
    return np.where(e < 1, e**2 / 2, e - 0.5).sum(axis=1)


WRITTEN_OUT = {
    "squared_error": lambda z, t: 0.5 * ((z - t) ** 2).sum(axis=1),
    "cross_entropy": lambda z, t: -np.sum(t * log_softmax(z), axis=1),
    "binary_cross_entropy": lambda z, t: (
        -np.sum(t * np.log(expit(z)) + (1 - t) * np.log(expit(-z)), axis=1)
    ),
    "smooth_cross_entropy": smooth,
    "focal": lambda z, t: (
        -((1 - (t * softmax(z, axis=1)).sum(axis=1)) ** 2)
        * np.log((t * softmax(z, axis=1)).sum(axis=1))
    ),
    "kullback_leibler": lambda z, t: rel_entr(t, softmax(z, axis=1)).sum(axis=1),
    "multiclass_margin": margins,
    "hinge": lambda z, t: np.maximum(0, 1 - np.where(t == 1, 1, -1) * z).sum(axis=1),
    "perceptron": lambda z, t: np.where((z > 0) != (t == 1), np.abs(z), 0).sum(axis=1),
    "absolute_error": lambda z, t: np.abs(z - t).sum(axis=1),
    "huber": huber,
    "quantile": lambda z, t: 0.5 * np.abs(z - t).sum(axis=1),
    "poisson": lambda z, t: (np.exp(z) - t * z).sum(axis=1),
    "gamma": lambda z, t: (z + t / np.exp(z)).sum(axis=1),
    "tweedie": lambda z, t: (2 * np.exp(z / 2) + 2 * t / np.exp(z / 2)).sum(axis=1),
    "quantiles": lambda z, t: sum(
        (q * np.maximum(t - part, 0) + (1 - q) * np.maximum(part - t, 0)).sum(axis=1)
        for q, part in zip((0.05, 0.5, 0.95), np.split(z, 3, axis=1), strict=True)
    ),
    "gaussian": lambda z, t: (
        -norm.logpdf(t, z[:, : t.shape[1]], np.exp(z[:, t.shape[1] :] / 2)).sum(axis=1)
    ),
}


def test_every_loss_is_written_out():
    assert set(WRITTEN_OUT) == set(LOSSES)


@pytest.mark.parametrize(("engine", "dtype", "tolerance"), ENGINES)
@pytest.mark.parametrize("name", LOSSES)
def test_values_agree_with_the_textbook(name, engine, dtype, tolerance):
    rng = np.random.default_rng(5)
    z, kind = scores(LOSSES[name], rng, 40, 4), LOSSES[name].targets
    hard = {
        "classes": np.eye(4)[rng.integers(4, size=40)],
        "fractions": rng.integers(2, size=(40, 4)),
    }
    t = hard.get(kind, targets(LOSSES[name], rng, (40, 4)))
    value, _, _ = through(name, z, t, engine, dtype)
    assert value == pytest.approx(WRITTEN_OUT[name](z, t).mean(), rel=max(tolerance, 1e-12) * 10)


def test_settings_of_a_loss_change_it_on_both_engines():
    z, t = np.array([[3.0], [-1.0]]), np.array([[0.0], [0.0]])
    for engine in ("reference", "compiled"):
        value, gradients, _ = through({"name": "quantile", "level": 0.9}, z, t, engine)
        assert value == pytest.approx((0.1 * 3 + 0.9 * 1) / 2)
        assert gradients["0.bias"][0] == pytest.approx((0.1 - 0.9) / 2)
        value, _, _ = through(LOSSES["huber"](delta=2.0), z, t, engine)
        assert value == pytest.approx((2 * (3 - 1) + 0.5) / 2)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize(
    ("name", "power", "true"),
    [("poisson", 1, poisson), ("gamma", 2, gamma(3)), ("tweedie", 1.4, gamma(0.5))],
)
def test_losses_by_a_logarithm_are_half_of_scikit_learns_deviance(engine, name, power, true):
    """Up to what no score moves: the loss where the mean is the target itself."""
    rng = np.random.default_rng(6)
    y = true.rvs(2, size=(60, 1), random_state=rng) if name == "poisson" else true.rvs((60, 1), rng)
    y, z = np.maximum(y.astype(float), 1e-3), rng.normal(size=(60, 1))
    record = LOSSES[name](power=power) if name == "tweedie" else LOSSES[name]
    value, least = (through(record, scores, y, engine)[0] for scores in (z, np.log(y)))
    expected = mean_tweedie_deviance(y[:, 0], np.exp(z[:, 0]), power=power)
    assert 2 * (value - least) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_several_quantiles_are_the_sum_of_scikit_learns_pinball_losses(engine):
    rng, levels = np.random.default_rng(7), (0.1, 0.3, 0.6, 0.9)
    z, y = rng.normal(size=(40, 4)), rng.normal(size=(40, 1))
    value, _, metric = through(quantiles(levels), z, y, engine)
    parts = [mean_pinball_loss(y[:, 0], z[:, k], alpha=q) for k, q in enumerate(levels)]
    assert value == pytest.approx(sum(parts), rel=1e-12)
    assert metric == pytest.approx(np.abs(z[:, 1] - y[:, 0]).mean())
    twin = loss(quantiles(levels).config())
    assert (twin.settings, twin.value) == (quantiles(levels).settings, quantiles(levels).value)


@pytest.mark.parametrize("levels", [(0.5,), (0.9, 0.1), (0.5, 0.5), (0, 1)])
def test_levels_that_are_no_increasing_quantiles_are_refused(levels):
    with pytest.raises(HyperparameterError, match=r"\(0, 1\)"):
        quantiles(levels)


def test_the_divergence_is_0_only_where_the_distributions_agree():
    p = np.array([[0.2, 0.3, 0.5], [1.0, 0.0, 0.0]])
    z = np.log(np.maximum(p, 1e-300))
    assert through("kullback_leibler", z, p)[0] == pytest.approx(0, abs=1e-12)
    assert through("kullback_leibler", z[::-1], p)[0] > 0.1


def test_the_quantile_loss_finds_the_quantile():
    y = np.random.default_rng(0).exponential(size=(2001, 1))
    net = cr.Network([cr.Dense(1)], {"name": "quantile", "level": 0.9}, input_shape=(1,))
    cr.train(net, np.zeros((2001, 1)), y, optimizer=cr.SGD(0.05), batch_size=2001, epochs=2000)
    assert net.predict([[0.0]])[0, 0] == pytest.approx(np.quantile(y, 0.9), abs=0.05)


def test_a_setting_out_of_its_interval_is_refused():
    with pytest.raises(HyperparameterError, match=r"level = 1.0 .*\(0, 1\)"):
        LOSSES["quantile"](level=1.0)
    with pytest.raises(UnknownNameError, match="delta"):
        loss({"name": "huber", "delt": 1})


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_a_score_of_0_is_a_mistake_of_the_perceptron(engine):
    z, t = np.array([[0.0, 0.0, 2.0, -2.0]]), np.array([[0.0, 1.0, 1.0, 1.0]])
    value, gradients, accuracy = through("perceptron", z, t, engine)
    assert value == 2.0
    assert gradients["0.bias"].tolist() == [1.0, -1.0, 0.0, -1.0]
    assert accuracy == 0.25


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("name", "y", "message"),
    [
        ("cross_entropy", [0, 1, 3], "from 0 to 2"),
        ("cross_entropy", [0, 1, -1], "from 0 to 2"),
        ("cross_entropy", [0, 1, 0.5], "whole numbers"),
        ("cross_entropy", np.full((3, 3), 1.5), "from 0 to 1"),
        ("cross_entropy", np.ones((3, 2)), "2 columns, the network has 3 outputs"),
        ("binary_cross_entropy", np.full((3, 3), 2.0), "from 0 to 1"),
        ("poisson", np.full((3, 3), -1.0), "of 0 or more"),
        ("gamma", np.zeros((3, 3)), "above 0"),
        ("tweedie", np.full((3, 3), -1.0), "of 0 or more"),
        ("gaussian", np.ones((3, 3)), "3 columns, the network has"),
        ("squared_error", [0, 1], "one target for each of 3 rows"),
        ("squared_error", [[0, 1, np.nan]] * 3, r"missing \(NaN\) in row 0, column 2"),
        ("squared_error", [["a", "b", "c"]] * 3, "expected numbers"),
    ],
)
def test_targets_that_do_not_fit_are_refused(name, y, message):
    units = 4 if name == "gaussian" else 3  # two scores for each of two targets
    net = cr.Network([cr.Dense(units)], name, input_shape=(2,))
    with pytest.raises(DataError, match=message):
        net.loss_and_gradients(np.ones((3, 2)), y)


def test_an_unknown_loss_lists_those_there_are():
    with pytest.raises(UnknownNameError, match="squared_error"):
        loss("square_error")


# -------------------------------------------------------------- registration


@pytest.fixture
def registry():
    before = dict(LOSSES)
    yield LOSSES
    LOSSES.clear()
    LOSSES.update(before)


def test_a_registered_loss_is_minimised_on_both_engines(registry):
    """The absolute error's best constant is the median, which no other loss here would find."""
    register_loss(
        "distance",
        lambda z, t: row_sum(absolute(z - t)),
        lambda z, t: where(z > t, 1, -1),
    )
    X, y = np.zeros((101, 1)), np.arange(101.0) ** 2
    for engine in ("reference", "compiled"):
        net = cr.Network([cr.Dense(1)], "distance", input_shape=(1,), engine=engine)
        cr.train(net, X, y, optimizer=cr.SGD(50.0), batch_size=101, epochs=400)
        assert net.predict([[0.0]])[0, 0] == pytest.approx(np.median(y), abs=60)


def exponential_margin(registry):
    """Σ exp(z − z of the target): reductions in reductions, and an exponential two loops share."""

    def gaps(z, t):
        return exp(z - row_sum(t * z))

    return register_loss(
        "exponential_margin",
        lambda z, t: row_sum(gaps(z, t)),
        lambda z, t: gaps(z, t) - t * row_sum(gaps(z, t)),
        targets="classes",
    )


def spread(registry):
    """Σ over the row of (z − mean) ** 3 · t: two levels of reductions without an exponential."""

    def off(z):
        return z - row_sum(z) / row_sum(0 * z + 1)

    return register_loss(
        "spread",
        lambda z, t: row_sum(t * off(z) ** 3),
        lambda z, t: 3 * t * off(z) ** 2 - row_sum(3 * t * off(z) ** 2) / row_sum(0 * z + 1),
    )


@pytest.mark.parametrize("make", [exponential_margin, spread])
@pytest.mark.parametrize("indices", [True, False])
def test_formulas_with_nested_reductions_agree_on_both_engines(registry, make, indices):
    record, rng = make(registry), np.random.default_rng(0)
    z = rng.normal(size=(17, 5))
    t = (
        rng.integers(5, size=17)
        if indices and record.targets == "classes"
        else targets(record, rng, z.shape)
    )
    truth, got = (through(record.name, z, t, engine) for engine in ("reference", "compiled"))
    assert got[0] == pytest.approx(truth[0], rel=1e-13)
    for key in truth[1]:
        np.testing.assert_allclose(got[1][key], truth[1][key], rtol=1e-11, atol=1e-13)


def test_a_wrong_loss_slope_is_refused_with_the_score(registry):
    with pytest.raises(HyperparameterError, match="wrong at z ="):
        register_loss("wrong", lambda z, t: row_sum((z - t) ** 2), lambda z, t: z - t)
