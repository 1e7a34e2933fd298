"""``chainrule train``: from a CSV or Parquet file to a model and an honest score."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.console import ChainruleCommand, note, show_table
from chainrule.errors import DataError, HyperparameterError, ModelFileError

if TYPE_CHECKING:
    import numpy as np

    from chainrule.estimators import NetworkClassifier, NetworkRegressor

__all__ = ["train"]

_FEW_CLASSES = 20  # whole numbers with at most so many different values are classes


def _widths(context: click.Context, parameter: click.Parameter, text: str | None) -> Any:
    if text is None:
        return None
    try:
        return tuple(int(part) for part in text.split(",") if part.strip())
    except ValueError:
        raise click.BadParameter(f"'{text}': give whole numbers, such as 64,64.") from None


@click.command(cls=ChainruleCommand)
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--target", required=True, help="Column to predict.")
@click.option("--model", type=click.Path(path_type=Path), help="Where to save the model.")
@click.option("--layers", "hidden", callback=_widths, help="Widths of the hidden layers: 64,64.")
@click.option("--activation", help="Of the hidden layers; see `chainrule activations`.")
@click.option("--optimizer", help="sgd, momentum, nesterov, adagrad, rmsprop, adam or adamw.")
@click.option("--learning-rate", type=float, help="Size of one update.")
@click.option("--batch-size", type=int, help="Rows in one update.")
@click.option("--epochs", type=int, help="At most so many passes over the rows.")
@click.option("--keep", type=float, help="Probability that dropout keeps a unit.")
@click.option("--patience", type=int, help="Epochs without improvement before stopping.")
@click.option("--time-limit", type=float, help="Seconds.")
@click.option("--max-levels", type=int, help="Most different texts in a column of categories.")
@click.option("--threads", type=int, help="Threads of one matrix product.")
@click.option(
    "--task",
    type=click.Choice(["auto", "classification", "regression"]),
    default="auto",
    show_default=True,
)
@click.option(
    "--test-fraction",
    type=float,
    default=0.2,
    show_default=True,
    help="Share of the rows held out for the score; 0 for none.",
)
@click.option("--seed", type=int, default=0, show_default=True, help="Start of random numbers.")
@click.option("--quiet", is_flag=True, help="No progress bar.")
def train(
    data: Path, target: str, model: Path | None, task: str, test_fraction: float, seed: int,
    quiet: bool, **settings: Any,
) -> None:  # fmt: skip
    """Train a network on the table DATA (.csv or .parquet) to predict one column.

    Texts become categories, gaps are filled in and marked, numbers are standardised. A share of
    the rows is held out and scored at the end.
    """
    import numpy as np

    from chainrule.data.readers import read_table, split_target

    if not 0 <= test_fraction < 1:
        raise HyperparameterError(
            f"test-fraction = {test_fraction} is not possible: give a number in [0, 1)."
        )
    if model is not None:
        _check_destination(model)
    table, column, dropped = split_target(read_table(data), target)
    if dropped:
        note(f"{dropped} rows without a target were left out.")
    y = _values(column)
    estimator = _estimator(task, y, target, seed, quiet, settings)
    order = np.random.default_rng(seed).permutation(len(y))
    held = round(test_fraction * len(y))
    test, rest = np.sort(order[:held]), np.sort(order[held:])
    if not len(rest):
        raise DataError(f"{data} has {len(y)} rows: too few to train on.")
    begin = time.perf_counter()
    estimator.fit(table.take(rest), y[rest])
    seconds = time.perf_counter() - begin
    estimator.target_name_ = target
    _report(estimator, table, y, rest, test, seconds)
    if model is not None:
        estimator.save(model)
        note(f"saved to {model}")
    else:
        note("not saved: add --model NAME.safetensors to keep the model")


def _values(column: Any) -> np.ndarray:
    import numpy as np

    return np.asarray(column.to_pylist())


def _check_destination(model: Path) -> None:
    """Refuse to write over a file that is no model, before any work is done."""
    from chainrule.files.container import read_container

    if not model.parent.is_dir():
        raise ModelFileError(f"cannot write {model}: there is no folder {model.parent}.")
    if model.exists():
        try:
            read_container(model)
        except ModelFileError:
            raise ModelFileError(
                f"{model} exists and is not a chainrule model: choose another name for --model."
            ) from None


def _estimator(
    task: str, y: np.ndarray, target: str, seed: int, quiet: bool, settings: dict[str, Any]
) -> NetworkClassifier | NetworkRegressor:
    from chainrule.estimators import NetworkClassifier, NetworkRegressor

    if task == "auto":
        task = _guess_task(y)
        note(f"'{target}' looks like a {task} target; --task says otherwise.")
    made = NetworkClassifier if task == "classification" else NetworkRegressor
    given = {name: value for name, value in settings.items() if value is not None}
    return made(random_state=seed, verbose=not quiet, **given)


def _guess_task(y: np.ndarray) -> str:
    import numpy as np

    if y.dtype.kind not in "iuf":
        return "classification"
    levels = np.unique(y)
    whole = y.dtype.kind in "iu"
    return "classification" if whole and len(levels) <= _FEW_CLASSES else "regression"


def _report(
    estimator: NetworkClassifier | NetworkRegressor,
    table: Any,
    y: np.ndarray,
    rest: np.ndarray,
    test: np.ndarray,
    seconds: float,
) -> None:
    history, network = estimator.history_, estimator.network_
    kinds = [column.kind for column in estimator.encoder_.columns_]
    if estimator.encoder_.constant_:
        note(f"the same in every row: {', '.join(estimator.encoder_.constant_)}")
    rows = [
        ("rows", f"{len(rest)} to train on, {len(test)} to test"),
        ("columns", f"{kinds.count('number')} numbers, {kinds.count('category')} categories"),
        ("network", " → ".join(map(str, _sizes(network)))),
        ("parameters", f"{network.n_parameters}"),
        ("epochs", f"{len(history)}, best {history.best_epoch}; {history.stopped}"),
        ("time", f"{seconds:.2f} s"),
    ]
    name = "accuracy" if hasattr(estimator, "classes_") else "R²"
    rows.append((f"training {name}", f"{estimator.score(table.take(rest), y[rest]):.4f}"))
    if len(test):
        rows.append((f"test {name}", f"{estimator.score(table.take(test), y[test]):.4f}"))
        rows.append(
            (f"test {name}, always the same answer", f"{_dummy(estimator, y, rest, test):.4f}")
        )
    show_table("", ["what", "value"], rows)


def _sizes(network: Any) -> list[int]:
    weights = [p for name, p in network.parameters.items() if name.endswith("weight")]
    return [weights[0].shape[0], *(w.shape[1] for w in weights)]


def _dummy(
    estimator: NetworkClassifier | NetworkRegressor,
    y: np.ndarray,
    rest: np.ndarray,
    test: np.ndarray,
) -> float:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    made = DummyClassifier if hasattr(estimator, "classes_") else DummyRegressor
    return made().fit(rest[:, None], y[rest]).score(test[:, None], y[test])
