"""Memory and time of training on a table that is streamed from a folder of files.

``python -m benchmarks.streaming --rows 10000000`` writes folders of ten columns portion by portion,
trains one pass on each, every time in a fresh process, and prints the cost of a row and the peak of
the process's memory.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

import chainrule as cr
from benchmarks.markdown import digits, paragraph, table
from benchmarks.process import environment
from benchmarks.timing import Times
from chainrule.data.streams import Stream
from chainrule.data.survey import Split
from chainrule.estimators.streaming import fit_stream, stock_for

__all__ = [
    "Streamed",
    "available",
    "make_folder",
    "measure",
    "measure_streaming",
    "section",
    "sizes",
]

FILE_ROWS = 500_000
NUMBERS = 8
GROUPS = np.array(["north", "east", "south", "west"])
MIB = 2**20
PEAK_UNIT = 1 if sys.platform == "darwin" else 1024  # of getrusage, in bytes
SMALLEST = 1000
ROUNDS = 3  # of at most: a pass over the largest table takes long


@dataclass
class Streamed:
    """One table; microseconds of a row.

    Attributes
    ----------
    rows, decoded : int
        Of the table; bytes that it takes in memory.
    read, train : Times
        The pass of statistics, and that of training.
    processor : Times
        Seconds of all processors during training, for each row.
    peaks : list of int
        Bytes of the whole process.
    loss : float
        On the rows held out.
    """

    rows: int
    decoded: int
    loss: float
    read: Times = field(default_factory=Times)
    train: Times = field(default_factory=Times)
    processor: Times = field(default_factory=Times)
    peaks: list[int] = field(default_factory=list)


def available() -> bool:
    """Whether this system tells the peak of a process."""
    return sys.platform != "win32"


def make_folder(folder: Path, rows: int, kind: str = "parquet", texts: bool = True) -> None:
    """Files of at most `FILE_ROWS` rows: eight numbers, a text, and y that depends on them."""
    folder.mkdir(parents=True)
    for number, start in enumerate(range(0, rows, FILE_ROWS)):
        rng = np.random.default_rng(number)
        n = min(FILE_ROWS, rows - start)
        x = rng.normal(size=(n, NUMBERS))
        group = rng.integers(len(GROUPS), size=n)
        y = 2 * x[:, 0] + np.sin(2 * x[:, 1]) + x[:, 2] * x[:, 3] + group * texts
        columns = {f"x{k}": x[:, k] for k in range(NUMBERS)}
        columns["group"] = GROUPS[group] if texts else group
        whole = pa.table(columns | {"y": y + 0.1 * rng.normal(size=n)})
        if kind == "parquet":
            parquet.write_table(whole, folder / f"{number:04}.parquet", row_group_size=100_000)
        else:
            csv.write_csv(whole, folder / f"{number:04}.csv")


def sizes(rows: int) -> list[int]:
    """Every power of ten from `SMALLEST` to below the rows, and all rows."""
    result, size = [], SMALLEST
    while size < rows:
        result.append(size)
        size *= 10
    return [*result, rows]


def measure_streaming(
    counts: Sequence[int],
    rounds: int,
    say: Callable[[str], None],
    kind: str = "parquet",
    texts: bool = True,
) -> list[Streamed]:
    """Train one pass on tables of so many rows; each round asks every size once.

    Raises
    ------
    RuntimeError
        If a process fails, or trains on other rows.
    """
    found: dict[int, Streamed] = {}
    with tempfile.TemporaryDirectory() as place:
        for count in counts:
            say(f"streaming: writing {count:,} rows")
            make_folder(Path(place) / str(count), count, kind, texts)
        for number in range(min(rounds, ROUNDS)):
            for count in counts:
                say(f"streaming: {count:,} rows, round {number + 1}")
                _add(found, count, measure(Path(place) / str(count)))
    return list(found.values())


def _add(found: dict[int, Streamed], count: int, result: dict[str, float]) -> None:
    if result["rows"] != count:
        raise RuntimeError(f"{count} rows were to be read, {result['rows']} were.")
    own = found.setdefault(count, Streamed(count, int(result["decoded"]), result["loss"]))
    own.read.times.append(result["read"] / count * 1e6)
    own.train.times.append(result["train"] / count * 1e6)
    own.processor.times.append(result["train_cpu"] / count * 1e6)
    own.peaks.append(int(result["peak"]))


def measure(folder: Path) -> dict[str, float]:
    """One pass of statistics and one of training in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.streaming", "--worker", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment(), check=False)
    if done.returncode:
        raise RuntimeError(f"a process for streaming failed:\n{done.stderr}")
    return json.loads(done.stdout)


def section(found: Sequence[Streamed]) -> str:
    """Markdown."""
    rows = [
        [
            f"{item.rows:,}",
            f"{item.decoded / MIB:.0f}",
            *map(str, (item.read, item.train, item.processor)),
            digits(item.train.median / found[-1].train.median),
            f"{max(item.peaks) / MIB:.0f}",
            f"{item.loss:.3f}",
        ]
        for item in found
    ]
    head = ["rows", "MiB decoded", "statistics", "training", "processor", "÷ last", "peak MiB"]
    text = paragraph(
        f"`NetworkRegressor` on a folder of files, {NUMBERS + 2} columns, read in portions: one "
        "pass for its statistics and one of training. Microseconds a row, median (least–most), "
        f"rounds: {len(found[0].peaks)}, each in a fresh process whose kernels are loaded. "
        "Processor: the time of all cores during training. ÷ last: the training of a row over "
        "that of the largest table; what a fit does once falls on few rows where there are few. "
        "Peak: of the whole process, libraries included. Loss: mean "
        "squared error on the tenth of the rows that is held out, of a target of unit variance."
    )
    return f"## Streamed tables\n\n{text}\n\n{table([*head, 'loss'], rows, left=0)}"


# --------------------------------------------------------------- in the process


def _work(folder: Path) -> dict[str, float]:
    import resource

    few = np.random.default_rng(0).normal(size=(64, NUMBERS))
    cr.NetworkRegressor(epochs=1, dtype="float32").fit(few, few[:, 0])  # kernels are loaded
    stream = Stream(folder)
    model = cr.NetworkRegressor(epochs=1, random_state=0)
    wall = time.perf_counter()
    stock = stock_for(stream, "y", Split(0, held=0.1))
    read = time.perf_counter() - wall
    wall, cpu = time.perf_counter(), time.process_time()
    fit_stream(model, stream, "y", stock)
    return {
        "rows": stock.survey.rows,
        "read": read,
        "train": time.perf_counter() - wall,
        "train_cpu": time.process_time() - cpu,
        "loss": model.history_.validation_loss[-1],
        "decoded": stream.size(),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * PEAK_UNIT,
    }


@click.command()
@click.option("--rows", default=10_000_000, show_default=True, help="Rows of the largest table.")
@click.option("--kind", type=click.Choice(["parquet", "csv"]), default="parquet")
@click.option("--texts/--no-texts", default=True, help="Whether one column holds texts.")
@click.option("--rounds", default=1, show_default=True, type=click.IntRange(1, ROUNDS))
@click.option("--worker", type=click.Path(path_type=Path), hidden=True)
def main(rows: int, kind: str, texts: bool, rounds: int, worker: Path | None) -> None:
    """Train one pass on folders of up to so many rows."""
    if worker is not None:
        click.echo(json.dumps(_work(worker)))
        return
    found = measure_streaming(sizes(rows), rounds, partial(click.echo, err=True), kind, texts)
    click.echo(section(found))


if __name__ == "__main__":
    main()
