"""The training loop: what it learns, when it stops, what it leaves behind."""

import os
import signal
import subprocess
import sys
import time

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_digits, load_iris
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import scale

import chainrule as cr
from chainrule.errors import (
    DataError,
    HyperparameterError,
    NetworkError,
    NonFiniteLossWarning,
    UnknownNameError,
)


def iris():
    X, y = load_iris(return_X_y=True)
    return scale(X), y


def classifier(seed=0, engine="compiled", **more):
    layers = [cr.Dense(16, "tanh"), cr.Dense(3)]
    return cr.Network(layers, "cross_entropy", input_shape=(4,), seed=seed, engine=engine, **more)


def one(**more):
    return cr.Network([cr.Dense(1)], input_shape=2, **more)


def parameters(net):
    return {name: p.copy() for name, p in net.parameters.items()}


def assert_same(net, before):
    for name, p in net.parameters.items():
        np.testing.assert_array_equal(p, before[name])


# ------------------------------------------------------------------- learning


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_it_learns_iris(engine):
    X, y = iris()
    train, test = train_test_split(np.arange(150), stratify=y, random_state=0)
    net = classifier(engine=engine)
    cr.train(net, X[train], y[train], optimizer=cr.Adam(0.01), epochs=60)
    assert net.evaluate(X[test], y[test])["accuracy"] >= 0.92


def test_it_learns_digits():
    X, y = load_digits(return_X_y=True)
    train, test = train_test_split(np.arange(len(y)), stratify=y, random_state=0)
    net = cr.Network(
        [cr.Dense(64, "relu"), cr.Dropout(0.9), cr.Dense(10)], "cross_entropy", input_shape=(64,)
    )
    cr.train(net, X[train] / 16, y[train], epochs=40)
    assert net.evaluate(X[test] / 16, y[test])["accuracy"] >= 0.96


def test_it_learns_diabetes():
    """Mean R² over six splits; linear regression reaches about 0.45, the mean target 0."""
    X, y = load_diabetes(return_X_y=True)
    X, y, scores = scale(X), scale(y), []
    for seed in range(6):
        train, test = train_test_split(np.arange(len(y)), random_state=seed)
        net = cr.Network([cr.Dense(16, "tanh"), cr.Dense(1)], input_shape=(10,), seed=seed)
        cr.train(net, X[train], y[train], optimizer=cr.Adam(0.003), epochs=200, validation=0.2)
        rmse = net.evaluate(X[test], y[test])["root mean squared error"]
        scores.append(1 - rmse**2 / np.var(y[test]))
    assert np.mean(scores) >= 0.35


def test_a_linear_network_finds_the_least_squares_solution():
    rng = np.random.default_rng(0)
    X, noise = rng.normal(size=(80, 3)), rng.normal(size=80)
    y = X @ [1.0, -2.0, 0.5] + 3 + noise
    net = cr.Network([cr.Dense(1)], input_shape=(3,), dtype="float64")
    cr.train(net, X, y, optimizer=cr.SGD(0.3), batch_size=80, epochs=2000)
    best = np.linalg.lstsq(np.column_stack([X, np.ones(80)]), y, rcond=None)[0]
    np.testing.assert_allclose(net.parameters["0.weight"][:, 0], best[:3], rtol=1e-6)
    np.testing.assert_allclose(net.parameters["0.bias"], best[3:], rtol=1e-6)


def test_xor_is_learnt_from_most_starts():
    X, y = np.array([[0, 0], [0, 1], [1, 0], [1, 1]]), [0, 1, 1, 0]
    solved = 0
    for seed in range(20):
        net = cr.Network(
            [cr.Dense(4, "tanh"), cr.Dense(2)], "cross_entropy", input_shape=(2,), seed=seed
        )
        cr.train(net, X, y, optimizer=cr.Adam(0.05), batch_size=4, epochs=300)
        solved += net.evaluate(X, y)["accuracy"] == 1
    assert solved >= 18


