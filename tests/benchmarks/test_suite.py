"""The sections of the benchmarks' page, in their short form."""

import os
import re
import sys
from dataclasses import replace

import numpy as np
import pytest
from benchmarks.engines import make
from benchmarks.engines.own import network
from benchmarks.inference import measure
from benchmarks.inference.by_hand import scores
from benchmarks.inference.measure import Inference, measure_inference
from benchmarks.inference.task import TOLERANCE, deviation, make_rows, make_task
from benchmarks.kernels import KINDS, WHOLE, measure_kernels
from benchmarks.process import Process, environment, undisturbed
from benchmarks.report import Results, report
from benchmarks.steps import Steps, Timing
from benchmarks.timing import Times
from benchmarks.workload import GROWING
from click.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import engines, folds, inference, process, start, streaming


def quiet(text):
    pass


def cells(text, *begin):
    """Of the first line that begins so, what follows."""
    for line in text.splitlines():
        own = [cell.strip() for cell in line.strip("|").split("|")]
        if tuple(own[: len(begin)]) == begin:
            return own[len(begin) :]
    raise AssertionError(f"no line begins with {begin}.")


@pytest.fixture
def task(tmp_path):
    """A few rows of the smallest shape."""
    make_rows("tiny", 5, tmp_path / "rows.npy")
    return make_task("tiny", tmp_path / "rows.npy", 1)


# ---------------------------------------------------------------------- kernels


def test_every_kernel_of_a_step_is_of_some_kind():
    (found,) = measure_kernels(["tiny"], quiet).values()
    assert set(found) == {*KINDS, WHOLE}
    assert min(found.values()) > 0
    page = report(Results("", "", {}, {}, kernels={"tiny": found}))
    shares = [int(cells(page, kind)[0].split("(")[1].rstrip("%)")) for kind in KINDS]
    assert sum(shares) == pytest.approx(100, abs=len(KINDS) / 2)


# ----------------------------------------------------------------------- growth


def test_growing_networks_have_the_parameters_they_are_named_for():
    counts = [shape.parameters for shape in GROWING.values()]
    assert counts == pytest.approx([10**k for k in (3, 4, 5, 6, 7)], rel=0.04)
    assert network(make(next(iter(GROWING)), 1)).n_parameters == counts[0]


def test_the_cost_of_a_parameter_is_that_of_a_step_divided():
    (first, second, *_) = GROWING
    found = Steps([first, second], ["chainrule"], [1, 2], 1)
    for k, name in enumerate((first, second)):
        for threads in (1, 2):
            step = GROWING[name].parameters * 128 * threads * (k + 1) / 1e6
            found.timings[name, "chainrule", threads] = Timing([step])
    assert cells(page(growth=found), "chainrule") == ["1.00 (1.00)", "2.00 (2.00)"]


# -------------------------------------------------------------------- inference


def test_scores_and_labels_are_held_to_exact_scores(task):
    (w, b), (last, end) = task.weights
    exact = np.maximum(task.x.astype(float) @ w + b, 0) @ last + end
    assert deviation(task, exact) < 1e-15
    assert deviation(task, exact.argmax(axis=1)) == 0
    wrong = exact.copy()
    wrong[3, 1] += 0.25
    assert deviation(task, wrong) == pytest.approx(0.25 / np.abs(exact).max())
    ranks = np.argsort(exact, axis=1)
    gap = np.take_along_axis(exact, ranks, 1)
    expected = np.max(gap[:, 2] - gap[:, 1]) / np.abs(exact).max()
    assert deviation(task, ranks[:, 1]) == pytest.approx(expected)
    with pytest.raises(RuntimeError, match="5 rows were to be predicted"):
        deviation(task, exact[:4])


def test_by_hand_goes_through_all_portions(tmp_path):
    make_rows("tiny", 2500, tmp_path / "rows.npy")
    task = make_task("tiny", tmp_path / "rows.npy", 1)
    assert deviation(task, scores(task)()) < TOLERANCE


