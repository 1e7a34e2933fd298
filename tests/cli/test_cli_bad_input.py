"""Bad input: one line that names the culprit and the remedy, exit code 2, no file harmed.

What the issue lists is tried with real processes, the many variations in the process of the tests.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import csv, parquet
from safetensors.numpy import save_file

import chainrule as cr
from chainrule.cli.main import main
from chainrule.data.readers import load_penguins, split_target
from chainrule.ops import ACTIVATIONS


@dataclass(frozen=True)
class Case:
    """A command that must fail, and words of its message, each one necessary.

    `content` is what the file data.csv holds, if the command reads one.
    """

    name: str
    command: str
    words: tuple[str, ...]
    content: str | bytes | None = None


def train(name: str, content: str | bytes, *words: str, options: str = "") -> Case:
    """Training on a bad data.csv whose target is y."""
    return Case(name, f"train data.csv --target y {options}", words, content)


def option(text: str, *words: str) -> Case:
    """A bad option when the table is good."""
    return Case(text, f"train penguins.csv --target species {text}", words)


GOOD = "a,b,y\n" + "1,2,u\n3,4,v\n5,6,u\n7,9,v\n" * 5

PENGUIN = "island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex,year\n"

PROCESSES = [
    # the target
    train("target missing in every row", "a,b,y\n1,2,\n3,4,\n", "'y'", "missing in every row"),
    train("constant number to predict", "a,y\n1,5\n2,5\n3,5\n", "'y'", "5 in every row",
          options="--task regression"),
    train("single class", "a,y\n1,u\n2,u\n3,u\n", "'y'", "single class, 'u'", "two or more"),
    Case("unknown target", "train penguins.csv --target speces",
         ("'speces'", "Did you mean 'species'?", "There are: bill_depth_mm, bill_length_mm")),
    # the table
    train("empty file", "", "data.csv is empty"),
    train("header only", "a,b,y\n", "data.csv", "no rows"),
    train("row too short", GOOD + "1,2\n" + "1,2,u\n", "data.csv, line 22 has 2 fields", "has 3"),
    train("nothing but gaps", "a,b,y\n,,u\n,,v\n,,u\n,,v\n", "no column is left", "'a', 'b'",
          "empty in every row"),
    train("infinite number", GOOD + "1,-inf,u\n", "data.csv, line 22", "'b' is infinite", "empty"),
    train("two columns of one name", "a,a,y\n1,2,u\n3,4,v\n", "two columns", "'a'", "rename"),
    train("column without a name", "a,,y\n1,2,u\n3,4,v\n", "column 2 has no name"),
    train("Latin-1", "a,y\ncafé,u\nthé,v\n".encode("latin-1"), "line 2 is not UTF-8",
          "cp1252", "'café'", "save"),
    Case("no Parquet", "train no.parquet --target y", ("no.parquet is not a Parquet file",)),
    # options
    option("--learning-rate 0", "learning_rate", "0.0", "(0, ∞)"),
    option("--learning-rate 1e200", "nothing was learnt", "epoch 1, step", "lower learning rate"),
    option("--batch-size 0", "batch_size", "[1, ∞)"),
    option("--activation rellu", "'rellu'", "Did you mean 'relu'?", ", ".join(sorted(ACTIVATIONS))),
    option("--optimizer addam", "'addam'", "Did you mean 'adam'?", "adagrad, adam, adamw"),
    option("--keep 1.5", "keep = 1.5", "(0, 1]"),
    option("--model missing/m.st", "missing/m.st", "no folder missing"),
    option("--model penguins.csv", "penguins.csv", "not a chainrule model", "another name"),
    # models
    Case("truncated model", "predict cut.st penguins.csv", ("cut.st", "truncated")),
    Case("altered weight", "predict flipped_weight.st penguins.csv",
         ("flipped_weight.st was altered", "again")),
    Case("altered configuration", "explain flipped_config.st",
         ("flipped_config.st was altered", "again")),
    Case("no model", "evaluate text.st penguins.csv", ("text.st is not a chainrule model",)),
    Case("somebody else's safetensors", "predict other.st penguins.csv",
         ("other.st is a safetensors file, but not a chainrule model",)),
    Case("no such model", "predict modl.st penguins.csv", ("no model file modl.st",)),
    # a model and a table
    Case("missing column", "predict model.st data.csv",
         ("lacks column 'island'", "Did you mean 'Island'?"),
         PENGUIN.replace("island", "Island") + "Dream,1,2,3,4,male,2007\n"),
    Case("evaluate an unseen label", "evaluate model.st unseen.csv",
         ("'species'", "'Emperor'", "Adelie, Chinstrap, Gentoo")),
    Case("output onto the table", "predict model.st penguins.csv -o penguins.csv",
         ("penguins.csv is an input", "-o")),
]  # fmt: skip

VARIATIONS = [
    train("constant fraction to predict", "a,y\n1,.5\n2,.5\n", "'y'", "0.5 in every row"),
    train("texts as numbers to predict", GOOD, "'y'", "'u'", "--task classification",
          options="--task regression"),
    train("numbers as classes", "a,y\n" + "".join(f"{k},{k}.5\n" for k in range(60)),
          "'y'", "regression", options="--task classification"),
    train("dates to predict", "a,y\n1,2020-01-01\n2,2020-01-02\n", "'y'", "dates"),
    train("nothing but the target", "y\n1\n2\n", "'y'", "no columns besides"),
    train("blank lines only", "\n\n\n", "data.csv is empty"),
    train("header only without end of line", "a,b,y", "data.csv", "no rows"),
    train("row too long", GOOD + "1,2,u,4\n", "data.csv, line 22 has 4 fields", "has 3"),
    train("infinite number after a text of two lines",
          'a,b,y\n"p\nq",1,u\n\n"p\nq",inf,v\n', "data.csv, line 6", "'b' is infinite"),
    train("infinite number to predict", "a,y\n1,2.5\n2,inf\n3,4.5\n", "line 3", "'y' is infinite"),
    train("Latin-1 in the header", "café,y\n1,u\n2,v\n".encode("latin-1"), "line 1 is not UTF-8"),
    train("UTF-16", GOOD.encode("utf-16"), "not UTF-8", "save"),
    train("a day that there is not", "d,y\n2020-02-28,u\n2020-02-29,v\n2020-02-30,u\n",
          "'d'", "'2020-02-30'", "leave it empty", options="--test-fraction 0"),
    train("a day that there is not, far down", "d,y\n" + "2020-02-28,u\n2020-02-29,v\n,\n" * 30
          + "2020-02-30,u\n", "'2020-02-30' in row 90 (counted from 0)", options="--seed 1"),
    train("too many texts", "a,y\n" + "".join(f"n{k // 6},{'uv'[k % 2]}\n" for k in range(600)),
          "'a'", "max_levels = 50", "drop it", options="--max-levels 50"),
    train("decimal commas", "a;b;y\n1,5;2;u\n2,5;3;v\n",
          "data.csv, line 2", "'a'", "'1,5'", "point"),
    train("row too short between semicolons", GOOD.replace(",", ";") + "1;2\n",
          "data.csv, line 22 has 2 fields separated by semicolons", "has 3"),
    train("too few rows to hold any out", "a,y\n1,2.5\n2,3.5\n", "2 rows", "too few",
          options="--test-fraction 0.9"),
    Case("no such table", "train penguin.csv --target species",
         ("no file penguin.csv", "Did you mean 'penguins.csv'?")),
    Case("a folder without tables", "train folder --target species",
         ("the folder folder holds no .csv or .parquet files",)),
    Case("a spreadsheet", "train book.xlsx --target y", ("book.xlsx", ".csv or .parquet")),
    Case("empty Parquet", "train empty.parquet --target y", ("empty.parquet", "Parquet")),
    Case("truncated Parquet", "train cut.parquet --target y", ("cut.parquet", "truncated")),
    Case("unnamed column in Parquet", "train unnamed.parquet --target y", ("no name",)),
    Case("lists in Parquet", "train lists.parquet --target y", ("'a'", "list", "drop")),
    option("--learning-rate=-0.1", "learning_rate", "-0.1", "(0, ∞)"),
    option("--learning-rate nan", "learning_rate", "nan"),
    option("--epochs 0", "epochs", "[1, ∞)"),
    option("--patience 0", "patience", "[1, ∞)"),
    option("--validation-fraction 1", "validation_fraction", "(0, 1)"),
    option("--keep 0", "keep = 0", "(0, 1]"),
    option("--time-limit 0", "time_limit", "(0, ∞)"),
    option("--max-levels 1", "max_levels", "[2, ∞)"),
    option("--threads 0", "threads", "[1, ∞)"),
    option("--seed -1", "--seed -1", "[0, 4294967296)"),
    option("--test-fraction 1.5", "--test-fraction 1.5", "[0, 1)"),
    option("--test-fraction nan", "--test-fraction nan", "[0, 1)"),
    option("--layers 0", "hidden = (0,)", "[1, ∞)"),
    option("--activation threshold", "'threshold'", "cannot be trained by gradients", "'sigmoid'"),
    option("--drop isle", "'isle'", "Did you mean 'island'?"),
    option("--drop species", "'species'", "as --target and as --drop"),
    option("--model folder", "folder", "not a chainrule model", "another name"),
    Case("model cut within its header", "explain header_only.st", ("header_only.st", "truncated")),
    Case("empty model", "predict empty.st penguins.csv", ("empty.st is not a chainrule model",)),
    Case("model of the future", "predict newer.st penguins.csv",
         ("newer.st has format 99", "install")),
    Case("swapped model and table", "predict penguins.csv model.st",
         ("penguins.csv is not a chainrule model", "--model")),
    Case("missing columns", "predict model.st data.csv",
         ("lacks columns 'island', 'bill_depth_mm'", "'year'"), "bill_length_mm,sex\n1,male\n"),
    Case("text where numbers were", "predict model.st data.csv",
         ("'body_mass_g'", "held numbers", "'heavy' in row 1 (counted from 0)"),
         PENGUIN + "Dream,1,2,3,4,male,2007\nDream,1,2,3,heavy,male,2007\n"),
    Case("number far from all others", "predict model.st data.csv",
         ("'year'", "1e+300 in row 0", "too far"), PENGUIN + "Dream,1,2,3,4,male,1e300\n"),
    Case("infinite number to predict from", "predict model.st data.csv", ("line 2", "'a'"),
         "a\ninf\n"),
    Case("predict without a table", "predict model.st nothing.csv", ("no file nothing.csv",)),
    Case("wrong number of columns", "predict unnamed.st penguins.csv",
         ("8 features", "trained on 2")),
    Case("texts for a bare network", "predict network.st penguins.csv",
         ("bare network", "every column must hold numbers")),
    Case("evaluate without the target", "evaluate model.st data.csv",
         ("data.csv has no column 'species', which model.st predicts", "give --target",
          "There are: island, sex"), "island,sex\nDream,male\n"),
    Case("evaluate with a column of the model", "evaluate model.st penguins.csv --target sex",
         ("--target sex is a column from which model.st predicts", "the target 'species'")),
    Case("evaluate with an unknown column", "evaluate model.st penguins.csv --target specie",
         ("unknown target column 'specie'", "Did you mean 'species'?")),
    Case("evaluate numbers where texts are", "evaluate mass.st data.csv --target size",
         ("'size'", "holds 'large'", "predicts numbers"),
         PENGUIN.replace("body_mass_g", "size,species") + "Dream,1,2,3,large,Adelie,male,2007\n"),
    Case("evaluate a nameless target", "evaluate unnamed.st penguins.csv", ("--target",)),
    Case("output onto a model", "predict model.st penguins.csv -o model.st",
         ("model.st", ".csv or .parquet")),
    Case("output in no folder", "predict model.st penguins.csv -o missing/out.csv",
         ("missing/out.csv", "no folder missing")),
    Case("output of an unknown kind", "predict model.st penguins.csv -o out.xlsx",
         ("out.xlsx", ".csv or .parquet")),
]  # fmt: skip

# click's own messages: a usage line comes first
USAGE = [
    option("--layers abc", "--layers", "'abc'", "64,64"),
    option("--layers 64;64", "--layers", "64,64"),
    option("--batch-size 2.5", "--batch-size", "'2.5'"),
    option("--task guess", "--task", "'classification', 'regression'"),
    option("--nonsense", "No such option '--nonsense'"),
    Case("no target given", "train penguins.csv", ("Missing option '--target'",)),
    Case("no table given", "predict model.st", ("Missing argument 'DATA'",)),
    Case("unknown command", "trian penguins.csv", ("No such command 'trian'",)),
]


# ---------------------------------------------------------------- running them


@pytest.fixture(scope="module")
def shelf(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Good and bad files, of which every case gets a copy."""
    place = tmp_path_factory.mktemp("shelf")
    (place / "folder").mkdir()
    _write_tables(place)
    _write_models(place)
    return place


