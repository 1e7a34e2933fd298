"""The forms that the notes print, on their narrow valley, each beside a loop by hand."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import HyperparameterError
from chainrule.ops.optimizers import as_data, optimizer

STEEPNESS = np.array([[1.0], [25.0]])  # f(x, y) = ½(x² + 25 y²)
START = np.array([[10.0], [1.0]])
STEPS = 50


def adagrad_inside(w, g, s, t):
    """002, and 003's code."""
    s["G"] = s.get("G", 0) + g**2
    return w - 0.5 * g / np.sqrt(s["G"] + 0.3)


def adagrad_outside(w, g, s, t):
    s["G"] = s.get("G", 0) + g**2
    return w - 0.5 * g / (np.sqrt(s["G"]) + 0.3)


def rmsprop_inside(w, g, s, t):
    """002."""
    s["G"] = 0.9 * s.get("G", 0) + 0.1 * g**2
    return w - 0.1 * g / np.sqrt(s["G"] + 0.3)


def rmsprop_outside(w, g, s, t):
    """003."""
    s["G"] = 0.9 * s.get("G", 0) + 0.1 * g**2
    return w - 0.1 * g / (np.sqrt(s["G"]) + 0.3)


def adam(correct, inside):
    def rule(w, g, s, t):
        s["m"] = 0.9 * s.get("m", 0) + 0.1 * g
        s["v"] = 0.95 * s.get("v", 0) + 0.05 * g**2
        m, v = correct(s["m"], 0.9, t), correct(s["v"], 0.95, t)
        return w - 0.2 * m / (np.sqrt(v + 0.3) if inside else np.sqrt(v) + 0.3)

    return rule


def corrected(mean, beta, t):
    return mean / (1 - beta**t)


def plain(mean, beta, t):
    """003."""
    return mean


def as_printed(mean, beta, t):
    """002."""
    return mean / (1 - beta)


def momentum_added(w, g, s, t):
    """003."""
    s["v"] = 0.9 * s.get("v", 0) - 0.02 * g
    return w + s["v"]


def momentum_subtracted(w, g, s, t):
    """002."""
    s["v"] = 0.9 * s.get("v", 0) + 0.02 * g
    return w - s["v"]


def _adam(**words):
    return cr.Adam(0.2, beta2=0.95, epsilon=0.3, **words)


CASES = {
    "AdaGrad, inside": (cr.AdaGrad(0.5, 0.3, epsilon_place="inside"), adagrad_inside),
    "AdaGrad": (cr.AdaGrad(0.5, 0.3), adagrad_outside),
    "RMSprop, inside": (cr.RMSprop(0.1, epsilon=0.3, epsilon_place="inside"), rmsprop_inside),
    "RMSprop": (cr.RMSprop(0.1, epsilon=0.3), rmsprop_outside),
    "Adam": (_adam(), adam(corrected, False)),
    "Adam, inside": (_adam(epsilon_place="inside"), adam(corrected, True)),
    "Adam, plain": (_adam(bias_correction="none"), adam(plain, False)),
    "Adam, plain, inside": (
        _adam(bias_correction="none", epsilon_place="inside"), adam(plain, True)),
    "Adam, as printed": (_adam(bias_correction="as printed"), adam(as_printed, False)),
    "Adam of 002": (
        _adam(bias_correction="as printed", epsilon_place="inside"), adam(as_printed, True)),
    "momentum of 003": (cr.Momentum(0.02, velocity="added"), momentum_added),
    "momentum of 002": (cr.Momentum(0.02), momentum_subtracted),
}  # fmt: skip


def by_hand(rule):
    w, state, path = START, {}, []
    for t in range(1, STEPS + 1):
        w = rule(w, STEEPNESS * w, state, t)
        path.append(w)
    return np.array(path)


def by_network(made, engine):
    """The same valley as a network: the mean of ½(z − 0)² over the rows √2(1, 0) and √2(0, 5)."""
    net = cr.Network([cr.Dense(1, bias=False)], input_shape=2, engine=engine, dtype="float64")
    net.parameters["0.weight"][...] = START
    X, path = np.diag(np.sqrt(2 * STEEPNESS[:, 0])), []

    class Keep(cr.Callback):
        def on_epoch_end(self, state):
            path.append(state.network.parameters["0.weight"].copy())

    cr.train(
        net, X, np.zeros(2), optimizer=made, batch_size=2, epochs=STEPS, callbacks=[Keep()]
    )  # fmt: skip
    return np.array(path)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("name", CASES)
