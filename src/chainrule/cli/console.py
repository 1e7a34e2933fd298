"""How commands speak: tables and notes on standard output, errors as one line on standard error."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click

from chainrule.errors import ChainruleError

__all__ = ["ChainruleCommand", "ChainruleGroup", "note", "show_table"]

_PLAIN_WIDTH = 160  # columns of a table that goes to a file or a pipe


def note(text: str) -> None:
    """A line for the reader; standard error, so that output can be piped."""
    click.echo(text, err=True)


def show_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> None:
    """An aligned table; numbers to the right."""
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table(title=title or None, box=box.SIMPLE_HEAD, title_justify="left")
    content = [list(map(str, row)) for row in rows]
    for k, name in enumerate(columns):
        number = bool(content) and all(_is_number(row[k]) for row in content)
        table.add_column(name, justify="right" if number else "left", overflow="fold")
    for row in content:
        table.add_row(*row)
    width = None if sys.stdout.isatty() else _PLAIN_WIDTH
    Console(width=width, highlight=False, markup=False).print(table)


def _is_number(text: str) -> bool:
    try:
        float(text.split(" ")[0].rstrip("%"))
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
        try:
            return super().invoke(ctx)
        except ChainruleError as error:
            if debug:
                raise
            note(f"Error: {' '.join(str(error).split())}")
            ctx.exit(2)


class ChainruleGroup(click.Group):
    """A group of such commands."""

    command_class = ChainruleCommand
