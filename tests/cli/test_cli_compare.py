"""``chainrule compare`` as a process: tables, verdicts, Ctrl-C, bad input."""

import signal
import subprocess
import sys
import time

import pytest
from click.testing import CliRunner
from pyarrow import csv

from chainrule.cli.main import main
from chainrule.data.readers import load_penguins


@pytest.fixture(scope="module")
def penguins(tmp_path_factory):
    path = tmp_path_factory.mktemp("compare") / "penguins.csv"
    csv.write_csv(load_penguins(), path)
    return path


def command(*words):
    return [sys.executable, "-W", "error", "-m", "chainrule", "compare", *map(str, words)]


def test_a_table_of_models_and_a_sentence(penguins):
    words = penguins, "--target", "species", "--quick", "--models", "dummy,linear,network"
    done = subprocess.run(command(*words), capture_output=True, text=True, check=True, timeout=300)
    title, header, _, *rows = [line for line in done.stdout.splitlines() if line.strip()]
    assert title.strip().startswith("species: classification (a guess")
    assert "344 rows, 3 folds" in title
    for name in ("model", "accuracy", "log loss", "ROC AUC", "seconds a fit"):
        assert name in header
    assert [row.split()[0] for row in rows[:3]][-1] == "dummy"  # sorted, the best first
    assert len({line.index("±") for line in rows[:3]}) == 1  # aligned
    sentence, by_loss = rows[3], rows[-1]
    assert "dummy" not in sentence
    assert by_loss.startswith("By log loss: ")


def test_numbers(penguins):
    words = ["compare", str(penguins), "--target", "body_mass_g", "--drop", "year", "--folds", "2"]
    words += ["--models", "linear, dummy", "--quiet", "--group-equal-rows"]
    done = CliRunner().invoke(main, words)
    assert done.exit_code == 0, done.output
    assert "body_mass_g: regression" in done.stdout
    assert "2 more without a target left out" in done.stdout
    assert "R²" in done.stdout
    assert "RMSE" in done.stdout
    assert "Use linear: " in done.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
def test_ctrl_c_shows_what_is_done(penguins, tmp_path):
    """Hundreds of folds of a forest: far from done when the signal comes."""
    words = penguins, "--target", "species", "--folds", 60, "--models", "dummy,random forest"
    with subprocess.Popen(
        command(*words), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            time.sleep(4)
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=120)
        finally:
            process.kill()
    assert "Traceback" not in err
    assert process.returncode in (130, 1)
    if process.returncode == 130:
        assert "stopped: models that were not done on every fold are left out" in err
        assert "random forest" not in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--target speces", "unknown target column 'speces'. Did you mean 'species'?"),
        ("--target species --folds 1", "folds = 1 is not possible: give a whole number in [2, ∞)"),
        ("--target species --folds 999", "folds = 999 and 344 rows"),
        ("--target species --folds 100", "rows of the class 'Chinstrap', and each of 100 folds"),
        ("--target species --models tree", "unknown model 'tree'"),
        ("--target species --models ,", "--models names none"),
        ("--target species --seed -1", "--seed -1 is not possible"),
        ("--target species --drop spices", "unknown column 'spices'"),
    ],
)
def test_what_cannot_be_is_one_line_and_exit_code_2(penguins, words, message):
    done = CliRunner().invoke(main, ["compare", str(penguins), *words.split()])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
