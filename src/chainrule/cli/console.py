"""How commands speak: results on standard output, notes on standard error, errors as one line."""

from __future__ import annotations

import sys
import traceback
import warnings
from collections.abc import Iterable, Sequence
from typing import Any

import click

from chainrule.errors import ChainruleError

__all__ = ["ChainruleCommand", "ChainruleGroup", "note", "show_pairs", "show_table"]

_PLAIN_WIDTH = 160  # columns of a table that goes to a file or a pipe


def note(text: str) -> None:
    """A line for the reader; standard error, so that output can be piped."""
    click.echo(text, err=True)


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """An aligned table; numbers to the right."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    if title:  # above the table, for within it the title would be broken to its width
        _print(Text(title, "italic"))
    table = Table(box=box.SIMPLE_HEAD)
    content = [list(map(str, row)) for row in rows]
    for k, name in enumerate(columns):
        number = bool(content) and all(_is_number(row[k]) for row in content)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in content:
        table.add_row(*row)
    _print(table)


def show_pairs(pairs: Iterable[tuple[str, Any]]) -> None:
    """Aligned names and values, a line each."""
    from rich.table import Table

    table = Table.grid(padding=(0, 3, 0, 0))
    for name, value in pairs:
        table.add_row(name, str(value))
    _print(table)


def _print(renderable: Any) -> None:
    """Print what rich has laid out, without the blanks that fill its lines."""
    from rich.console import Console

    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    console = Console(width=width, highlight=False, markup=False)
    with console.capture() as laid_out:
        console.print(renderable)
    click.echo("\n".join(line.rstrip() for line in laid_out.get().splitlines()))


def _is_number(text: str) -> bool:
    try:
        float(text.split(" ")[0].rstrip("%").replace("−", "-"))
    except ValueError:
        return False
    return True


class ChainruleCommand(click.Command):
    """A command whose mistakes of the user's are one line and exit code 2."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.append(
            click.Option(["--debug"], is_flag=True, help="Show the traceback of an error.")
        )

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command."""
        debug = ctx.params.pop("debug", False)
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            try:
                return super().invoke(ctx)
            except ChainruleError as error:
                if debug:
                    traceback.print_exc()
                else:
                    note(f"Error: {' '.join(str(error).split())}")
                ctx.exit(2)


def _show_warning(message: Warning | str, *_: Any, **__: Any) -> None:
    note(f"Warning: {' '.join(str(message).split())}")


class ChainruleGroup(click.Group):
    """A group of such commands."""

    command_class = ChainruleCommand
