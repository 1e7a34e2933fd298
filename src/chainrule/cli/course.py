"""``chainrule course``: the stories of the course, listed or run."""

from __future__ import annotations

import os
import shutil
import textwrap
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.console import ChainruleCommand, show_table

if TYPE_CHECKING:
    from chainrule.course import Story

__all__ = ["course"]

_WIDTH = 88
_GROUPS = {
    "en": {
        "A": "Models", "B": "Activations", "C": "Losses", "D": "The chain rule, computed",
        "E": "Learning", "F": "Generalising", "G": "Data", "H": "What the notes warn of",
    },
    "zh": {
        "A": "模型", "B": "激活函数", "C": "损失函数", "D": "链式法则的计算",
        "E": "学习", "F": "泛化", "G": "数据", "H": "讲义的告诫",
    },
}  # fmt: skip
_WORDS = {
    "en": ("name", "row", "title", "Picture", "Code"),
    "zh": ("名称", "条目", "标题", "图片", "代码"),
}


def _language() -> str:
    """The language that the environment asks for: the first of the variables that is set."""
    given = next(
        (os.environ[n] for n in ("LC_ALL", "LC_MESSAGES", "LANG") if os.environ.get(n)), ""
    )
    return "zh" if given.startswith("zh") else "en"


@click.command(cls=ChainruleCommand, short_help="Run the stories of the course.")
@click.argument("name", required=False)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("course"),
    show_default=True,
    help="Folder for the pictures.",
)
@click.option(
    "--language",
    type=click.Choice(["en", "zh"]),
    default=_language,
    help="Language of the prose; by default that of the environment (LANG).",
)
@click.option("--code", is_flag=True, help="Print the code as well.")
def course(name: str | None, output: Path, language: Any, code: bool) -> None:
    """Run the story NAME of the course and write its pictures; without NAME, list all stories."""
    from chainrule.course import open_story

    if name is None:
        _list(language)
    else:
        _tell(open_story(name, language), output, code)


def _list(language: Any) -> None:
    from chainrule.course import names, open_story

    stories = [open_story(name, language) for name in names()]
    for letter, group in _GROUPS[language].items():
        rows = [(s.name, s.rows, s.title) for s in stories if s.rows.startswith(letter)]
        if rows:
            show_table(f"{letter}  {group}", _WORDS[language][:3], rows)


def _tell(story: Story, output: Path, code: bool) -> None:
    from chainrule.course import run
    from chainrule.course.plain import plain

    width = min(shutil.get_terminal_size((_WIDTH, 0)).columns, _WIDTH)

    def show_prose(text: str) -> None:
        click.echo(f"\n{plain(text, width)}\n")

    def show_code(text: str) -> None:
        click.echo(textwrap.indent(text.strip("\n"), "  | ", lambda _: True) + "\n")

    def show_picture(path: Path) -> None:
        click.echo(f"[{picture_word}: {path}]")

    *_, picture_word, code_word = _WORDS[story.language]
    run(
        story,
        output,
        show_prose=show_prose,
        show_code=show_code if code else None,
        show_picture=show_picture,
    )
    click.echo(f"[{code_word}: {story.path}]")
