"""Every activation × one list of invariants, on every engine and type, against mpmath."""

import mpmath
import numpy as np
import pytest
from benchmarks.textbook import SLOPES, VALUES

import chainrule as cr
from chainrule.errors import HyperparameterError, NetworkError, UnknownNameError
from chainrule.ops import ACTIVATIONS, activation, expression, register_activation
from chainrule.ops.expression import evaluate

TRAINABLE = [name for name, record in ACTIVATIONS.items() if record.slope is not None]
ENGINES = [("reference", "float64"), ("compiled", "float64"), ("compiled", "float32")]
# How many units in the last place a value may be off. Mish chains four functions. Far to the left
# of 0 Φ(z) turns a rounding error of its argument into z² of them, whoever computes it.
ULP = {"gelu": lambda z: 8 + 2 * z**2, "mish": lambda z: 16, "silu": lambda z: 8}


def points(dtype):
    grid = np.concatenate(
        [np.linspace(-30, 30, 241), np.geomspace(1e-6, 80, 60), -np.geomspace(1e-6, 80, 60)]
    )
    return grid.astype(dtype)


def run(name, z, engine, dtype):
    """The activation of each number through a network that is nothing else."""
    net = cr.Network([cr.Activation(name)], input_shape=(1,), engine=engine, dtype=dtype)
    return net.predict(z[:, None])[:, 0]


def test_the_textbook_is_complete():
    assert set(VALUES) == set(ACTIVATIONS)
    assert set(SLOPES) == set(TRAINABLE)


@pytest.mark.parametrize(("engine", "dtype"), ENGINES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_agree_with_the_formula_in_50_digits(name, engine, dtype):
    z = points(dtype)
    got = run(name, z, engine, dtype)
    with mpmath.workdps(50):
        exact = [VALUES[name](mpmath.mpf(float(x))) for x in z]
    error = np.array(
        [float(abs(mpmath.mpf(float(g)) - e)) for g, e in zip(got, exact, strict=True)]
    )
    unit = np.spacing(np.abs(np.array([float(e) for e in exact])).astype(dtype)).astype(float)
    assert got.dtype == dtype
    allowed = np.array([ULP.get(name, lambda z: 5)(float(x)) for x in z]) * unit
    worst = np.argmax(error / allowed)
    assert error[worst] <= allowed[worst], (z[worst], got[worst], exact[worst])


@pytest.mark.parametrize(("engine", "dtype"), ENGINES)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_values_far_out_are_finite_and_in_range(name, engine, dtype):
    z = np.array([-1e4, -100, -1.0, 0.0, 1.0, 100, 1e4], dtype)
    got = run(name, z, engine, dtype)
    low, high = ACTIVATIONS[name].range
    assert np.isfinite(got).all()
    assert (got >= low - 1e-4).all()
    assert (got <= high + 1e-4).all()


@pytest.mark.parametrize("name", TRAINABLE)
def test_slopes_agree_with_differences_in_50_digits(name):
    record = ACTIVATIONS[name]
    z = np.linspace(-6, 6, 97) + 0.0123
    y = evaluate(record.value_expression, {"z": z, **record.all_settings})
    slope = evaluate(record.slope_expression, {"z": z, "y": y, **record.all_settings})
    with mpmath.workdps(50):
        true = [float(mpmath.diff(VALUES[name], mpmath.mpf(x))) for x in z]
        book = [float(SLOPES[name](mpmath.mpf(x))) for x in z]
    np.testing.assert_allclose(book, true, rtol=1e-12)
    np.testing.assert_allclose(slope + 0 * z, true, rtol=1e-7, atol=1e-10)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("name", TRAINABLE)
def test_slopes_far_out_are_finite_and_keep_the_type(name, dtype):
    record = ACTIVATIONS[name]
    z = np.array([-1e4, -100, -1.0, 0.0, 1.0, 100, 1e4], dtype)
    y = evaluate(record.value_expression, {"z": z, **record.all_settings})
    slope = evaluate(record.slope_expression, {"z": z, "y": y, **record.all_settings})
    assert y.dtype == dtype
    assert np.isfinite(slope).all()
    assert np.asarray(slope).dtype == dtype or record.name == "identity"


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("name", TRAINABLE)
def test_the_gradient_of_a_network_with_it_passes_the_check(name, engine):
    rng = np.random.default_rng(0)
    net = cr.Network([cr.Dense(5, name), cr.Activation(name), cr.Dense(2)], input_shape=(3,))
    report = cr.check_gradients(
        net, rng.normal(size=(7, 3)), rng.normal(size=(7, 2)), engine=engine
    )
    assert report.passed, str(report)


@pytest.mark.parametrize("name", sorted(set(ACTIVATIONS) - set(TRAINABLE)))
def test_training_without_a_slope_is_refused_with_the_reason(name):
    net = cr.Network([cr.Dense(2, name), cr.Dense(1)], input_shape=(2,))
    assert net.predict(np.ones((1, 2))).shape == (1, 1)
    with pytest.raises(NetworkError, match="slope is 0 wherever it exists"):
        cr.train(net, np.eye(2), [0.0, 1.0])


def test_nan_is_not_swallowed():
    for name in TRAINABLE:
        record = ACTIVATIONS[name]
        got = evaluate(record.value_expression, {"z": np.array([np.nan]), **record.all_settings})
        assert np.isnan(got).all(), name


# ------------------------------------------------------------------ settings


def test_settings_change_the_value_on_both_engines():
    for engine in ("reference", "compiled"):
        layer = cr.Activation({"name": "leaky_relu", "k": 0.5})
        net = cr.Network([layer], input_shape=(1,), engine=engine)
        np.testing.assert_allclose(net.predict([[-2.0], [2.0]]), [[-1.0], [2.0]])


def test_a_setting_out_of_its_interval_is_refused():
    with pytest.raises(HyperparameterError, match=r"k = 2 .*\(0, 1\)"):
        ACTIVATIONS["leaky_relu"](k=2)


def test_an_unknown_setting_is_refused():
    with pytest.raises(UnknownNameError, match="alpha"):
        ACTIVATIONS["leaky_relu"](alpha=2)


def test_an_unknown_activation_lists_those_there_are():
    with pytest.raises(UnknownNameError, match=r"'rellu'.*Did you mean 'relu'.*softsign"):
        activation("rellu")


# -------------------------------------------------------------- registration


@pytest.fixture
def registry():
    before = dict(ACTIVATIONS)
    yield ACTIVATIONS
    ACTIVATIONS.clear()
    ACTIVATIONS.update(before)


def test_a_registered_activation_trains_on_both_engines(registry):
    register_activation(
        "arctan_like",
        lambda z: z / expression.sqrt(1 + z * z),
        lambda z, y: 1 / (expression.sqrt(1 + z * z) * (1 + z * z)),
        range=(-1, 1),
    )
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(40, 3)), rng.normal(size=(40, 1))
    ends = []
    for engine in ("reference", "compiled"):
        net = cr.Network(
            [cr.Dense(6, "arctan_like"), cr.Dense(1)],
            input_shape=(3,),
            engine=engine,
            dtype="float64",
        )
        ends.append(cr.train(net, X, y, epochs=3).loss)
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-12)


