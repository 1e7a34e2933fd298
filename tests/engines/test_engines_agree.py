"""The compiled engine against the reference on random networks, and both against differences."""

import threading
import time
import weakref
from contextlib import contextmanager
from unittest import mock

import array_api_strict
import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.engines.compiled import sharing
from chainrule.engines.reference import ReferenceEngine
from chainrule.engines.threads import at_most

SMOOTH = ["tanh", "sigmoid", "softplus", "gelu", "silu", "mish", "softsign"]
KINKED = ["relu", "leaky_relu", "elu", "selu", "hard_tanh"]
LOSSES = ["squared_error", "cross_entropy", "binary_cross_entropy"]


@contextmanager
def shared(cores, small, wide=1 << 17):
    """So many cores share each minibatch.

    Sums up to the size `small` are made in parts by all of them; products with more weights than
    `wide` are divided by columns, single ones if all of them are.
    """
    with (
        mock.patch("os.cpu_count", return_value=cores),
        mock.patch.object(sharing, "_SMALL_SUM", small),
        mock.patch.object(sharing, "_WIDE", wide),
        mock.patch.object(sharing, "_LINE", sharing._LINE if wide else 1),
        at_most(cores),
    ):
        yield


CORES, SMALL_SUMS = st.integers(1, 4), st.sampled_from([0, 20, 1 << 16])
WIDE = st.sampled_from([0, 1 << 17])


@st.composite
def problems(draw):
    """A network, its data, and how to train it."""
    names = st.sampled_from(SMOOTH + KINKED)
    layers = draw(
        st.lists(
            st.one_of(
                st.builds(cr.Dense, st.integers(1, 9), names, bias=st.booleans()),
                st.builds(cr.Activation, names),
                st.builds(cr.Dropout, st.sampled_from([0.5, 0.9])),
            ),
            max_size=4,
        )
    )
    inputs, outputs = draw(st.integers(1, 7)), draw(st.integers(2, 6))
    loss, rows = draw(st.sampled_from(LOSSES)), draw(st.integers(1, 40))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    X = rng.normal(size=(rows, inputs))
    y = {
        "squared_error": rng.normal(size=(rows, outputs)),
        "cross_entropy": rng.integers(outputs, size=rows),
        "binary_cross_entropy": rng.uniform(size=(rows, outputs)),
    }[loss]
    weight = rng.uniform(0.1, 2, size=rows) if draw(st.booleans()) else None

    def make(engine, dtype):
        return cr.Network(
            [*layers, cr.Dense(outputs)], loss, input_shape=(inputs,), engine=engine, dtype=dtype
        )

    return make, X, y, weight


def close(a, b, tolerance):
    scale = max(float(np.abs(b).max(initial=0)), 1e-3)
    np.testing.assert_allclose(a, b, rtol=tolerance, atol=tolerance * scale)


@settings(max_examples=60, deadline=None)
@given(problem=problems(), cores=CORES, small=SMALL_SUMS, wide=WIDE)
def test_losses_gradients_and_predictions_agree(problem, cores, small, wide):
    make, X, y, weight = problem
    truth = make("reference", "float64")
    loss, gradients = truth.loss_and_gradients(X, y, weight)
    for dtype, tolerance in (("float64", 1e-10), ("float32", 3e-4)):
        net = make("compiled", dtype)
        with shared(cores, small, wide):
            got, found = net.loss_and_gradients(X, y, weight)
            predicted = net.predict(X)
        assert got == pytest.approx(loss, rel=tolerance, abs=tolerance)
        close(predicted, truth.predict(X), tolerance)
        assert list(found) == list(net.parameters)
        for name in gradients:
            assert found[name].shape == net.parameters[name].shape
            close(found[name], gradients[name], tolerance)


