"""``chainrule train``: from a CSV or Parquet file to a model and an honest score."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.console import ChainruleCommand, note, show_pairs
from chainrule.errors import DataError, HyperparameterError, ModelFileError, unknown_name
from chainrule.estimators.defaults import ACTIVATION, DEFAULTS, HIDDEN, OPTIMIZER
from chainrule.ops.hyperparameters import Interval

if TYPE_CHECKING:
    import narwhals as nw
    import numpy as np
    import pyarrow as pa

    from chainrule.estimators import NetworkClassifier, NetworkRegressor

__all__ = ["train"]

_FEW_CLASSES = 20  # whole numbers with at most so many different values are classes
_REPEATS = 3  # if each value is there so often on average
_SEEDS = Interval("[0, 4294967296)")


def _setting(name: str) -> Callable[[Any], Any]:
    """The option for a hyper-parameter of the estimators."""
    record = DEFAULTS[name]
    default = "" if record.default is None else f"; default {record.default}"
    meaning = record.meaning[0].upper() + record.meaning[1:]
    unit = f" ({record.unit})" if record.unit == "s" else ""
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
    help=f"Widths of the hidden layers; default {','.join(map(str, HIDDEN))}.",
)
@click.option(
    "--activation",
    metavar="NAME",
    help=f"Of the hidden layers, see `chainrule activations`; default {ACTIVATION}.",
)
@click.option(
    "--optimizer",
    metavar="NAME",
    help=f"sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw; default {OPTIMIZER}.",
)
@_setting("learning_rate")
@_setting("batch_size")
@_setting("epochs")
@_setting("keep")
@_setting("validation_fraction")
@_setting("patience")
@_setting("time_limit")
@_setting("max_levels")
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
@click.option("--quiet", is_flag=True, help="No progress bar.")
def train(
    data: Path, target: str, model: Path | None, drop: tuple[str, ...], task: str,
    test_fraction: float, seed: int, quiet: bool, **settings: Any,
) -> None:  # fmt: skip
    """Train a network on the table DATA (.csv or .parquet) to predict one column.

    Texts become categories, gaps are filled in and marked, numbers are standardised. A share of
    the rows is held out and scored at the end.
    """
    from chainrule.estimators.parameters import check_arguments

    given = {name: value for name, value in settings.items() if value is not None}
    check_arguments(given)
    _check_numbers(test_fraction, seed)
    if model is not None:
        _check_destination(model)
    job = _Job.read(data, target, drop, task, test_fraction, seed)
    estimator, seconds = _fit(job, given | {"random_state": seed, "verbose": not quiet})
    _report(estimator, job, seconds)
    if model is not None:
        estimator.save(model)
        note(f"saved to {model}")
    else:
        note("not saved: add --model NAME.safetensors to keep the model")


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


# --------------------------------------------------------------------- reading


@dataclass
class _Job:
    """What to learn from: the table, its target, which rows train and which test."""

    table: pa.Table
    target: nw.Series[Any]
    y: np.ndarray
    task: str
    guessed: bool
    dropped: int
    rest: np.ndarray
    test: np.ndarray

    @classmethod
    def read(
        cls, data: Path, target: str, drop: tuple[str, ...], task: str, share: float, seed: int
    ) -> _Job:
        """Read the file, find out what the target is, hold rows out."""
        import numpy as np

        from chainrule.data.readers import read_table, split_target
        from chainrule.data.targets import read_target
        from chainrule.estimators.splits import random_share, stratified_share

        table, column, dropped = split_target(_without(read_table(data), drop), target)
        y, _ = read_target(column)
        guessed = task == "auto"
        task = _guess_task(y) if guessed else task
        rng = np.random.default_rng(seed)
        classes = task == "classification"
        held = stratified_share(y, share, rng) if classes else random_share(len(y), share, rng)
        if held.all():
            raise DataError(f"{data} has {len(y)} rows: too few to hold out {share:g} of them.")
        rest, test = np.flatnonzero(~held), np.flatnonzero(held)
        return cls(table, column, y, task, guessed, dropped, rest, test)


def _without(table: pa.Table, names: tuple[str, ...]) -> pa.Table:
    for name in names:
        if name not in table.column_names:
            raise unknown_name("column", name, table.column_names)
    return table.drop_columns(list(names))


def _guess_task(y: np.ndarray) -> str:
    import numpy as np

    if y.dtype.kind not in "iuf":
        return "classification"
    levels = len(np.unique(y))
    few = levels <= min(_FEW_CLASSES, max(2, len(y) // _REPEATS))
    return "classification" if few and bool((y == np.floor(y)).all()) else "regression"


# -------------------------------------------------------------------- training


def _fit(job: _Job, settings: dict[str, Any]) -> tuple[NetworkClassifier | NetworkRegressor, float]:
    """The trained estimator, and how many seconds that took."""
    from chainrule.estimators import NetworkClassifier, NetworkRegressor

    made = NetworkClassifier if job.task == "classification" else NetworkRegressor
    estimator = made(**settings)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        begin = time.perf_counter()
        estimator.fit(job.table.take(job.rest), job.target[job.rest.tolist()])
        seconds = time.perf_counter() - begin
    if estimator.history_.best_epoch is None:
        why = str(caught[-1].message) if caught else f"{estimator.history_.stopped}."
        raise HyperparameterError(f"nothing was learnt, nothing is saved: {why}")
    for warning in caught:
        warnings.warn_explicit(warning.message, warning.category, warning.filename, warning.lineno)
    return estimator, seconds


# ------------------------------------------------------------------- reporting


def _report(estimator: NetworkClassifier | NetworkRegressor, job: _Job, seconds: float) -> None:
    history, network, encoder = estimator.history_, estimator.network_, estimator.encoder_
    kinds = [column.kind for column in encoder.columns_]
    columns = f"{_count(kinds.count('number'), 'number')}, "
    columns += _count(kinds.count("category"), "category", "categories")
    rows = f"{len(job.rest)} to train on, {len(job.test)} to test"
    if job.dropped:
        rows += f"; {job.dropped} more without a target left out"
    if encoder.constant_:
        columns += f"; the same in every row: {', '.join(encoder.constant_)}"
    epochs = f"{len(history)}, best {history.best_epoch}; {history.stopped}"
    show_pairs(
        [
            ("target", _describe_target(estimator, job)),
            ("rows", rows),
            ("columns", columns),
            ("network", " → ".join(map(str, _sizes(network)))),
            ("parameters", network.n_parameters),
            ("epochs", epochs),
            ("time", f"{seconds:.2f} s"),
            *_scores(estimator, job),
        ]
    )


def _count(n: int, one: str, many: str = "") -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"


def _describe_target(estimator: NetworkClassifier | NetworkRegressor, job: _Job) -> str:
    classes = getattr(estimator, "classes_", None)
    if classes is None:
        kind = f"a number from {job.y.min():g} to {job.y.max():g}"
    else:
        shown = ", ".join(map(str, classes[:5])) + (" …" if len(classes) > 5 else "")
        kind = f"{len(classes)} classes, {shown}"
    hint = " (a guess: --task says otherwise)" if job.guessed else ""
    return f"{job.target.name}: {kind}{hint}"


def _sizes(network: Any) -> list[int]:
    weights = [p for name, p in network.parameters.items() if name.endswith("weight")]
    return [weights[0].shape[0], *(w.shape[1] for w in weights)]


def _scores(estimator: NetworkClassifier | NetworkRegressor, job: _Job) -> list[tuple[str, str]]:
    classifies = hasattr(estimator, "classes_")
    name = "accuracy" if classifies else "R²"
    scores = [(f"training {name}", _score(estimator, job, job.rest))]
    if len(job.test) > (not classifies):  # R² needs two rows
        simplest = "commonest class" if classifies else "mean"
        comparison = f"; {_dummy(job):.4f} by always answering with the {simplest}"
        scores.append((f"test {name}", _score(estimator, job, job.test) + comparison))
    return scores


def _score(estimator: NetworkClassifier | NetworkRegressor, job: _Job, rows: np.ndarray) -> str:
    return f"{estimator.score(job.table.take(rows), job.y[rows]):.4f}"


def _dummy(job: _Job) -> float:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    made = DummyClassifier if job.task == "classification" else DummyRegressor
    rest, test = job.rest, job.test
    return made().fit(rest[:, None], job.y[rest]).score(test[:, None], job.y[test])