def _write_tables(place: Path) -> None:
    table = load_penguins()
    csv.write_csv(table, place / "penguins.csv")
    text = (place / "penguins.csv").read_text()
    (place / "unseen.csv").write_text(text.replace("Gentoo", "Emperor", 1))
    for name in ("no.parquet", "book.xlsx", "text.st"):
        (place / name).write_text("nothing of the kind, but long enough to hold a header\n")
    parquet.write_table(table, place / "cut.parquet")
    whole = (place / "cut.parquet").read_bytes()
    (place / "cut.parquet").write_bytes(whole[: len(whole) // 2])
    (place / "empty.parquet").write_bytes(b"")
    parquet.write_table(pa.table({"": [1, 2], "y": [1, 2]}), place / "unnamed.parquet")
    parquet.write_table(pa.table({"a": [[1], [2]], "y": ["u", "v"]}), place / "lists.parquet")


def _write_models(place: Path) -> None:
    model = cr.NetworkClassifier((4,), epochs=2, random_state=0)
    X, y, _ = split_target(load_penguins(), "species")
    model.fit(X, y).save(place / "model.st")
    numbers = np.arange(20.0).reshape(10, 2)
    cr.NetworkClassifier((4,), epochs=1).fit(numbers, numbers[:, 0] > 9).save(place / "unnamed.st")
    X, y, _ = split_target(load_penguins(), "body_mass_g")
    cr.NetworkRegressor((4,), epochs=2).fit(X, y).save(place / "mass.st")
    cr.Network([cr.Dense(1)], input_shape=8).save(place / "network.st")
    _spoil((place / "model.st").read_bytes(), place)
    save_file({"a": np.zeros(3)}, place / "other.st")
    save_file({"a": np.zeros(3)}, place / "newer.st", {"chainrule": "99"})


def _spoil(whole: bytes, place: Path) -> None:
    """Copies of a model, each with one thing wrong."""
    header = 8 + int.from_bytes(whole[:8], "little")
    flipped = bytearray(whole)
    flipped[-3] ^= 1
    (place / "flipped_weight.st").write_bytes(flipped)
    (place / "flipped_config.st").write_bytes(whole.replace(b"Chinstrap", b"Chinstrep"))
    (place / "cut.st").write_bytes(whole[:-100])
    (place / "header_only.st").write_bytes(whole[: header - 10])
    (place / "empty.st").write_bytes(b"")


def contents(folder: Path) -> dict[str, bytes]:
    files = (path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def prepare(case: Case, shelf: Path, folder: Path) -> Path:
    """A copy of the shelf with the file of the case."""
    shutil.copytree(shelf, folder)
    if case.content is not None:
        content = case.content.encode() if isinstance(case.content, str) else case.content
        (folder / "data.csv").write_bytes(content)
    return folder


@dataclass(frozen=True)
class Outcome:
    """What a process left behind."""

    process: Any
    harmed: bool


@pytest.fixture(scope="module")
def outcome(
    request: pytest.FixtureRequest,
    shelf: Path,
    tmp_path_factory: pytest.TempPathFactory,
    command_line: Any,
) -> Iterator[Callable[[Case], Outcome]]:
    """The outcome of a case in a process; the processes of this run are started together."""

    def run(case: Case) -> Outcome:
        folder = prepare(case, shelf, tmp_path_factory.mktemp("case") / "files")
        before = contents(folder)
        process = command_line.run(*case.command.split(), folder=folder)
        return Outcome(process, harmed=contents(folder) != before)

    items = [getattr(item, "callspec", None) for item in request.session.items]
    chosen = [call.params["started"] for call in items if call and "started" in call.params]
    running = {case.name: command_line.pool.submit(run, case) for case in chosen}
    yield lambda case: running[case.name].result()
    for future in running.values():
        future.cancel()


def said(errors: str) -> list[str]:
    """Lines on standard error, but for the note that kernels are compiled the first time."""
    return [line for line in errors.splitlines() if not line.startswith("chainrule: compiling")]


def named(case: Case) -> str:
    return case.name


@pytest.mark.parametrize("started", PROCESSES, ids=named)
def test_a_mistake_is_one_line_naming_culprit_and_remedy_and_harms_no_file(started, outcome):
    result = outcome(started)
    lines = said(result.process.stderr)
    assert result.process.returncode == 2, result.process.stderr
    assert len(lines) == 1, result.process.stderr
    assert lines[0].startswith("Error: ")
    assert [word for word in started.words if word not in lines[0]] == [], lines[0]
    assert "np." not in lines[0]
    assert result.process.stdout == ""
    assert not result.harmed


@pytest.mark.parametrize("case", VARIATIONS, ids=named)
def test_a_variation_of_a_mistake_is_one_line_too(case, shelf, tmp_path, monkeypatch):
    folder = prepare(case, shelf, tmp_path / "files")
    before = contents(folder)
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(main, case.command.split())
    lines = said(result.stderr)
    assert result.exit_code == 2, result.exception
    assert len(lines) == 1, result.stderr
    assert lines[0].startswith("Error: ")
    assert [word for word in case.words if word not in lines[0]] == [], lines[0]
    assert "np." not in lines[0]
    assert result.stdout == ""
    assert contents(folder) == before


@pytest.mark.parametrize("case", USAGE, ids=named)
def test_a_usage_error_says_what_is_wrong_and_harms_no_file(case, shelf, tmp_path, monkeypatch):
    folder = prepare(case, shelf, tmp_path / "files")
    before = contents(folder)
    monkeypatch.chdir(folder)
    result = CliRunner().invoke(main, case.command.split())
    last = said(result.stderr)[-1]
    assert result.exit_code == 2
    assert last.startswith("Error: ")
    assert [word for word in case.words if word not in last] == [], last
    assert contents(folder) == before


def test_debug_shows_the_traceback(tmp_path, command_line):
    process = command_line.run("train", "no.csv", "--target", "y", "--debug", folder=tmp_path)
    assert process.returncode == 2
    assert process.stderr.startswith("Traceback (most recent call last):")
    assert process.stderr.splitlines()[-1].endswith("DataError: there is no file no.csv.")
