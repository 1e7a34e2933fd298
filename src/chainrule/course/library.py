"""Where the stories lie, what they are called, and how their two languages are put together.

An example is a Python file in sphinx-gallery's form: a docstring with a title, then blocks of code
and of prose in comments, separated by ``# %%``. ``zh/<name>.txt`` holds the Chinese prose of the
same blocks in the same order, separated by lines ``# %%``.
"""

from __future__ import annotations

import ast
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from chainrule.errors import ChainruleError, UnknownNameError, closest

__all__ = ["LANGUAGES", "Block", "Language", "Story", "folder", "names", "open_story"]

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
_MARK = "# %%"
_ROWS = re.compile(r"^\*(?:Row|条目) ([A-H]\d*(?: · [A-H]\d*)*)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """A piece of a story.

    Attributes
    ----------
    kind : {"prose", "code"}
    text : str
        reStructuredText, or Python.
    line : int
        Line of the file where the code begins, from 1; 0 for prose.
    """

    kind: Literal["prose", "code"]
    text: str
    line: int = 0


@dataclass(frozen=True)
class Story:
    """One example.

    Attributes
    ----------
    path : Path
        The Python file; its name without the ending is the story's name.
    language : {"en", "zh"}
        Of the prose.
    """

    path: Path
    language: Language = "en"

    @property
    def name(self) -> str:
        """Such as "xor"."""
        return self.path.stem

    @cached_property
    def blocks(self) -> list[Block]:
        """Prose and code in order, the introduction first.

        Raises
        ------
        ChainruleError
            If the translation does not have as many pieces of prose as the example.
        """
        blocks = _split(self.path.read_text(encoding="utf-8"))
        if self.language == "en":
            return blocks
        prose = iter(self._translation(sum(b.kind == "prose" for b in blocks)))
        return [Block("prose", next(prose)) if b.kind == "prose" else b for b in blocks]

    def _translation(self, wanted: int) -> list[str]:
        path = self.path.parent / "zh" / f"{self.name}.txt"
        text = path.read_text(encoding="utf-8") if path.is_file() else ""
        pieces = [piece.strip() for piece in re.split(rf"^{_MARK}$", text, flags=re.MULTILINE)]
        if len(pieces) != wanted:
            raise ChainruleError(
                f"the Chinese text of '{self.name}' has {len(pieces)} pieces, the example has "
                f"{wanted}: run it with --language en."
            )
        return pieces

    @property
    def title(self) -> str:
        """The first line of the introduction."""
        return self.blocks[0].text.strip().splitlines()[0]

    @property
    def rows(self) -> str:
        """Which rows of the course it shows, such as "A7 · D2"."""
        found = _ROWS.search(self.blocks[0].text)
        return found.group(1) if found else ""


def _split(source: str) -> list[Block]:
    """The blocks of an example: its docstring, then what ``# %%`` separates."""
    docstring = ast.parse(source).body[0]
    introduction = ast.get_docstring(ast.Module([docstring], [])) or ""
    blocks, lines = [Block("prose", introduction)], source.splitlines()
    start = docstring.end_lineno or 0
    marks = [k for k in range(start, len(lines)) if lines[k].strip() == _MARK]
    for begin, end in zip([start, *(k + 1 for k in marks)], [*marks, len(lines)], strict=True):
        code = begin
        while begin in (k + 1 for k in marks) and code < end and lines[code].startswith("#"):
            code += 1
        prose = "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines[begin:code])
        if prose.strip():
            blocks.append(Block("prose", prose.strip()))
        if any(line.strip() for line in lines[code:end]):
            blocks.append(Block("code", "\n".join(lines[code:end]), code + 1))
    return blocks


def folder() -> Path:
    """The folder of the examples: inside the installed package, or in the checkout.

    Raises
    ------
    ChainruleError
        If neither is there.
    """
    package = Path(__file__).resolve().parents[1]
    places = package / "course" / "examples", package.parents[1] / "examples" / "course"
    for place in places:
        if place.is_dir():
            return place
    raise ChainruleError(
        f"the examples of the course are missing: neither {places[0]} nor {places[1]} exists. "
        f"Install chainrule again."
    )


def names() -> list[str]:
    """The names of all stories, in the order of the course's rows."""
    return [story.name for story in sorted(map(Story, _paths()), key=_place)]


def _paths() -> list[Path]:
    return list(folder().glob("*.py"))


def _place(story: Story) -> tuple[str, int, str]:
    row = story.rows.split(" · ")[0] or "Z"
    return row[0], int(row[1:] or 0), story.name


def open_story(name: str, language: Language = "en") -> Story:
    """The story called `name`.

    Raises
    ------
    UnknownNameError
        Suggesting the closest name.

    Examples
    --------
    >>> open_story("xor").title
    'XOR: one hidden layer is enough'
    """
    paths = {path.stem: path for path in _paths()}
    if name not in paths:
        raise UnknownNameError(
            f"the course has no example {name!r}.{closest(name, paths)} "
            f"'chainrule course' lists what there is."
        )
    return Story(paths[name], language)
