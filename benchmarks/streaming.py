"""Memory and time of training on a table that is streamed from a folder of files.

``python -m benchmarks.streaming`` writes a Parquet folder of ten columns portion by portion, trains
one pass on 1e5, 1e6 and 1e7 of its rows, each in a fresh process, and prints rows per second, time
for each row and the peak of the process's memory.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import click
import numpy as np
import pyarrow as pa
from pyarrow import csv, parquet

import chainrule as cr
from chainrule.data.streams import Stream
from chainrule.data.survey import Split
from chainrule.estimators.streaming import fit_stream, stock_for

__all__ = ["make_folder", "measure"]

FILE_ROWS = 500_000
NUMBERS = 8
GROUPS = np.array(["north", "east", "south", "west"])
MIB = 2**20


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
        table = pa.table(columns | {"y": y + 0.1 * rng.normal(size=n)})
        if kind == "parquet":
            parquet.write_table(table, folder / f"{number:04}.parquet", row_group_size=100_000)
        else:
            csv.write_csv(table, folder / f"{number:04}.csv")


def measure(folder: Path) -> dict[str, float]:
    """One pass of statistics and one of training in a fresh process."""
    command = [sys.executable, "-m", "benchmarks.streaming", "--worker", str(folder)]
    found = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    return json.loads(found)


def _work(folder: Path) -> dict[str, float]:
    stream = Stream(folder)
    model = cr.NetworkRegressor(epochs=1, random_state=0)
    wall, cpu = time.perf_counter(), time.process_time()
    stock = stock_for(stream, "y", Split(0, held=0.1))
    read, read_cpu = time.perf_counter() - wall, time.process_time() - cpu
    wall, cpu = time.perf_counter(), time.process_time()
    fit_stream(model, stream, "y", stock)
    return {
        "rows": stock.survey.rows,
        "read": read,
        "read_cpu": read_cpu,
        "train": time.perf_counter() - wall,
        "train_cpu": time.process_time() - cpu,
        "loss": model.history_.validation_loss[-1],
        "decoded": stream.size(),
        "peak": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }


@click.command()
@click.option("--rows", default=10_000_000, show_default=True, help="Rows of the largest table.")
@click.option("--kind", type=click.Choice(["parquet", "csv"]), default="parquet")
@click.option("--texts/--no-texts", default=True, help="Whether one column holds texts.")
@click.option("--worker", type=click.Path(path_type=Path), hidden=True)
def main(rows: int, kind: str, texts: bool, worker: Path | None) -> None:
    """Train one pass on folders of up to so many rows."""
    if worker is not None:
        click.echo(json.dumps(_work(worker)))
        return
    click.echo("      rows  decoded MiB  statistics rows/s  training rows/s  CPU µs/row  peak MiB")
    for count in sorted({max(1, rows // 100), max(1, rows // 10), rows}):
        with tempfile.TemporaryDirectory() as place:
            make_folder(Path(place) / "table", count, kind, texts)
            found = measure(Path(place) / "table")
        click.echo(
            f"{found['rows']:10,}  {found['decoded'] / MIB:11.0f}"
            f"  {found['rows'] / found['read']:17,.0f}  {found['rows'] / found['train']:15,.0f}"
            f"  {1e6 * found['train_cpu'] / found['rows']:10.2f}  {found['peak'] / MIB:8.0f}"
        )


if __name__ == "__main__":
    main()
