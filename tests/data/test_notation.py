"""Numbers as people write them: against pandas' parser, and what is refused or left alone."""

from __future__ import annotations

import io
import json

import numpy as np
import pandas as pd
import pytest

import chainrule as cr
from chainrule.data.tables import TableEncoder
from chainrule.errors import DataError

RNG = np.random.default_rng(0)
NUMBERS = np.round(np.append(RNG.uniform(-5e6, 5e6, 50), [0.25, -7, 999, 1000.5]), 2)


def english(x: float) -> str:
    return f"{x:,.2f}"


def other(thousands: str, decimals: str, x: float) -> str:
    return english(x).translate(str.maketrans({",": thousands, ".": decimals}))


def column(cells: list) -> TableEncoder:
    return TableEncoder().fit(pd.DataFrame({"x": cells}))


def numbers(encoder: TableEncoder, cells: list) -> np.ndarray:
    """What the encoder made of cells, its scaling undone."""
    (learnt,) = encoder.columns_
    return encoder.transform(pd.DataFrame({"x": cells}))[:, 0] * learnt.scale + learnt.mean


@pytest.mark.parametrize("marks", [(",", "."), (".", ","), ("'", "."), (" ", "."), (" ", ",")])
@pytest.mark.parametrize("form", ["{}", "${}", "{} €", "€ {}", "{}%", "{} %"])
def test_marks_are_found_out_and_numbers_are_those_that_pandas_reads(marks, form):
    texts = [other(*marks, x) for x in NUMBERS]
    lines = io.StringIO("x\n" + "\n".join(f'"{text}"' for text in texts))
    expected = pd.read_csv(lines, thousands=marks[0], decimal=marks[1])["x"].to_numpy()
    np.testing.assert_array_equal(expected, NUMBERS)
    cells = [form.format(text) for text in texts]
    encoder = column(cells)
    assert encoder.columns_[0].kind == "number"
    np.testing.assert_allclose(numbers(encoder, cells), expected, rtol=1e-6, atol=1.0)
    assert (encoder.columns_[0].low, encoder.columns_[0].high) == (expected.min(), expected.max())


def test_signs_blanks_and_gaps():
    cells = ["-$5", "$-6", "−$7", "+$8", " $ 9 ", "", None, "$1\u202f000"]
    found = column(cells).columns_[0]
    assert (found.low, found.high, found.missing) == (-7, 1000, 2)
    assert column(["0,125", "1,234"]).columns_[0].high == 1.234  # no group begins with 0
    assert column(["1,234,567", "1,234"]).columns_[0].high == 1234567


def test_what_was_read_is_described_and_kept_in_files():
    encoder = column(["12%", "5.5 %", None])
    (line,) = encoder.describe()
    assert line.kind == "number"
    assert line.values == "5.5 to 12 %"
    assert line.encoding.endswith("; read from texts such as '12%'")
    again = TableEncoder.from_config(json.loads(json.dumps(encoder.config())))
    assert again.columns_ == encoder.columns_
    np.testing.assert_allclose(numbers(again, ["7%", "-1,5%"][:1]), [7.0])


LEFT_ALONE = {
    "digits, which may be codes": ["53111", "04109", "10115"],
    "numbers as Python writes them": ["1.5", "2.5", "1.234"],
    "digits in groups": ["123 456", "234 567", "345 678"],
    "one that is none": ["12%", "14%", "over 20%"],
    "two currencies": ["$5", "€7", "$9"],
    "some without the sign": ["5%", "7", "9%"],
    "groups of two": ["1,00,000", "2,00,000", "3,00,000"],
    "declared categories": pd.Categorical(["5%", "7%", "9%"]),
}


@pytest.mark.parametrize("cells", LEFT_ALONE.values(), ids=LEFT_ALONE)
def test_what_is_no_number_or_need_not_be_one_stays_a_category(cells):
    assert column(cells).columns_[0].kind == "category"


@pytest.mark.parametrize(
    ("text", "alike"),
    [("1,234", "567"), ("1.234 €", "567 €"), ("12.345%", "1%"), ("$1.234", "$2")],
)
def test_what_may_be_two_numbers_is_refused(text, alike):
    said = r"'x' is '.*' in row 1 \(counted from 0\), which may be \d+ or \d+\.\d+: give numbers"
    with pytest.raises(DataError, match=said):
        column([alike, text])


def test_money_in_thousands_is_not_in_doubt():
    encoder = column(["$1,000", "$2,500"])
    assert encoder.columns_[0].high == 2500
    np.testing.assert_allclose(numbers(encoder, ["$1,250,000.50"]), [1250000.5])


NEW = {
    "no number": (["5%", "x"], "is 'x' in row 1"),
    "no sign": (["5%", "6"], "is '6' in row 1"),
    "another sign": (["$5", "6%"], r"is '\$5' in row 0"),
    "numbers, perhaps shares": ([0.05, 0.06], "which may be shares or per cent"),
    "in doubt": (["5%", "1,250%"], "'1,250%' in row 1 .* may be 1250 or 1.25"),
}


@pytest.mark.parametrize(("cells", "said"), NEW.values(), ids=NEW)
def test_new_rows_are_read_alike_or_refused_by_column_and_row(cells, said):
    with pytest.raises(DataError, match=f"column 'x' .*{said}"):
        column(["12%", "5%", "7%"]).transform(pd.DataFrame({"x": cells}))


def test_numbers_and_gaps_do_for_money():
    encoder = column(["$12", "$5", "$7"])
    np.testing.assert_allclose(numbers(encoder, [5.0, 7.0]), [5, 7], rtol=1e-6)
    np.testing.assert_allclose(numbers(encoder, [None, None]), [7, 7], rtol=1e-6)


def test_a_text_that_spoils_a_column_of_amounts_is_named():
    cells = [f"${k:,}.50" for k in range(900, 1000)]
    cells[40] = "ask"
    with pytest.raises(DataError, match=r"'x' holds numbers but for 1 .* 'ask' in row 40"):
        column(cells)


def test_a_model_learns_from_amounts_and_predicts_the_same_after_loading(tmp_path):
    x = np.arange(60.0)
    plain = pd.DataFrame({"x": x})
    texts = pd.DataFrame({"x": [f"{value:.1f} %".replace(".", ",") for value in x]})
    made = {"hidden": (4,), "epochs": 3, "random_state": 0}
    expected = cr.NetworkRegressor(**made).fit(plain, 3 * x).predict(plain)
    model = cr.NetworkRegressor(**made).fit(texts, 3 * x)
    np.testing.assert_array_equal(model.predict(texts), expected)
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(cr.load(tmp_path / "m.safetensors").predict(texts), expected)
