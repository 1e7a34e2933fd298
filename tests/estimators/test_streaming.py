"""Paths, names of targets and streams: the same as in memory, in portions."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from click.testing import CliRunner
from pyarrow import csv, parquet

import chainrule as cr
from chainrule.cli.main import main
from chainrule.data import csv_files
from chainrule.data.readers import load_penguins
from chainrule.data.streams import Stream
from chainrule.data.survey import Split
from chainrule.data.tables import TableEncoder
from chainrule.errors import DataError, HyperparameterError, NonFiniteLossWarning, UnknownNameError
from chainrule.estimators.incremental import Passes
from chainrule.training import LBFGS

ROWS = 4000
SMALL = {"portion_rows": 500, "shuffle_rows": 1000}


@pytest.fixture(scope="module")
def table() -> pa.Table:
    """A number to predict from four, a text and gaps; `id` tells rows apart."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(ROWS, 3))
    group = rng.choice(["a", "b", "c"], ROWS)
    y = 2 * x[:, 0] + np.sin(2 * x[:, 1]) + (group == "b") + 0.1 * rng.normal(size=ROWS)
    x[rng.random(ROWS) < 0.1, 2] = np.nan
    columns = {f"x{k}": pa.array(x[:, k], from_pandas=True) for k in range(3)}
    kind = np.where(y > 1, "high", np.where(y > -1, "middle", "low"))
    return pa.table({"row": np.arange(ROWS), **columns, "group": group, "y": y, "kind": kind})


@pytest.fixture(scope="module")
def folder(table, tmp_path_factory) -> Path:
    place = tmp_path_factory.mktemp("parquet")
    for k in range(4):
        parquet.write_table(table.slice(k * 1000, 1000), place / f"{k}.parquet", row_group_size=250)
    return place