# ------------------------------------------------------------- reproducibility


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_the_same_seed_gives_the_same_bits(engine):
    X, y = iris()
    ends = []
    for _ in range(2):
        net = cr.Network(
            [cr.Dense(8, "relu"), cr.Dropout(0.5), cr.Dense(3)], "cross_entropy",
            input_shape=(4,), engine=engine,
        )  # fmt: skip
        history = cr.train(net, X, y, epochs=4, seed=5, validation=0.2)
        ends.append((parameters(net), history.loss, history.validation_loss))
    for name in ends[0][0]:
        np.testing.assert_array_equal(ends[0][0][name], ends[1][0][name])
    assert ends[0][1:] == ends[1][1:]


def test_another_seed_gives_another_order():
    X, y = iris()
    losses = [cr.train(classifier(), X, y, epochs=1, seed=seed).loss for seed in (0, 1)]
    assert losses[0] != losses[1]


def test_without_shuffling_the_seed_does_not_matter():
    X, y = iris()
    losses = [cr.train(classifier(), X, y, epochs=2, seed=s, shuffle=False).loss for s in (0, 1)]
    assert losses[0] == losses[1]


def test_the_order_of_the_users_data_stays_as_it_was():
    X, y = iris()
    before = X.copy(), y.copy()
    cr.train(classifier(), X, y, epochs=2, validation=0.3)
    np.testing.assert_array_equal(X, before[0])
    np.testing.assert_array_equal(y, before[1])


# ----------------------------------------------------------- the whole history


def test_the_history_has_one_entry_an_epoch_and_becomes_a_frame():
    X, y = iris()
    history = cr.train(classifier(), X, y, epochs=4, validation=(X, y), patience=4)
    assert len(history) == 4
    frame = history.to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == [
        "epoch", "loss", "accuracy", "validation loss", "validation accuracy", "learning rate",
        "seconds",
    ]  # fmt: skip
    assert frame["loss"].tolist() == history.loss
    assert (frame["seconds"] > 0).all()
    assert history.to_frame("polars").shape == history.to_frame("pyarrow").shape == (4, 7)
    assert "4 epochs" in str(history)
    with pytest.raises(UnknownNameError, match="polars"):
        history.to_frame("excel")


def test_the_training_loss_is_the_mean_over_the_epoch():
    """Steps too small to matter: the mean over minibatches, the last one short, is the loss."""
    X, y = iris()
    net = classifier(dtype="float64")
    before = net.evaluate(X, y)
    history = cr.train(net, X, y, optimizer=cr.SGD(1e-12), batch_size=64, epochs=1)
    assert history.loss[0] == pytest.approx(before["loss"], rel=1e-9)
    assert history.metric[0] == pytest.approx(before["accuracy"])


def test_the_validation_loss_is_the_loss_of_the_held_out_rows():
    X, y = iris()
    net = classifier()
    history = cr.train(net, X[:100], y[:100], validation=(X[100:], y[100:]), epochs=3, patience=5)
    assert history.best_epoch is not None
    best = history.validation_loss[history.best_epoch - 1]
    assert net.evaluate(X[100:], y[100:])["loss"] == pytest.approx(best, rel=1e-6)


# --------------------------------------------------------------- early stopping


