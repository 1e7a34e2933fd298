"""``python -m benchmarks tables``: fit, store, show."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from benchmarks.tables.peers import MODELS, OWN
from benchmarks.tables.report import differences, page, show
from benchmarks.tables.scores import METRICS
from benchmarks.tables.sets import NINE, SETS, folds, read
from benchmarks.tables.settings import settings, variants
from benchmarks.tables.store import Plan, Result, append, latest, load
from benchmarks.tables.summary import Summary
from benchmarks.tables.worker import Job, apart, fingerprint, here

__all__ = ["main"]


def _names(known: Sequence[str]) -> Callable[..., list[str] | None]:
    """A callback that splits a list at its commas and refuses what is not known."""

    def split(context: click.Context, option: click.Parameter, text: str) -> list[str] | None:
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


@click.command()
@click.option(
    "--data",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Folder with a Parquet file for each table.",
)
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
@click.option("--rows", type=click.IntRange(1), help="Train on at most so many rows.")
@click.option("--seed", default=0, show_default=True, type=click.IntRange(0))
@click.option("--time-limit", type=click.FloatRange(0, min_open=True), help=f"Of {OWN}'s fits.")
@click.option("--set", "given", multiple=True, help=f"Arguments of {OWN}: key=value, …")
@click.option("--name", help=f"What to call {OWN} with these arguments.")
@click.option(
    "--ablate",
    multiple=True,
    help=f"A variant of {OWN}, name=key=value, …, or a JSON file of several; may be repeated. All "
    "are compared with the first.",
)
@click.option(
    "--store",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSON lines of results: what is there is not fitted again.",
)
@click.option("--again", is_flag=True, help="Fit what is in the store, too.")
@click.option("--show", "only_show", is_flag=True, help="Fit nothing, show what is in the store.")
@click.option("--columns", callback=_names(()), help="Models and variants to show.  [default: all]")
@click.option(
    "--page",
    "output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Markdown page to write.",
)
@click.option("--in-process", is_flag=True, help="Do not start a process for each model.")
def main(
    data: Path | None,
    tables: list[str],
    models: list[str] | None,
    splits: int,
    rows: int | None,
    seed: int,
    time_limit: float | None,
    given: tuple[str, ...],
    name: str | None,
    ablate: tuple[str, ...],
    store: Path | None,
    again: bool,
    only_show: bool,
    columns: list[str] | None,
    output: Path | None,
    in_process: bool,
) -> None:
    """Compare models on real tables."""
    if only_show and store is None:
        raise click.UsageError("--show needs --store.")
    try:
        labelled = _variants(models, given, name, time_limit, ablate)
        plans = [
            Plan(table, model, label, given, splits, seed, rows)
            for table in tables
            for label, (model, given) in labelled.items()
        ]
        done = load(store) if store else []
        failed = []
        if not only_show:
            _check(plans, done, again)
            failed = _run(plans, done, data, store, again, here if in_process else apart)
    except ValueError as error:
        raise click.UsageError(str(error)) from None
    wanted = columns or (None if only_show or store else list(labelled))
    _print(_chosen(done, tables, wanted, (splits, seed, rows)), list(variants(ablate)), output)
    if failed:
        raise click.ClickException("failed: " + ", ".join(failed))


def _variants(
    models: list[str] | None,
    given: tuple[str, ...],
    name: str | None,
    time_limit: float | None,
    ablate: tuple[str, ...],
) -> dict[str, tuple[str, dict[str, Any]]]:
    """Model and arguments by label."""
    common = settings(", ".join(given))
    if time_limit is not None:
        common["time_limit"] = time_limit
    own = {k: (OWN, common | v) for k, v in variants(ablate).items()}
    if not own:
        own = {name or OWN: (OWN, common)}
    result: dict[str, tuple[str, dict[str, Any]]] = {}
    for model in models or [OWN]:
        result |= own if model == OWN else {model: (model, {})}
    if ablate:
        result = own | result
    if len(result) < len(own):
        raise ValueError(f"arguments are for {OWN}, which is not among the models.")
    return result


def _check(plans: list[Plan], done: list[Result], again: bool) -> None:
    """Refuse one label for different arguments; say where chainrule's source has changed."""
    there = {(r.plan.table, r.plan.label): r for r in done}
    others = set()
    for plan in plans:
        old = there.get((plan.table, plan.label))
        if old is None or again:
            continue
        if old.plan.settings != plan.settings or old.plan.model != plan.model:
            raise ValueError(
                f"the store has {plan.label!r} with other arguments, {old.plan.settings}: give "
                "another --name, or --again."
            )
        if plan.model == OWN and old.code != fingerprint():
            others.add(plan.label)
    for label in sorted(others):
        _say(f"{label}: chainrule's source has changed since; stored results are kept, as they are")


def _run(
    plans: list[Plan],
    done: list[Result],
    data: Path | None,
    store: Path | None,
    again: bool,
    fit: Callable[..., Any],
) -> list[str]:
    """Fit what is missing, table by table; adds to `done`, returns what failed."""
    failed, there = [], {} if again else latest(done)
    with tempfile.TemporaryDirectory() as folder:
        for k, plan in enumerate(plans):
            wanted = [s for s in range(plan.splits) if plan.key(s) not in there]
            if not wanted:
                continue
            path = Path(folder, f"{plan.table}.npy")
            if not path.exists():
                np.save(path, folds(plan.table, *read(plan.table, data), plan.splits, plan.seed))
            job = Job(plan, wanted, str(data) if data else None, str(path))
            try:
                for new in fit(job):
                    done.append(new)
                    if store:
                        append(store, new)
                    _say(f"{k + 1}/{len(plans)} {_line(new)}")
            except RuntimeError as error:
                failed.append(f"{plan.label} on {plan.table}")
                _say(str(error))
    return failed


def _line(new: Result) -> str:
    metric = SETS[new.plan.table].primary
    return (
        f"{new.plan.table} {new.plan.label} split {new.split + 1}/{new.plan.splits}: "
        f"{METRICS[metric]} {new.scores[metric]:.4f}, {new.fit_seconds:.1f} s"
        + "".join(f"; {text}" for text in new.warnings)
    )


def _chosen(
    done: list[Result],
    tables: list[str],
    columns: list[str] | None,
    protocol: tuple[int, int, int | None],
) -> Summary:
    """What to show: results of the same folds and rows only."""
    results = [
        r
        for r in latest(done).values()
        if (r.plan.splits, r.plan.seed, r.plan.rows) == protocol
        and r.plan.table in tables
        and (columns is None or r.plan.label in columns)
    ]
    if not results:
        raise click.UsageError("the store has no results of these tables, splits, seed and rows.")
    return Summary(results)


def _print(summary: Summary, ablated: list[str], output: Path | None) -> None:
    click.echo(show(summary))
    if len(ablated) > 1:
        click.echo(f"\n{differences(summary, ablated)}")
    if output:
        plan = summary.results[0].plan
        command = f"python -m benchmarks tables --splits {plan.splits} --seed {plan.seed}"
        output.write_text(page(summary, command), encoding="utf-8")
        _say(f"written: {output.name}")
