"""Short epochs run by one call: what they leave is what epochs one by one leave."""

import sys
from unittest import mock

import numpy as np
import pytest

import chainrule as cr
from chainrule import layers
from chainrule.engines.compiled import series
from chainrule.engines.compiled.session import CompiledSession
from chainrule.errors import NonFiniteLossWarning
from chainrule.training import loop
from chainrule.training.loop import _Run

RNG = np.random.default_rng(0)
X = RNG.normal(size=(90, 4))
Y = (X[:, 0] * X[:, 1] > 0).astype(int)
HIDDEN = [cr.Dense(6, "tanh"), cr.Dropout(0.8)]

TRAININGS = {
    "plain": {},
    "validation": {"validation": 0.2},
    "all epochs with validation": {"validation": 0.2, "early_stopping": False},
    "schedule, clipping, weight decay": {
        "schedule": "cosine", "clip": 0.5, "optimizer": cr.AdamW(0.01),
        "regularisation_schedule": "flat_cosine",
    },
    "in order": {"shuffle": False, "batch_size": 7},
    "all rows at once": {"batch_size": None},
    "weights": {"sample_weight": RNG.uniform(0.1, 2, size=90), "validation": 0.2},
    "some rows": {"rows": np.arange(0, 90, 2), "validation_rows": np.arange(1, 90, 2)},
    "patience": {"validation": 0.3, "patience": 3, "optimizer": cr.Adam(0.05)},
}  # fmt: skip


def network(hidden=HIDDEN, engine="compiled", dtype="float64"):
    return cr.Network(
        [*hidden, cr.Dense(2)], "cross_entropy", input_shape=4, engine=engine, dtype=dtype
    )


def trained(net, epochs=60, threads=1, **given):
    given = {"optimizer": cr.Adam(0.01), "batch_size": 16} | given
    return cr.train(net, X, Y, epochs=epochs, threads=threads, progress=False, **given)


@pytest.fixture
def calls(monkeypatch):
    """Epochs of each call that ran several; the clock does not decide how many."""
    made, run = [], series.Series.run
    monkeypatch.setattr(loop, "_SERIES_SECONDS", 1e9)
    monkeypatch.setattr(series, "_MOST_EPOCHS", 11)

    def noted(self, first, shuffle, rates, strengths):
        made.append(len(rates))
        return run(self, first, shuffle, rates, strengths)

    monkeypatch.setattr(series.Series, "run", noted)
    return made


def one_by_one():
    return mock.patch.object(CompiledSession, "in_a_row", return_value=None)


def same(found, expected):
    """Histories but for their seconds."""
    a, b = found.to_dict(), expected.to_dict()
    assert len(a.pop("seconds")) == len(b.pop("seconds"))
    assert a == b
    assert (found.best_epoch, found.stopped) == (expected.best_epoch, expected.stopped)


