"""``chainrule demo``: a real table from file to prediction, beside scikit-learn."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path
from typing import Any

import click

from chainrule.cli.console import ChainruleCommand, show_table

__all__ = ["demo"]

_TARGET = "species"
_HIDDEN = (64, 64)
_EPOCHS = 200
_BATCH = 32


@click.command(cls=ChainruleCommand, short_help="Train on real data, beside scikit-learn.")
def demo() -> None:
    """Train on 344 penguins, compare with scikit-learn, show the tape, save, load and predict."""
    import numpy as np
    from sklearn.model_selection import train_test_split

    from chainrule.data.readers import load_penguins, split_target
    from chainrule.ops.optimizers import Adam

    table = load_penguins()
    X, column, _ = split_target(table, _TARGET)
    y = np.asarray(column.to_list())
    train, test = train_test_split(np.arange(len(y)), stratify=y, random_state=0)
    click.echo(
        f"344 penguins of three species; {len(train)} to learn from, {len(test)} to test; "
        f"texts and missing values included.\n"
    )
    _warm_up(X, y)
    ours, our_seconds, our_score = _ours(X.take(train), y[train], X.take(test), y[test])
    their_seconds, their_score = _theirs(X.take(train), y[train], X.take(test), y[test])
    show_table(
        f"The same layers, {_EPOCHS} epochs of minibatches of {_BATCH}, preprocessing included",
        ["", "test accuracy", "seconds", "times as long"],
        [
            ("chainrule", f"{our_score:.3f}", f"{our_seconds:.3f}", "1"),
            (
                "scikit-learn MLPClassifier",
                f"{their_score:.3f}",
                f"{their_seconds:.3f}",
                f"{their_seconds / our_seconds:.1f}",
            ),
        ],
    )
    click.echo("The tape: everything the network computes in one training step\n")
    click.echo(str(ours.network_.tape(Adam())))
    _elsewhere(ours, X.take(test), y[test])


def _warm_up(X: Any, y: Any) -> None:
    """Compile what the first training on this machine needs, so that it is not timed."""
    _classifier(epochs=1).fit(X, y).predict(X)


def _classifier(**settings: Any) -> Any:
    from chainrule.estimators import NetworkClassifier

    model = NetworkClassifier(_HIDDEN, batch_size=_BATCH, early_stopping=False, random_state=0)
    return model.set_params(**settings)


def _ours(X: Any, y: Any, X_test: Any, y_test: Any) -> tuple[Any, float, float]:
    begin = time.perf_counter()
    model = _classifier(epochs=_EPOCHS, verbose="always").fit(X, y)
    seconds = time.perf_counter() - begin
    return model, seconds, model.score(X_test, y_test)


def _theirs(X: Any, y: Any, X_test: Any, y_test: Any) -> tuple[float, float]:
    """scikit-learn with the preprocessing that its users write, the same layers and epochs."""
    import numpy as np
    import sklearn.base
    from sklearn.compose import make_column_transformer
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.impute import SimpleImputer
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    def as_array(table: Any) -> np.ndarray:
        return np.column_stack([np.array(c.to_pylist(), dtype=object) for c in table.columns])

    names = X.column_names
    texts = [k for k, name in enumerate(names) if str(X.schema.field(name).type) == "string"]
    numbers = [k for k in range(len(names)) if k not in texts]
    numeric = make_pipeline(
        SimpleImputer(missing_values=np.nan, strategy="median", add_indicator=True),
        StandardScaler(),
    )
    encode = make_column_transformer(
        (numeric, numbers), (OneHotEncoder(handle_unknown="ignore"), texts)
    )
    network = MLPClassifier(
        _HIDDEN, batch_size=_BATCH, max_iter=_EPOCHS, n_iter_no_change=_EPOCHS, random_state=0
    )
    model = make_pipeline(encode, network)
    train, test = as_array(X), as_array(X_test)
    for array in (train, test):
        array[:, numbers] = array[:, numbers].astype(float)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # all epochs are run on purpose
        sklearn.base.clone(model).set_params(mlpclassifier__max_iter=1).fit(train, y)  # warm up
        begin = time.perf_counter()
        model.fit(train, y)
        seconds = time.perf_counter() - begin
    return seconds, model.score(test, y_test)


def _elsewhere(model: Any, X: Any, y: Any) -> None:
    """Save, then load in a new process and predict from a CSV file."""
    from pyarrow import csv

    with tempfile.TemporaryDirectory() as folder:
        path, data = Path(folder) / "penguins.safetensors", Path(folder) / "new.csv"
        out = Path(folder) / "out.csv"
        model.save(path)
        csv.write_csv(X, data)
        click.echo(
            f"\nSaved {path.stat().st_size / 1024:.0f} KiB; a new process loads it and predicts "
            f"{len(y)} rows of a CSV file:\n"
        )
        command = [sys.executable, "-m", "chainrule", "predict", path, data, "-o", out]
        subprocess.run(list(map(str, command)), check=True, stderr=subprocess.DEVNULL)
        predicted = csv.read_csv(out)
    right = sum(a == b for a, b in zip(predicted.column("prediction").to_pylist(), y, strict=True))
    rows = [
        (truth, *(f"{v:.3f}" if isinstance(v, float) else v for v in row.values()))
        for truth, row in zip(y[:5], predicted.slice(0, 5).to_pylist(), strict=True)
    ]
    show_table("The first five", [_TARGET, *predicted.column_names], rows)
    click.echo(f"{right} of {len(y)} are right.")
