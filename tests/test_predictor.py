"""One row at a time, from any thread, without memory; its scores: layers/test_all_layers.py."""

import pickle
import threading
import tracemalloc

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError, NetworkError
from chainrule.layers import LSTM, Embedding, Flatten, Heads

RNG = np.random.default_rng(0)
NETWORKS = {
    "dense": ([cr.Dense(16, "tanh"), cr.Dropout(0.5), cr.Dense(3)], (5,)),
    "gates": ([LSTM(5), cr.Dense(2)], (4, 3)),
    "tokens": ([Embedding(11, 4), Flatten(), cr.Dense(2)], (6,)),
}


def made(name):
    layers, shape = NETWORKS[name]
    net = cr.Network(layers, input_shape=shape, seed=1)
    draw = RNG.integers(0, 11, (20, *shape)) if name == "tokens" else RNG.normal(size=(20, *shape))
    return net, draw.astype(net.engine.dtype)


def test_it_follows_the_weights():
    net, X = made("dense")
    predict = net.predictor()
    before = predict(X[0])
    net.parameters["2.bias"][...] += 1
    np.testing.assert_allclose(predict(X[0]), before + 1, rtol=1e-6)


def test_a_result_stays_and_out_is_written():
    net, X = made("dense")
    predict, out = net.predictor(), np.empty(3)
    first = predict(X[0])
    kept = first.copy()
    assert predict(X[1], out=out) is out
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_allclose(out, net.predict(X)[1], rtol=1e-5)


def test_threads_do_not_disturb_each_other():
    net, X = made("gates")
    predict, expected, wrong = net.predictor(), net.predict(X), []

    def many(k):
        out = np.empty(net.output_shape, np.float32)
        wrong.extend(
            k
            for _ in range(300)
            if not np.allclose(predict(X[k], out=out), expected[k], rtol=1e-4, atol=1e-5)
        )

    threads = [threading.Thread(target=many, args=(k,)) for k in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_a_call_leaves_no_memory_behind_and_makes_no_array():
    net, X = made("dense")
    predict, x, out = net.predictor(), X[0], np.empty(3, np.float32)
    predict(x, out=out)
    tracemalloc.start()
    try:
        for _ in range(100):
            predict(x, out=out)
        before, _ = tracemalloc.get_traced_memory()
        tracemalloc.reset_peak()
        for _ in range(100):
            predict(x, out=out)
        after, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after == before
    assert peak - before < 400  # a frame and some numbers of Python, no matrix


def test_a_copy_by_pickle_predicts_too():
    net, X = made("dense")
    predict = net.predictor()
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(predict))(X[0]), predict(X[0]))


@pytest.mark.parametrize("bad", [[1.0], 1.0, np.zeros((1, 5)), np.zeros((5, 1)), []])
def test_a_row_of_another_shape_is_refused(bad):
    with pytest.raises(DataError, match=r"expected one row of shape \(5,\)"):
        made("dense")[0].predictor()(bad)


def test_a_token_outside_the_vocabulary_is_refused():
    with pytest.raises(DataError, match="outside the vocabulary"):
        made("tokens")[0].predictor()([0, 1, 2, 11, 4, 5])


def test_several_tasks_are_refused():
    layers = [Heads({"a": [cr.Dense(1)], "b": [cr.Dense(1)]})]
    losses = {"a": "squared_error", "b": "squared_error"}
    net = cr.Network(layers, losses, input_shape=3)
    with pytest.raises(NetworkError, match="the network has a, b: use predict"):
        net.predictor()


def test_what_is_no_number_makes_scores_that_are_none():
    net, X = made("dense")
    row = X[0].copy()
    row[2] = np.nan
    assert np.isnan(net.predictor()(row)).any()
