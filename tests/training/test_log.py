"""The log of training runs: what it holds, that nothing is lost, that nothing is harmed."""

import json
import subprocess
import sys
import time

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import DataError, NonFiniteLossWarning
from chainrule.training import JSONLog, read_log

X = np.random.default_rng(0).normal(size=(40, 3))
Y = X @ [1.0, -2.0, 0.5]


def trained(path, **arguments):
    net = cr.Network([cr.Dense(4, "tanh"), cr.Dense(1)], input_shape=(3,), seed=0)
    given = {"epochs": 4, "progress": False} | arguments
    log = JSONLog(path, {"note": "naïve \u2028", "share": np.float32(0.5), "path": path})
    return net, cr.train(net, X, Y, callbacks=[log], **given)


def test_every_line_is_json_and_the_numbers_are_those_of_the_history(tmp_path):
    path = tmp_path / "run.jsonl"
    net, history = trained(path, validation=0.2)
    lines = [json.loads(line) for line in path.read_text("utf-8").split("\n")[:-1]]
    assert [line["event"] for line in lines] == ["start", *["epoch"] * 4, "end"]
    start, *epochs, end = lines
    assert start["parameters"] == {name: list(p.shape) for name, p in net.parameters.items()}
    assert start["settings"] == {"note": "naïve \u2028", "share": 0.5, "path": str(path)}
    assert start["versions"]["numpy"] == np.__version__
    assert [epoch["epoch"] for epoch in epochs] == [1, 2, 3, 4]
    for name in ("loss", "metric", "validation_loss", "validation_metric", "learning_rate"):
        assert [epoch[name] for epoch in epochs] == getattr(history, name)
    assert end["stopped"] == history.stopped
    assert end["best_epoch"] == history.best_epoch
    assert end["seconds"] >= sum(history.seconds)


def test_the_history_comes_back_whole(tmp_path):
    _, history = trained(tmp_path / "run.jsonl", validation=0.2)
    assert read_log(tmp_path / "run.jsonl")[0].history == history
    _, history = trained(tmp_path / "run.jsonl")
    second = read_log(tmp_path / "run.jsonl")[1]
    assert second.history == history
    assert second.epochs[0]["validation_loss"] is None


def test_the_gradient_norm_is_that_of_all_parameters_together(tmp_path):
    """With one batch and one epoch it is the gradient at the first weights."""
    trained(tmp_path / "run.jsonl", epochs=1, batch_size=None)
    fresh = cr.Network([cr.Dense(4, "tanh"), cr.Dense(1)], input_shape=(3,), seed=0)
    _, gradients = fresh.loss_and_gradients(X, Y)
    expected = np.linalg.norm(np.concatenate([g.ravel() for g in gradients.values()]))
    found = read_log(tmp_path / "run.jsonl")[0].epochs[0]["gradient_norm"]
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_run_that_diverges_leaves_valid_json(tmp_path):
    with pytest.warns(NonFiniteLossWarning):
        trained(tmp_path / "run.jsonl", optimizer=cr.SGD(1e30))
    text = (tmp_path / "run.jsonl").read_text("utf-8")
    assert "NaN" not in text
    assert "Infinity" not in text
    assert read_log(tmp_path / "run.jsonl")[0].end["stopped"] == "loss not finite"


def test_what_is_no_finite_number_is_null(tmp_path):
    log = JSONLog(tmp_path / "run.jsonl")

    class Spoil(cr.Callback):
        def on_epoch_end(self, state):
            state.history.loss[-1], state.history.metric[-1] = float("nan"), float("inf")

    net = cr.Network([cr.Dense(1)], input_shape=(3,))
    cr.train(net, X, Y, epochs=1, callbacks=[Spoil(), log])
    run = read_log(tmp_path / "run.jsonl")[0]
    assert run.epochs[0]["loss"] is run.epochs[0]["metric"] is None
    assert np.isnan(run.history.loss[0])


