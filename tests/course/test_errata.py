"""The errata page says what the examples measure, in both languages."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from chainrule.course import open_story, run

PAGES = Path(__file__).parents[2] / "docs" / "course"
NUMBER = re.compile(r"[−-]?\d+\.\d+")


def rows(name: str) -> list[list[str]]:
    text = (PAGES / name).read_text(encoding="utf-8").replace(r"\|", "¦")
    lines = [line for line in text.splitlines() if line.startswith("| 0")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.fixture(scope="module")
def printed(tmp_path_factory):
    from contextlib import redirect_stdout
    from io import StringIO

    out = StringIO()
    with redirect_stdout(out):
        for name in ("errata", "errata_methods"):
            run(open_story(name), tmp_path_factory.mktemp(name), show_prose=lambda _: None)
    return out.getvalue().replace("-", "−")


def test_both_pages_have_the_same_rows():
    english, chinese = rows("errata.md"), rows("errata.zh.md")
    assert len(english) == len(chinese) == 28
    for here, there in zip(english, chinese, strict=True):
        assert len(here) == len(there) == 4
        assert here[0].replace(", ", "、") == there[0]
        assert NUMBER.findall(here[3]) == NUMBER.findall(there[3])


def test_every_measured_number_is_what_the_examples_print(printed):
    numbers = [n for row in rows("errata.md") for n in NUMBER.findall(row[3])]
    given = {"−0.5", "0.7", "0.01", "0.1", "0.2", "0.9"}
    measured = [n for n in numbers if n not in given]
    assert len(measured) > 30
    for number in measured:
        assert number in printed, number
