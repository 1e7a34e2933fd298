"""``chainrule course`` as a user runs it: real processes, in a checkout and installed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import chainrule
from chainrule.course import names, open_story

ROOT = Path(__file__).parents[2]
STORY = "mcculloch_pitts"


def unexpected(stderr):
    """Lines but the one that says, on a new machine, that kernels are compiled."""
    return [line for line in stderr.splitlines() if not line.startswith("chainrule: compiling")]


@pytest.fixture(scope="module")
def results(command_line, tmp_path_factory):
    """Every command in a folder of its own, at once."""
    base = tmp_path_factory.mktemp("course")
    blocked = base / "blocked" / "matplotlib"
    blocked.mkdir(parents=True)
    (blocked / "__init__.py").write_text("raise ImportError('not here')")
    path = os.pathsep.join(map(str, (blocked.parent, Path(chainrule.__file__).parents[1])))
    commands = {
        "list": (["course"], {"LC_ALL": "C.UTF-8"}),
        "list in Chinese": (["course"], {"LC_ALL": "", "LC_MESSAGES": "", "LANG": "zh_CN.UTF-8"}),
        "run": (["course", STORY, "--language", "en"], {}),
        "run in Chinese": (["course", STORY, "--language", "zh", "-o", "deep/er", "--code"], {}),
        "unknown": (["course", "mcculloch"], {}),
        "no such language": (["course", STORY, "--language", "fr"], {}),
        "a file in the way": (["course", STORY, "--output", "taken/course"], {}),
        "no matplotlib": (["course", STORY], {"PYTHONPATH": path}),
        "list without matplotlib": (["course"], {"PYTHONPATH": path}),
    }
    folders = {name: base / name for name in commands}
    for folder in folders.values():
        folder.mkdir()
    (folders["a file in the way"] / "taken").write_text("a file")
    started = {
        name: command_line.pool.submit(
            command_line.run, *arguments, folder=folders[name], **environment
        )
        for name, (arguments, environment) in commands.items()
    }
    return {name: (future.result(), folders[name]) for name, future in started.items()}


def test_the_list_has_every_story_in_its_group(results):
    done, _ = results["list"]
    assert done.returncode == 0
    assert unexpected(done.stderr) == []
    lines = done.stdout.splitlines()
    places = [next(k for k, line in enumerate(lines) if f" {name} " in line) for name in names()]
    assert places == sorted(places)
    for name, place in zip(names(), places, strict=True):
        story = open_story(name)
        assert story.rows in lines[place]
        assert lines[place].endswith(story.title)
    models = [open_story(name) for name in names() if open_story(name).rows.startswith("A")]
    columns = {line.index(s.title) for s in models for line in lines if f" {s.name} " in line}
    assert len(columns) == 1


def test_the_list_follows_the_environments_language(results):
    done, _ = results["list in Chinese"]
    assert done.returncode == 0
    for name in names():
        assert open_story(name, "zh").title in done.stdout


def test_a_story_is_told_in_order_and_its_pictures_are_written(results):
    done, folder = results["run"]
    assert done.returncode == 0
    assert unexpected(done.stderr) == []
    marks = [
        "Neurons as logic gates\n======", "    v = ∑_j w_j x_j + b = w^T x + b", "AND    OR  NAND",
        "XOR needs a second layer", "XOR: [-1.  1.  1. -1.]", "cannot be trained by gradients",
        f"[Picture: course/{STORY}-1.png]", "What to try.", f"{STORY}.py]",
    ]  # fmt: skip
    places = [done.stdout.index(mark) for mark in marks]
    assert places == sorted(places)
    assert "**" not in done.stdout
    assert "import" not in done.stdout
    assert [p.name for p in (folder / "course").iterdir()] == [f"{STORY}-1.png"]


def test_a_story_in_chinese_with_its_code(results):
    done, folder = results["run in Chinese"]
    assert done.returncode == 0
    assert "用神经元搭逻辑门\n================" in done.stdout
    assert "  | import chainrule as cr" in done.stdout
    assert "试一试。" in done.stdout
    assert (folder / "deep" / "er" / f"{STORY}-1.png").stat().st_size > 5000


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("unknown", "no example 'mcculloch'. Did you mean 'mcculloch_pitts'?"),
        ("a file in the way", "cannot write taken/course/mcculloch_pitts-1.png: "),
        ("no matplotlib", "pip install matplotlib"),
    ],
)
def test_what_goes_wrong_is_one_line(results, name, words):
    done, _ = results[name]
    assert done.returncode == 2
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("Error: ")


def test_another_language_is_refused(results):
    done, _ = results["no such language"]
    assert done.returncode == 2
    assert "'fr' is not one of 'en', 'zh'" in done.stderr


def test_the_list_needs_no_matplotlib(results):
    done, _ = results["list without matplotlib"]
    assert done.returncode == 0
    assert STORY in done.stdout


def test_the_examples_are_found_where_the_wheel_puts_them(tmp_path):
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    target = settings["tool"]["hatch"]["build"]["targets"]
    assert target["wheel"]["only-include"] == ["src", "examples/course"]
    assert "examples" in target["sdist"]["include"], "a wheel is built from the sdist"
    for source, place in target["wheel"]["sources"].items():
        shutil.copytree(ROOT / source, tmp_path / place, dirs_exist_ok=True)
    code = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from chainrule.course import names, open_story\n"
        "print(*(open_story(n, 'zh').path for n in names()), sep='\\n')"
    )
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, tmp_path],
        capture_output=True,
        text=True,
        check=True,
    )
    paths = done.stdout.splitlines()
    assert len(paths) == len(names())
    assert all(Path(p).is_relative_to(tmp_path / "chainrule" / "course") for p in paths)


def test_without_the_examples_it_says_so(tmp_path):
    shutil.copytree(ROOT / "src" / "chainrule", tmp_path / "lib" / "chainrule")
    done = subprocess.run(
        [sys.executable, "-m", "chainrule", "course"],
        cwd=tmp_path / "lib",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "the examples of the course are missing" in done.stderr
