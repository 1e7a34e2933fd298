"""Reading CSV and Parquet files; what is wrong with them is tried in tests/cli."""

from __future__ import annotations

import csv

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet

from chainrule.data.readers import load_penguins, read_table, split_target
from chainrule.errors import DataError, UnknownNameError


def read(tmp_path, text: str | bytes) -> pa.Table:
    path = tmp_path / "table.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return read_table(path)


def test_types_are_found_and_empty_cells_are_gaps(tmp_path):
    table = read(tmp_path, "a,b,c,d\n1,0.5,true,x\n,,,\n3,NA,false,\n")
    assert table.to_pydict() == {
        "a": [1, None, 3],
        "b": [0.5, None, None],
        "c": [True, None, False],
        "d": ["x", None, None],
    }


@pytest.mark.parametrize(
    "text",
    [
        "a,b\r\n1,x\r\n2,y\r\n",
        b"\xef\xbb\xbfa,b\n1,x\n2,y\n",
        " a, b\n1,x\n2,y\n",
        "a,b\n1,x\n2,y",
        '"a","b"\n"1","x"\n2,y\n',
        "a,b\n\n1,x\n\n2,y\n\n",
    ],
    ids=["Windows lines", "byte order mark", "blanks in the header", "no last end of line",
         "quotes", "blank lines"],
)  # fmt: skip
def test_the_same_table_in_many_spellings(tmp_path, text):
    assert read(tmp_path, text).to_pydict() == {"a": [1, 2], "b": ["x", "y"]}


def test_a_text_may_span_lines(tmp_path):
    table = read(tmp_path, 'a,b\n"one\ntwo",1\n"say ""hi"", now",2\n')
    assert table["a"].to_pylist() == ["one\ntwo", 'say "hi", now']


def test_texts_of_many_lines_are_whole_in_a_large_file(tmp_path):
    texts = [f"line {k}\n" * 40_000 for k in range(6)]
    rows = "".join(f'"{text}",{k}\n' for k, text in enumerate(texts))
    table = read(tmp_path, f"text,k\n{rows}")
    assert table["text"].to_pylist() == texts


@given(
    st.lists(
        st.tuples(st.integers(-(10**9), 10**9), st.text("ab ,\"'é\n;", min_size=1)),
        min_size=1,
        max_size=8,
    )
)
def test_what_the_csv_module_writes_is_read_back(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("csv") / "t.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, quoting=csv.QUOTE_NONNUMERIC).writerows([("n", "t"), *rows])
    table = read_table(path)
    assert list(zip(*table.to_pydict().values(), strict=True)) == rows


def test_parquet_and_csv_give_the_same_penguins(tmp_path):
    parquet.write_table(load_penguins(), tmp_path / "p.parquet")
    assert read_table(tmp_path / "p.parquet").equals(load_penguins())
    assert load_penguins().num_rows == 344


def test_rows_without_a_target_are_left_out_and_counted():
    table = pa.table({"x": [1, 2, 3, 4], "y": [0.5, None, float("nan"), 1.5]})
    rest, target, dropped = split_target(table, "y")
    assert rest.to_pydict() == {"x": [1, 4]}
    assert (target.name, target.to_list()) == ("y", [0.5, 1.5])
    assert dropped == 2


def test_an_unknown_target_is_refused_with_the_closest_name():
    with pytest.raises(UnknownNameError, match="Did you mean 'species'"):
        split_target(load_penguins(), "specie")


def test_a_header_in_an_empty_parquet_file_is_no_table(tmp_path):
    parquet.write_table(load_penguins().slice(0, 0), tmp_path / "p.parquet")
    with pytest.raises(DataError, match="no rows"):
        read_table(tmp_path / "p.parquet")