def overfitting():
    """Labels without a pattern: the validation loss rises soon."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 4)), rng.integers(3, size=60)
    return (X[:30], y[:30]), (X[30:], y[30:])


def test_early_stopping_waits_and_brings_the_best_weights_back():
    data, validation = overfitting()
    net = classifier()
    history = cr.train(
        net, *data, validation=validation, optimizer=cr.Adam(0.02), epochs=500, patience=7
    )
    assert history.stopped == "no improvement"
    assert history.best_epoch == int(np.argmin(history.validation_loss)) + 1
    assert len(history) == history.best_epoch + 7
    best = min(history.validation_loss)
    assert net.evaluate(*validation)["loss"] == pytest.approx(best, rel=1e-5)
    assert history.validation_loss[-1] > best


def test_without_early_stopping_all_epochs_are_run_and_the_last_weights_kept():
    data, validation = overfitting()
    net = classifier()
    history = cr.train(
        net, *data, validation=validation, optimizer=cr.Adam(0.02), epochs=60, early_stopping=False
    )
    assert (len(history), history.stopped, history.best_epoch) == (60, "all epochs done", 60)
    last = history.validation_loss[-1]
    assert net.evaluate(*validation)["loss"] == pytest.approx(last, rel=1e-5)


def test_a_drop_that_is_too_small_does_not_count():
    X, y = iris()
    history = cr.train(
        classifier(), X, y, validation=(X, y), epochs=100, patience=3, min_improvement=10.0
    )
    assert len(history) == 4


def test_a_fraction_holds_out_that_share():
    rng = np.random.default_rng(0)
    X, seen = rng.normal(size=(100, 2)), []

    class Count(cr.Callback):
        def on_train_start(self, state):
            seen.append(state)

    net = cr.Network([cr.Dense(1)], input_shape=(2,))
    history = cr.train(net, X, X[:, 0], validation=0.25, epochs=2, callbacks=[Count()])
    assert len(history.validation_loss) == 2
    assert seen[0].network is net


# --------------------------------------------------- callbacks, time, interrupts


def test_callbacks_are_called_in_order_and_may_stop():
    calls = []

    class Record(cr.Callback):
        def on_train_start(self, state):
            calls.append(("start", state.epoch, state.epochs))

        def on_epoch_end(self, state):
            calls.append(("epoch", state.epoch, len(state.history)))
            if state.epoch == 2:
                state.stop("enough")

        def on_train_end(self, state):
            calls.append(("end", state.epoch, state.history.stopped))

    X, y = iris()
    history = cr.train(classifier(), X, y, epochs=9, callbacks=[Record()])
    assert calls == [("start", 0, 9), ("epoch", 1, 1), ("epoch", 2, 2), ("end", 2, "enough")]
    assert history.stopped == "enough"


def test_an_error_in_a_callback_reaches_the_user_and_ends_cleanly():
    ended = []

    class Fail(cr.Callback):
        def on_epoch_end(self, state):
            raise ZeroDivisionError

        def on_train_end(self, state):
            ended.append(1)

    X, y = iris()
    with pytest.raises(ZeroDivisionError):
        cr.train(classifier(), X, y, callbacks=[Fail()])
    assert ended == [1]


def test_the_time_limit_ends_training_in_the_middle_of_an_epoch():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(30_000, 200)), rng.normal(size=30_000)
    net = cr.Network([cr.Dense(300, "relu"), cr.Dense(1)], input_shape=(200,))
    begin = time.perf_counter()
    history = cr.train(net, X, y, epochs=10_000, time_limit=1.0, progress=False)
    assert time.perf_counter() - begin < 5
    assert history.stopped == "time limit"
    assert np.isfinite(net.predict(X[:5])).all()


def test_ctrl_c_keeps_the_best_weights_and_says_so():
    X, y = iris()
    net = classifier()

    class Interrupt(cr.Callback):
        def on_epoch_end(self, state):
            if state.epoch == 4:
                state.network.parameters["1.weight"][...] = 1e3  # a much worse network
            if state.epoch == 6:
                raise KeyboardInterrupt

    with pytest.warns(UserWarning, match=r"interrupted after 6 epochs: the weights of epoch \d"):
        history = cr.train(
            net, X, y, validation=(X, y), epochs=50, patience=50, callbacks=[Interrupt()]
        )
    assert history.stopped == "interrupted"
    assert history.best_epoch == 4
    assert np.abs(net.parameters["1.weight"]).max() < 10


@pytest.mark.skipif(os.name == "nt", reason="signals")
def test_a_real_ctrl_c_ends_a_real_process_cleanly():
    code = """
import numpy as np, chainrule as cr
X = np.random.default_rng(0).normal(size=(20000, 100))
net = cr.Network([cr.Dense(200, "relu"), cr.Dense(1)], input_shape=(100,))
class Ready(cr.Callback):
    def on_epoch_end(self, state):
        print("ready", flush=True)
