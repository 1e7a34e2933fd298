"""Recurrent layers against short loops of the published equations; embeddings; padding."""

import numpy as np
import pytest
from layer_cases import close
from scipy.special import expit

import chainrule as cr
from chainrule.engines import Batches
from chainrule.layers import GRU, LSTM, Elman, Embedding, Flatten

ENGINES = ["reference", "compiled"]


def elman(X, W, U, b, start=0.0):
    """h ← tanh(x W + h U + b)."""
    h, found = np.zeros((len(X), U.shape[0])) + start, []
    for t in range(X.shape[1]):
        h = np.tanh(X[:, t] @ W + h @ U + b)
        found.append(h)
    return np.stack(found, axis=1)


def lstm(X, W, U, b):
    """Gates in the order i, f, g, o."""
    units = U.shape[0]
    h, c, found = np.zeros((len(X), units)), np.zeros((len(X), units)), []
    for t in range(X.shape[1]):
        z = X[:, t] @ W + h @ U + b
        i, f, g, o = (z[:, k * units : (k + 1) * units] for k in range(4))
        c = expit(f) * c + expit(i) * np.tanh(g)
        h = expit(o) * np.tanh(c)
        found.append(h)
    return np.stack(found, axis=1)


def gru(X, W, U, b):
    """Gates in the order r, z, n; the reset gate acts on the product of the state."""
    units = U.shape[0]
    h, found = np.zeros((len(X), units)), []
    for t in range(X.shape[1]):
        a, q = X[:, t] @ W + b, h @ U
        r = expit(a[:, :units] + q[:, :units])
        z = expit(a[:, units : 2 * units] + q[:, units : 2 * units])
        n = np.tanh(a[:, 2 * units :] + r * q[:, 2 * units :])
        h = (1 - z) * n + z * h
        found.append(h)
    return np.stack(found, axis=1)


WRITTEN_OUT = {"elman": (Elman, elman), "lstm": (LSTM, lstm), "gru": (GRU, gru)}


def drawn(layers, shape, engine="reference", loss="squared_error", seed=0):
    net = cr.Network(layers, loss, input_shape=shape, engine=engine, dtype="float64")
    rng = np.random.default_rng(seed)
    for p in net.parameters.values():
        p[...] = rng.normal(scale=0.8, size=p.shape)
    return net


def weights(net, place="0"):
    return [net.parameters[f"{place}.{n}"] for n in ("weight", "recurrent_weight", "bias")]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_the_published_equations(name, engine):
    kind, loop = WRITTEN_OUT[name]
    X = np.random.default_rng(1).normal(size=(4, 6, 3))
    net = drawn([kind(5)], (6, 3), engine)
    close(net.predict(X), loop(X, *weights(net)), 1e-12)
    last = drawn([kind(5, returns="last")], (6, 3), engine)
    close(last.predict(X), loop(X, *weights(net))[:, -1], 1e-12)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", WRITTEN_OUT)
def test_back_propagation_through_time(name, engine):
    """Against differences of the loop above, which shares nothing with the package."""
    kind, loop = WRITTEN_OUT[name]
    rng = np.random.default_rng(1)
    X, y = rng.normal(size=(3, 4, 2)), rng.normal(size=(3, 4, 2))
    net = drawn([kind(2)], (4, 2), engine)
    _, gradients = net.loss_and_gradients(X, y)
    given = [p.copy() for p in weights(net)]

    def loss():
        return 0.5 * ((loop(X, *given) - y) ** 2).sum() / 12  # the mean over rows and steps

    for array, key in zip(given, ("weight", "recurrent_weight", "bias"), strict=True):
        for place in np.ndindex(array.shape):
            kept, ends = array[place], []
            for h in (1e-5, -1e-5):
                array[place] = kept + h
                ends.append(loss())
            array[place] = kept
            true = (ends[0] - ends[1]) / 2e-5
            assert gradients[f"0.{key}"][place] == pytest.approx(true, rel=1e-6, abs=1e-9)


def test_recurrent_weights_start_orthogonal():
    for layer, blocks in ((Elman(6), 1), (GRU(6), 3), (LSTM(6), 4)):
        u = cr.Network([layer], input_shape=(2, 3), dtype="float64").parameters[
            "0.recurrent_weight"
        ]
        for block in np.split(u, blocks, axis=1):
            np.testing.assert_allclose(block.T @ block, np.eye(6), atol=1e-12)


# ------------------------------------------------------------- states handed on


