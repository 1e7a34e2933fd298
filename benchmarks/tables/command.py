"""``python -m benchmarks tables``: fit, store, show."""

from __future__ import annotations

import shlex
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import click

from benchmarks.tables.peers import MODELS, OWN
from benchmarks.tables.report import differences, page, show
from benchmarks.tables.run import Protocol, check, labels, run
from benchmarks.tables.sets import NINE, SETS
from benchmarks.tables.settings import settings, variants
from benchmarks.tables.store import Result, latest, load
from benchmarks.tables.summary import Summary
from benchmarks.tables.worker import apart, here

__all__ = ["main"]

PAGE_DATA = "DIR"  # stands for the folder, which is nobody's business


@dataclass(frozen=True)
class Options:
    """What the command line says; see the options of `main`."""

    data: Path | None
    tables: list[str]
    models: list[str] | None
    splits: int
    first: int | None
    rows: int | None
    seed: int
    time_limit: float | None
    given: tuple[str, ...]
    name: str | None
    ablate: tuple[str, ...]
    store: Path | None
    again: bool
    only_show: bool
    columns: list[str] | None
    against: str | None
    output: Path | None
    in_process: bool

    def labelled(self) -> dict[str, tuple[str, dict[str, Any]]]:
        """Model and arguments by label."""
        common = settings(", ".join(self.given))
        if self.time_limit is not None:
            common["time_limit"] = self.time_limit
        own = {label: common | more for label, more in variants(self.ablate).items()}
        default = [] if self.ablate else [OWN]
        return labels(own or {self.name or OWN: common}, self.models or default, bool(self.ablate))

    def protocol(self) -> Protocol:
        """The folds and rows asked for."""
        first = self.splits if self.first is None else self.first
        if first > self.splits:
            raise click.UsageError(f"--first {first} is more than --splits {self.splits}.")
        return Protocol(self.splits, self.seed, self.rows, first)


def _names(known: Sequence[str] = ()) -> Callable[..., list[str] | None]:
    """A callback that splits a list at its commas and refuses what is not known."""

    def split(_: click.Context, __: click.Parameter, text: str | None) -> list[str] | None:
        if text is None:
            return None
        names = [name.strip() for name in text.split(",") if name.strip()]
        for name in names:
            if known and name not in known:
                raise click.BadParameter(f"{name!r} is none of {', '.join(known)}.")
        return list(dict.fromkeys(names))

    return split


def _say(text: str) -> None:
    click.echo(f"[{time.strftime('%H:%M:%S')}] {text}", err=True)


def _file(*names: str, **more: Any) -> Callable[..., Any]:
    """An option that is a path."""
    folder = more.pop("folder", False)
    kind = click.Path(exists=folder, file_okay=not folder, dir_okay=folder, path_type=Path)
    return click.option(*names, type=kind, **more)


@click.command()
@_file("--data", folder=True, help="Folder with a Parquet file for each table.")
@click.option(
    "--sets",
    "tables",
    default=",".join(NINE),
    callback=_names(tuple(SETS)),
    help=f"Tables, of {', '.join(SETS)}.  [default: the first nine]",
)
@click.option(
    "--models",
    callback=_names(tuple(MODELS)),
    help=f"Models, of {', '.join(MODELS)}.  [default: {OWN}]",
)
@click.option("--splits", default=5, show_default=True, type=click.IntRange(2, 100))
@click.option("--first", type=click.IntRange(1), help="Only so many of the splits.")
@click.option("--rows", type=click.IntRange(1), help="Train on at most so many rows.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option(
    "--time-limit",
    type=click.FloatRange(0, min_open=True),
    help=f"Seconds of a fit of {OWN}.",
)
@click.option("--set", "given", multiple=True, help=f"Arguments of {OWN}: key=value, …")
@click.option("--name", help=f"What to call {OWN} with these arguments.")
@click.option(
    "--ablate",
    multiple=True,
    help=f"A variant of {OWN}, name=key=value, …, or a JSON file of several; may be repeated.",
)
@_file("--store", help="JSON lines of results: what is there is not fitted again.")
@click.option("--again", is_flag=True, help="Fit what is in the store, too.")
@click.option("--show", "only_show", is_flag=True, help="Fit nothing, show what is in the store.")
@click.option("--columns", callback=_names(), help="Models and variants to show.  [default: all]")
@click.option(
    "--against",
    help="Show differences in error to this model or variant.  [default: the first of --ablate]",
)
@_file("--page", "output", help="Markdown page to write.")
@click.option("--in-process", is_flag=True, help="Start no process for each model and table.")
def main(**given: Any) -> None:
    """Compare models on real tables.

    A bare word among arguments is a text: --set "hidden=(64, 64), activation=gelu".
    """
    options = Options(**given)
    if options.only_show and options.store is None:
        raise click.UsageError("--show needs --store.")
    try:
        labelled = options.labelled()
        done, failed = _results(options, labelled)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    if options.columns is None and options.store is None:
        options = replace(options, columns=list(labelled))
    if options.against is None and len(options.ablate):
        options = replace(options, against=next(iter(labelled)))
    _print(_chosen(done, options), options)
    if failed:
        raise click.ClickException(f"failed: {', '.join(failed)}.")


def _results(
    options: Options, labelled: dict[str, tuple[str, dict[str, Any]]]
) -> tuple[list[Result], list[str]]:
    """What was in the store and what was fitted now; and which models failed on which tables."""
    done = load(options.store) if options.store else []
    if options.only_show:
        return done, []
    plans = options.protocol().plans(options.tables, labelled)
    if not options.again:
        for text in check(plans, done):
            _say(text)
    fit = here if options.in_process else apart
    return run(
        plans, options.protocol(), done, options.data, options.store, options.again, fit, _say
    )


def _chosen(done: list[Result], options: Options) -> Summary:
    """What to show: results of the same folds and rows only."""
    protocol = options.protocol()
    results = [
        r
        for r in latest(done).values()
        if protocol.covers(r)
        and r.plan.table in options.tables
        and (options.columns is None or r.plan.label in options.columns)
    ]
    if not results:
        raise click.UsageError("there are no results of these tables, splits, seed and rows.")
    return Summary(results, protocol.first)


def _print(summary: Summary, options: Options) -> None:
    click.echo(show(summary))
    if options.against is not None:
        if options.against not in summary.models:
            raise click.UsageError(f"{options.against!r} is not among the results to show.")
        click.echo(f"\n{differences(summary, options.against)}")
    if options.output:
        text = page(summary, _command(summary, options), options.against)
        options.output.write_text(text, encoding="utf-8")
        _say(f"written: {options.output.name}")


def _command(summary: Summary, options: Options) -> str:
    """What to type to repeat the fits; variants are told below it."""
    models = dict.fromkeys(r.plan.model for r in summary.results)
    text = f"python -m benchmarks tables --data {PAGE_DATA} --models {','.join(models)}"
    if summary.tables != list(NINE):
        text += f" --sets {','.join(summary.tables)}"
    text += f" --splits {options.splits} --seed {options.seed}"
    for option, value in (("--first", options.first), ("--rows", options.rows)):
        text += f" {option} {value}" if value else ""
    for option, values in (("--set", options.given), ("--ablate", options.ablate)):
        text += "".join(f" {option} {shlex.quote(value)}" for value in values)
    return text
