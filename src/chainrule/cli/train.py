"""``chainrule train``: from a CSV or Parquet file to a model and an honest score."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.console import ChainruleCommand, note, show_pairs
from chainrule.cli.job import Job, fit, read_job
from chainrule.cli.records import Records
from chainrule.errors import HyperparameterError, ModelFileError
from chainrule.estimators.defaults import DEFAULTS
from chainrule.ops.hyperparameters import Interval
from chainrule.ops.optimizers import OPTIMIZERS

if TYPE_CHECKING:
    import numpy as np

    from chainrule.data.description import Description
    from chainrule.estimators import NetworkClassifier, NetworkRegressor
    from chainrule.network import Network

__all__ = ["train"]

_BY_PRESET = "; by the preset if not given"
_SEEDS = Interval("[0, 4294967296)")
_SHOWN = 20  # columns that get a line


def _setting(name: str, otherwise: str = "") -> Callable[[Any], Any]:
    """The option for a hyper-parameter; `otherwise` says what is done when there is no default."""
    record = DEFAULTS[name]
    default = otherwise if record.default is None else f"; default {record.default}"
    meaning = record.meaning[0].upper() + record.meaning[1:]
    unit = f" ({record.unit})" if record.unit in ("s", "bytes") else ""
    return click.option(
        f"--{name.replace('_', '-')}",
        type=int if record.whole else float,
        metavar="N" if record.whole else "X",
        help=f"{meaning}{unit}, in {record.interval}{default}.",
    )


def _widths(context: click.Context, parameter: click.Parameter, text: str | None) -> Any:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise click.BadParameter(f"'{text}': give whole numbers, such as 64,64.") from None


@click.command(cls=ChainruleCommand, short_help="Train a network on a table.")
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--target", required=True, metavar="COLUMN", help="Column to predict.")
@click.option("--model", type=click.Path(path_type=Path), help="Where to save the model.")
@click.option("--drop", multiple=True, metavar="COLUMN", help="Column to ignore; may be repeated.")
@click.option(
    "--layers",
    "hidden",
    callback=_widths,
    metavar="N,N…",
    help="Widths of the hidden layers.",
)
@click.option(
    "--preset",
    metavar="NAME",
    help="tabular, which is the default, or plain, which is if you say what the network or its "
    "optimizer is: what is done where no option says it.",
)
@click.option(
    "--activation",
    metavar="NAME",
    help="Of the hidden layers, see `chainrule activations`.",
)
@click.option(
    "--optimizer",
    metavar="NAME",
    help=f"{', '.join(OPTIMIZERS)}.",
)
@_setting("learning_rate")
@_setting("batch_size", _BY_PRESET)
@_setting("epochs", _BY_PRESET)
@_setting("keep", _BY_PRESET)
@_setting("validation_fraction")
@_setting("patience", _BY_PRESET)
@_setting("members", _BY_PRESET)
@_setting("time_limit")
@_setting("max_levels", _BY_PRESET)
@_setting("memory_limit")
@_setting("threads")
@click.option(
    "--task",
    type=click.Choice(["auto", "classification", "regression"]),
    default="auto",
    help="Texts and few whole numbers are classes if not given.",
)
@click.option(
    "--test-fraction",
    type=float,
    default=0.2,
    metavar="X",
    help="Share of the rows held out for the score, in [0, 1); default 0.2.",
)
@click.option(
    "--seed", type=int, default=0, metavar="N", help="Start of random numbers; default 0."
)
@click.option(
    "--report", type=click.Path(path_type=Path), help="Where to write a report, a page of HTML."
)
@click.option(
    "--log", type=click.Path(path_type=Path), help="Where to log each epoch, as a line of JSON."
)
@click.option("--quiet", is_flag=True, help="No progress bar.")
def train(
    data: Path, target: str, model: Path | None, drop: tuple[str, ...], task: str,
    test_fraction: float, seed: int, report: Path | None, log: Path | None, quiet: bool,
    **settings: Any,
) -> None:  # fmt: skip
    """Train a network on the table DATA to predict one column.

    DATA is a file (.csv, .tsv, .csv.gz, .parquet) or a folder of such files. A table that exceeds
    --memory-limit is read in portions.

    Texts become categories, gaps are filled in and marked, numbers are standardised. A share of
    the rows is held out and scored at the end.
    """
    from chainrule.estimators.parameters import check_arguments

    given = {name: value for name, value in settings.items() if value is not None}
    check_arguments(given)
    _check_numbers(test_fraction, seed)
    if model is not None:
        _check_destination(model)
    records = Records(report, log, (data,) if model is None else (data, model))
    records.check(test_fraction)
    logged = records.callbacks(given | {"seed": seed})
    given |= {"random_state": seed, "verbose": not quiet}
    job = read_job(data, target, drop, task, test_fraction, seed, given)
    estimator, seconds = fit(job, given | logged)
    _report(estimator, job, seconds)
    if model is not None:
        estimator.save(model)
        note(f"saved to {model}")
    else:
        note("not saved: add --model NAME.safetensors to keep the model")
    records.write(estimator, job, data)


# -------------------------------------------------------------------- checking


def _check_numbers(test_fraction: float, seed: int) -> None:
    if not 0 <= test_fraction < 1:
        raise HyperparameterError(
            f"--test-fraction {test_fraction} is not possible: give a number in [0, 1)."
        )
    if seed not in _SEEDS:
        raise HyperparameterError(f"--seed {seed} is not possible: give a number in {_SEEDS}.")


def _check_destination(model: Path) -> None:
    """Refuse to write over a file that is no model, before any work is done."""
    from chainrule.files.container import read_container

    if not model.parent.is_dir():
        raise ModelFileError(f"cannot write {model}: there is no folder {model.parent}.")
    if not os.access(model.parent, os.W_OK):
        raise ModelFileError(f"cannot write {model}: {model.parent} is not yours to write to.")
    if model.exists():
        try:
            read_container(model)
        except ModelFileError:
            raise ModelFileError(
                f"{model} exists and is not a chainrule model: choose another name for --model."
            ) from None


# ------------------------------------------------------------------- reporting


def _report(estimator: NetworkClassifier | NetworkRegressor, job: Job, seconds: float) -> None:
    history, network, encoder = estimator.history_, estimator.network_, estimator.encoder_
    rows = f"{job.trained} to train on, {len(job.test)} to test"
    if job.dropped:
        rows += f"; {job.dropped} more without a target left out"
    several = f", {count} times" if (count := len(estimator.members_)) > 1 else ""
    epochs = f"{len(history)}, best {history.best_epoch}; {history.stopped}"
    show_pairs(
        [
            ("target", _describe_target(estimator, job)),
            ("rows", rows),
            *_column_lines(encoder.describe()),
            ("network", f"{_sizes(network)}{several}"),
            ("parameters", f"{network.n_parameters:,}{several}"),
            ("epochs", epochs),
            ("time", f"{seconds:.2f} s"),
            *_scores(estimator, job),
        ]
    )


def _column_lines(columns: Description) -> list[tuple[str, str]]:
    """How many columns there are of each kind, then a line for each of the first."""
    lines = [("columns", columns.kinds), *((f"  {c.name}", c.summary) for c in columns[:_SHOWN])]
    if len(columns) > _SHOWN:
        lines.append(("  …", f"and {len(columns) - _SHOWN} more"))
    return lines


def _describe_target(estimator: NetworkClassifier | NetworkRegressor, job: Job) -> str:
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        kind = f"a number from {job.y.min():g} to {job.y.max():g}"
    else:
        shown = ", ".join(map(str, classes[:5])) + (" …" if len(classes) > 5 else "")
        kind = f"{len(classes)} classes, {shown}"
    hint = " (a guess: --task says otherwise)" if job.guessed else ""
    return f"{job.target.name}: {kind}{hint}"


def _sizes(network: Network) -> str:
    from chainrule.layers import Dense

    widths = [layer.units for layer in network.layers if isinstance(layer, Dense)]
    return " → ".join(map(str, (*network.input_shape, *widths)))


def _scores(estimator: NetworkClassifier | NetworkRegressor, job: Job) -> list[tuple[str, str]]:
    classifies = hasattr(estimator, "classes_")
    name = "accuracy" if classifies else "R²"
    on = f", on {len(job.rest)} of the rows" if job.stock else ""
    scores = [(f"training {name}", _score(estimator, job, job.rest) + on)]
    if len(job.test) > (not classifies):  # R² needs two rows
        simplest = "commonest class" if classifies else "mean"
        comparison = f"; {_dummy(job):.4f} by always answering with the {simplest}"
        scores.append((f"test {name}", _score(estimator, job, job.test) + comparison))
    return scores


def _score(estimator: NetworkClassifier | NetworkRegressor, job: Job, rows: np.ndarray) -> str:
    return f"{estimator.score(job.part(rows), job.y[rows]):.4f}"


def _dummy(job: Job) -> float:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    made = DummyClassifier if job.task == "classification" else DummyRegressor
    rest, test = job.rest, job.test
    return made().fit(rest[:, None], job.y[rest]).score(test[:, None], job.y[test])
