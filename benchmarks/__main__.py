"""The command line of the benchmarks."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from benchmarks import engines, inference, memory, streaming
from benchmarks.folds import measure_folds
from benchmarks.growth import measure_growth
from benchmarks.inference.measure import ROWS, measure_inference
from benchmarks.kernels import measure_kernels
from benchmarks.machine import machine, versions
from benchmarks.models import MODELS
from benchmarks.plot import plot
from benchmarks.report import Results, report
from benchmarks.start import measure_start
from benchmarks.steps import measure_steps
from benchmarks.workload import AHEAD, SHAPES

PAGE = Path(__file__).with_name("RESULTS.md")
PICTURE = "ratios.png"
COLD_STARTS, WARM_STARTS = 3, 7
MEGABYTES = 400
STREAMED = 1_000_000
PEERS = tuple(dict.fromkeys((*engines.PEERS, *inference.PEERS)))
SECTIONS = (
    "steps",
    "kernels",
    "growth",
    "models",
    "inference",
    "folds",
    "streaming",
    "start",
    "memory",
)  # in turn


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    what: str
    peers: list[str]
    shapes: list[str]
    models: list[str]
    rounds: int
    streamed: int
    predicted: int

    @property
    def sections(self) -> tuple[str, ...]:
        """Of the page."""
        return SECTIONS if self.what == "all" else (self.what,)

    @property
    def everything(self) -> bool:
        """Whether nothing is left out, so that the page may be made anew."""
        whole = len(self.shapes) == len(SHAPES) and len(self.models) == len(MODELS)
        return self.what == "all" and whole

    @property
    def command(self) -> str:
        """What to type to repeat the run."""
        text = f"python -m benchmarks {self.what} --peers {','.join(self.peers)}"
        text += f" --rounds {self.rounds}"
        if len(self.shapes) < len(SHAPES):
            text += f" --shapes {','.join(self.shapes)}"
        if len(self.models) < len(MODELS):
            text += f" --models {','.join(self.models)}"
        if self.streamed != STREAMED:
            text += f" --streamed {self.streamed}"
        return text if self.predicted == ROWS[-1] else f"{text} --predicted {self.predicted}"


def _names(known: tuple[str, ...]) -> Callable[..., list[str]]:
    """A callback that splits a list at its commas and refuses what is not known."""

    def split(context: click.Context, option: click.Parameter, text: str) -> list[str]:
        names = [name.strip() for name in text.split(",") if name.strip()]
        for name in names:
            if name not in known:
                raise click.BadParameter(f"{name!r} is none of {', '.join(known)}.")
        return list(dict.fromkeys(names))

    return split


def _peers(context: click.Context, option: click.Parameter, text: str) -> list[str]:
    """Those that are named, which must be installed, or all that are."""
    if text.strip() == "all":
        return [peer for peer in PEERS if not _missing([peer])]
    peers = _names(PEERS)(context, option, text)
    if absent := _missing(peers):
        raise click.BadParameter(f"not installed: {', '.join(absent)}. Install it or leave it out.")
    return peers


def _libraries(peers: list[str]) -> tuple[str, ...]:
    """What some peers need besides what chainrule needs."""
    names = engines.chosen(peers)
    first = [engines.ENGINES[name].library for name in names if engines.ENGINES[name].library]
    return tuple(dict.fromkeys([*first, *inference.libraries(inference.chosen(peers))]))


def _missing(peers: list[str]) -> list[str]:
    return [library for library in _libraries(peers) if find_spec(library) is None]


def _say(text: str) -> None:
    click.echo(f"[{time.strftime('%H:%M:%S')}] {text}", err=True)


@click.command()
@click.argument("what", type=click.Choice([*SECTIONS, "all"]), default="all", required=False)
@click.option(
    "--peers",
    default="sklearn,numpy",
    show_default=True,
    callback=_peers,
    help=f"Libraries to compare with, of {', '.join(PEERS)}; or all that are installed.",
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
    "--streamed",
    default=STREAMED,
    show_default=True,
    type=click.IntRange(1),
    help="Rows of the largest table that is streamed.",
)
@click.option(
    "--predicted",
    default=ROWS[-1],
    show_default=True,
    type=click.IntRange(ROWS[-2] + 1),
    help="Rows of the largest prediction; of 100,000 some take minutes for a wide network.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Markdown page to write, with its plot beside it.  [default: benchmarks/RESULTS.md for a "
    "run of everything; a partial run is only printed]",
)
def main(output: Path | None, **given: Any) -> None:
    """Measure training steps and their kernels, predictions, folds, streams, starts and memory.

    `python -m benchmarks tables --help` tells of the accuracy on tables.
    """
    asked = Asked(**given)
    results = Results(
        asked.command,
        time.strftime("%Y-%m-%d", time.gmtime()),
        machine(),
        versions(_libraries(asked.peers)),
    )
    try:
        for name in asked.sections:
            MEASURES[name](results, asked)
    except RuntimeError as error:
        click.echo(report(results))  # what was measured until then
        raise click.ClickException(str(error)) from None
    _write(results, PAGE if output is None and asked.everything else output)


def _steps(results: Results, asked: Asked) -> None:
    names = engines.chosen(asked.peers)
    results.steps = measure_steps(asked.shapes, names, asked.rounds, _say)


def _kernels(results: Results, asked: Asked) -> None:
    results.kernels = measure_kernels(asked.shapes, _say)


def _growth(results: Results, asked: Asked) -> None:
    results.growth = measure_growth(engines.chosen(asked.peers), asked.rounds, _say)


def _models(results: Results, asked: Asked) -> None:
    able = [name for name in engines.chosen(asked.peers) if engines.ENGINES[name].models]
    results.models = measure_steps(asked.models, able, asked.rounds, _say)


def _inference(results: Results, asked: Asked) -> None:
    ways = inference.chosen(asked.peers)
    shapes = [name for name in asked.shapes if SHAPES[name].goals != AHEAD]
    rows = (*ROWS[:-1], asked.predicted)
    results.inference = measure_inference(shapes or asked.shapes, ways, asked.rounds, _say, rows)


def _folds(results: Results, asked: Asked) -> None:
    results.folds = measure_folds(asked.rounds, _say)


def _streaming(results: Results, asked: Asked) -> None:
    if streaming.available():
        counts = streaming.sizes(asked.streamed)
        results.streaming = streaming.measure_streaming(counts, asked.rounds, _say)
    else:
        _say("streaming: left out, this system does not tell the peak of a process")


def _start(results: Results, asked: Asked) -> None:
    results.start = measure_start(COLD_STARTS, WARM_STARTS, _say)


def _memory(results: Results, asked: Asked) -> None:
    if memory.available():
        results.memory = memory.measure_memory(MEGABYTES, _say)
    else:
        _say("memory: left out, this system does not tell the peak of a process")


MEASURES: dict[str, Callable[[Results, Asked], None]] = {
    "steps": _steps,
    "kernels": _kernels,
    "growth": _growth,
    "models": _models,
    "inference": _inference,
    "folds": _folds,
    "streaming": _streaming,
    "start": _start,
    "memory": _memory,
}


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