@settings(max_examples=60, deadline=None)
@given(
    problem=problems(),
    batch=st.integers(1, 50),
    optimizer=st.sampled_from([cr.SGD(0.005), cr.Nesterov(0.001), cr.AdamW(0.01), cr.RMSprop()]),
    seed=st.integers(0, 2**31),
    cores=CORES,
    small=SMALL_SUMS,
    wide=WIDE,
)
def test_training_agrees_shuffling_and_dropout_included(
    problem, batch, optimizer, seed, cores, small, wide
):
    make, X, y, weight = problem
    nets, histories = [], []
    for engine in ("reference", "compiled"):
        nets.append(make(engine, "float64"))
        with shared(cores, small, wide):
            histories.append(
                cr.train(
                    nets[-1], X, y, sample_weight=weight, optimizer=optimizer, batch_size=batch,
                    epochs=3, seed=seed, validation=(X, y), early_stopping=False,
                )
            )  # fmt: skip
    close(histories[1].loss, np.array(histories[0].loss), 1e-8)
    close(histories[1].metric, np.array(histories[0].metric), 1e-8)
    close(histories[1].validation_loss, np.array(histories[0].validation_loss), 1e-8)
    for name, p in nets[0].parameters.items():
        # An adaptive rule divides a gradient by its own size: rounding of a gradient near 0
        # moves its parameter by up to a step.
        close(nets[1].parameters[name], p, 1e-5)


@settings(max_examples=25, deadline=None)
@given(problem=problems())
def test_gradients_agree_with_centred_differences(problem):
    make, X, y, weight = problem
    net = make("compiled", "float64")
    assume(not any(layer_has_kink(layer) for layer in net.layers))
    for engine in ("reference", "compiled"):
        report = cr.check_gradients(net, X[:8], y[:8], None if weight is None else weight[:8],
                                    engine=engine, most=20)  # fmt: skip
        assert report.passed, str(report)


def layer_has_kink(layer):
    name = getattr(layer, "activation", getattr(layer, "function", "identity"))
    return name in KINKED


def test_a_planted_wrong_slope_is_found_and_named(monkeypatch):
    from chainrule.engines import reference

    monkeypatch.setitem(
        reference.EXECUTE, "column_sum", lambda s, i, a: (1.01 * a[0].sum(axis=0, keepdims=True),)
    )
    net = cr.Network([cr.Dense(3, "tanh"), cr.Dense(1)], input_shape=(2,))
    report = cr.check_gradients(net, np.eye(2), [0.0, 1.0])
    assert not report.passed
    assert "bias" in report.where
    assert report.worst == pytest.approx(0.01, rel=0.05)
    assert report.errors["0.weight"] < 1e-6
    assert "FAILED" in str(report)


def test_the_check_leaves_the_network_as_it_was():
    net = cr.Network([cr.Dense(3, "tanh"), cr.Dense(1)], input_shape=(2,))
    before = {name: p.copy() for name, p in net.parameters.items()}
    cr.check_gradients(net, np.eye(2), [0.0, 1.0])
    for name, p in net.parameters.items():
        np.testing.assert_array_equal(p, before[name])


def test_the_reference_runs_on_any_array_namespace():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(20, 3)), rng.integers(3, size=20)
    layers = [cr.Dense(5, "gelu"), cr.Dropout(0.7), cr.Dense(4, "leaky_relu"), cr.Dense(3)]
    losses = []
    for engine in (ReferenceEngine(), ReferenceEngine(xp=array_api_strict)):
        net = cr.Network(layers, "cross_entropy", input_shape=(3,), engine=engine)
        history = cr.train(net, X, y, epochs=3, batch_size=8)
        losses.append(history.loss)
        assert net.predict_proba(X).sum(axis=1) == pytest.approx(np.ones(20))
    np.testing.assert_allclose(losses[1], losses[0], rtol=1e-12)


# ------------------------------------------------------------------- the data


VIEWS = {
    "float64": lambda X: X,
    "float32": lambda X: X.astype(np.float32),
    "Fortran order": np.asfortranarray,
    "every second column": lambda X: np.repeat(X, 2, axis=1)[:, ::2],
    "backwards": lambda X: X[::-1].copy()[::-1],
    "list": lambda X: X.tolist(),
    "objects": lambda X: X.astype(object),
    "other byte order": lambda X: X.astype(">f8"),
    "int8": lambda X: X.astype(np.int8),
    "int64": lambda X: X.astype(np.int64),
    "uint16": lambda X: X.astype(np.uint16),
    "float16": lambda X: X.astype(np.float16),
    "read-only": lambda X: np.frombuffer(X.tobytes(), X.dtype).reshape(X.shape),
}


