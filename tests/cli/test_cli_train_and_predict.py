"""The commands as a user runs them: real processes on real files."""

from __future__ import annotations

import datetime
import re
import signal
import subprocess
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import csv, parquet
from sklearn import metrics

import chainrule as cr
from chainrule.cli.main import main
from chainrule.data.readers import load_penguins
from chainrule.estimators.defaults import DEFAULTS

SPECIES = ["Adelie", "Chinstrap", "Gentoo"]

TRAINING = {
    "classification": ["train", "penguins.csv", "--target", "species", "--model", "species.st"],
    "regression": [
        *("train", "penguins.parquet", "--target", "body_mass_g", "--drop", "year"),
        *("--layers", "32", "--activation", "tanh", "--learning-rate", 0.01),
        *("--model", "mass.st", "--quiet"),
    ],
    "unsaved": [
        *("train", "penguins.csv", "--target", "year", "--task", "regression"),
        *("--epochs", 2, "--test-fraction", 0),
    ],
    "demo": ["demo"],
    "activations": ["activations"],
    "version": ["--version"],
    "help": ["--help"],
    "help on train": ["train", "--help"],
}
AFTERWARDS = {
    "to csv": ["predict", "species.st", "penguins.csv", "-o", "out.csv"],
    "to stdout": ["predict", "species.st", "penguins.parquet"],
    "to parquet": ["predict", "mass.st", "penguins.parquet", "-o", "out.parquet"],
    "scored classes": ["evaluate", "species.st", "penguins.csv"],
    "scored numbers": ["evaluate", "mass.st", "penguins.csv"],
    "explained": ["explain", "species.st"],
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Penguins as CSV and as Parquet."""
    place = tmp_path_factory.mktemp("penguins")
    csv.write_csv(load_penguins(), place / "penguins.csv")
    parquet.write_table(load_penguins(), place / "penguins.parquet")
    return place


@pytest.fixture(scope="module")
def done(folder: Path, command_line: Any) -> Callable[[str], Any]:
    """The finished process of one of the commands above; it has ended well."""
    running = command_line.start(TRAINING, folder)
    for name in ("classification", "regression"):
        running[name].result()
    running |= command_line.start(AFTERWARDS, folder)

    def finished(name: str) -> Any:
        process = running[name].result()
        assert process.returncode == 0, process.stderr
        return process

    return finished


@pytest.fixture(scope="module")
def classifier(done: Callable[[str], Any], folder: Path) -> Any:
    done("classification")
    return cr.load(folder / "species.st")


@pytest.fixture(scope="module")
def regressor(done: Callable[[str], Any], folder: Path) -> Any:
    done("regression")
    return cr.load(folder / "mass.st")


def value(output: str, name: str) -> str:
    """What a line of the output says about something."""
    found = re.search(rf"^{re.escape(name)}  +(.*)$", output, re.MULTILINE)
    assert found, f"no line {name!r} in\n{output}"
    return found[1]


def number(output: str, name: str) -> float:
    return float(re.split(r"[; ]", value(output, name))[0])


def penguins() -> tuple[pa.Table, np.ndarray]:
    table = load_penguins()
    return table.drop_columns(["species"]), np.array(table["species"].to_pylist())


# ---------------------------------------------------------------------- train


def test_train_learns_classes_from_csv_and_says_how_well(done):
    process = done("classification")
    output = process.stdout
    assert number(output, "test accuracy") > 0.9
    assert "0.4348 by always answering with the commonest class" in value(output, "test accuracy")
    assert "3 classes, Adelie, Chinstrap, Gentoo" in value(output, "target")
    assert value(output, "rows") == "275 to train on, 69 to test"
    assert value(output, "columns") == "5 numbers, 1 yes-no, 1 category"
    assert value(output, "network") == "13 → 128 → 128 → 128 → 3, 4 times"
    assert value(output, "  island") == "category: 3 levels: Biscoe, Dream, Torgersen"
    assert value(output, "  sex") == "yes-no: female or male; 10 gaps"
    assert "saved to species.st" in process.stderr


def test_train_learns_numbers_from_parquet_with_the_options_given(done, regressor):
    output = done("regression").stdout
    assert number(output, "test R²") > 0.7
    assert "a number from 2700 to 6300" in value(output, "target")
    assert value(output, "rows") == (
        "274 to train on, 68 to test; 2 more without a target left out"
    )
    assert value(output, "network") == "10 → 32 → 1"
    assert regressor.hidden == (32,)
    assert regressor.activation == "tanh"
    assert regressor.learning_rate == 0.01
    assert "year" not in regressor.feature_names_in_


def test_train_without_a_model_option_saves_nothing_and_says_so(done, folder):
    process = done("unsaved")
    assert "not saved: add --model" in process.stderr
    assert {path.name for path in folder.glob("*.s*")} <= {"species.st", "mass.st", "stopped.st"}
    assert value(process.stdout, "rows") == "344 to train on, 0 to test"
    assert "test R²" not in process.stdout
    assert "guess" not in process.stdout


@pytest.mark.parametrize("members", ["1", "3"])
def test_ctrl_c_keeps_the_best_weights_so_far(folder, members):
    command = [
        *("train", "penguins.csv", "--target", "species", "--model", "stopped.st"),
        *("--preset", "plain", "--members", members),
        *("--epochs", "100000000", "--patience", "100000000"),
    ]
    with subprocess.Popen(
        [sys.executable, "-m", "chainrule", *command],
        cwd=folder,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert process.stderr is not None
        lines = iter(process.stderr.readline, "")
        assert any(line.startswith("training:") for line in lines)  # it is under way
        time.sleep(0.2)
        process.send_signal(signal.SIGINT)
        output, errors = process.communicate(timeout=60)
    assert process.returncode == 0, errors
    assert "interrupted" in value(output, "epochs")
    assert "Warning: training was interrupted" in errors
    assert cr.load(folder / "stopped.st").score(*penguins()) > 0.9


@pytest.mark.parametrize(
    ("cells", "meaning"),
    [
        ([0, 1] * 15, "2 classes, 0, 1"),
        ([0.0, 1.0, 2.0] * 10, "3 classes, 0.0, 1.0, 2.0"),  # as pandas writes them beside gaps
        (["true", "false"] * 15, "2 classes, False, True"),
        (["low", "high"] * 15, "2 classes, high, low"),
        ([*range(21), *range(9)], "a number from 0 to 20"),
        ([3, 5, 8, 13, 21, 34], "a number from 3 to 34"),
        ([0.5, 1.5] * 15, "a number from 0.5 to 1.5"),
    ],
)
def test_train_guesses_from_the_target_what_there_is_to_learn(cells, meaning, tmp_path):
    rows = "".join(f"{k},{cell}\n" for k, cell in enumerate(cells))
    (tmp_path / "t.csv").write_text("x,y\n" + rows)
    result = CliRunner().invoke(
        main, ["train", str(tmp_path / "t.csv"), "--target", "y", "--epochs", "1"]
    )
    assert result.exit_code == 0, result.output
    assert value(result.stdout, "target") == f"y: {meaning} (a guess: --task says otherwise)"


def test_train_says_what_it_made_of_each_column_and_what_it_left_out(tmp_path):
    begin = datetime.date(2024, 1, 1)
    rows = [
        f"{k},{begin + datetime.timedelta(k)},Mr {k},{'no' if k % 3 else 'yes'},,7,{k / 2},{k % 2}"
        for k in range(60)
    ]
    columns = "id,day,name,member,gone,same,x"
    (tmp_path / "t.csv").write_text("\n".join([f"{columns},y", *rows]) + "\n")
    command = ["train", str(tmp_path / "t.csv"), "--target", "y", "--epochs", "1"]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = CliRunner().invoke(main, [*command, "--test-fraction", "0"])
    assert result.exit_code == 0, result.output
    said = {name: value(result.stdout, f"  {name}") for name in columns.split(",")}
    kinds = {name: line.split(":")[0] for name, line in said.items()}
    assert kinds == {
        "id": "identifier", "day": "date", "name": "identifier", "member": "yes-no",
        "gone": "empty", "same": "constant", "x": "number",
    }  # fmt: skip
    assert [name for name, line in said.items() if line.endswith("left out")] == [
        "id", "name", "gone"
    ]  # fmt: skip
    assert value(result.stdout, "columns") == (
        "1 number, 1 date, 1 yes-no, 1 constant, 2 identifiers, 1 empty"
    )
    assert "Warning: left out of the table: columns 'id', 'name': an identifier" in result.stderr


def test_train_shows_no_more_columns_than_one_can_look_at(tmp_path):
    header = ",".join([*(f"x{k}" for k in range(30)), "y"])
    lines = [",".join(map(str, [*(j * k % 7 for k in range(1, 31)), j % 2])) for j in range(40)]
    (tmp_path / "t.csv").write_text("\n".join([header, *lines]) + "\n")
    result = CliRunner().invoke(
        main, ["train", str(tmp_path / "t.csv"), "--target", "y", "--epochs", "1"]
    )
    assert value(result.stdout, "  …") == "and 10 more"
    assert result.stdout.count("number: ") + result.stdout.count("constant: ") == 20


# -------------------------------------------------------------------- predict


def test_predict_to_a_file_agrees_with_the_model_loaded_in_python(done, classifier, folder):
    process = done("to csv")
    assert process.stdout == ""
    assert "344 predictions written to out.csv" in process.stderr
    written = csv.read_csv(folder / "out.csv")
    assert written.column_names == ["prediction", *(f"probability {name}" for name in SPECIES)]
    X, _ = penguins()
    assert written["prediction"].to_pylist() == classifier.predict(X).tolist()
    probabilities = np.column_stack([c.to_numpy() for c in written.columns[1:]])
    np.testing.assert_array_equal(probabilities, classifier.predict_proba(X))


def test_predict_on_standard_output_is_nothing_but_csv(done, classifier):
    process = done("to stdout")
    read = csv.read_csv(pa.BufferReader(process.stdout.encode()))
    X, _ = penguins()
    assert read["prediction"].to_pylist() == classifier.predict(X).tolist()
    assert process.stderr == ""


def test_predict_into_parquet_keeps_numbers_exactly(done, regressor, folder):
    done("to parquet")
    written = parquet.read_table(folder / "out.parquet")
    assert written.column_names == ["prediction"]
    expected = regressor.predict(load_penguins())
    np.testing.assert_array_equal(written["prediction"].to_numpy(), expected)


def test_predict_into_a_pipe_that_closes_is_quiet(classifier, folder):
    header, *rows = (folder / "penguins.csv").read_text().splitlines(keepends=True)
    (folder / "many.csv").write_text("".join([header, *rows * 10]))  # more than a pipe holds
    command = f'"{sys.executable}" -m chainrule predict species.st many.csv | head -n 2'
    process = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )
    assert len(process.stdout.splitlines()) == 2
    assert process.stderr == ""


def test_predict_takes_columns_in_any_order_and_ignores_others(classifier, folder):
    table = load_penguins().slice(0, 20)
    shuffled = table.select(table.column_names[::-1]).append_column("extra", [["?"] * 20])
    csv.write_csv(shuffled, folder / "shuffled.csv")
    result = CliRunner().invoke(
        main, ["predict", str(folder / "species.st"), str(folder / "shuffled.csv")]
    )
    assert result.exit_code == 0, result.output
    predicted = [line.split(",")[0].strip('"') for line in result.output.splitlines()[1:]]
    assert predicted == classifier.predict(table).tolist()


# ------------------------------------------------------------------- evaluate


def test_evaluate_classes_agrees_with_scikit_learn(done, classifier):
    X, y = penguins()
    predicted, probabilities = classifier.predict(X), classifier.predict_proba(X)
    expected = {
        "rows": 344,
        "accuracy": metrics.accuracy_score(y, predicted),
        "balanced accuracy": metrics.balanced_accuracy_score(y, predicted),
        "log loss": metrics.log_loss(y, probabilities),
    }
    for name, score in expected.items():
        assert number(done("scored classes").stdout, name) == pytest.approx(score, abs=6e-5)


def test_evaluate_numbers_agrees_with_scikit_learn(done, regressor):
    output = done("scored numbers").stdout
    table = load_penguins()
    known = np.array(table["body_mass_g"].is_valid())
    y = np.array(table["body_mass_g"].to_pylist(), dtype=float)[known]
    predicted = regressor.predict(table)[known]
    assert value(output, "rows") == "342; 2 more without a target left out"
    assert number(output, "R²") == pytest.approx(metrics.r2_score(y, predicted), abs=6e-5)
    root = metrics.root_mean_squared_error(y, predicted)
    assert number(output, "root mean squared error") == pytest.approx(root, rel=1e-3)
    mean = metrics.mean_absolute_error(y, predicted)
    assert number(output, "mean absolute error") == pytest.approx(mean, rel=1e-3)


def test_evaluate_reads_numbers_as_labels_where_training_had_texts(tmp_path):
    x = np.random.default_rng(0).normal(size=60)
    y = np.where(x > 1, "many", np.where(x > 0, "1", "2"))
    cr.NetworkClassifier(epochs=30, random_state=0).fit(x[:, None], y).save(tmp_path / "m.st")
    few = y != "many"  # the rest alone looks like a column of numbers
    rows = "".join(f"{a},{b}\n" for a, b in zip(x[few], y[few], strict=True))
    (tmp_path / "test.csv").write_text("x,y\n" + rows)
    result = CliRunner().invoke(
        main, ["evaluate", str(tmp_path / "m.st"), str(tmp_path / "test.csv"), "--target", "y"]
    )
    assert result.exit_code == 0, result.output
    assert number(result.output, "accuracy") > 0.6


def test_predict_with_a_bare_network_gives_its_scores(tmp_path, command_line):
    net = cr.Network([cr.Dense(3, "relu"), cr.Dense(2)], "cross_entropy", input_shape=2, seed=3)
    net.save(tmp_path / "net.st")
    (tmp_path / "x.csv").write_text("a,b\n1,-2\n0.5,4\n")
    process = command_line.run("predict", "net.st", "x.csv", folder=tmp_path)
    assert process.returncode == 0, process.stderr
    header, *rows = process.stdout.splitlines()
    assert header == '"score 0","score 1"'
    written = [[float(cell) for cell in row.split(",")] for row in rows]
    np.testing.assert_allclose(written, net.predict([[1, -2], [0.5, 4]]), rtol=1e-6)


# -------------------------------------------------------------------- reading


def test_explain_prints_inputs_equations_and_tape(done, classifier):
    output = done("explained").stdout
    assert value(output, "island").endswith("Biscoe, Dream, Torgersen")
    column = classifier.encoder_.columns_[1]
    assert value(output, "bill_length_mm").startswith(
        f"z / √(1 + (z/3)²), z = (x − {column.mean:.4g}) / {column.scale:.4g}; a gap is "
        f"{column.median:.4g}"
    )
    assert "Output: species, the class with the largest score: Adelie, Chinstrap, Gentoo" in output
    assert "y³ = z³ + α³ ⊙ (selu(z³) − z³)" in output
    assert re.search(r"dW4 = matmul_tn\(\w+, dz4\) .* \(128, 128\)", output)
    assert all(line == line.rstrip() for line in output.splitlines())


def test_explain_as_latex_is_nothing_but_latex(tmp_path, command_line):
    net = cr.Network([cr.Dense(3, "tanh"), cr.Dense(2)], input_shape=2)
    net.save(tmp_path / "net.st")
    process = command_line.run("explain", "net.st", "--latex", "--notation", "002", folder=tmp_path)
    assert process.returncode == 0, process.stderr
    assert process.stdout.startswith(r"\begin{aligned}")
    assert process.stdout.rstrip().endswith(r"\end{aligned}")
    assert process.stdout.rstrip("\n") == net.explain(notation="002", latex=True)


def test_output_survives_an_old_windows_code_page(tmp_path, command_line):
    cr.Network([cr.Dense(3, "relu")], input_shape=2).save(tmp_path / "net.st")
    process = command_line.run("explain", "net.st", folder=tmp_path, PYTHONIOENCODING="cp1252")
    assert process.returncode == 0, process.stderr
    assert "Tape of one training step" in process.stdout


def test_activations_lists_every_activation_with_its_formula(done):
    lines = {line.split()[0]: line for line in done("activations").stdout.splitlines() if line}
    for name, record in cr.ops.ACTIVATIONS.items():
        assert record.formula in lines[name]


def test_version_and_help_name_what_there_is(done):
    assert cr.__version__ in done("version").stdout
    for command in ("train", "predict", "evaluate", "explain", "activations", "course", "demo"):
        assert re.search(rf"^  {command}  +[A-Z].*\.$", done("help").stdout, re.MULTILINE)


def test_help_on_train_has_the_defaults_of_the_estimators(done):
    text = " ".join(done("help on train").stdout.split())
    model = cr.NetworkClassifier()
    assert f"to choose the epoch, in (0, 1); default {model.validation_fraction}." in text
    for name in ("batch_size", "epochs", "keep", "patience", "members"):
        assert getattr(model, name) is None
        record = DEFAULTS[name]
        meaning = f"{record.meaning[0].upper()}{record.meaning[1:]}, in {record.interval}"
        assert f"{meaning}; by the preset if not given." in text


# ----------------------------------------------------------------------- demo


def test_demo_trains_beside_scikit_learn_shows_the_tape_and_predicts(done):
    process = done("demo")
    output = process.stdout
    for name in ("chainrule", "scikit-learn MLPClassifier"):
        found = re.search(rf"^ *{name} +(\d\.\d+) +(\d+\.\d+) ", output, re.MULTILINE)
        assert found, output
        assert float(found[1]) > 0.9
        assert float(found[2]) > 0
    assert re.search(r"^ *0  x = gather\(inputs\)", output, re.MULTILINE)
    assert re.search(r"W1, m_W1, v_W1 = adam\(", output)
    found = re.search(r"(\d+) of (\d+) are right", output)
    assert found
    assert int(found[2]) == 86
    assert int(found[1]) > 0.9 * 86
    assert len(re.findall(rf"^ +(?:{'|'.join(SPECIES)}) +\w+ +\d\.\d+", output, re.MULTILINE)) == 5
    assert "training:" in process.stderr  # progress, on the other stream
