"""``chainrule``: the group of commands. What a command needs is imported when it runs."""

from __future__ import annotations

import io
import sys

import click

import chainrule
from chainrule.cli.compare import compare
from chainrule.cli.console import ChainruleGroup
from chainrule.cli.course import course
from chainrule.cli.demo import demo
from chainrule.cli.predict import evaluate, predict
from chainrule.cli.show import activations, explain
from chainrule.cli.train import train

__all__ = ["main"]


@click.group(cls=ChainruleGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(chainrule.__version__, prog_name="chainrule")
def main() -> None:
    """Neural networks you can read, on the computer you have."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # δ becomes ? where the terminal has no δ
            stream.reconfigure(errors="replace")


for command in (train, predict, evaluate, compare, explain, activations, course, demo):
    main.add_command(command)
