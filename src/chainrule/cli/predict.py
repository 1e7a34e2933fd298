"""``chainrule predict`` and ``chainrule evaluate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.console import ChainruleCommand, note, show_pairs
from chainrule.errors import DataError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

__all__ = ["evaluate", "predict"]


@click.command(cls=ChainruleCommand, short_help="Predict every row of a table.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="File to write, .csv or .parquet; CSV on standard output if not given.",
)
def predict(model: Path, data: Path, output: Path | None) -> None:
    """Predict every row of DATA with MODEL: the prediction, and for classes their probabilities."""
    from chainrule.data.readers import read_table
    from chainrule.loading import load

    if output is not None:
        _check_output(output, data, model)
    predictions = _predictions(load(model), read_table(data))
    if output is None:
        sys.stdout.buffer.write(_as_csv(predictions))
        return
    _write(output, predictions)
    note(f"{predictions.num_rows} predictions written to {output}")


def _check_output(output: Path, *inputs: Path) -> None:
    if output.suffix.lower() not in (".csv", ".parquet"):
        raise DataError(f"cannot write {output}: the name must end in .csv or .parquet.")
    if not output.parent.is_dir():
        raise DataError(f"cannot write {output}: there is no folder {output.parent}.")
    if output.exists() and not output.is_file():
        raise DataError(f"cannot write {output}: it exists and is no file.")
    for path in inputs:
        if output.exists() and path.exists() and output.samefile(path):
            raise DataError(f"{output} is an input of this command: choose another name for -o.")


def _write(output: Path, predictions: pa.Table) -> None:
    import pyarrow as pa
    from pyarrow import parquet

    from chainrule.files.atomic import write_atomically

    if output.suffix.lower() == ".csv":
        content = _as_csv(predictions)
    else:
        sink = pa.BufferOutputStream()
        parquet.write_table(predictions, sink)
        content = sink.getvalue().to_pybytes()
    try:
        write_atomically(output, content)
    except OSError as error:
        raise DataError(f"cannot write {output}: {error.strerror or error}.") from None


def _as_csv(predictions: pa.Table) -> bytes:
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.BufferOutputStream()
    csv.write_csv(predictions, sink)
    return sink.getvalue().to_pybytes()


def _predictions(fitted: Any, table: pa.Table) -> pa.Table:
    import pyarrow as pa

    if not hasattr(fitted, "encoder_"):
        scores = fitted.predict(_numbers(table))
        return pa.table({f"score {k}": scores[:, k] for k in range(scores.shape[1])})
    values = fitted.predict(table)
    if values.ndim == 2:
        return pa.table({f"prediction {k}": values[:, k] for k in range(values.shape[1])})
    columns = {"prediction": pa.array(values)}
    if hasattr(fitted, "classes_"):
        probabilities = fitted.predict_proba(table)
        for k, label in enumerate(fitted.classes_):
            columns[f"probability {label}"] = pa.array(probabilities[:, k])
    return pa.table(columns)


def _numbers(table: pa.Table) -> np.ndarray:
    import numpy as np

    try:
        return np.column_stack([np.asarray(c.to_pylist(), np.float64) for c in table.columns])
    except (TypeError, ValueError):
        raise DataError("this model is a bare network: every column must hold numbers.") from None


# ----------------------------------------------------------------- evaluation


@click.command(cls=ChainruleCommand, short_help="Score a model on a table that has the target.")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--target", help="Column with the truth; the one trained on if not given.")
def evaluate(model: Path, data: Path, target: str | None) -> None:
    """Score MODEL on the rows of DATA, which must have the target."""
    from chainrule.data.readers import read_table, split_target
    from chainrule.data.targets import read_target
    from chainrule.loading import load

    fitted: Any = load(model)
    target = target or getattr(fitted, "target_name_", None)
    if target is None:
        raise DataError(f"{model} does not say what its target is called: give --target.")
    table, column, dropped = split_target(read_table(data), target)
    y, _ = read_target(column)
    rows = f"{len(y)}; {dropped} more without a target left out" if dropped else str(len(y))
    show_pairs([("rows", rows), *_scores(fitted, table, y, target)])


def _scores(fitted: Any, table: pa.Table, y: np.ndarray, target: str) -> list[tuple[str, str]]:
    if not hasattr(fitted, "encoder_"):
        found = fitted.evaluate(_numbers(table), y)
        return [(name, f"{value:.4f}") for name, value in found.items()]
    if hasattr(fitted, "classes_"):
        return _class_scores(fitted, table, _labels(y, fitted.classes_, target))
    if y.dtype.kind not in "iufb":
        raise DataError(
            f"the target '{target}' holds {y[0].item()!r}: this model predicts numbers."
        )
    predicted = fitted.predict(table)
    if predicted.ndim == 2:
        raise DataError("this model predicts several targets at once: score it from Python.")
    return _number_scores(y, predicted)


def _labels(y: np.ndarray, classes: np.ndarray, target: str) -> np.ndarray:
    """The truth as labels of the model: where these are texts, 3 is '3'."""
    import numpy as np

    from chainrule.data.frames import text

    if classes.dtype.kind == "U" and y.dtype.kind != "U":
        y = np.array([text(value) for value in y.tolist()])
    unseen = sorted(set(y.tolist()) - set(classes.tolist()), key=str)
    if unseen:
        seen = ", ".join(map(str, classes[:8])) + (" …" if len(classes) > 8 else "")
        raise DataError(
            f"the target '{target}' has the label {unseen[0]!r}, which was not seen in training "
            f"({seen}): leave such rows out or train with them."
        )
    return y


def _class_scores(fitted: Any, table: pa.Table, y: np.ndarray) -> list[tuple[str, str]]:
    import numpy as np
    from sklearn import metrics

    predicted, probabilities = fitted.predict(table), fitted.predict_proba(table)
    balanced = np.mean([(predicted[y == label] == label).mean() for label in np.unique(y)])
    loss = metrics.log_loss(y, probabilities, labels=fitted.classes_)
    return [
        ("accuracy", f"{metrics.accuracy_score(y, predicted):.4f}"),
        ("balanced accuracy", f"{balanced:.4f}"),
        ("log loss", f"{loss:.4f}"),
    ]


def _number_scores(y: np.ndarray, predicted: np.ndarray) -> list[tuple[str, str]]:
    from sklearn import metrics

    r2 = f"{metrics.r2_score(y, predicted):.4f}" if len(y) > 1 else "needs two rows"
    return [
        ("R²", r2),
        ("root mean squared error", f"{metrics.root_mean_squared_error(y, predicted):.4g}"),
        ("mean absolute error", f"{metrics.mean_absolute_error(y, predicted):.4g}"),
    ]
