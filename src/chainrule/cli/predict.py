"""``chainrule predict`` and ``chainrule evaluate``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from chainrule.cli.console import ChainruleCommand, note, show_pairs
from chainrule.errors import DataError, closest

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa

    from chainrule.data.frames import Table
    from chainrule.data.streams import Stream

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
    """Predict every row of DATA with MODEL: the prediction, and for classes their probabilities.

    Columns that were left out as identifiers in training come first, so that rows can be told.

    DATA is a file or a folder of files, read and predicted portion by portion.
    """
    from chainrule.loading import load

    if output is not None:
        _check_output(output, data, model)
    parts = _predictions(load(model), data)
    if output is None:
        _write_csv(sys.stdout.buffer, parts)
        return
    rows = _write(output, parts)
    note(f"{rows} predictions written to {output}")


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


def _write(output: Path, parts: Iterator[pa.Table]) -> int:
    """Write predictions; nobody sees the file before it is whole. How many rows it has."""
    from chainrule.files.atomic import written_atomically

    write = _write_csv if output.suffix.lower() == ".csv" else _write_parquet
    try:
        with written_atomically(output) as file:
            return write(file, parts)
    except OSError as error:
        raise DataError(f"cannot write {output}: {error.strerror or error}.") from None


def _write_csv(file: IO[bytes], parts: Iterator[pa.Table]) -> int:
    import pyarrow as pa
    from pyarrow import csv

    rows = 0
    for part in parts:
        sink = pa.BufferOutputStream()
        csv.write_csv(part, sink, csv.WriteOptions(include_header=not rows))
        file.write(sink.getvalue())
        rows += part.num_rows
    return rows


def _write_parquet(file: IO[bytes], parts: Iterator[pa.Table]) -> int:
    from pyarrow import parquet

    first = next(parts)
    rows = first.num_rows
    with parquet.ParquetWriter(file, first.schema) as writer:
        writer.write_table(first)
        for part in parts:
            writer.write_table(part)
            rows += part.num_rows
    return rows


def _predictions(fitted: Any, data: Path) -> Iterator[pa.Table]:
    """Predictions for every row of the files, some rows at a time."""
    import numpy as np
    import pyarrow as pa

    from chainrule.data.frames import Table
    from chainrule.data.streams import Stream

    stream = Stream(data, say=note)
    if hasattr(fitted, "encoder_"):
        start, beside = 0, _identifiers(fitted, stream.schema.names)
        for portion in stream.portions():
            places = np.arange(start, start := start + len(portion))
            found = _predicted(fitted, Table.read(portion).renumbered(places))
            yield pa.table([*portion.select(beside).columns, *found.columns],
                           [*beside, *found.column_names])  # fmt: skip
    else:  # a network may hand a state on from row to row
        scores = fitted.predict(_numbers(stream.table()))
        yield pa.table({f"score {k}": scores[:, k] for k in range(scores.shape[1])})


def _identifiers(fitted: Any, names: list[str]) -> list[str]:
    """Columns of the table, of these names, that tell rows apart and were not learnt from."""
    from chainrule.data.columns import LeftOut

    encoder = fitted.encoder_
    left = [c.name for c in encoder.columns_ if isinstance(c, LeftOut) and c.why == "identifier"]
    found = [name for name in left if encoder.named_ and name in names]
    for name in found:
        if name.split(" ")[0] in ("prediction", "probability"):
            raise DataError(f"the identifier '{name}' is called as a prediction is: rename it.")
    return found


def _predicted(fitted: Any, table: Table) -> pa.Table:
    import pyarrow as pa

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
    from chainrule.data.readers import split_target
    from chainrule.data.streams import Stream
    from chainrule.data.targets import read_target
    from chainrule.loading import load

    fitted: Any = load(model)
    target = target or getattr(fitted, "target_name_", None)
    if target is None:
        raise DataError(f"{model} does not say what its target is called: give --target.")
    stream = Stream(data, say=note)
    if hasattr(fitted, "encoder_"):
        _check_target(target, stream, fitted, model)
        rows, dropped, scores = _scores(fitted, stream, target)
    else:
        table, column, dropped = split_target(stream.table(), target)
        found = fitted.evaluate(_numbers(table), read_target(column)[0])
        rows, scores = table.num_rows, [(name, f"{value:.4f}") for name, value in found.items()]
    more = f"; {dropped} more without a target left out" if dropped else ""
    show_pairs([("rows", f"{rows}{more}"), *scores])


def _check_target(target: str, stream: Stream, fitted: Any, model: Path) -> None:
    """Refuse a target that the table lacks, or that the model reads itself."""
    from chainrule.data.targets import called

    names = stream.schema.names
    if target not in names and target == fitted.target_name_:
        raise DataError(
            f"{stream.path} has no column '{target}', which {model} predicts, so there is no truth "
            f"to score by: give --target if it is called otherwise.{closest(target, names)} "
            f"There are: {', '.join(sorted(names))}."
        )
    read = [c.name for c in fitted.encoder_.columns_ if c.width and fitted.encoder_.named_]
    if target in read:
        raise DataError(
            f"--target {target} is a column from which {model} predicts: give the one that it "
            f"predicts, {called(fitted.target_name_)}."
        )


def _scores(fitted: Any, stream: Stream, target: str) -> tuple[int, int, list[tuple[str, str]]]:
    """Rows that have the target, rows that have not, and the scores."""
    import narwhals as nw
    import numpy as np

    from chainrule.data.frames import Table
    from chainrule.data.readers import split_target, with_target
    from chainrule.data.targets import read_target

    truth, answers, dropped, start = [], [], 0, 0
    for portion in stream.portions():
        known = with_target(nw.from_native(portion, eager_only=True), target)
        dropped += int((~known).sum())
        if known.any():
            table, column, _ = split_target(portion, target)
            y, _ = read_target(column)
            truth.append(y)
            places = start + np.flatnonzero(known)
            answers.append(_answers(fitted, Table.read(table).renumbered(places), y, target))
        start += len(known)
    if not truth:
        raise DataError(f"the target '{target}' is missing in every row.")
    y = np.concatenate(truth)
    if hasattr(fitted, "classes_"):
        y = _labels(y, fitted.classes_, target)
        scores = _class_scores(y, np.concatenate(answers), fitted.classes_)
    else:
        scores = _number_scores(y, np.concatenate(answers))
    return len(y), dropped, scores


def _answers(fitted: Any, table: Table, y: np.ndarray, target: str) -> np.ndarray:
    """Probabilities, (n, n_classes), or numbers, (n,)."""
    if hasattr(fitted, "classes_"):
        return fitted.predict_proba(table)
    if y.dtype.kind not in "iufb":
        raise DataError(
            f"the target '{target}' holds {y[0].item()!r}: this model predicts numbers."
        )
    predicted = fitted.predict(table)
    if predicted.ndim == 2:
        raise DataError("this model predicts several targets at once: score it from Python.")
    return predicted


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


def _class_scores(
    y: np.ndarray, probabilities: np.ndarray, classes: np.ndarray
) -> list[tuple[str, str]]:
    import numpy as np
    from sklearn import metrics

    predicted = classes[np.argmax(probabilities, axis=1)]
    balanced = np.mean([(predicted[y == label] == label).mean() for label in np.unique(y)])
    loss = metrics.log_loss(y, probabilities, labels=classes)
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
