"""The guides for people with a table: they run as written and print what they show."""

import re
import subprocess
import sys
import warnings
from pathlib import Path

import matplotlib as mpl
import pytest
from click.testing import CliRunner
from pyarrow import csv

from chainrule.cli.main import main
from chainrule.data.readers import load_penguins

DOCS = Path(__file__).parents[1] / "docs"
GUIDES = ["coming-from-scikit-learn.md", "tables.md"]
FENCE = re.compile(r"```(python|text|console)\n(.*?)```", flags=re.DOTALL)
FEW_EPOCHS = ["--epochs", "2"]  # words are compared, not scores
WHY_IT_ENDED = re.compile("all epochs done|no improvement")
NUMBER = re.compile(r"[-+]?\d[\d.]*(e[-+]?\d+)?")


def plain(line):
    """A line without its numbers, which differ between machines, and without its columns."""
    return " ".join(NUMBER.sub("#", WHY_IT_ENDED.sub("…", line)).split())


def missing(shown, printed):
    """The lines shown that are not among those printed, in their order; … stands for others."""
    rest = iter([plain(line) for line in printed.splitlines()])
    wanted = [plain(line) for line in shown.splitlines()]
    return [line for line in wanted if line not in ("…", "") and line not in rest]


def run_python(code, namespace, page, capsys):
    """Run a block; what it printed, after what it warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        exec(compile(code, page, "exec"), namespace)
    warned = dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in caught)
    return "\n".join([*warned, capsys.readouterr().out]), list(warned)


def run_commands(session):
    """Run each ``$ chainrule …``; nothing is missing of what the page shows below it."""
    for command, shown in re.findall(r"^\$ chainrule (.+)\n((?:(?!\$ ).*\n)*)", session, re.M):
        words = command.split()
        if words[0] == "compare":
            continue  # takes long, and test_cli_compare runs it
        words += ["--quiet", *FEW_EPOCHS] if words[0] == "train" else []
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            done = CliRunner().invoke(main, words)
        assert done.exit_code == (2 if shown.startswith("Error") else 0), done.output
        assert not missing(shown, done.output), done.output


@pytest.fixture
def beside_penguins(tmp_path, monkeypatch):
    csv.write_csv(load_penguins(), tmp_path / "penguins.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")
    mpl.use("Agg")


@pytest.mark.usefixtures("beside_penguins")
@pytest.mark.parametrize("page", GUIDES)
def test_a_guide_runs_as_written_and_prints_what_it_shows(page, capsys):
    namespace: dict[str, object] = {}
    blocks = FENCE.findall((DOCS / page).read_text(encoding="utf-8"))
    assert sum(kind == "python" for kind, _ in blocks) >= 6
    printed, warned = "", []
    for place, (kind, text) in enumerate(blocks):
        if kind == "python":
            printed, warned = run_python(text, namespace, page, capsys)
            output = blocks[place + 1][1] if blocks[place + 1 :] else ""
            assert not missing("\n".join(warned), output), "a warning that the page does not show"
        elif kind == "text":
            assert not missing(text, printed), printed
        else:
            run_commands(text)


def test_a_line_that_is_not_printed_is_missing():
    printed = "epochs  31, best 11; no improvement\nR²  0.84\n"
    assert not missing("epochs 9, best 2; all epochs done\n…\nR² -1e-3\n", printed)
    assert missing("R² 0.84\nepochs 1, best 1; no improvement\n", printed)
    assert missing("accuracy 0.84\n", printed) == ["accuracy #"]


@pytest.mark.parametrize("page", GUIDES)
def test_every_link_of_a_guide_leads_somewhere(page):
    for target in re.findall(r"\]\(([^)#:]+)\)", (DOCS / page).read_text(encoding="utf-8")):
        assert (DOCS / target).exists(), target


@pytest.mark.parametrize("page", GUIDES)
def test_every_option_that_a_guide_names_exists(page):
    text = (DOCS / page).read_text(encoding="utf-8")
    helps = [
        subprocess.run(
            [sys.executable, "-m", "chainrule", command, "--help"],
            capture_output=True, text=True, check=True,
        ).stdout
        for command in ("train", "compare")
    ]  # fmt: skip
    for option in set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", text)):
        assert any(f"{option} " in given or f"{option}\n" in given for given in helps), option