def evaluated(net, X, y, batch):
    data, form = net.bind(X, y)
    session = net.evaluation_session(data, form, Batches(batch, np.arange(len(X))))
    session.start_epoch(0, shuffle=False)
    session.run(session.batches.per_epoch)
    return session.totals.mean_loss


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", [Elman, LSTM, GRU])
def test_states_that_are_carried_make_one_long_sequence(kind, engine):
    """Two rows of 12 steps, cut into pieces of 3: batch k holds piece k of both rows."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2, 12, 2)), rng.normal(size=(2, 12, 3))
    pieces = [np.concatenate(np.split(a, 4, axis=1)) for a in (X, y)]
    whole = drawn([kind(4), cr.Dense(3)], (12, 2), engine)
    cut = drawn([kind(4, carry=True), cr.Dense(3)], (3, 2), engine)
    cut.set_parameters(whole.parameters)
    assert evaluated(cut, *pieces, batch=2) == pytest.approx(evaluated(whole, X, y, 2), rel=1e-12)
    forgetful = drawn([kind(4), cr.Dense(3)], (3, 2), engine)
    forgetful.set_parameters(whole.parameters)
    assert evaluated(forgetful, *pieces, batch=2) != pytest.approx(evaluated(whole, X, y, 2))


@pytest.mark.parametrize("engine", ENGINES)
def test_training_carries_states_from_batch_to_batch_and_starts_each_epoch_with_zeros(engine):
    """A learning rate of next to nothing: every epoch's loss is the long sequence's."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(2, 12, 2)), rng.normal(size=(2, 12, 4))
    pieces = [np.concatenate(np.split(a, 4, axis=1)) for a in (X, y)]
    whole = drawn([LSTM(4)], (12, 2), engine)
    cut = drawn([LSTM(4, carry=True)], (3, 2), engine)
    history = cr.train(cut, *pieces, batch_size=2, epochs=3, shuffle=False,
                       optimizer=cr.SGD(1e-300))  # fmt: skip
    np.testing.assert_allclose(history.loss, evaluated(whole, X, y, 2), rtol=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_gradients_do_not_cross_from_batch_to_batch(engine):
    """Two steps by hand: the second starts from the states that the first left, as constants."""
    rng, rate = np.random.default_rng(0), 0.1
    X, y = rng.normal(size=(4, 3, 2)), rng.normal(size=(4, 3, 2))
    net = drawn([Elman(2, carry=True)], (3, 2), engine)
    given, start = [p.copy() for p in weights(net)], np.zeros((2, 2))
    cr.train(net, X, y, batch_size=2, epochs=1, shuffle=False, optimizer=cr.SGD(rate))
    for rows in (slice(0, 2), slice(2, 4)):
        states = elman(X[rows], *given, start=start)
        slopes = [np.zeros_like(array) for array in given]
        for array, slope in zip(given, slopes, strict=True):
            for place in np.ndindex(array.shape):
                kept, ends = array[place], []
                for h in (1e-5, -1e-5):
                    array[place] = kept + h
                    ends.append(((elman(X[rows], *given, start=start) - y[rows]) ** 2).sum() / 12)
                array[place] = kept
                slope[place] = (ends[0] - ends[1]) / 2e-5
        for array, slope in zip(given, slopes, strict=True):
            array[...] = array - rate * slope
        start = states[:, -1]
    for found, true in zip(weights(net), given, strict=True):
        np.testing.assert_allclose(found, true, rtol=1e-7)


def test_a_short_last_batch_takes_the_states_of_its_rows():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5, 3, 2)), rng.normal(size=(5, 3, 2))
    nets = [drawn([LSTM(2, carry=True)], (3, 2), engine) for engine in ENGINES]
    histories = [cr.train(net, X, y, batch_size=2, epochs=2, shuffle=False) for net in nets]
    close(histories[1].loss, histories[0].loss, 1e-12)
    long = np.concatenate([X[[0]], X[[2]], X[[4]]], axis=1)
    whole = drawn([LSTM(2)], (9, 2))
    whole.set_parameters(nets[0].parameters)
    for net in nets:
        alone = evaluated(net, X[[4]], y[[4]], 2)
        data, form = net.bind(X, y)
        session = net.evaluation_session(data, form, Batches(2, np.arange(5)))
        session.start_epoch(0, shuffle=False)
        session.run(2)
        before = session.totals.loss
        session.run(1)
        true = 0.5 * ((whole.predict(long)[0, 6:] - y[4]) ** 2).sum()
        assert session.totals.loss - before == pytest.approx(true, rel=1e-12)
        assert alone != pytest.approx(true / 3)