@pytest.mark.parametrize("way", ["network", "estimator", "sklearn"])
def test_the_ways_to_predict_agree(task, way):
    assert deviation(task, inference.WAYS[way].build(task)()) < TOLERANCE


def test_the_predictor_takes_the_first_row(task):
    one = replace(task, x=task.x[:1])
    assert deviation(one, inference.WAYS["predictor"].build(one)()) < TOLERANCE


@pytest.mark.parametrize(
    ("way", "libraries"),
    [
        ("onnx", ["onnx", "onnxruntime"]),
        ("onnx_bound", ["onnx", "onnxruntime"]),
        ("torch", ["torch"]),
        ("jax", ["jax"]),
    ],
)
def test_peers_agree_where_they_are_installed(tmp_path, way, libraries):
    for library in libraries:
        pytest.importorskip(library)
    for rows in (1, 7):
        make_rows("table", rows, tmp_path / "rows.npy")
        task = make_task("table", tmp_path / "rows.npy", 1)
        assert deviation(task, inference.WAYS[way].build(task)()) < TOLERANCE


def test_inference_is_measured_in_processes_that_take_turns(monkeypatch):
    monkeypatch.setattr(measure, "cores", lambda: 1)  # half as many processes
    found = measure_inference(["tiny"], ["predictor", "numpy"], 2, quiet, rows=(1, 3))
    assert all(len(times.times) == 2 for times in found.timings.values())
    assert {key[:3] for key in found.timings} == {
        ("tiny", 1, "predictor"), ("tiny", 1, "numpy"), ("tiny", 3, "numpy")
    }  # fmt: skip
    assert found.best("tiny", 1, "predictor").least > 0
    assert 0 < found.deviations["predictor"] < TOLERANCE


def test_who_predicts_something_else_is_refused():
    found = Inference(["tiny"], [1], ["numpy"], [1], 1)
    for deviant in (2 * TOLERANCE, np.nan):
        with pytest.raises(RuntimeError, match="NumPy by hand is"):
            measure._check(found, "numpy", deviant)


def test_slow_calls_have_fewer_rounds():
    class Slow:
        threads = 1

        def ask(self, **request):
            return 2e6 if "measure" in request else 0.0

    found = Inference(["tiny"], [3], ["numpy"], [1], 5)
    measure._measure(found, "tiny", 3, {("numpy", 1): Slow()}, None)
    assert len(found.timings["tiny", 3, "numpy", 1].times) == measure.SLOW_ROUNDS


def made_inference(**microseconds):
    """One shape, one row, two numbers of threads; the second takes twice as long."""
    ways = list(microseconds)
    found = Inference(["tiny"], [1], ways, [1, 2], 3, deviations=dict.fromkeys(ways, 1e-7))
    for way, least in microseconds.items():
        for threads in (1, 2):
            times = Times([k * threads * least for k in (1, 2, 3)])
            found.timings["tiny", 1, way, threads] = times
    return found


def test_goals_of_inference_are_held_to_the_best_of_each_side():
    given = {"predictor": 2.0, "estimator": 10.0, "sklearn": 50.0}
    text = page(inference=made_inference(**given, onnx=9.0, onnx_bound=3.0))
    (first, second) = text.split("### scikit-learn's `predict`")
    assert cells(first, "4-10-3") == ["> 1", "1.50 (1.50)", "yes"]
    assert cells(second, "4-10-3") == ["≥ 5", "5.00 (5.00)", "yes"]
    times = cells(text, inference.WAYS["onnx"].label, "2")
    assert times == ["36.0 (18.0–54.0)"]
    worse = page(inference=made_inference(**given | {"sklearn": 49.0}, onnx=2.0, onnx_bound=3.0))
    assert cells(worse, "4-10-3") == ["> 1", "1.00 (1.00)", "**no**"]
    assert "4.90 (4.90) | **no**" in worse
    alone = page(inference=made_inference(**given))
    assert "onnxruntime ÷" not in alone


def page(**sections):
    return report(Results("command", "date", {}, {}, **sections))


# ------------------------------------------------------------------------ folds


