"""``chainrule train --report --log`` as a user runs it."""

import re
import subprocess
import sys

import pytest
from click.testing import CliRunner
from pyarrow import csv

from chainrule.cli.main import main
from chainrule.data.readers import load_penguins
from chainrule.training import read_log

TRAIN = ["train", "penguins.csv", "--target", "species", "--layers", "8,8", "--epochs", "6"]
RECORDS = ["--report", "out/report.html", "--log", "run.jsonl", "--seed", "3"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("records")
    (place / "out").mkdir()
    csv.write_csv(load_penguins(), place / "penguins.csv")
    return place


def test_a_report_and_a_log_of_one_training(command_line, folder):
    done = command_line.run(*TRAIN, *RECORDS, folder=folder)
    assert done.returncode == 0, done.stderr
    assert "report written to out/report.html" in done.stderr
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    score, dummy = map(float, re.findall(r'<dd><data value="([^"]*)"', page))
    said = re.search(r"test accuracy +([\d.]+); ([\d.]+) by always", done.stdout)
    assert [f"{score:.4f}", f"{dummy:.4f}"] == [said[1], said[2]]
    command = (
        "chainrule train penguins.csv --target species --layers 8,8 --epochs 6 --seed 3 "
        "--report report.html --log run.jsonl"
    )
    assert command in page
    assert str(folder) not in page
    run = read_log(folder / "run.jsonl")[0]
    assert run.start["settings"] == {"command": command, "hidden": [8, 8], "epochs": 6, "seed": 3}
    assert run.end["epochs"] == len(run.epochs) == 6


def test_without_matplotlib_one_line_says_so_before_any_training(folder):
    code = (
        "import sys; sys.modules['matplotlib'] = None; from chainrule.cli.main import main; main()"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, *TRAIN, "--report", "new.html", "--log", "new.jsonl"],
        cwd=folder, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("Error: --report cannot be written")
    assert "pip install chainrule[plot]" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not done.stdout
    assert not (folder / "new.jsonl").exists()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--report", "penguins.csv"], "penguins.csv is given twice"),
        (["--report", "x.html", "--log", "x.html"], "x.html is given twice"),
        (["--log", "other.txt"], "other.txt exists and is not a log of training runs"),
        (["--report", "other.txt"], "other.txt exists and is not a chainrule report"),
        (["--report", "missing/x.html"], "no folder missing"),
        (["--report", "x.html", "--test-fraction", "0"], "--test-fraction above 0"),
    ],
)
def test_what_could_not_be_written_is_refused_first(folder, monkeypatch, options, words):
    monkeypatch.chdir(folder)
    (folder / "other.txt").write_text("mine")
    done = CliRunner().invoke(main, [*TRAIN, *options])
    assert done.exit_code == 2
    assert words in done.stderr
    assert not done.stdout
    assert (folder / "other.txt").read_text() == "mine"
    assert not (folder / "x.html").exists()
