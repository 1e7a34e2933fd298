"""All layers × one list of invariants."""

import pickle

import numpy as np
import pytest
from layer_cases import CASES, OUTPUTS, as_json, close, heads, inputs, network, problem

import chainrule as cr
from chainrule.layers import LAYERS, config, from_config
from chainrule.ops import LOSSES


def kinds(layers):
    """The names of all layers, those inside others included."""
    for layer in layers:
        yield type(layer).__name__.lower()
        inner = getattr(layer, "layers", None) or getattr(layer, "tasks", None)
        if isinstance(inner, dict):
            for own in inner.values():
                yield from kinds(own)
        elif inner:
            yield from kinds(inner)
        elif hasattr(layer, "inner"):
            yield from kinds([layer.inner])


def test_every_layer_is_in_the_list():
    found = {kind for layers, _, _ in CASES.values() for kind in kinds(layers)}
    assert found | set(kinds(heads()[0].layers)) == set(LAYERS)


@pytest.mark.parametrize("name", CASES)
def test_shapes_are_the_documented_ones(name):
    layers, shape, output = CASES[name]
    assert cr.Network(layers, input_shape=shape).output_shape == output
    net = network(name)
    assert net.predict(inputs(name)).shape == (7, *output[:-1], OUTPUTS)
    assert net.output_shape == (*output[:-1], OUTPUTS)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 3e-4)])
@pytest.mark.parametrize("name", CASES)
def test_engines_agree_on_predictions_losses_and_gradients(name, dtype, tolerance):
    truth, (X, y) = network(name), problem(name)
    net = truth.with_engine("compiled", dtype)
    weight = np.random.default_rng(2).uniform(0.1, 2, size=len(X))
    close(net.predict(X), truth.predict(X), tolerance)
    for weights in (None, weight):
        loss, gradients = truth.loss_and_gradients(X, y, weights)
        got, found = net.loss_and_gradients(X, y, weights)
        assert got == pytest.approx(loss, rel=tolerance)
        assert list(found) == list(net.parameters) == list(gradients)
        for key, gradient in gradients.items():
            assert found[key].shape == net.parameters[key].shape
            close(found[key], gradient, tolerance)


@pytest.mark.parametrize("name", CASES)
def test_single_rows_have_the_scores_that_the_other_engine_gives_to_all(name):
    net, X = network(name), inputs(name)
    expected = net.predict(X)
    for engine in ("reference", "compiled"):
        predict = net.with_engine(engine, "float64").predictor()
        for k in (0, 3, 0):
            close(predict(X[k]), expected[k], 1e-9)
            close(predict(X[k].reshape(-1).tolist()), expected[k], 1e-9)


@pytest.mark.parametrize(("dtype", "tolerance"), [("float64", 1e-9), ("float32", 3e-4)])
@pytest.mark.parametrize("name", CASES)
def test_training_agrees_dropout_and_a_short_last_batch_included(name, dtype, tolerance):
    X, y = problem(name)
    nets = [network(name), network(name, engine="compiled", dtype=dtype)]
    nets[1].set_parameters(nets[0].everything)
    histories = [
        cr.train(net, X, y, optimizer=cr.SGD(0.05), batch_size=3, epochs=3, seed=4,
                 validation=(X, y), early_stopping=False, clip=1.0, averaging=0.5)
        for net in nets
    ]  # fmt: skip
    close(histories[1].loss, histories[0].loss, tolerance)
    close(histories[1].validation_loss, histories[0].validation_loss, tolerance)
    assert histories[0].loss[0] != histories[0].loss[-1]
    for key, p in nets[0].everything.items():
        close(nets[1].everything[key], p, tolerance)


@pytest.mark.parametrize("loss", LOSSES)
@pytest.mark.parametrize("name", CASES)
def test_gradients_agree_with_centred_differences(name, loss):
    X, y = problem(name, loss, n=3)
    report = cr.check_gradients(network(name, loss), X, y, most=2)
    assert report.passed, str(report)


def test_the_gradients_of_several_tasks_agree_with_centred_differences():
    net, X, y = heads()
    report = cr.check_gradients(net, X, y, most=20)
    assert report.passed, str(report)
    assert set(report.errors) == set(net.parameters)


@pytest.mark.parametrize("name", CASES)
def test_layers_travel_as_data(name):
    layers, shape, _ = CASES[name]
    for layer in layers:
        described = as_json(config(layer))
        assert as_json(config(from_config(described))) == described
    twins = [from_config(as_json(config(layer))) for layer in layers]
    first, second = (cr.Network(own, input_shape=shape) for own in (layers, twins))
    assert str(first.blueprint.prediction()) == str(second.blueprint.prediction())


@pytest.mark.parametrize("name", CASES)
def test_a_trained_network_survives_file_pickle_and_engine(name, tmp_path):
    X, y = problem(name)
    net = network(name, engine="compiled", dtype="float32")
    cr.train(net, X, y, epochs=2, batch_size=4)
    expected = net.predict(X)
    net.save(tmp_path / "net")
    for twin in (
        cr.load(tmp_path / "net"),
        pickle.loads(pickle.dumps(net)),
        net.with_engine("compiled", "float32"),
    ):
        np.testing.assert_array_equal(twin.predict(X), expected)
        assert list(twin.statistics) == list(net.statistics)
        for key, kept in net.everything.items():
            np.testing.assert_array_equal(twin.everything[key], kept)
    close(net.with_engine("reference", "float64").predict(X), expected, 3e-4)


def test_several_tasks_survive_file_and_pickle(tmp_path):
    net, X, y = heads("compiled", "float32")
    cr.train(net, X, y, epochs=2, batch_size=4)
    net.save(tmp_path / "net")
    for twin in (cr.load(tmp_path / "net"), pickle.loads(pickle.dumps(net))):
        for task, scores in net.predict(X).items():
            np.testing.assert_array_equal(twin.predict(X)[task], scores)
        assert twin.losses["size"].all_settings == {"delta": 0.5}


@pytest.mark.parametrize("engine", ["reference", "compiled"])
@pytest.mark.parametrize("name", CASES)
def test_a_prediction_does_not_depend_on_the_other_rows(name, engine):
    net, X = network(name, engine=engine), inputs(name, 300)
    cr.train(net, X[:20], problem(name, n=20)[1], epochs=1)
    whole = net.predict(X)
    for rows in (1, 5, 257):
        close(net.predict(X[-rows:]), whole[-rows:], 1e-12)