def test_the_least_that_folds_can_take():
    assert folds.WAYS["cv"].least(2) == pytest.approx(2)
    assert folds.WAYS["cv"].least(16) == pytest.approx(4 / 5)
    assert folds.WAYS["bag"].least(2) == pytest.approx(2 * (1 - 1 / np.e))


class Here:
    """Folds in this process: starts are slow, and one is enough to see that they answer."""

    threads = 1

    def __init__(self, way):
        self.fits = folds._Fits(way)

    def ask(self, **request):
        return self.fits.answer(request)

    def close(self):
        pass


def test_folds_are_measured_and_shown(monkeypatch):
    def begun(module, way, threads):
        return Process(module, way, threads=threads) if way == "cv" else Here(way)

    monkeypatch.setattr(folds, "Process", begun)
    found = folds.measure_folds(1, quiet, {("diabetes", "plain"): 2})
    task = ("diabetes", "plain")
    assert {way: len(t.times) for way, t in found.timings[task].items()} == {
        "single": 1, "cv": 1, "bag": 1
    }  # fmt: skip
    text = page(folds=found)
    assert f"{found.ratio(task, 'cv')[0]:#.3g}" in text
    assert "`bag=4` ÷ one fit" in text


def test_fewer_epochs_than_asked_for_are_no_equal_work():
    class Short:
        def ask(self, **request):
            return {"epochs": [3] * 5, "score": 0.5}

    found = folds.Folds(1, 2, {("digits", "plain"): 4})
    with pytest.raises(RuntimeError, match="epochs"):
        folds._measure(found, ("digits", "plain"), {"cv": Short()})


@pytest.mark.parametrize(
    ("processors", "shown"),
    [(2, ["2.00", "≤ 2.1", "yes", "**no**"]), (4, ["1.00"])],
)
def test_the_goal_of_folds_is_one_for_two_processors(processors, shown):
    found = folds.Folds(1, processors, {})
    for name, seconds in (("digits", 2.1), ("diabetes", 2.2)):
        own = {"single": Times([1.0]), "cv": Times([seconds]), "bag": Times([1.5])}
        found.timings[name, "plain"] = own
        found.epochs[name, "plain"], found.scores[name, "plain"] = 3, 0.9
    text = page(folds=found)
    assert cells(text, "digits", "plain") == ["2.10 (2.10)", *shown[:3]]
    assert cells(text, "diabetes", "plain") == ["2.20 (2.20)", *shown[:2], *shown[3:]]


# -------------------------------------------------------------------- streaming


def test_streamed_sizes():
    assert streaming.sizes(1_000_000) == [1000, 10_000, 100_000, 1_000_000]
    assert streaming.sizes(2000) == [1000, 2000]
    assert streaming.sizes(10) == [10]


@pytest.mark.skipif(not streaming.available(), reason="peaks of processes are not told")
def test_streaming_is_measured():
    (found,) = streaming.measure_streaming([2000], 1, quiet)
    assert found.rows == 2000
    assert found.peaks[0] > found.decoded > 2000 * 9 * 8
    assert min(found.read.least, found.train.least, found.processor.least) > 0
    assert 0 < found.loss < 1


def test_streamed_tables_are_compared_with_the_largest():
    found = [
        streaming.Streamed(
            n, 2**20 * k, 0.25, Times([1.0]), Times([2.0 * k, 4.0 * k]), Times([1.0]), [2**21 * k]
        )
        for n, k in ((1000, 1), (10_000, 2))
    ]
    text = page(streaming=found)
    assert cells(text, "10,000") == [
        "2", "1.00 (1.00–1.00)", "6.00 (4.00–8.00)", "1.00 (1.00–1.00)", "1.00", "4", "0.250"
    ]  # fmt: skip
    assert cells(text, "1,000")[4] == "0.500"


def test_other_rows_than_those_written_are_refused():
    with pytest.raises(RuntimeError, match="100 rows were to be read, 99 were"):
        streaming._add({}, 100, {"rows": 99})


def test_a_process_that_fails_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(streaming.sys, "executable", "false")
    with pytest.raises(RuntimeError, match="a process for streaming failed"):
        streaming.measure(tmp_path)