@pytest.fixture(scope="module")
def penguins(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("penguins") / "penguins.csv"
    csv.write_csv(load_penguins(), path)
    return path


def regressor(**more: Any) -> cr.NetworkRegressor:
    return cr.NetworkRegressor((16,), random_state=0, memory_limit=1, **more)


def stream(folder: Path, *drop: str, **more: Any) -> Stream:
    return Stream(folder, drop=drop, **(SMALL | more))


# ------------------------------------------------------- names instead of arrays


@pytest.mark.parametrize("made", [pa.Table.from_pydict, pd.DataFrame, pl.DataFrame])
def test_a_target_by_its_name_is_the_target_itself(made, penguins):
    frame = made(load_penguins().to_pydict())
    model = cr.NetworkClassifier((8,), epochs=3, random_state=0)
    by_name = model.fit(frame, "species")
    X, y = load_penguins().drop_columns(["species"]), load_penguins()["species"]
    scores = by_name.decision_function(X)
    np.testing.assert_array_equal(scores, model.fit(X, y.to_pylist()).decision_function(X))
    assert by_name.score(frame, "species") == model.score(X, y.to_pylist())


def test_a_path_is_its_table(penguins):
    model = cr.NetworkClassifier((8,), epochs=3, random_state=0).fit(str(penguins), "species")
    other = cr.NetworkClassifier((8,), epochs=3, random_state=0).fit(load_penguins(), "species")
    table = load_penguins()
    np.testing.assert_array_equal(model.predict_proba(penguins), other.predict_proba(table))
    np.testing.assert_array_equal(model.transform(penguins), other.transform(table))
    assert model.score(penguins, "species") == other.score(table, "species")
    assert model.target_name_ == "species"


def test_rows_without_a_target_are_left_out_and_said(penguins):
    known = load_penguins().to_pandas().dropna(subset=["body_mass_g"])
    weights = np.random.default_rng(0).uniform(0.5, 2, 344)
    used = weights[load_penguins()["body_mass_g"].is_valid().to_numpy()]
    model = cr.NetworkRegressor((4,), epochs=2, random_state=0)
    expected = model.fit(known.drop(columns="body_mass_g"), known["body_mass_g"], used).predict(
        known
    )
    with pytest.warns(UserWarning, match=".body_mass_g. is missing in 2 of 344 rows"):
        model.fit(penguins, "body_mass_g", weights)
    np.testing.assert_allclose(model.predict(known), expected, rtol=1e-5)
    with pytest.warns(UserWarning, match="2 of 344 rows"):
        score = model.score(penguins, "body_mass_g", weights)
    assert score == pytest.approx(model.score(known, known["body_mass_g"], used), abs=1e-6)


def test_a_lazy_frame_is_collected_and_that_is_said():
    lazy = pl.from_arrow(load_penguins()).lazy()
    with pytest.warns(UserWarning, match="344 rows were collected"):
        model = cr.NetworkClassifier((4,), epochs=1).fit(lazy, "species")
    with pytest.warns(UserWarning, match="collected"):
        assert len(model.predict(lazy)) == 344


# ------------------------------------------------------------------- streaming


def test_rows_are_trained_on_once_an_epoch_and_held_out_ones_never(folder, monkeypatch):
    seen: list[np.ndarray] = []
    plain = Passes.portion

    def watched(self, network, X, *rest):
        seen.append(X[:, 0].copy())
        return plain(self, network, X, *rest)

    monkeypatch.setattr(Passes, "portion", watched)
    model = regressor(epochs=2).fit(stream(folder, "kind"), "y")
    column = model.encoder_.columns_[0]
    ids = np.rint(np.concatenate(seen) * column.scale + column.mean).astype(int)
    first, second = np.split(ids, 2)
    assert len(set(first)) == len(first) == model.survey_.trained
    assert set(first) == set(second)
    assert (first != second).any()
    assert model.survey_.held == ROWS - len(first) > 300
    assert max(map(len, seen)) == 500
    assert len(model.history_.validation_loss) == len(model.history_) == 2


def test_the_encoding_is_that_of_the_table_when_the_sample_holds_it_all(folder, table):
    model = regressor(epochs=1, early_stopping=False).fit(stream(folder), "y")
    whole = cr.NetworkRegressor((16,), epochs=1, early_stopping=False).fit(table, "y")
    assert model.encoder_.config() == whole.encoder_.config()
    assert model.target_mean_ == pytest.approx(whole.target_mean_)
    assert model.feature_names_in_.tolist() == whole.feature_names_in_.tolist()


def test_the_encoding_comes_from_training_rows_alone(folder, table):
    model = regressor(epochs=1).fit(stream(folder, "kind"), "y")
    split = Split(model._seed(), held=model.validation_fraction)
    rows = np.flatnonzero(split.parts(np.arange(ROWS)) == "train")
    expected = TableEncoder().fit(table.drop_columns(["kind", "y"]).take(rows))
    assert len(rows) == model.survey_.trained
    assert model.encoder_.config() == expected.config()


def test_a_stream_learns_what_the_table_teaches(folder, table):
    streamed = regressor(epochs=15).fit(stream(folder, "kind", "row"), "y")
    rest = table.drop_columns(["kind", "row"])
    whole = cr.NetworkRegressor((16,), epochs=15, random_state=0).fit(rest, "y")
    assert streamed.score(folder, "y") == pytest.approx(whole.score(rest, "y"), abs=0.02)
    assert whole.score(rest, "y") > 0.9
    np.testing.assert_array_equal(streamed.predict(folder), streamed.predict(table))


def test_classes_are_those_of_all_rows_and_balanced_weights_too(folder, table):
    model = cr.NetworkClassifier(
        (16,), class_weight="balanced", learning_rate=0.01, epochs=8, memory_limit=1, random_state=0
    )
    model.fit(stream(folder, "y", "row", sample_rows=400), "kind")
    assert model.classes_.tolist() == ["high", "low", "middle"]
    assert model.score(folder, "kind") > 0.8
    counts = table["kind"].value_counts().to_pylist()
    assert model.survey_.labels == {pair["values"]: pair["counts"] for pair in counts}
    assert len(pickle.loads(pickle.dumps(model)).predict(folder)) == ROWS


def test_the_same_seed_gives_the_same_bits(folder):
    first, second = (regressor(epochs=2).fit(stream(folder), "y").predict(folder) for _ in "ab")
    np.testing.assert_array_equal(first, second)


def test_a_table_within_the_memory_limit_is_read_whole(folder):
    model = cr.NetworkRegressor((4,), epochs=1).fit(folder, "y")
    assert not hasattr(model, "survey_")
    assert hasattr(regressor(epochs=1).fit(folder, "y"), "survey_")


def test_training_stops_early_and_keeps_the_best_weights(folder):
    model = regressor(epochs=40, patience=2, learning_rate=0.05)
    history = model.fit(stream(folder, "kind"), "y").history_
    assert history.stopped == "no improvement"
    assert history.best_epoch == 1 + int(np.argmin(history.validation_loss))
    assert len(history) == history.best_epoch + 2


def test_a_time_limit_within_the_first_pass_keeps_what_was_learnt(folder):
    model = regressor(epochs=5, time_limit=1e-6).fit(stream(folder, "kind"), "y")
    assert model.history_.stopped == "time limit"
    assert model.history_.best_epoch == len(model.history_) == 1
    initial = cr.Network(
        model.network_.layers, input_shape=model.network_.input_shape, seed=model._seed()
    )
    moved = [
        np.abs(p - initial.parameters[name]).max() for name, p in model.network_.parameters.items()
    ]
    assert 0 < max(moved) < 0.1


def test_callbacks_see_every_epoch_and_may_stop(folder):
    seen = []

    class Stop(cr.Callback):
        def on_epoch_end(self, state):
            norm = sum(float(np.abs(g).sum()) for g in state.gradients.values())
            seen.append((state.epoch, norm))
            if state.epoch == 2:
                state.stop("enough")

    model = regressor(epochs=9, callbacks=[Stop()]).fit(stream(folder, "kind"), "y")
    assert model.history_.stopped == "enough"
    assert [epoch for epoch, _ in seen] == [1, 2]
    assert all(norm > 0 for _, norm in seen)


def test_warm_start_goes_on_from_the_weights_there_are(folder):
    model = regressor(epochs=3, warm_start=True).fit(stream(folder, "kind"), "y")
    first, network = model.history_.loss[0], model.network_
    model.fit(stream(folder, "kind"), "y")
    assert model.network_ is network
    assert model.history_.loss[0] < first


def test_rows_without_a_target_in_a_stream_are_said(table, tmp_path):
    y = pa.array([None if k % 10 == 0 else v for k, v in enumerate(table["y"].to_pylist())])
    place = tmp_path / "t.parquet"
    parquet.write_table(table.set_column(5, "y", y), place)
    with pytest.warns(UserWarning, match="400 of 4000 rows have no target 'y'"):
        model = regressor(epochs=1).fit(place, "y")
    assert model.survey_.trained + model.survey_.held == 3600


# ---------------------------------------------------------------------- bad input


def test_what_cannot_be_is_refused(folder, table):
    model = regressor(epochs=1)
    with pytest.raises(DataError, match=r"give the name of its target\s+column"):
        model.fit(folder, np.zeros(ROWS))
    with pytest.raises(UnknownNameError, match="Did you mean 'kind'"):
        model.fit(folder, "kinds")
    with pytest.raises(DataError, match="'kind' holds texts such as"):
        model.fit(folder, "kind")
    with pytest.raises(DataError, match="sample_weight"):
        model.fit(folder, "y", np.ones(ROWS))
    with pytest.raises(DataError, match="no names of columns"):
        model.fit(np.zeros((3, 2)), "y")
    with pytest.raises(HyperparameterError, match="LBFGS needs all rows"):
        regressor(optimizer=LBFGS()).fit(folder, "y")
    with pytest.raises(HyperparameterError, match="memory_limit"):
        cr.NetworkRegressor(memory_limit=0).fit(folder, "y")
    with pytest.raises(DataError, match="continuous"):
        cr.NetworkClassifier(memory_limit=1).fit(folder, "y")
    with pytest.raises(DataError, match="there is no file"):
        model.fit("nowhere.csv", "y")


def test_a_constant_target_and_a_single_class_are_refused(table, tmp_path):
    path = tmp_path / "t.parquet"
    parquet.write_table(table.append_column("one", pa.array(["u"] * ROWS)), path)
    with pytest.raises(DataError, match="single class, 'u'"):
        cr.NetworkClassifier(memory_limit=1).fit(path, "one")
    parquet.write_table(table.append_column("two", pa.array([2.0] * ROWS)), path)
    with pytest.raises(DataError, match="2 in every row"):
        regressor().fit(path, "two")


def test_a_loss_that_is_not_finite_ends_training(folder):
    model = regressor(epochs=3, learning_rate=1e30, optimizer="sgd")
    with pytest.warns(NonFiniteLossWarning, match="lower learning rate"):
        model.fit(stream(folder, "kind"), "y")
    assert model.history_.stopped == "loss not finite"
    assert np.isfinite(model.predict(folder)).all()


# -------------------------------------------------------------------- command line


def run(*arguments: object) -> Any:
    result = CliRunner().invoke(main, list(map(str, arguments)))
    assert result.exit_code == 0, result.output
    return result


def test_the_command_line_streams_a_folder(folder, table, tmp_path):
    model = tmp_path / "m.st"
    result = run("train", folder, "--target", "y", "--drop", "kind", "--model", model,
                 "--memory-limit", 1, "--epochs", 8, "--quiet")  # fmt: skip
    assert "read in portions" in result.stderr
    test = int(result.stdout.split(" to train on, ")[1].split(" to test")[0])
    assert f"{ROWS - test} to train on" in result.stdout
    assert 600 < test < 1000
    assert "test R²" in result.stdout
    loaded = cr.load(model)
    run("predict", model, folder, "-o", tmp_path / "out.parquet")
    written = parquet.read_table(tmp_path / "out.parquet")["prediction"].to_numpy()
    np.testing.assert_array_equal(written, loaded.predict(table))
    run("predict", model, folder, "-o", tmp_path / "out.csv")
    np.testing.assert_allclose(
        csv.read_csv(tmp_path / "out.csv")["prediction"].to_numpy(), written, rtol=1e-6
    )
    score = run("evaluate", model, folder).stdout.split("R²")[1].split()[0]
    assert float(score) == pytest.approx(loaded.score(table, "y"), abs=1e-4)
    assert {path.name for path in tmp_path.iterdir()} == {"m.st", "out.parquet", "out.csv"}


def test_a_failing_prediction_leaves_the_old_file(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(csv_files, "_BLOCK", 100_000)  # some portions go well before
    model = tmp_path / "m.st"
    regressor(epochs=1).fit(folder, "y").save(model)
    lines = "row,x0,x1,x2,group,kind\n" + "1,1,1,1,a,low\n" * 40_000
    (tmp_path / "new.csv").write_text(lines + "1,inf,1,1,a,low\n")
    (tmp_path / "out.csv").write_text("old")
    result = CliRunner().invoke(
        main, ["predict", str(model), str(tmp_path / "new.csv"), "-o", str(tmp_path / "out.csv")]
    )
    assert result.exit_code == 2
    assert "line 40002" in result.output
    assert (tmp_path / "out.csv").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 3


def test_a_guessed_separator_is_said(tmp_path):
    rows = "".join(f"{k};{k % 3}.5;{'uv'[k % 2]}\n" for k in range(40))
    (tmp_path / "t.csv").write_text("a;b;y\n" + rows)
    result = run("train", tmp_path / "t.csv", "--target", "y", "--epochs", 1)
    assert "columns are separated by semicolons" in result.stderr
    assert "2 numbers" in result.stdout
