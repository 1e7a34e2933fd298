"""Prose as a terminal shows it."""

from __future__ import annotations

import pytest

from chainrule.course.plain import columns, plain, wrapped


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("*a* and **b c** and ``d``", "a and b c and d"),
        (":math:`w_0` times 2 * 3 * 4", "w_0 times 2 * 3 * 4"),
        ("see `here <https://example.org>`_", "see here (https://example.org)"),
        (r"the size \|z\|", "the size |z|"),
        ("Title\n=====\n\nText.", "Title\n=====\n\nText."),
        ("标题\n======\n\n正文。", "标题\n====\n\n正文。"),
        (".. math::\n\n   a = b\n\n   c = d\n\nText.", "    a = b\n    c = d\n\nText."),
        ("- one\n- two,\n  three", "- one\n- two, three"),
    ],
)
def test_markup_is_gone_and_formulas_stay(given, shown):
    assert plain(given) == shown


@pytest.mark.parametrize("width", [20, 31, 50])
@pytest.mark.parametrize(
    "text",
    [
        "Words of several lengths, one after the other; none is broken and nothing is lost. " * 3,
        "学习率太小，无法及时到达；太大，会越过目标（见讲义 003）。ReLU 的斜率是 0。" * 4,
    ],
)
def test_lines_are_full_and_not_too_long(text, width):
    lines = wrapped(text, width).splitlines()
    assert all(columns(line) <= width + 2 for line in lines)  # a closing mark may stick out
    assert "".join(lines).replace(" ", "") == text.replace(" ", "")
    assert all(columns(line) > width - 14 for line in lines[:-1])
    assert not any(line[0] in "，。；）" for line in lines)
    assert not any(line[-1] in "（" for line in lines)


def test_a_word_longer_than_the_line_stays_whole():
    assert wrapped("a " + "b" * 30 + " c", 10) == "a\n" + "b" * 30 + "\nc"


def test_list_items_hang():
    lines = plain("- " + "word " * 12 + "\n- last", 22).splitlines()
    assert lines[0].startswith("- word")
    assert lines[1].startswith("  word")
    assert lines[-1] == "- last"
