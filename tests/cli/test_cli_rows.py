"""Rows on the command line: told apart by their identifiers; a single one."""

from __future__ import annotations

import re
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from click.testing import CliRunner
from pyarrow import parquet

import chainrule as cr
from chainrule.cli.main import main
from chainrule.errors import LeftOutWarning

RNG = np.random.default_rng(0)
TABLE = pd.DataFrame(
    {"a": RNG.normal(size=40), "name": [f"Mr {k}" for k in range(40)], "id": np.arange(40) + 100}
)
LABELS = np.where(TABLE["a"] > 0, "p", "q")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("rows")
    with pytest.warns(LeftOutWarning, match="columns 'name', 'id'"):
        cr.NetworkClassifier((4,), epochs=2).fit(TABLE, pd.Series(LABELS, name="y")).save(
            place / "y.st"
        )
    with pytest.warns(LeftOutWarning, match="columns 'name', 'id'"):
        cr.NetworkRegressor((4,), epochs=2).fit(TABLE, pd.Series(3 * TABLE["a"], name="z")).save(
            place / "z.st"
        )
    TABLE.assign(y=LABELS, z=3 * TABLE["a"]).to_csv(place / "t.csv", index=False)
    return place


def run(folder: Path, *words: str) -> str:
    paths = [str(folder / word) if "." in word else word for word in words]
    result = CliRunner().invoke(main, paths)
    assert result.exit_code == 0, result.output
    return result.stdout


@pytest.mark.parametrize("name", ["out.csv", "out.parquet"])
def test_predictions_stand_beside_what_tells_the_rows_apart(folder, name):
    TABLE[::-1].to_csv(folder / "new.csv", index=False)
    run(folder, "predict", "y.st", "new.csv", "-o", name)
    path = folder / name
    written = pd.read_csv(path) if name == "out.csv" else parquet.read_table(path).to_pandas()
    assert [*written] == ["name", "id", "prediction", "probability p", "probability q"]
    model = cr.load(folder / "y.st")
    own = dict(zip(TABLE["id"], model.predict(TABLE), strict=True))
    assert dict(zip(written["id"], written["prediction"], strict=True)) == own
    assert written["name"].tolist() == TABLE["name"].tolist()[::-1]


def test_identifiers_are_written_only_if_the_table_has_them(folder):
    TABLE[["a", "id"]].head(2).to_csv(folder / "less.csv", index=False)
    assert run(folder, "predict", "z.st", "less.csv").splitlines()[0] == '"id","prediction"'
    TABLE[["a"]].head(2).to_csv(folder / "least.csv", index=False)
    assert run(folder, "predict", "z.st", "least.csv").splitlines()[0] == '"prediction"'


def test_an_identifier_that_is_called_like_a_prediction_is_refused(folder):
    table = TABLE.rename(columns={"name": "prediction"})
    with pytest.warns(LeftOutWarning):
        cr.NetworkClassifier((4,), epochs=1).fit(table, LABELS).save(folder / "clash.st")
    table.to_csv(folder / "clash.csv", index=False)
    words = ["predict", str(folder / "clash.st"), str(folder / "clash.csv")]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 2
    assert "the identifier 'prediction' is called as a prediction is" in result.stderr


def test_a_single_row_is_predicted_and_scored(folder):
    TABLE.assign(y=LABELS, z=3 * TABLE["a"]).head(1).to_csv(folder / "one.csv", index=False)
    lines = run(folder, "predict", "y.st", "one.csv").splitlines()
    assert len(lines) == 2
    said = run(folder, "evaluate", "y.st", "one.csv").split()
    label = cr.load(folder / "y.st").predict(TABLE[:1])[0]
    assert said[:4] == ["rows", "1", "accuracy", f"{float(label == LABELS[0]):.4f}"]
    said = run(folder, "evaluate", "z.st", "one.csv")
    off = abs(cr.load(folder / "z.st").predict(TABLE[:1])[0] - 3 * TABLE["a"][0])
    assert "needs two rows" in said
    assert f"mean absolute error       {off:.4g}" in said


def test_files_of_a_folder_that_are_no_tables_are_named(folder, tmp_path):
    table = TABLE.assign(z=3 * TABLE["a"])
    (tmp_path / "sub").mkdir()
    table[:20].to_csv(tmp_path / "1.csv", index=False)
    table[20:].to_csv(tmp_path / "sub" / "2.csv", index=False)
    (tmp_path / "_SUCCESS").touch()
    (tmp_path / ".DS_Store").touch()
    model = cr.load(folder / "z.st")
    whole = model.score(table[["a"]], table["z"])
    assert model.score(tmp_path, "z") == pytest.approx(whole)  # and says nothing
    (tmp_path / "sub" / "notes.md").touch()
    (tmp_path / "3.xlsx").touch()
    said = r"only the \.csv and \.parquet files were read, not 3\.xlsx, sub/notes\.md\."
    with pytest.warns(LeftOutWarning, match=said) as caught:
        assert model.score(tmp_path, "z") == pytest.approx(whole)
    assert [warning.filename for warning in caught] == [__file__]
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        result = CliRunner().invoke(main, ["evaluate", str(folder / "z.st"), str(tmp_path)])
    assert result.exit_code == 0, result.output
    assert re.search(said, result.stderr)