@pytest.mark.parametrize("case", TRAININGS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_same_bits_as_one_epoch_after_another(case, dtype, calls):
    nets = network(dtype=dtype), network(dtype=dtype)
    found = trained(nets[0], **TRAININGS[case])
    assert sum(calls) == len(found) - 1  # nobody knows how long the first one will take
    assert max(calls) > 1
    with one_by_one():
        expected = trained(nets[1], **TRAININGS[case])
    same(found, expected)
    for name, p in nets[1].everything.items():
        np.testing.assert_array_equal(nets[0].everything[name], p)


@pytest.mark.parametrize("case", TRAININGS)
def test_the_reference_agrees(case, calls):
    nets = network(), network(engine="reference")
    found, expected = (trained(net, epochs=30, **TRAININGS[case]) for net in nets)
    assert calls
    np.testing.assert_allclose(found.loss, expected.loss, rtol=1e-7)
    np.testing.assert_allclose(found.validation_loss, expected.validation_loss, rtol=1e-7)
    for name, p in nets[1].everything.items():
        np.testing.assert_allclose(nets[0].everything[name], p, rtol=1e-5, atol=1e-8)


def test_statistics_of_batches_come_along(calls):
    hidden = [cr.Dense(6, "tanh"), layers.BatchNorm()]
    nets = network(hidden), network(hidden)
    found = trained(nets[0], validation=0.2)
    with one_by_one():
        expected = trained(nets[1], validation=0.2)
    assert max(calls) > 1
    same(found, expected)
    for name, p in nets[1].everything.items():
        np.testing.assert_array_equal(nets[0].everything[name], p)


def test_a_loss_that_is_not_finite_ends_them_in_the_same_minibatch(calls):
    """Steps that are too long: the weights grow until they overflow."""
    nets, messages = [], []
    for callbacks in ([], [cr.Callback()]):
        net = cr.Network([cr.Dense(1)], input_shape=4, dtype="float32")
        with pytest.warns(NonFiniteLossWarning) as caught:
            history = cr.train(
                net, X, Y, optimizer=cr.SGD(2.0), epochs=100, batch_size=16, callbacks=callbacks,
                progress=False,
            )  # fmt: skip
        nets.append((net, history))
        messages.append(str(caught[0].message))
    (net, found), (other, expected) = nets
    assert found.stopped == "loss not finite"
    assert (len(found) - 1) % max(calls)  # in the middle of a call
    same(found, expected)
    assert messages[0] == messages[1]
    np.testing.assert_array_equal(net.parameters["0.weight"], other.parameters["0.weight"])
    assert np.isfinite(net.parameters["0.weight"]).all()


def test_patience_ends_with_a_call_so_no_epoch_is_in_vain(calls):
    history = trained(network(), epochs=500, **TRAININGS["patience"])
    assert history.stopped == "no improvement"
    assert sum(calls) == len(history) - 1
    assert max(calls) <= 3


def test_a_time_limit_and_ctrl_c_are_seen_between_calls(monkeypatch):
    moments = []
    come_up = _Run.come_up

    def noted(self, share, bar):
        moments.append(self.state.epoch)
        come_up(self, share, bar)

    monkeypatch.setattr(_Run, "come_up", noted)
    history = trained(network(), epochs=100_000, time_limit=0.2)
    assert history.stopped == "time limit"
    assert sum(history.seconds) < 0.5
    assert len(moments) < len(history)


WITHOUT = {
    "a callback": (HIDDEN, {"callbacks": [cr.Callback()]}),
    "augmentation": (HIDDEN, {"augment": lambda x, y, rng: (x, y)}),
    "averaging": (HIDDEN, {"averaging": 0.9}),
    "two threads": (HIDDEN, {"threads": 2}),
    "parameters that are too many": ([cr.Dense(5000, "tanh"), cr.Dense(150)], {"epochs": 2}),
}


@pytest.mark.parametrize("case", WITHOUT)
def test_epochs_come_one_by_one_with(case, calls, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    hidden, given = WITHOUT[case]
    trained(network(hidden), **{"epochs": 4} | given)
    assert not calls


def test_a_callback_sees_the_weights_of_its_epoch():
    seen = []

    class Look(cr.Callback):
        def on_epoch_end(self, state):
            seen.append(state.network.parameters["0.weight"].copy())

    trained(network(), epochs=6, callbacks=[Look()])
    for epochs, weights in enumerate(seen, start=1):
        net = network()
        trained(net, epochs=epochs)
        np.testing.assert_array_equal(net.parameters["0.weight"], weights)


def test_an_epoch_costs_a_few_lines_of_python(calls):
    """Entering it into the history, and no more."""

    def frames(epochs):
        count, net = 0, network()

        def note(frame, event, argument):
            nonlocal count
            count += event == "call"

        sys.setprofile(note)
        try:
            trained(net, epochs=epochs)
        finally:
            sys.setprofile(None)
        return count

    frames(12)
    assert (frames(231) - frames(12)) / 219 < 25