# ------------------------------------------------------- processes, command line


def test_what_was_disturbed_is_measured_again(monkeypatch):
    """The host's share of the time, by try, and which try counts."""
    for shares, chosen in (([0.0], 1), ([0.5, 0.01], 2), ([0.5, 0.2, 0.3, 0.0], 2)):
        stolen, clock, tries = [0.0], [0.0], []

        def measure(shares=shares, stolen=stolen, clock=clock, tries=tries):
            clock[0] += 1.0
            stolen[0] += 2 * shares[len(tries)]  # of two threads
            tries.append(None)
            return len(tries)

        monkeypatch.setattr(process, "_stolen", lambda stolen=stolen: stolen[0])
        monkeypatch.setattr(process.time, "perf_counter", lambda clock=clock: clock[0])
        assert undisturbed(measure, 2) == chosen
        assert len(tries) == min(len(shares), process.TRIES)


@pytest.mark.skipif(not process.STATISTICS.exists(), reason="Linux tells what was stolen")
def test_stolen_seconds_are_the_sum_over_processors():
    lines = [line.split() for line in process.STATISTICS.read_text().splitlines()]
    ticks = sum(int(line[8]) for line in lines if re.fullmatch(r"cpu\d+", line[0]))
    assert process._stolen() == pytest.approx(ticks / os.sysconf("SC_CLK_TCK"), abs=1)


def test_engines_that_need_a_compiler_are_left_out_without(monkeypatch):
    monkeypatch.setenv("CXX", "no-such-compiler")
    assert "torch_compiled" not in engines.chosen(["torch"])
    monkeypatch.setenv("CXX", sys.executable)
    assert "torch_compiled" in engines.chosen(["torch"])


def test_processes_inherit_no_settings_of_a_blas(monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert not {"OPENBLAS_CORETYPE", "OMP_NUM_THREADS"} & environment().keys()
    assert environment(3)["OPENBLAS_NUM_THREADS"] == "3"
    assert environment().get("PATH") == os.environ.get("PATH")


def test_a_process_that_ends_is_told(capfd):
    process = Process("benchmarks.worker", "no such engine", "1", threads=1)
    with pytest.raises(RuntimeError, match="ended"):
        process.ask(prepare="tiny")
    process.close()
    assert "no such engine" in capfd.readouterr().err


def test_peers_that_are_not_installed_are_refused_or_left_out(monkeypatch):
    monkeypatch.setattr(command, "find_spec", lambda name: None if name == "onnx" else name)
    done = CliRunner().invoke(command.main, ["inference", "--peers", "sklearn,onnx"])
    assert done.exit_code == 2
    assert "not installed: onnx" in done.stderr
    assert command._peers(None, None, "all") == ["sklearn", "numpy", "torch", "jax"]


def test_every_section_is_asked_for_and_printed(monkeypatch):
    asked = []

    def fake(name):
        return lambda results, given: asked.append((name, given.peers, given.streamed))

    monkeypatch.setattr(command, "MEASURES", {name: fake(name) for name in command.SECTIONS})
    monkeypatch.setattr(command, "PAGE", None)
    for what in (*command.SECTIONS, "all"):
        done = CliRunner().invoke(
            command.main, [what, "--peers", "numpy", "--shapes", "tiny", "--streamed", "10"]
        )
        assert done.exit_code == 0, done.output
        line = f"python -m benchmarks {what} --peers numpy --rounds 7 --shapes tiny --streamed 10"
        assert line in done.stdout.replace("\n", " ")
    assert [name for name, *_ in asked] == [*command.SECTIONS, *command.SECTIONS]
    assert all(rest == [["numpy"], 10] for _, *rest in asked)


def test_start_times_are_held_to_their_goals():
    found = [start.Start("first", [1.0, 3.0, 2.0], True, 2.0), start.Start("x", [1.0], False, 0.5)]
    text = page(start=found)
    assert cells(text, "first") == ["2.00", "1.00", "3", "yes", "≤ 2", "yes"]
    assert cells(text, "x")[-1] == "**no**"
