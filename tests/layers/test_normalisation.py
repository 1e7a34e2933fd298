"""LayerNorm and BatchNorm against NumPy, running statistics and the gradient through a batch."""

import numpy as np
import pytest
from layer_cases import close

import chainrule as cr
from chainrule.assembly import gradient_names
from chainrule.engines import Batches, allocate
from chainrule.layers import BatchNorm, Conv2D, Flatten, LayerNorm
from chainrule.tape import plan
from chainrule.tape.instruction import concrete

ENGINES = ["reference", "compiled"]


def drawn(layers, shape, engine, loss="squared_error"):
    net = cr.Network(layers, loss, input_shape=shape, engine=engine, dtype="float64")
    rng = np.random.default_rng(0)
    for p in net.parameters.values():
        p[...] = rng.normal(size=p.shape)
    return net


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("shape", [(6,), (3, 4), (2, 3, 5)])
def test_each_row_is_normalised_along_its_last_dimension(engine, shape):
    net = drawn([LayerNorm(1e-3)], shape, engine)
    X = np.random.default_rng(1).normal(3, 2, size=(4, *shape))
    gain, bias = net.parameters["0.gain"], net.parameters["0.bias"]
    mean, variance = X.mean(axis=-1, keepdims=True), X.var(axis=-1, keepdims=True)
    close(net.predict(X), gain * (X - mean) / np.sqrt(variance + 1e-3) + bias, 1e-12)


def normalised(x, gain, bias, epsilon=1e-5):
    """By the batch's own mean and variance, column by column."""
    flat = x.reshape(-1, x.shape[-1])
    return gain * (x - flat.mean(axis=0)) / np.sqrt(flat.var(axis=0) + epsilon) + bias


@pytest.mark.parametrize("engine", ENGINES)
def test_training_normalises_by_the_batch_and_prediction_by_running_means(engine):
    net = drawn([BatchNorm()], (3,), engine)
    rng = np.random.default_rng(1)
    X, y = rng.normal(2, 3, size=(8, 3)), rng.normal(size=(8, 3))
    net.statistics["0.mean"][...] = [1.0, 2.0, 3.0]
    net.statistics["0.variance"][...] = [4.0, 0.25, 1.0]
    gain, bias = net.parameters["0.gain"], net.parameters["0.bias"]
    true = gain * (X - [1, 2, 3]) / np.sqrt(np.array([4, 0.25, 1]) + 1e-5) + bias
    close(net.predict(X), true, 1e-12)
    assert net.evaluate(X, y)["loss"] == pytest.approx(0.5 * ((true - y) ** 2).sum() / 8)
    loss, _ = trained_gradients(net, X, y)
    true = 0.5 * ((normalised(X, gain, bias) - y) ** 2).sum() / 8
    assert loss == pytest.approx(true, rel=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_running_means_after_some_steps(engine):
    """μ is at most `memory`; before that each is the plain mean over the batches so far."""
    rng = np.random.default_rng(1)
    X, y = rng.normal(2, 3, size=(60, 3)), rng.normal(size=(60, 3))
    net = drawn([BatchNorm(memory=0.6)], (3,), engine)
    cr.train(net, X, y, batch_size=10, epochs=1, shuffle=False)
    mean, variance = np.zeros(3), np.ones(3)
    for step, batch in enumerate(np.split(X, 6)):
        share = min(0.6, step / (step + 1))
        mean = share * mean + (1 - share) * batch.mean(axis=0)
        variance = share * variance + (1 - share) * batch.var(axis=0)
    np.testing.assert_allclose(net.statistics["0.mean"], mean, rtol=1e-12)
    np.testing.assert_allclose(net.statistics["0.variance"], variance, rtol=1e-12)
    fewer = drawn([BatchNorm(memory=0.99)], (3,), engine)
    cr.train(fewer, X, y, batch_size=10, epochs=1, shuffle=False)
    np.testing.assert_allclose(fewer.statistics["0.mean"], X.mean(axis=0), rtol=1e-12)


def trained_gradients(net, X, y):
    """Loss and gradients with the batch's own statistics."""
    data, form = net.bind(X, y)
    tape = net.blueprint.gradients(form, training=True)
    shapes = {g: concrete(tape.shape(g), len(X)) for g in gradient_names(tape).values()}
    gradients = allocate(shapes, net.engine.dtype)
    session = net.session(plan(tape), data, Batches(len(X), np.arange(len(X))), gradients)
    session.start_epoch(0, shuffle=False)
    session.run(1)
    names = gradient_names(tape)
    return session.totals.mean_loss, {k: gradients[names[k]].copy() for k in net.parameters}


def loss_in_training(net, X, y):
    data, form = net.bind(X, y)
    tape = net.blueprint.evaluation(form, training=True)
    without = plan(without_updates(tape))
    session = net.session(without, data, Batches(len(X), np.arange(len(X))))
    session.start_epoch(0, shuffle=False)
    session.run(1)
    return session.totals.mean_loss


def without_updates(tape):
    """The running means must not move while the loss is looked at."""
    result = tape.copy()
    result.instructions = [i for i in tape.instructions if i.operation != "blend"]
    return result


STACKS = {
    "dense": ([cr.Dense(4), BatchNorm(), cr.Activation("tanh"), cr.Dense(2)], (3,)),
    "twice": ([BatchNorm(), cr.Dense(3, "tanh"), BatchNorm(), cr.Dense(2)], (3,)),
    "convolution": ([Conv2D(2, 2), BatchNorm(), Flatten(), cr.Dense(2)], (3, 3, 1)),
}


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", STACKS)
def test_the_gradient_goes_through_the_statistics_of_the_batch(name, engine):
    layers, shape = STACKS[name]
    net = drawn(layers, shape, engine)
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(6, *shape)), rng.normal(size=(6, 2))
    _, gradients = trained_gradients(net, X, y)
    for key, p in net.parameters.items():
        flat, found = p.reshape(-1), gradients[key].reshape(-1)
        for place in range(min(flat.size, 6)):
            kept, ends = flat[place], []
            for h in (1e-5, -1e-5):
                flat[place] = kept + h
                ends.append(loss_in_training(net, X, y))
            flat[place] = kept
            true = (ends[0] - ends[1]) / 2e-5
            assert found[place] == pytest.approx(true, rel=1e-5, abs=1e-9), (key, place)


def test_a_bias_before_a_batch_norm_has_no_gradient():
    """What is added to a whole column is taken away again with its mean."""
    net = drawn(*STACKS["dense"], "reference")
    rng = np.random.default_rng(1)
    _, gradients = trained_gradients(net, rng.normal(size=(6, 3)), rng.normal(size=(6, 2)))
    np.testing.assert_allclose(gradients["0.bias"], 0, atol=1e-15)
    assert np.abs(gradients["0.weight"]).max() > 1e-3


def test_a_channel_of_images_has_one_mean():
    net = drawn([Conv2D(2, 1, bias=False), BatchNorm(0.0)], (3, 3, 1), "compiled")
    X = np.random.default_rng(1).normal(size=(5, 3, 3, 1))
    cr.train(net, X, np.zeros((5, 3, 3, 2)), batch_size=5, epochs=1, optimizer=cr.SGD(1e-300))
    z = X * net.parameters["0.weight"].reshape(2)
    np.testing.assert_allclose(net.statistics["1.mean"], z.mean(axis=(0, 1, 2)), rtol=1e-12)
    np.testing.assert_allclose(net.statistics["1.variance"], z.var(axis=(0, 1, 2)), rtol=1e-12)
