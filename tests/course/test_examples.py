"""Every story of the course runs as written, draws its pictures, and speaks both languages."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import matplotlib.image as mpl_image
import pytest

from chainrule.course import Story, names, open_story, run
from chainrule.course.library import folder
from chainrule.course.plain import columns
from chainrule.errors import ChainruleError, UnknownNameError

NAMES = names()
ROWS = {
    *(f"A{k}" for k in range(1, 12)), "B", *(f"C{k}" for k in range(1, 7)),
    *(f"D{k}" for k in range(1, 7)), *(f"E{k}" for k in range(1, 10)),
    *(f"F{k}" for k in range(1, 8)), *(f"G{k}" for k in range(1, 5)), "H",
}  # fmt: skip
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def prose(story: Story) -> list[str]:
    return [block.text for block in story.blocks if block.kind == "prose"]


def formulas(text: str) -> list[str]:
    return [
        *re.findall(r"^\.\. math::\n\n((?:   .*\n?|\n(?=   ))+)", text, flags=re.MULTILINE),
        *re.findall(r":math:`([^`]+)`", text),
    ]


@pytest.mark.parametrize("name", NAMES)
def test_the_story_runs_and_draws(name, tmp_path, capsys):
    told: list[str] = []
    story = open_story(name)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        pictures = run(story, tmp_path / "pictures", show_prose=told.append)
    assert told == prose(story)
    assert capsys.readouterr().out.strip()
    assert [p.name for p in pictures] == [f"{name}-{k + 1}.png" for k in range(len(pictures))]
    assert pictures
    for picture in pictures:
        pixels = mpl_image.imread(picture)
        assert min(pixels.shape[:2]) > 200
        assert pixels[..., :3].std() > 0.02, "the picture is blank"


@pytest.mark.parametrize("name", NAMES)
def test_the_story_has_its_parts(name):
    story = open_story(name)
    text = prose(story)
    source = story.path.read_text(encoding="utf-8")
    assert re.fullmatch(r"=+", text[0].splitlines()[1])
    assert story.rows
    assert "notes" in text[0]
    assert formulas(text[0])
    assert text[-1].rsplit("\n\n", 1)[-1].startswith("**What to try.**")
    assert "print(" in source
    assert 40 <= len(source.splitlines()) <= 140
    assert re.search(r"xlabel=|set_xlabel|set_axis_off", source), "axes have names"


@pytest.mark.parametrize("name", NAMES)
def test_the_chinese_text_follows_the_english_one(name):
    english, chinese = open_story(name), open_story(name, "zh")
    pairs = list(zip(prose(english), prose(chinese), strict=True))
    assert chinese.rows == english.rows
    for there, here in pairs:
        assert CHINESE.search(here)
        assert formulas(here) == formulas(there)
    assert CHINESE.search(chinese.title)
    title, line = pairs[0][1].splitlines()[:2]
    assert re.fullmatch(r"=+", line)
    assert len(line) >= columns(title), "docutils asks for a line as long as the title"
    assert "**试一试。**" in pairs[-1][1]
    code = [block for block in english.blocks if block.kind == "code"]
    assert [block for block in chinese.blocks if block.kind == "code"] == code


def test_there_is_no_translation_without_an_example():
    assert {path.stem for path in (folder() / "zh").iterdir()} == set(NAMES)


def test_the_rows_are_all_there_and_in_order():
    shown = [row for name in NAMES for row in open_story(name).rows.split(" · ")]
    assert set(shown) >= ROWS
    first = [open_story(name).rows.split(" · ")[0] for name in NAMES]
    assert first == sorted(first, key=lambda row: (row[0], int(row[1:] or 0)))


def test_the_blocks_are_the_file(tmp_path):
    path = tmp_path / "two.py"
    path.write_text(
        '"""\nTwo\n===\n"""\n\nx = 1\n# a comment\n\n'
        "# %%\n# Prose,\n#\n# more.\n\ny = 2\n\n# %%\n# End.\n"
    )
    blocks = Story(path).blocks
    assert [(b.kind, b.text.strip()) for b in blocks] == [
        ("prose", "Two\n==="),
        ("code", "x = 1\n# a comment"),
        ("prose", "Prose,\n\nmore."),
        ("code", "y = 2"),
        ("prose", "End."),
    ]
    code = blocks[3].text.splitlines()
    assert path.read_text().splitlines()[blocks[3].line - 1 :][: len(code)] == code


def test_an_error_in_a_story_names_its_line(tmp_path):
    path = tmp_path / "wrong.py"
    path.write_text('"""\nWrong\n=====\n"""\n\n# %%\n# Here it comes.\n\n\n1 / 0\n')
    with pytest.raises(ZeroDivisionError) as caught:
        run(Story(path), tmp_path, show_prose=lambda _: None)
    assert caught.traceback[-1].lineno + 1 == 10
    assert Path(caught.traceback[-1].path) == path


def test_a_translation_with_a_piece_too_few_is_refused(tmp_path):
    path = tmp_path / "two.py"
    path.write_text('"""\nTwo\n===\n"""\n\nx = 1\n\n# %%\n# End.\n')
    (tmp_path / "zh").mkdir()
    (tmp_path / "zh" / "two.txt").write_text("二\n==\n", encoding="utf-8")
    with pytest.raises(ChainruleError, match="'two' has 1 pieces, the example has 2"):
        _ = Story(path, "zh").blocks


def test_an_unknown_story_is_refused_with_the_closest_name():
    with pytest.raises(UnknownNameError, match=r"no example 'xro'\. Did you mean 'xor'\?"):
        open_story("xro")