# ------------------------------------------------------------------ embeddings


@pytest.mark.parametrize("engine", ENGINES)
def test_an_embedding_is_a_dense_layer_on_one_hot_rows(engine):
    rng = np.random.default_rng(0)
    tokens, y = rng.integers(0, 5, size=(9, 4)), rng.normal(size=(9, 3))
    tokens[:, :2] = tokens[:, 2:]  # tokens that come twice in a row add up their gradients
    look_up = drawn([Embedding(5, 2), Flatten(), cr.Dense(3)], (4,), engine)
    dense = drawn([cr.Dense(2, bias=False), Flatten(), cr.Dense(3)], (4, 5), engine)
    dense.set_parameters(look_up.parameters)
    one_hot = np.eye(5)[tokens]
    close(look_up.predict(tokens), dense.predict(one_hot), 1e-13)
    loss, found = look_up.loss_and_gradients(tokens, y)
    other, true = dense.loss_and_gradients(one_hot, y)
    assert loss == pytest.approx(other, rel=1e-13)
    for key in true:
        close(found[key], true[key], 1e-12)


def test_tokens_that_do_not_occur_keep_their_vectors():
    net = cr.Network([Embedding(6, 2), Flatten(), cr.Dense(1)], input_shape=(2,))
    before = net.parameters["0.weight"].copy()
    tokens = np.random.default_rng(0).integers(0, 4, size=(20, 2))
    cr.train(net, tokens, np.ones(20), optimizer=cr.SGD(0.1), epochs=2)
    moved = np.any(net.parameters["0.weight"] != before, axis=1)
    assert moved.tolist() == [True] * 4 + [False] * 2


# --------------------------------------------------- sample weights of sequences


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("kind", [Elman, LSTM, GRU])
def test_what_fills_a_short_sequence_has_no_influence(kind, engine):
    """Weight 0 behind the end: neither inputs nor targets there change loss or gradient."""
    rng = np.random.default_rng(0)
    net = drawn([kind(3), cr.Dense(4)], (5, 2), engine, "cross_entropy")
    X, y = rng.normal(size=(6, 5, 2)), rng.integers(4, size=(6, 5))
    lengths = np.array([5, 1, 3, 2, 4, 5])
    mask = (np.arange(5) < lengths[:, None]).astype(float)
    other_X, other_y = np.where(mask[..., None] > 0, X, 99.0), np.where(mask > 0, y, 0)
    loss, gradients = net.loss_and_gradients(X, y, mask)
    other, found = net.loss_and_gradients(other_X, other_y, mask)
    assert other == pytest.approx(loss, rel=1e-13)
    for key in gradients:
        close(found[key], gradients[key], 1e-12)
    by_hand = [
        -np.log(p[t]) for row, n, ys in zip(net.predict_proba(X), lengths, y, strict=True)
        for p, t in zip(row[:n], ys[:n], strict=True)
    ]  # fmt: skip
    assert loss == pytest.approx(np.mean(by_hand), rel=1e-12)
    assert net.evaluate(X, y, mask)["loss"] == pytest.approx(loss, rel=1e-12)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_weight_for_each_row_counts_for_all_its_steps(engine):
    rng = np.random.default_rng(0)
    net = drawn([GRU(3), cr.Dense(2)], (4, 2), engine)
    X, y, weight = rng.normal(size=(5, 4, 2)), rng.normal(size=(5, 4, 2)), np.array([1, 3, 0, 2, 1])
    loss, gradients = net.loss_and_gradients(X, y, weight)
    steps, found = net.loss_and_gradients(X, y, np.repeat(weight[:, None], 4, axis=1))
    repeated, true = net.loss_and_gradients(X.repeat(weight, axis=0), y.repeat(weight, axis=0))
    assert loss == pytest.approx(steps, rel=1e-13) == pytest.approx(repeated, rel=1e-12)
    for key in gradients:
        close(gradients[key], true[key], 1e-11)
        close(found[key], true[key], 1e-11)


def test_a_gated_unit_learns_to_remember_the_first_step():
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 8, 1))
    y = (X[:, 0, 0] > 0).astype(int)
    for kind in (LSTM, GRU):
        net = cr.Network(
            [kind(8, returns="last"), cr.Dense(2)], "cross_entropy", input_shape=(8, 1)
        )
        history = cr.train(net, X, y, optimizer=cr.Adam(0.02), epochs=20, clip=1.0)
        assert history.metric[-1] > 0.95