def test_the_path_through_the_narrow_valley(name, engine):
    made, rule = CASES[name]
    np.testing.assert_allclose(by_network(made, engine), by_hand(rule), rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("engine", ["reference", "compiled"])
def test_both_signs_of_momentum_take_the_same_path(engine):
    paths = [by_network(cr.Momentum(0.02, velocity=v), engine) for v in ("added", "subtracted")]
    np.testing.assert_allclose(*paths, rtol=1e-12, atol=1e-12)


def test_the_variants_differ_from_one_another():
    """A variant that fell back on another's kernel would pass for it nowhere."""
    paths = [by_network(made, "compiled") for made, _ in CASES.values()]
    same = [
        (a, b)
        for a in range(len(paths))
        for b in range(a)
        if np.allclose(paths[a], paths[b], rtol=1e-6)
    ]
    names = list(CASES)
    assert [(names[a], names[b]) for a, b in same] == [("momentum of 002", "momentum of 003")]


def test_the_published_forms_are_the_defaults():
    assert as_data(cr.Adam())["bias_correction"] == "corrected"
    for made in (cr.AdaGrad(), cr.RMSprop(), cr.Adam()):
        assert as_data(made)["epsilon_place"] == "outside"


@pytest.mark.parametrize(
    ("made", "ending"),
    [
        (cr.Momentum(), "v ← γv + ηg;  w ← w − v"),
        (cr.Momentum(velocity="added"), "v ← γv − ηg;  w ← w + v"),
        (cr.RMSprop(), "ηg/(√s + ε)"),
        (cr.RMSprop(epsilon_place="inside"), "ηg/√(s + ε)"),
        (cr.Adam(), "ηm̂/(√v̂ + ε)"),
        (cr.Adam(epsilon_place="inside"), "ηm̂/√(v̂ + ε)"),
        (cr.Adam(bias_correction="none", epsilon_place="inside"), "ηm/√(v + ε)"),
        (cr.Adam(bias_correction="as printed"), "η(m/(1 − β₁))/(√(v/(1 − β₂)) + ε)"),
    ],
)
def test_a_record_writes_its_own_formula(made, ending):
    assert made.equation.endswith(ending)


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("adagrad", "epsilon_place"),
        ("rmsprop", "epsilon_place"),
        ("adam", "bias_correction"),
        ("momentum", "velocity"),
        ("sgd", "layer_rates"),
    ],
)
@pytest.mark.parametrize("wrong", ["beside", 1.0, None])
def test_another_word_is_refused_with_those_there_are(name, field, wrong):
    with pytest.raises(HyperparameterError, match=rf"{field} = .* give '\w+'"):
        optimizer(name, **{field: wrong})


# -------------------------------------------------------------- rates by layer


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("made", [cr.SGD(0.2, layer_rates="fan_in"), cr.SGD(0.2)])
def test_collobert_divides_a_weights_rate_by_the_root_of_its_fan_in(made, engine):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 9)), rng.normal(size=(20, 2))
    net = cr.Network(
        [cr.Dense(4, "tanh"), cr.Dense(2)], input_shape=9, engine=engine, dtype="float64"
    )
    before = {name: p.copy() for name, p in net.parameters.items()}
    _, gradients = net.loss_and_gradients(X, y)
    cr.train(net, X, y, optimizer=made, batch_size=20, epochs=1)
    root = {"0.weight": 3, "1.weight": 2} if made.layer_rates == "fan_in" else {}
    for name, p in net.parameters.items():
        expected = before[name] - 0.2 / root.get(name, 1) * gradients[name]
        np.testing.assert_allclose(p, expected, rtol=1e-12, atol=1e-15)


def test_rates_by_layer_follow_the_schedule_and_the_form():
    """AdaGrad's step has the size of its rate, whatever the gradient: one update, 16 inputs."""
    net = cr.Network([cr.Dense(1, bias=False)], input_shape=16, dtype="float64")
    before = net.parameters["0.weight"].copy()
    made = cr.AdaGrad(0.1, 1e-12, layer_rates="fan_in")
    cr.train(net, np.ones((1, 16)), [50.0], optimizer=made, epochs=1)
    np.testing.assert_allclose(net.parameters["0.weight"] - before, 0.1 / 4, rtol=1e-9)


def test_a_saved_model_keeps_the_form(tmp_path):
    made = cr.Adam(0.02, bias_correction="none", epsilon_place="inside", layer_rates="fan_in")
    model = cr.NetworkClassifier((3,), optimizer=made, epochs=1, random_state=0)
    model.fit(np.eye(4), [0, 1, 0, 1]).save(tmp_path / "model")
    assert cr.load(tmp_path / "model").optimizer == made