def test_two_functions_of_one_name_do_not_share_a_kernel(registry):
    for factor in (2.0, 3.0):
        registry.pop("scaled", None)
        register_activation("scaled", lambda z, f=factor: f * z, lambda z, y, f=factor: f)
        net = cr.Network([cr.Activation("scaled")], input_shape=(1,))
        assert net.predict([[1.0]])[0, 0] == factor


def test_a_wrong_slope_is_refused_with_the_point(registry):
    with pytest.raises(HyperparameterError, match=r"wrong at z = -?\d.*it says .* differences say"):
        register_activation("wrong", lambda z: z * z, lambda z, y: z)
    assert "wrong" not in registry


def test_a_kink_must_be_named(registry):
    z = 0.00123 + 1.0  # a point of the check
    shifted = (lambda x: expression.absolute(x - z), lambda x, y: expression.where(x > z, 1, -1))
    with pytest.raises(HyperparameterError, match="kink"):
        register_activation("bent", *shifted)
    assert register_activation("bent", *shifted, kinks=(z,)).kinks == (z,)


def test_a_name_that_is_taken_is_refused(registry):
    with pytest.raises(HyperparameterError, match="exists already"):
        register_activation("relu", lambda z: z, lambda z, y: 1)


def test_a_formula_with_a_branch_says_what_to_write(registry):
    with pytest.raises(TypeError, match="where"):
        register_activation("branch", lambda z: z if z > 0 else 0 * z, lambda z, y: 1)


def test_a_formula_with_numpy_says_what_to_write(registry):
    with pytest.raises(TypeError, match=r"chainrule\.ops"):
        register_activation("numpy", np.sin, lambda z, y: np.cos(z))