@pytest.mark.parametrize("view", VIEWS.values(), ids=VIEWS)
@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_data_may_have_any_number_type_and_layout(view, engine):
    X = np.random.default_rng(0).integers(0, 9, size=(50, 4)).astype(float)
    net = cr.Network([cr.Dense(5, "tanh"), cr.Dense(2)], input_shape=(4,), engine=engine)
    expected = net.predict(X)
    np.testing.assert_allclose(net.predict(view(X)), expected, rtol=1e-6)
    loss, _ = net.loss_and_gradients(X, X[:, :2])
    other, _ = net.loss_and_gradients(view(X), view(X[:, :2]))
    assert other == pytest.approx(loss, rel=1e-6)


def test_booleans_are_numbers():
    net = cr.Network([cr.Dense(2)], input_shape=(3,))
    X = np.array([[True, False, True]])
    np.testing.assert_allclose(net.predict(X), net.predict(X.astype(float)))


@pytest.mark.parametrize("order", ["C", "F"])
def test_the_input_is_never_copied_as_a_whole(order):
    """Peak of what Python allocates while training stays far below the size of X (32 MB)."""
    import tracemalloc

    X = np.zeros((20_000, 200), order=order)
    y = np.zeros(20_000)
    net = cr.Network([cr.Dense(8, "relu"), cr.Dense(1)], input_shape=(200,))
    cr.train(net, X[:64], y[:64], epochs=1)
    tracemalloc.start()
    cr.train(net, X, y, epochs=1, validation=0.1)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < X.nbytes / 8


@pytest.mark.parametrize("rows", [1, 2, 255, 256, 257, 600])
def test_predictions_do_not_depend_on_how_many_rows_are_asked_for(rows):
    X = np.random.default_rng(0).normal(size=(600, 5))
    net = cr.Network([cr.Dense(7, "relu"), cr.Dense(3)], input_shape=(5,))
    np.testing.assert_allclose(net.predict(X[:rows]), net.predict(X)[:rows], rtol=2e-5, atol=1e-6)


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_a_prediction_keeps_nothing_of_the_users_alive(engine):
    net = cr.Network([cr.Dense(2)], input_shape=(3,), engine=engine)
    X = np.ones((300, 3))
    seen = weakref.ref(X)
    first = net.predict(X)
    np.testing.assert_array_equal(net.predict(np.ones((300, 3))), first)
    del X
    assert seen() is None


def test_python_goes_on_while_the_engine_works():
    """ctypes gives Python's lock away: another thread counts on during one call of the machine."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(4000, 300)), rng.normal(size=4000)
    net = cr.Network([cr.Dense(300, "relu"), cr.Dense(1)], input_shape=(300,))
    data, form = net.bind(X, y)
    from chainrule.engines import Batches

    session = net.evaluation_session(data, form, Batches(100, np.arange(4000)))
    stop, ticks = threading.Event(), []

    def tick():
        while not stop.is_set():
            ticks.append(time.perf_counter())
            time.sleep(0.0005)

    thread = threading.Thread(target=tick)
    thread.start()
    begin = time.perf_counter()
    for _ in range(10):
        session.start_epoch(0, shuffle=False)
        session.run(40)
    end = time.perf_counter()
    stop.set()
    thread.join()
    assert sum(begin < t < end for t in ticks) >= 3


def test_predictions_from_many_threads_do_not_mix():
    X = np.random.default_rng(0).normal(size=(300, 20))
    net = cr.Network([cr.Dense(64, "relu"), cr.Dense(3)], input_shape=(20,))
    expected, wrong = net.predict(X), []

    def ask():
        wrong.extend(not np.array_equal(net.predict(X), expected) for _ in range(20))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(wrong) == 80
    assert not any(wrong)


def test_a_copy_of_a_network_is_independent():
    import copy
    import pickle

    net = cr.Network([cr.Dense(4, {"name": "elu", "alpha": 0.5}), cr.Dense(1)], input_shape=(2,))
    X = np.eye(2)
    expected = net.predict(X)
    for twin in (copy.deepcopy(net), pickle.loads(pickle.dumps(net))):
        np.testing.assert_array_equal(twin.predict(X), expected)
        twin.parameters["0.weight"][...] = 0
        np.testing.assert_array_equal(net.predict(X), expected)
        assert not np.array_equal(twin.predict(X), expected)
