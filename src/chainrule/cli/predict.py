"""``chainrule predict`` and ``chainrule evaluate``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from chainrule.cli.console import ChainruleCommand, note, show_table
from chainrule.errors import DataError

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = ["evaluate", "predict"]


@click.command(cls=ChainruleCommand)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="CSV file to write; standard output if not given.",
)
def predict(model: Path, data: Path, output: Path | None) -> None:  # fmt: skip
    """Predict every row of DATA with MODEL: the prediction, and for classes their probabilities."""
    from chainrule.data.readers import read_table
    from chainrule.loading import load

    columns = _predictions(load(model), read_table(data))
    content = _csv(columns)
    if output is None:
        sys.stdout.buffer.write(content)
        return
    _check_output(output, data, model)
    from chainrule.files.atomic import write_atomically

    try:
        write_atomically(output, content)
    except OSError as error:
        raise DataError(f"cannot write {output}: {error.strerror or error}.") from None
    note(f"{len(next(iter(columns.values())))} predictions written to {output}")


def _check_output(output: Path, *inputs: Path) -> None:
    for path in inputs:
        if output.exists() and output.samefile(path):
            raise DataError(f"{output} is an input of this command: choose another name for -o.")


def _predictions(fitted: Any, table: Any) -> dict[str, Any]:
    import numpy as np

    if not hasattr(fitted, "encoder_"):
        scores = fitted.predict(_numbers(table))
        return {f"score {k}": scores[:, k] for k in range(scores.shape[1])}
    values = np.asarray(fitted.predict(table))
    if values.ndim == 2:
        return {f"prediction {k}": values[:, k] for k in range(values.shape[1])}
    columns: dict[str, Any] = {"prediction": values}
    if hasattr(fitted, "classes_"):
        probabilities = fitted.predict_proba(table)
        for k, label in enumerate(fitted.classes_):
            columns[f"probability {label}"] = probabilities[:, k]
    return columns


def _numbers(table: Any) -> Any:
    import numpy as np

    try:
        return np.column_stack([np.asarray(c.to_pylist(), np.float64) for c in table.columns])
    except (TypeError, ValueError):
        raise DataError("this model is a bare network: every column must hold numbers.") from None


def _csv(columns: Mapping[str, Any]) -> bytes:
    import pyarrow as pa
    from pyarrow import csv

    sink = pa.BufferOutputStream()
    arrays = {name: pa.array(values.tolist()) for name, values in columns.items()}
    csv.write_csv(pa.table(arrays), sink)
    return sink.getvalue().to_pybytes()


@click.command(cls=ChainruleCommand)
@click.argument("model", type=click.Path(path_type=Path))
@click.argument("data", type=click.Path(path_type=Path))
@click.option("--target", help="Column with the truth; the one trained on if not given.")
def evaluate(model: Path, data: Path, target: str | None) -> None:
    """Score MODEL on the rows of DATA, which must have the target."""
    import numpy as np

    from chainrule.data.readers import read_table, split_target
    from chainrule.loading import load

    fitted: Any = load(model)
    target = target or getattr(fitted, "target_name_", None)
    if target is None:
        raise DataError(f"{model} does not say what its target is called: give --target.")
    table, column, dropped = split_target(read_table(data), target)
    if dropped:
        note(f"{dropped} rows without a target were left out.")
    y = np.asarray(column.to_pylist())
    show_table("", ["what", "value"], [("rows", len(y)), *_scores(fitted, table, y)])


def _scores(fitted: Any, table: Any, y: Any) -> list[tuple[str, str]]:
    import numpy as np
    from sklearn import metrics

    if not hasattr(fitted, "encoder_"):
        found = fitted.evaluate(_numbers(table), y)
        return [(name, f"{value:.4f}") for name, value in found.items()]
    if hasattr(fitted, "classes_"):
        unseen = sorted(set(y.tolist()) - set(fitted.classes_.tolist()), key=str)
        if unseen:
            raise DataError(
                f"the target has the label {unseen[0]!r}, which was not seen in training "
                f"({', '.join(map(str, fitted.classes_[:8]))})."
            )
        predicted, probabilities = fitted.predict(table), fitted.predict_proba(table)
        return [
            ("accuracy", f"{metrics.accuracy_score(y, predicted):.4f}"),
            (
                "balanced accuracy",
                f"{np.mean([(predicted[y == c] == c).mean() for c in np.unique(y)]):.4f}",
            ),
            ("log loss", f"{metrics.log_loss(y, probabilities, labels=fitted.classes_):.4f}"),
        ]
    if y.dtype.kind not in "iufb":
        raise DataError(f"the target holds {y[0]!r}: this model predicts numbers.")
    predicted = fitted.predict(table)
    return [
        ("R²", f"{metrics.r2_score(y, predicted):.4f}"),
        ("root mean squared error", f"{metrics.root_mean_squared_error(y, predicted):.4g}"),
        ("mean absolute error", f"{metrics.mean_absolute_error(y, predicted):.4g}"),
    ]
