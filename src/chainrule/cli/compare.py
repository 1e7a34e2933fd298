"""``chainrule compare``: this network and the usual models on the same folds."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.console import ChainruleCommand, note, show_table
from chainrule.cli.job import Job, read_job
from chainrule.errors import DataError, HyperparameterError, unknown_name
from chainrule.ops.hyperparameters import HYPERPARAMETERS, Interval

if TYPE_CHECKING:
    import numpy as np

    from chainrule.estimators.contest import Contest

__all__ = ["compare"]

_FOLDS = HYPERPARAMETERS["folds"]
_SEEDS = Interval("[0, 4294967296)")
_QUICK_FOLDS, _QUICK_ROWS = 3, 2000
_STOPPED = 130  # as shells have it for Ctrl-C


@click.command(cls=ChainruleCommand, short_help="Compare the network with the usual models.")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--target", required=True, metavar="COLUMN", help="Column to predict.")
@click.option("--drop", multiple=True, metavar="COLUMN", help="Column to ignore; may be repeated.")
@click.option(
    "--folds", type=int, metavar="N",
    help=f"{_FOLDS.meaning[0].upper()}{_FOLDS.meaning[1:]}, in {_FOLDS.interval}; default "
    f"{_FOLDS.default}, {_QUICK_FOLDS} with --quick.",
)  # fmt: skip
@click.option(
    "--task",
    type=click.Choice(["auto", "classification", "regression"]),
    default="auto",
    help="Texts and few whole numbers are classes if not given.",
)
@click.option(
    "--models", metavar="NAME,NAME…",
    help="Some of: network, dummy, linear, random forest, gradient boosting, scikit-learn MLP.",
)  # fmt: skip
@click.option("--group-equal-rows", is_flag=True, help="Keep rows of equal features in one fold.")
@click.option(
    "--quick", is_flag=True,
    help=f"A first look: {_QUICK_FOLDS} folds of at most {_QUICK_ROWS} rows, drawn at random.",
)  # fmt: skip
@click.option(
    "--seed", type=int, default=0, metavar="N", help="Start of random numbers; default 0."
)
@click.option("--quiet", is_flag=True, help="No progress bar.")
@click.pass_context
def compare(
    context: click.Context, data: Path, target: str, drop: tuple[str, ...], folds: int | None,
    task: str, models: str | None, group_equal_rows: bool, quick: bool, seed: int, quiet: bool,
) -> None:  # fmt: skip
    """Compare this network, as it comes, with the usual models on the table DATA.

    All train and are scored on the same folds; each fit takes one core. The sentence below the
    table says which one to use.
    """
    from chainrule.estimators.contest import Contest, divide, equal_rows

    if seed not in _SEEDS:
        raise HyperparameterError(f"--seed {seed} is not possible: give a number in {_SEEDS}.")
    folds = folds if folds is not None else (_QUICK_FOLDS if quick else _FOLDS.default)
    _FOLDS.check(folds)
    job = read_job(data, target, drop, task, 0.0, seed, {"verbose": not quiet})
    if job.stream is not None:
        note(f"compared on {len(job.y)} of its rows, drawn at random")
    chosen = _choose(models, job.task, seed)
    rows = _drawn(len(job.y), quick, seed)
    table, y = job.table.take(rows), job.y[rows]
    groups = equal_rows(table) if group_equal_rows else None
    contest = Contest(table.take, y, divide(y, folds, job.task, seed, groups, target), job.task)
    stopped = _run(contest, chosen, not quiet)
    _report(contest, job, len(rows))
    if stopped:
        note("stopped: models that were not done on every fold are left out")
        context.exit(_STOPPED)
    if not contest.done:
        raise DataError("no model could be trained on every fold.")


def _choose(given: str | None, task: str, seed: int) -> dict[str, Any]:
    """The models by name, the network first: the longest fits begin first."""
    from chainrule.estimators import NetworkClassifier, NetworkRegressor
    from chainrule.estimators.baseline_models import baselines

    made = NetworkClassifier if task == "classification" else NetworkRegressor
    models = {"network": made(random_state=seed)} | baselines(task, seed)
    if given is None:
        return models
    names = [name.strip() for name in given.split(",") if name.strip()]
    for name in names:
        if name not in models:
            raise unknown_name("model", name, models)
    if not names:
        raise HyperparameterError("--models names none: leave it out for all of them.")
    return {name: models[name] for name in models if name in names}


def _drawn(n: int, quick: bool, seed: int) -> np.ndarray:
    import numpy as np

    if not quick or n <= _QUICK_ROWS:
        return np.arange(n)
    return np.sort(np.random.default_rng(seed).permutation(n)[:_QUICK_ROWS])


def _run(contest: Contest, models: dict[str, Any], progress: bool) -> bool:
    """Run it; whether Ctrl-C ended it. What models warn of is said once each, at the end."""
    stopped = False
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            contest.run(models, progress=progress)
        except KeyboardInterrupt:
            stopped = True
    for message in dict.fromkeys(" ".join(str(each.message).split()) for each in caught):
        times = sum(" ".join(str(each.message).split()) == message for each in caught)
        note(f"Warning: {message}{f' ({times} times)' if times > 1 else ''}")
    return stopped


# ------------------------------------------------------------------- reporting


def _report(contest: Contest, job: Job, rows: int) -> None:
    from chainrule.estimators.contest import METRICS, verdict

    metrics = METRICS[contest.task]
    for name, why in contest.failures.items():
        note(f"{name} failed: {why}")
    if not contest.done:
        return
    several = len(job.y) > rows
    drawn = f"{rows} of {len(job.y)} rows, drawn at random" if several else f"{rows} rows"
    left_out = f" ({job.dropped} more without a target left out)" if job.dropped else ""
    guess = " (a guess: --task says otherwise)" if job.guessed else ""
    title = f"{job.target.name}: {contest.task}{guess}, {drawn}{left_out}, "
    title += f"{len(contest.splits)} folds"
    table = [[name, *_cells(contest, name)] for name in contest.done]
    show_table(title, ["model", *[m.name for m in metrics], "seconds a fit"], table)
    first, *others = (
        verdict({name: contest.scores(name, k) for name in contest.done})
        for k in range(min(len(metrics), 2))
    )
    click.echo(first)
    if contest.task == "classification" and len(contest.done) > 1:
        click.echo(f"By log loss: {others[0]}")


def _cells(contest: Contest, name: str) -> list[str]:
    """Mean ± standard deviation over the folds by each metric, and the mean time of a fit."""
    from chainrule.estimators.contest import METRICS

    cells = []
    for k, metric in enumerate(METRICS[contest.task]):
        s = contest.scores(name, k)
        digits = metric.decimals if abs(s.mean) < 100 else 0  # an RMSE has the target's unit
        cells.append(f"{s.mean:.{digits}f} ± {s.std:.{digits}f}")
    return [*cells, f"{contest.scores(name).seconds.mean():.2f}"]