history = cr.train(net, X, X[:, 0], epochs=100000, callbacks=[Ready()])
print(history.stopped, np.isfinite(net.predict(X[:3])).all())
"""
    process = subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert out.splitlines()[-1] == "interrupted True"
    assert "training was interrupted after" in err


# ---------------------------------------------------------- losses out of bounds


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_a_loss_that_is_not_finite_stops_at_once_and_brings_good_weights_back(engine):
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(200, 4)) * 1e3, rng.normal(size=(200, 1))
    net = cr.Network([cr.Dense(8, "relu"), cr.Dense(1)], input_shape=(4,), engine=engine)
    before = parameters(net)
    with pytest.warns(NonFiniteLossWarning, match=r"epoch \d+, step \d+.*learning rate"):
        history = cr.train(net, X, y, optimizer=cr.SGD(1e3), epochs=200)
    assert history.stopped == "loss not finite"
    assert np.isfinite(net.predict(X)).all()
    if history.best_epoch is None:
        assert_same(net, before)


def test_the_warning_names_the_step():
    """The first step is still finite, the update makes the second one overflow."""
    net = cr.Network([cr.Dense(1, bias=False)], input_shape=(1,))
    net.parameters["0.weight"][...] = 1.0
    X, y = np.full((6, 1), 1e15), np.zeros(6)
    with pytest.warns(NonFiniteLossWarning, match="epoch 1, step 2:"):
        cr.train(net, X, y, optimizer=cr.SGD(1.0), batch_size=2, epochs=3, shuffle=False)
    np.testing.assert_array_equal(net.parameters["0.weight"], 1.0)


def test_good_weights_are_those_of_the_last_whole_epoch():
    X, y = iris()
    net, kept = classifier(), []

    class Spoil(cr.Callback):
        def on_epoch_end(self, state):
            kept.append(parameters(state.network))
            if state.epoch == 3:
                state.network.parameters["1.bias"][...] = np.nan

    with pytest.warns(NonFiniteLossWarning, match="epoch 4, step 1"):
        history = cr.train(net, X, y, epochs=9, callbacks=[Spoil()])
    assert history.best_epoch == 3
    assert_same(net, kept[2])


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"batch_size": 0}, HyperparameterError, r"batch_size = 0.*\[1, ∞\)"),
        ({"batch_size": 2.5}, HyperparameterError, "whole number"),
        ({"epochs": 0}, HyperparameterError, "epochs = 0"),
        ({"epochs": "ten"}, HyperparameterError, "epochs = 'ten'"),
        ({"patience": 0}, HyperparameterError, "patience"),
        ({"time_limit": 0}, HyperparameterError, "time_limit"),
        ({"threads": 0}, HyperparameterError, "threads"),
        ({"min_improvement": -1}, HyperparameterError, "min_improvement"),
        ({"seed": -1}, HyperparameterError, "seed"),
        ({"optimizer": "adamm"}, UnknownNameError, "Did you mean 'adam'"),
        ({"optimizer": 3}, UnknownNameError, "unknown optimizer 3"),
        ({"optimizer": cr.Adam}, UnknownNameError, "unknown optimizer"),
        ({"schedule": "cosin"}, UnknownNameError, "cosine"),
        ({"callbacks": [3]}, HyperparameterError, "callbacks has 3"),
        ({"validation": 1.0}, HyperparameterError, r"^validation = 1.0.*\(0, 1\)"),
        ({"validation": 0.999}, HyperparameterError, "leaves none to train on"),
        ({"validation": (np.eye(4),)}, DataError, "1 parts"),
        ({"validation": (np.eye(3), [0, 1, 2])}, DataError, "3 columns"),
        ({"validation": (np.eye(4), [0, 1, 2, 9])}, DataError, "from 0 to 2"),
        ({"sample_weight": np.ones(3)}, DataError, r"expected \(150,\)"),
        ({"sample_weight": -np.ones(150)}, DataError, "negative"),
        ({"sample_weight": np.zeros(150)}, DataError, "not zero in every row"),
    ],
)
def test_bad_arguments_are_refused_before_anything_changes(arguments, error, message):
    X, y = iris()
    net = classifier()
    before = parameters(net)
    with pytest.raises(error, match=message):
        cr.train(net, X, y, **arguments)
    assert_same(net, before)


@pytest.mark.parametrize(
    ("X", "message"),
    [
        (np.ones((150, 3)), "3 columns, the network expects 4"),
        (np.ones(4), "one row must still be two-dimensional"),
        (np.ones((0, 4)), "no rows"),
        (np.ones((2, 3, 4)), r"expected \(rows, columns\)"),
        (np.full((150, 4), np.nan), r"missing \(NaN\) in row 0, column 0"),
        (
            np.where(np.arange(600).reshape(150, 4) == 430, np.inf, 1.0),
            "infinite in row 107, column 2",
        ),
        (np.full((150, 4), "a"), "expected numbers"),
        (np.full((150, 4), None), "no numbers|missing"),
    ],
)
def test_bad_matrices_are_refused(X, message):
    _, y = iris()
    with pytest.raises(DataError, match=message):
        cr.train(classifier(), X, y)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: cr.Network([], input_shape=(2,)), NetworkError, "at least one layer"),
        (lambda: cr.Network(["relu"], input_shape=(2,)), NetworkError, "layer 0 is 'relu'"),
        (lambda: cr.Network([cr.Dense], input_shape=(2,)), NetworkError, "layer 0 is <class"),
        (lambda: cr.Network(3, input_shape=(2,)), NetworkError, "layers is 3"),
        (lambda: cr.Network([cr.Dense(1)], input_shape="a"), NetworkError, "input_shape is 'a'"),
        (lambda: one(loss=3), UnknownNameError, "unknown loss 3"),
        (lambda: cr.Dense(3, 3), UnknownNameError, "unknown activation 3"),
        (lambda: cr.Dense(3, {"name": "relu", "k": 1}), UnknownNameError, "There are none"),
        (lambda: cr.Network([cr.Dense(1)], input_shape=(2, 0)), NetworkError, "input_shape"),
        (lambda: cr.Network([cr.Dense(1)], input_shape=0), NetworkError, "input_shape"),
        (lambda: one(loss="mse"), UnknownNameError, "squared_error"),
        (lambda: one(engine="gpu"), UnknownNameError, "compiled"),
        (lambda: one(dtype="int32"), HyperparameterError, "float32"),
        (lambda: cr.Dense(0), HyperparameterError, "units = 0"),
        (lambda: cr.Dense(2, "rellu"), UnknownNameError, "relu"),
        (lambda: cr.Dropout(0), HyperparameterError, r"keep = 0.*\(0, 1\]"),
        (lambda: cr.Dropout(1.5), HyperparameterError, "keep"),
    ],
)  # fmt: skip
def test_networks_that_cannot_be_are_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_network_without_parameters_cannot_be_trained():
    net = cr.Network([cr.Activation("tanh")], input_shape=(2,))
    with pytest.raises(NetworkError, match="no parameters"):
        cr.train(net, np.eye(2), np.eye(2))


# ------------------------------------------------------------- what is written


def test_short_work_shows_nothing(capfd):
    X, y = iris()
    cr.train(classifier(), X, y, epochs=2)
    assert capfd.readouterr() == ("", "")


def test_progress_is_plain_text_when_there_is_no_terminal(capfd):
    X, y = iris()
    cr.train(classifier(), X, y, epochs=2, progress="always")
    out, err = capfd.readouterr()
    assert out == ""
    assert "epoch 1/2" in err
    assert err.splitlines()[-1].startswith("training: 100%")
    assert "\x1b" not in err


def test_progress_can_be_off(capfd):
    X, y = iris()
    cr.train(classifier(), X, y, epochs=2, progress=False)
    assert capfd.readouterr() == ("", "")


def test_dropout_keeps_the_expected_output():
    """Inverted dropout: the mean over many masks is the network without dropout (COURSE F4)."""
    from chainrule.engines import Batches

    keep, rows = 0.7, 200
    net = cr.Network(
        [cr.Dropout(keep), cr.Dense(1, bias=False)], input_shape=(500,), dtype="float64"
    )
    net.parameters["1.weight"][...] = 1 / 500
    X, y = np.ones((rows, 500)), np.zeros((rows, 1))
    data, form = net.bind(X, y)
    from chainrule.tape import plan

    tape = net.blueprint.evaluation(form, training=True)
    session = net.engine.session(plan(tape), net.memory, data, Batches(rows, np.arange(rows)))
    session.start_epoch(0, shuffle=False)
    session.run(1)
    dropped = session.values[tape.output]
    assert dropped.mean() == pytest.approx(1.0, abs=4 * np.sqrt((1 - keep) / keep / X.size))
    assert dropped.std() == pytest.approx(np.sqrt((1 - keep) / keep / 500), rel=0.2)