def test_an_error_is_how_it_ended(tmp_path):
    class Fail(cr.Callback):
        def on_epoch_end(self, state):
            raise RuntimeError("stop")

    net = cr.Network([cr.Dense(1)], input_shape=(3,))
    with pytest.raises(RuntimeError):
        cr.train(net, X, Y, epochs=3, callbacks=[JSONLog(tmp_path / "a"), Fail()])
    run = read_log(tmp_path / "a")[0]
    assert run.end["stopped"] == "error"
    assert len(run.epochs) == 1


def test_two_runs_at_once_are_told_apart(tmp_path):
    """One callback, two states whose epochs take turns, as in threads."""
    log = JSONLog(tmp_path / "both")

    class Inner(cr.Callback):
        def on_epoch_end(self, state):
            if state.epoch == 1:
                other = cr.Network([cr.Dense(2), cr.Dense(1)], input_shape=(3,))
                cr.train(other, X, Y, epochs=2, callbacks=[log])

    net = cr.Network([cr.Dense(1)], input_shape=(3,))
    cr.train(net, X, Y, epochs=3, callbacks=[log, Inner()])
    outer, inner = read_log(tmp_path / "both")
    assert [len(outer.epochs), len(inner.epochs)] == [3, 2]
    assert len(outer.start["layers"]) == 1
    assert outer.end["epochs"] == 3


def test_a_killed_run_keeps_its_epochs_and_the_next_one_follows(tmp_path):
    path = tmp_path / "run.jsonl"
    code = (
        "import numpy as np, chainrule as cr, sys; from chainrule.training import JSONLog\n"
        "net = cr.Network([cr.Dense(1)], input_shape=(3,), engine='reference')\n"
        "cr.train(net, np.ones((64, 3)), np.ones(64), epochs=10**6, batch_size=8, time_limit=100,\n"
        "         progress=False, callbacks=[JSONLog(sys.argv[1])])"
    )
    process = subprocess.Popen([sys.executable, "-c", code, path])
    try:
        deadline = time.monotonic() + 120
        while not path.exists() or path.read_bytes().count(b"\n") < 4:
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        process.kill()
        process.wait()
    before = len(read_log(path)[0].epochs)
    assert before >= 2
    with path.open("ab") as file:
        file.write(b'{"event": "epoch", "ru')  # cut in the middle of a line
    assert len(read_log(path)[0].epochs) == before
    trained(path)
    killed, whole = read_log(path)
    assert killed.end is None
    assert killed.history.stopped == ""
    assert len(killed.epochs) == before
    assert len(whole.epochs) == 4


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "{}\n", "[1]\n", '{"event": "start"', "\n\n"])
def test_a_file_that_is_no_log_is_not_touched(tmp_path, content):
    path = tmp_path / "other.txt"
    path.write_text(content)
    with pytest.raises(DataError, match="not a log of training runs: choose another name"):
        JSONLog(path)
    assert path.read_text() == content


def test_a_place_that_cannot_be_written_is_refused_at_once(tmp_path):
    with pytest.raises(DataError, match="no folder"):
        JSONLog(tmp_path / "missing" / "run.jsonl")
    with pytest.raises(DataError, match="is no file"):
        JSONLog(tmp_path)


def test_reading_names_the_line_that_is_none(tmp_path):
    path = tmp_path / "run.jsonl"
    trained(path)
    lines = path.read_text("utf-8").split("\n")
    path.write_text("\n".join([*lines[:2], "something else", *lines[2:]]), "utf-8")
    with pytest.raises(DataError, match="line 3 is no line of a log"):
        read_log(path)
    path.write_text("\n".join(lines[1:]), "utf-8")
    with pytest.raises(DataError, match="line 1 "):
        read_log(path)
    with pytest.raises(DataError, match="cannot read"):
        read_log(tmp_path / "nothing")


def test_an_estimator_takes_it(tmp_path):
    path = tmp_path / "run.jsonl"
    model = cr.NetworkRegressor((4,), epochs=3, callbacks=[JSONLog(path)], random_state=0)
    model.fit(X, Y)
    assert read_log(path)[0].history == model.history_
