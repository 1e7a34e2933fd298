"""The command line of the benchmarks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from pathlib import Path

import click

from benchmarks.engines import ENGINES, PEERS, chosen, missing
from benchmarks.machine import machine, versions
from benchmarks.memory import available, measure_memory
from benchmarks.models import MODELS
from benchmarks.plot import plot
from benchmarks.report import Results, report
from benchmarks.start import measure_start
from benchmarks.steps import measure_steps
from benchmarks.workload import SHAPES

PAGE = Path(__file__).with_name("RESULTS.md")
PICTURE = "ratios.png"
COLD_STARTS, WARM_STARTS = 3, 7
MEGABYTES = 400


def _names(known: tuple[str, ...]) -> Callable[..., list[str]]:
    """A callback that splits a list at its commas and refuses what is not known."""

    def split(context: click.Context, option: click.Parameter, text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        for name in names:
            if name not in known:
                raise click.BadParameter(f"{name!r} is none of {', '.join(known)}.")
        return list(dict.fromkeys(names))

    return split


def _say(text: str) -> None:
    click.echo(f"[{time.strftime('%H:%M:%S')}] {text}", err=True)


@click.command()
@click.argument(
    "what",
    type=click.Choice(["steps", "models", "start", "memory", "all"]),
    default="all",
    required=False,
)
@click.option(
    "--peers",
    default="sklearn,numpy",
    show_default=True,
    callback=_names(PEERS),
    help=f"Libraries to compare with, of {', '.join(PEERS)}.",
)
@click.option(
    "--shapes",
    default=",".join(SHAPES),
    show_default=True,
    callback=_names(tuple(SHAPES)),
    help="Networks to time.",
)
@click.option(
    "--models",
    default=",".join(MODELS),
    show_default=True,
    callback=_names(tuple(MODELS)),
    help="Convolutional and recurrent networks to time.",
)
@click.option("--rounds", default=7, show_default=True, type=click.IntRange(1))
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Markdown page to write, with its plot beside it.  [default: benchmarks/RESULTS.md for a "
    "run of everything; a partial run is only printed]",
)
def main(
    what: str,
    peers: list[str],
    shapes: list[str],
    models: list[str],
    rounds: int,
    output: Path | None,
) -> None:
    """Measure chainrule: the time of training steps, the time to start, memory.

    `python -m benchmarks tables --help` tells of the accuracy on tables.
    """
    engines = chosen(peers)
    absent = missing(engines)
    if absent:
        raise click.UsageError(f"not installed: {', '.join(absent)}. Install it or leave it out.")
    everything = len(shapes) == len(SHAPES) and len(models) == len(MODELS)
    if output is None and what == "all" and everything:
        output = PAGE
    libraries = tuple(ENGINES[name].library for name in engines if ENGINES[name].library)
    results = Results(
        _command(what, peers, shapes, models, rounds),
        time.strftime("%Y-%m-%d", time.gmtime()),
        machine(),
        versions(libraries),
    )
    try:
        _measure(results, what, engines, shapes, models, rounds)
    except RuntimeError as error:
        raise click.ClickException(str(error)) from None
    _write(results, output)


def _command(what: str, peers: list[str], shapes: list[str], models: list[str], rounds: int) -> str:
    """What to type to repeat the run."""
    text = f"python -m benchmarks {what} --peers {','.join(peers)} --rounds {rounds}"
    if len(shapes) < len(SHAPES):
        text += f" --shapes {','.join(shapes)}"
    return text if len(models) == len(MODELS) else f"{text} --models {','.join(models)}"


def _measure(
    results: Results,
    what: str,
    engines: list[str],
    shapes: list[str],
    models: list[str],
    rounds: int,
) -> None:
    if what in ("steps", "all"):
        results.steps = measure_steps(shapes, engines, rounds, _say)
    if what in ("models", "all"):
        able = [name for name in engines if ENGINES[name].models]
        results.models = measure_steps(models, able, rounds, _say)
    if what in ("start", "all"):
        results.start = measure_start(COLD_STARTS, WARM_STARTS, _say)
    if what in ("memory", "all"):
        if available():
            results.memory = measure_memory(MEGABYTES, _say)
        else:
            _say("memory: left out, this system does not tell the peak of a process")


def _write(results: Results, output: Path | None) -> None:
    if output is None:
        click.echo(report(results))
        return
    drawn = results.steps is not None and plot(results.steps, output.with_name(PICTURE))
    page = report(results, PICTURE if drawn else "")
    output.write_text(page, encoding="utf-8")
    click.echo(page)
    _say(f"written: {output.name}" + (f" and {PICTURE}" if drawn else ""))


if __name__ == "__main__":
    if sys.argv[1:2] == ["tables"]:
        from benchmarks.tables.command import main as tables

        tables(sys.argv[2:], prog_name="python -m benchmarks tables")
    main()
