"""Folders and streams: every row once, shuffled, in bounded memory; what is wrong is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import csv, parquet
from scipy import stats

from chainrule.data import csv_files, parquet_files
from chainrule.data.readers import load_penguins, read_table
from chainrule.data.shuffling import in_portions, row_shares, shuffled
from chainrule.data.streams import Stream
from chainrule.data.survey import Split, take_stock
from chainrule.errors import DataError, HyperparameterError, UnknownNameError

ROWS = 3000


@pytest.fixture(scope="module")
def table() -> pa.Table:
    rng = np.random.default_rng(0)
    x = rng.normal(size=ROWS)
    y = np.where(rng.random(ROWS) < 0.02, None, np.where(x > 0, "up", "down"))
    x[::7] = np.nan
    return pa.table({"id": np.arange(ROWS), "x": pa.array(x, from_pandas=True), "y": y})


@pytest.fixture(scope="module", params=["CSV", "Parquet"])
def folder(request, table, tmp_path_factory) -> Path:
    """The table in three files; Parquet in row groups of 100."""
    place = tmp_path_factory.mktemp(request.param)
    for k in range(3):
        part = table.slice(k * 1000, 1000)
        if request.param == "CSV":
            csv.write_csv(part, place / f"{k}.csv")
        else:
            parquet.write_table(part, place / f"{k}.parquet", row_group_size=100)
    return place


@pytest.fixture(autouse=True)
def small_pieces(monkeypatch):
    """Blocks and pieces so small that these tables have many."""
    monkeypatch.setattr(csv_files, "_BLOCK", 2000)
    monkeypatch.setattr(parquet_files, "_ROWS", 100)


def write(place: Path, **files: str | bytes) -> Path:
    for name, content in files.items():
        path = place / name.replace("__", ".").replace("_in_", "/")
        path.parent.mkdir(exist_ok=True, parents=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return place


# -------------------------------------------------------------------- reading


def test_a_folder_is_its_files_one_after_another(folder, table):
    assert read_table(folder).equals(table)
    assert pa.concat_tables(Stream(folder).portions()).equals(table)
    assert Stream(folder).schema == table.schema
    assert Stream(folder).rows == ROWS


def test_portions_have_the_size_asked_for(folder):
    assert [len(p) for p in Stream(folder, portion_rows=700).portions()] == [700] * 4 + [200]


def test_each_epoch_has_every_row_once_in_an_order_of_its_own(folder):
    stream = Stream(folder, portion_rows=250, shuffle_rows=500)

    def ids(epoch: int, seed: int = 0) -> list[int]:
        return [i for part in stream.portions(epoch, seed) for i in part["id"].to_pylist()]

    first, second = ids(0), ids(1)
    assert sorted(first) == sorted(second) == list(range(ROWS))
    assert first != second
    assert first == ids(0) != ids(0, seed=1)
    assert abs(stats.kendalltau(first[:500], second[:500]).statistic) < 0.2


def test_rows_of_a_sorted_file_mix_within_the_window_and_no_further(table):
    rng = np.random.default_rng(0)
    ids = np.concatenate([p["id"].to_numpy() for p in shuffled([table], 400, 100, rng)])
    lead = ids - np.arange(ROWS)  # how much earlier than in the file a row comes
    assert lead.max() < 400
    assert (np.abs(lead) > 50).mean() > 0.5
    runs = np.diff(ids[:200]) > 0
    assert 60 < runs.sum() < 140  # no more rising than falling


@pytest.mark.parametrize("size", [1, 30, 1000])
def test_the_window_holds_a_bounded_number_of_rows(table, size):
    entered = left = worst = 0

    def source():
        nonlocal entered
        for start in range(0, ROWS, size):
            entered += min(size, ROWS - start)
            yield table.slice(start, size)

    for part in shuffled(source(), 400, 100, np.random.default_rng(0)):
        worst = max(worst, entered - left)
        left += len(part)
        assert len(part) == 100
    assert left == ROWS
    assert worst <= 400 + size


def test_plain_portions_keep_the_order(table):
    pieces = [table.slice(k, 7) for k in range(0, ROWS, 7)]
    assert pa.concat_tables(in_portions(pieces, 64)).equals(table)


def test_shares_of_rows_are_uniform_and_belong_to_rows():
    rows = np.arange(2**33 - 5000, 2**33 + 5000)
    shares = row_shares(rows, 3)
    assert stats.kstest(shares, "uniform").pvalue > 0.01
    np.testing.assert_array_equal(row_shares(rows[::-3], 3), shares[::-3])
    assert abs(np.corrcoef(shares, row_shares(rows, 4))[0, 1]) < 0.03
    assert abs(np.corrcoef(shares, row_shares(rows, 3, salt=1))[0, 1]) < 0.03
    assert abs(np.corrcoef(shares[1:], shares[:-1])[0, 1]) < 0.03


@pytest.mark.parametrize(
    "cells",
    [
        ["1", "2", "3.5"], ["1", "", "x"], ["", "", "7"], ["true", "false", "1"],
        ["1", "true", "2"],
        ["2020-01-01", "2020-01-02", "2020-01-02 10:00:00"], [" 1", "2", " 3"], ["1", "2", "1e3"],
        ["2020-01-01", "", "x"], ["", "", ""], ["inf x", "1", "2"],
    ],
)  # fmt: skip
def test_types_are_those_of_all_rows_however_late_they_show(tmp_path, cells):
    early, middle, late = cells
    lines = [f"{k},{early}" for k in range(900)] + [f"0,{middle}"] * 900 + [f"0,{late}"]
    path = tmp_path / "t.csv"
    path.write_text("\n".join(["a,b", *lines]))
    stream = Stream(path)
    assert stream.schema == read_table(path).schema
    assert pa.concat_tables(stream.portions()).equals(read_table(path))


def test_folders_called_name_and_value_add_columns(tmp_path):
    write(tmp_path, **{"year=2023_in_a__csv": "x\n1\n", "year=2024_in_b__csv": "x\n2\n3\n"})
    expected = {"x": [1, 2, 3], "year": [2023, 2024, 2024]}
    assert read_table(tmp_path).to_pydict() == expected
    assert pa.concat_tables(Stream(tmp_path).portions()).to_pydict() == expected
    write(tmp_path, **{"year=early%20on_in_c__csv": "x\n4\n"})
    assert read_table(tmp_path)["year"].to_pylist() == ["2023", "2024", "2024", "early on"]


@pytest.mark.parametrize("mark", [";", "\t", "|", ","])
def test_the_separator_is_found_and_said(tmp_path, mark):
    said: list[str] = []
    (tmp_path / "t.csv").write_text("a,b,c\n1,x,2.5\n3,y,4.5\n".replace(",", mark))
    table = read_table(tmp_path / "t.csv", said.append)
    assert table.to_pydict() == {"a": [1, 3], "b": ["x", "y"], "c": [2.5, 4.5]}
    assert len(said) == (mark != ",")


def test_commas_in_texts_do_not_hide_another_separator(tmp_path):
    (tmp_path / "t.csv").write_text("a;b\n1;x, y\n2;z\n")
    assert read_table(tmp_path / "t.csv")["b"].to_pylist() == ["x, y", "z"]
    (tmp_path / "t.csv").write_text('a,b\n1,"x; y"\n2,z\n')
    assert read_table(tmp_path / "t.csv")["b"].to_pylist() == ["x; y", "z"]


def test_compressed_and_tab_separated_files(tmp_path):
    with gzip.open(tmp_path / "t.csv.gz", "wt") as file:
        file.write("a,b\n" + "1,x\n" * 500)
    (tmp_path / "t.tsv").write_text("a\n1\n")
    assert read_table(tmp_path / "t.csv.gz").num_rows == Stream(tmp_path / "t.csv.gz").rows == 500
    assert read_table(tmp_path / "t.tsv").to_pydict() == {"a": [1]}


def test_the_size_is_about_that_of_the_table(folder):
    assert Stream(folder).size() == pytest.approx(read_table(folder).nbytes, rel=0.3)


def test_dropped_columns_are_not_there(folder):
    stream = Stream(folder, drop=["x"])
    assert stream.schema.names == next(stream.portions()).column_names == ["id", "y"]
    with pytest.raises(UnknownNameError, match="Did you mean 'id'"):
        _ = Stream(folder, drop=["ide"]).schema


# -------------------------------------------------------------- one pass over it


def test_a_survey_counts_what_numpy_counts(folder, table):
    survey = take_stock(Stream(folder), "y", Split(0, test=0.2, held=0.1)).survey
    frame = table.to_pandas()
    known = frame["y"].notna()
    assert survey.rows == ROWS
    assert survey.dropped == (~known).sum()
    assert survey.trained + survey.held + survey.tested == known.sum()
    assert survey.held == pytest.approx(0.1 * ROWS, rel=0.25)
    assert survey.labels == frame["y"][known].value_counts().to_dict()
    x = survey.columns[1]
    assert (x.gaps, x.minimum, x.maximum) == (
        frame["x"].isna().sum(), frame["x"].min(), frame["x"].max(),
    )  # fmt: skip


def test_rows_have_one_use_the_same_in_every_pass(folder, table):
    stream = Stream(folder, shuffle_rows=500, portion_rows=100)
    stock = take_stock(stream, "y", Split(1, test=0.2, held=0.1))
    sample, held, test = (
        set(part["id"].to_pylist()) for part in (stock.sample, stock.held, stock.test)
    )
    assert len(sample) + len(held) + len(test) == len(sample | held | test)
    known = {i for i, y in zip(*(table[c].to_pylist() for c in ("id", "y")), strict=True) if y}
    assert sample | held | test == known
    assert stock.sample["id"].to_pylist() == sorted(sample)
    for epoch in range(2):
        trained = [i for p in stream.portions(epoch, keep=stock.keep) for i in p["id"].to_pylist()]
        assert sorted(trained) == sorted(sample)


def test_a_sample_and_held_out_rows_stay_small_and_even(folder):
    stream = Stream(folder, sample_rows=300, held_out_rows=60)
    stock = take_stock(stream, "y", Split(0, held=0.5))
    assert 200 < len(stock.sample) < 400
    assert 35 < len(stock.held) < 90
    assert stats.kstest(stock.sample["id"].to_numpy() / ROWS, "uniform").pvalue > 0.01
    assert stock.survey.trained > 0.95 * ROWS


# ---------------------------------------------------------------------- bad input

BAD = {
    "no such file": ({}, ["there is no file", "nothing.csv"]),
    "ragged line in the second file": (
        {"a__csv": "x,y\n1,2\n", "b__csv": "x,y\n1,2\n3\n"},
        ["b.csv, line 3 has 1 fields", "has 2"],
    ),
    "a column is missing in one file": (
        {"a__csv": "x,y\n1,2\n", "b__csv": "x,why\n1,2\n"},
        ["b.csv has no column 'y', which a.csv has", "Did you mean 'why'"],
    ),
    "a column too many": (
        {"a__csv": "x\n1\n", "b__csv": "x,z\n1,2\n"}, ["b.csv has a column 'z'", "a.csv has not"],
    ),
    "texts where numbers are": (
        {"a__csv": "x\n1\n", "b__csv": "x\n1\nnone\n"},
        ["b.csv", "'x' holds texts (such as 'none' in line 3)", "numbers in a.csv"],
    ),
    "both kinds of files": (
        {"a__csv": "x\n1\n", "b__parquet": b"PAR1"}, ["CSV and Parquet", "a.csv", "b.parquet"],
    ),
    "not UTF-8": ({"a__csv": "x\nthé\n".encode("cp1252")}, ["a.csv, line 2", "cp1252", "'thé'"]),
    "header only": ({"a__csv": "x,y\n", "b__csv": "x,y\n"}, ["have headers and no rows"]),
    "an empty file": ({"a__csv": "x,y\n1,2\n", "b__csv": ""}, ["b.csv is empty"]),
    "truncated Parquet": ({"a__parquet": b"PAR1 and no end"}, ["a.parquet", "truncated"]),
    "an infinite number": (
        {"a__csv": "x,y\n1,2\n", "b__csv": "x,y\n1,2\n\n-inf,3\n"},
        ["b.csv, line 4: 'x' is infinite"],
    ),
    "decimal commas": ({"a__csv": "x;y\n1,5;2\n"}, ["a.csv, line 2: 'x'", "'1,5'", "point"]),
    "broken gzip": ({"a__csv__gz": b"\x1f\x8bnothing"}, ["a.csv.gz"]),
    "levels of folders": (
        {"k=1_in_a__csv": "x\n1\n", "b__csv": "x\n1\n"}, ["same levels of name=value"],
    ),
    "a folder's name is a column's": ({"x=1_in_a__csv": "x\n1\n"}, ["'x' is also the name"]),
    "two columns of one name": ({"a__csv": "x,x\n1,2\n"}, ["a.csv", "two columns are called 'x'"]),
}  # fmt: skip


@pytest.mark.parametrize("way", ["whole", "streamed"])
@pytest.mark.parametrize("name", BAD)
def test_what_is_wrong_with_a_folder_is_named(tmp_path, name, way):
    files, words = BAD[name]
    place = write(tmp_path, **files) if files else tmp_path / "nothing.csv"
    with pytest.raises(DataError) as caught:
        read_table(place) if way == "whole" else list(Stream(place).portions())
    for word in words:
        assert word in str(caught.value)


def test_an_empty_folder_holds_no_table(tmp_path):
    (tmp_path / "notes.md").touch()
    (tmp_path / "_SUCCESS.csv").touch()
    with pytest.raises(DataError, match=r"holds no \.csv or \.parquet"):
        Stream(tmp_path)


def test_a_parquet_file_cut_in_its_middle_is_refused(tmp_path):
    parquet.write_table(load_penguins(), tmp_path / "p.parquet")
    whole = (tmp_path / "p.parquet").read_bytes()
    spoilt = whole[:300] + bytes(3000) + whole[3300:]
    (tmp_path / "p.parquet").write_bytes(spoilt)
    with pytest.raises(DataError, match=r"p\.parquet"):
        list(Stream(tmp_path / "p.parquet").portions())


def test_targets_that_are_not_there(folder, tmp_path):
    with pytest.raises(UnknownNameError, match="Did you mean 'y'"):
        take_stock(Stream(folder), "yy", Split(0))
    write(tmp_path, a__csv="x,y\n1,\n2,\n", b__csv="x,y\n3,\n")
    with pytest.raises(DataError, match="missing in every row"):
        take_stock(Stream(tmp_path), "y", Split(0))
    with pytest.raises(DataError, match="no columns besides"):
        take_stock(Stream(tmp_path, drop=["x"]), "y", Split(0))


@pytest.mark.parametrize("name", ["portion_rows", "shuffle_rows", "sample_rows", "held_out_rows"])
def test_numbers_of_rows_are_checked(folder, name):
    with pytest.raises(HyperparameterError, match=name):
        Stream(folder, **{name: 0})
