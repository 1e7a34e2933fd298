"""Dates, categories, robust scaling, descriptions: against formulas and other libraries."""

from __future__ import annotations

import calendar
import datetime as dt
import json
import re
import zoneinfo

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from scipy import sparse
from sklearn.preprocessing import RobustScaler, StandardScaler

from chainrule.data.frames import Table
from chainrule.data.readers import load_penguins
from chainrule.data.tables import TableEncoder
from chainrule.errors import DataError

RNG = np.random.default_rng(0)


def by_label(encoder: TableEncoder, matrix: np.ndarray) -> dict[str, np.ndarray]:
    return dict(zip(encoder.labels, matrix.T, strict=True))


# --------------------------------------------------------------------------- dates

TIMES = [
    dt.datetime(1999, 12, 31, 23, 59, 59), dt.datetime(2000, 2, 29, 6), dt.datetime(2024, 12, 31),
    dt.datetime(2023, 7, 1, 12, 30), dt.datetime(1969, 1, 5, 18, 45), dt.datetime(2001, 1, 1),
]  # fmt: skip


def circle(share: float) -> tuple[float, float]:
    return np.sin(2 * np.pi * share), np.cos(2 * np.pi * share)


def test_what_comes_round_again_lies_on_circles_by_the_calendar():
    encoder = TableEncoder().fit(pd.DataFrame({"t": TIMES}))
    found = by_label(encoder, encoder.transform(pd.DataFrame({"t": TIMES})))
    for k, t in enumerate(TIMES):
        shares = {
            "day of year": (t.timetuple().tm_yday - 1) / (365 + calendar.isleap(t.year)),
            "day of week": t.weekday() / 7,
            "time of day": (t - dt.datetime.combine(t, dt.time())) / dt.timedelta(days=1),
        }
        for name, share in shares.items():
            place = found[f"t {name} sine"][k], found[f"t {name} cosine"][k]
            np.testing.assert_allclose(place, circle(share), atol=1e-6)


def test_days_are_standardised_as_scikit_learn_does():
    encoder = TableEncoder().fit(pd.DataFrame({"t": TIMES[:4]}))
    days = np.array([[(t - dt.datetime(2000, 1, 1)) / dt.timedelta(days=1)] for t in TIMES])
    expected = StandardScaler().fit(days[:4]).transform(days)
    found = encoder.transform(pd.DataFrame({"t": TIMES}))[:, :1]
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_dates_with_dots_are_those_of_iso_8601_day_first():
    iso = pd.DataFrame({"t": ["2024-02-01", "2023-12-31 23:59", None, "2020-02-29T06:00"]})
    dots = pd.DataFrame({"t": ["1.2.2024", " 31.12.2023 23:59 ", "", "29.02.2020 06:00"]})
    expected, encoder = TableEncoder().fit(iso), TableEncoder().fit(dots)
    np.testing.assert_array_equal(encoder.transform(dots), expected.transform(iso))
    np.testing.assert_array_equal(expected.transform(dots), expected.transform(iso))
    (line,), (plain,) = encoder.describe(), expected.describe()
    assert line.values == plain.values == "2020-02-29 06:00:00 to 2024-02-01 00:00:00"
    assert line.encoding == f"{plain.encoding}; read as day.month.year"
    again = TableEncoder.from_config(json.loads(json.dumps(encoder.config())))
    assert again.columns_ == encoder.columns_


def test_a_month_13_with_dots_is_named_and_other_numbers_with_dots_are_no_dates():
    with pytest.raises(DataError, match=r"is '1\.13\.2024' in row 2 "):
        TableEncoder().fit(pd.DataFrame({"t": ["1.2.2024", "3.2.2024", "1.13.2024"]}))
    for cells in (["1.2.3", "1.2.4", "1.2.5"], ["1/2/2024", "2/2/2024", "3/2/2024"]):
        assert TableEncoder().fit(pd.DataFrame({"t": cells})).columns_[0].kind == "category"


def test_only_circles_on_which_rows_differ_are_written():
    days = pd.date_range("2024-01-01", periods=5, freq="7D")
    hours = pd.date_range("2024-01-01", periods=5, freq="h")
    new_years = [dt.date(year, 1, 1) for year in (2001, 2002, 2003)]
    for cells, circles in (
        (days, ["day of year"]), (hours, ["time of day"]), (new_years, ["day of week"])
    ):  # fmt: skip
        (column,) = TableEncoder().fit(pd.DataFrame({"t": cells})).columns_
        assert column.circles == circles


def test_a_missing_date_is_the_median_day_the_middle_of_the_circles_and_marked():
    cells = [dt.date(2024, 1, 1), None, dt.date(2024, 1, 5), dt.date(2024, 1, 30)]
    encoder = TableEncoder().fit(pd.DataFrame({"t": cells}))
    found = encoder.transform(pd.DataFrame({"t": [None, dt.date(2024, 1, 5)]}))
    assert encoder.labels[:2] == ["t days", "t days missing"]
    assert found[0, 0] == found[1, 0]
    assert found[:, 1].tolist() == [1, 0]
    assert not found[0, 2:].any()


ISO = {
    "days": ["2020-01-31", "2021-12-01", None, "1850-06-15"],
    "minutes": ["2020-01-31 10:05", "2021-12-01T23:59", " ", "1850-06-15T00:00"],
    "seconds": ["2020-01-31T10:05:07", "2021-12-01 23:59:01.25", "", "1850-06-15T00:00:00,5"],
    "nanoseconds": ["2020-01-31T10:05:07.123456789", "2021-12-01T00:00:01", None, "1850-06-15"],
    "UTC": ["2020-01-31T10:05Z", "2021-12-01 23:59:01 Z", None, "1850-06-15T00:00Z"],
    "offsets": ["2020-01-31T10:05+05:30", "2021-12-01T23:59-08:00", None, "1850-06-15T00:00+0100"],
}


@pytest.mark.parametrize("cells", ISO.values(), ids=ISO)
def test_texts_are_dates_as_pandas_reads_them(cells):
    tidy = [None if cell is None or not cell.strip() else cell.replace(",", ".") for cell in cells]
    instants = pd.to_datetime(pd.Series(tidy), format="ISO8601", utc=True).dt.tz_localize(None)
    expected = TableEncoder().fit_transform(pd.DataFrame({"t": instants.astype("M8[us]")}))
    for table in (pa.table({"t": cells}), pd.DataFrame({"t": cells}), pl.DataFrame({"t": cells})):
        np.testing.assert_allclose(TableEncoder().fit_transform(table), expected, atol=1e-6)


def test_every_library_s_dates_are_the_same():
    days = [t.date() for t in TIMES]
    table = pa.table({"t": [*TIMES, None], "d": [*days, None]})
    expected = TableEncoder().fit_transform(table)
    for other in (
        table.to_pandas(), table.to_pandas(types_mapper=pd.ArrowDtype), pl.from_arrow(table),
        table.to_pandas().astype(object), [*zip(TIMES, days, strict=True), (None, pd.NaT)],
        np.array([*zip(TIMES, days, strict=True), ("NaT", "NaT")], "M8[us]"),
    ):  # fmt: skip
        np.testing.assert_array_equal(TableEncoder().fit_transform(other), expected)


def test_clocks_are_those_of_the_time_zone_of_training():
    berlin = zoneinfo.ZoneInfo("Europe/Berlin")
    local = pd.date_range("2024-03-30", periods=60, freq="h", tz="Europe/Berlin")  # into summer
    encoder = TableEncoder().fit(pd.DataFrame({"t": local}))
    expected = encoder.transform(pd.DataFrame({"t": local}))
    assert encoder.columns_[0].zone == "Europe/Berlin"
    wall = pd.DataFrame({"t": local.tz_localize(None)})
    np.testing.assert_array_equal(TableEncoder().fit_transform(wall), expected)
    for same in (local.tz_convert("America/New_York"), [t.isoformat() for t in local]):
        np.testing.assert_array_equal(encoder.transform(pd.DataFrame({"t": same})), expected)
    aware = pd.DataFrame(
        {"t": pd.Series([t.to_pydatetime().astimezone(berlin) for t in local], dtype=object)}
    )
    np.testing.assert_array_equal(TableEncoder().fit_transform(aware), expected)


def test_durations_are_seconds_and_times_of_day_are_clocks():
    spans = [dt.timedelta(hours=1), None, dt.timedelta(days=2)]
    expected = TableEncoder().fit_transform([[3600.0], [None], [172800.0]])
    for table in (pd.DataFrame({"s": spans}), pa.table({"s": spans}), [[span] for span in spans]):
        np.testing.assert_array_equal(TableEncoder().fit_transform(table), expected)
    clock = [dt.time(0), dt.time(6), dt.time(18)]
    for table in (pa.table({"c": clock}), pd.DataFrame({"c": clock}), pl.DataFrame({"c": clock})):
        encoder = TableEncoder().fit(table)
        found = by_label(encoder, encoder.transform(table))
        np.testing.assert_allclose(found["c time of day sine"], [0, 1, -1], atol=1e-6)
        assert encoder.describe()[0].values == "00:00:00 to 18:00:00"


# ---------------------------------------------------------------------- categories


def towns(**rows: int) -> pd.DataFrame:
    return pd.DataFrame({"town": [town for town, n in rows.items() for _ in range(n)]})


def test_rare_levels_share_a_column_where_unseen_ones_go():
    encoder = TableEncoder().fit(towns(Bonn=50, Jena=2, Köln=3, Ulm=40, Gera=1))
    assert encoder.labels == ["town = Bonn", "town = Köln", "town = Ulm", "town rare"]
    later = pd.DataFrame({"town": ["Jena", "Rom", None, "Köln"]})
    assert encoder.transform(later).tolist() == [[0, 0, 0, 1], [0, 0, 0, 1], [0] * 4, [0, 1, 0, 0]]
    assert encoder.describe()[0].values == "5 levels: Bonn, Köln, Ulm; 2 of them rare"


@pytest.mark.parametrize(
    ("rows", "count", "rare"),
    [
        ({"a": 18, "b": 1, "c": 1}, 3, 0),  # in 20 rows a level of one row is a twentieth of them
        ({"a": 30, "b": 1, "c": 1}, 3, 2),
        ({"a": 30, "b": 2, "c": 1}, 3, 1),  # less than 33 / 20 rows
        ({"a": 90, "b": 2, "c": 1}, 3, 2),
        ({"a": 90, "b": 2, "c": 1}, 1, 0),
        ({"a": 900, "b": 9, "c": 1}, 10, 2),
        ({f"t{k}": 2 for k in range(60)}, 3, 0),  # nothing would be left
    ],
)
def test_what_is_rare_depends_on_the_rows(rows, count, rare):
    (column,) = TableEncoder(min_level_count=count).fit(towns(**rows)).columns_
    assert (column.rare, len(column.levels)) == (rare, len(rows) - rare)


def test_rare_levels_do_not_count_against_the_most_levels():
    many = towns(Bonn=500, Ulm=500, Jena=500, **{f"t{k}": 1 for k in range(300)})
    assert len(TableEncoder().fit(many).labels) == 4


def test_many_levels_become_numbers_of_levels_for_an_embedding():
    table = towns(Bonn=50, Jena=2, Köln=3, Ulm=40).assign(
        x=range(95), y=["a", "b", "c", "a", None] * 19
    )
    encoder = TableEncoder(embed_levels=2, min_level_count=3).fit(table)
    assert encoder.labels == ["town level", "x", "y level"]
    later = pd.DataFrame({"town": ["Bonn", "Jena", "Rom", None, "Ulm", "Köln"], "x": 0, "y": "c"})
    found = encoder.transform(later)
    assert found.dtype == np.float32
    assert found[:, 0].tolist() == [0, 3, 3, 3, 2, 1]
    assert encoder.groups().levels == {0: 4, 2: 4}
    assert TableEncoder(embed_levels=3, min_level_count=3).fit(table).groups().levels == {}


def test_groups_tell_numbers_indicators_and_level_numbers_apart():
    table = pd.DataFrame(
        {
            "n": [1.0, None, 3.0, 7.0],
            "yes": [True, False, True, True],
            "c": list("abca"),
            "t": pd.date_range("2024-01-01", periods=4),
        }
    )
    encoder = TableEncoder().fit(table)
    groups, matrix = encoder.groups(), encoder.transform(table)
    together = np.concatenate([groups.numbers, groups.indicators])
    assert sorted(together.tolist()) == list(range(encoder.width))
    assert groups.levels == {}
    assert np.isin(matrix[:, groups.indicators], (-1, 0, 1)).all()
    named = np.array(encoder.labels)[groups.indicators].tolist()
    assert named == ["n missing", "yes = True", "c = a", "c = b", "c = c"]
    embedded = TableEncoder(embed_levels=2).fit(table).groups()
    assert (embedded.indicators.tolist(), embedded.levels) == ([1, 2], {3: 4})


def test_yes_and_no_are_one_column_in_whatever_they_come():
    answers = [True, False, None, True]
    expected = [[1], [-1], [0], [1]]
    encoder = TableEncoder().fit(pd.DataFrame({"a": pd.array(answers, dtype="boolean")}))
    for cells in (answers, [1, 0, None, 1], ["True", "False", None, "True"], [1.0, 0.0, 7.0, 1.0]):
        assert encoder.transform(pd.DataFrame({"a": cells})).tolist() == expected
    known = np.array([[True], [False], [True]])
    assert TableEncoder().fit_transform(known).tolist() == [[1], [-1], [1]]
    assert TableEncoder().fit_transform(sparse.csr_array(known)).tolist() == [[1], [-1], [1]]


def test_blanks_are_levels_of_their_own_and_shown_in_quotes():
    encoder = TableEncoder().fit(pd.DataFrame({"a": ["", " ", "x", ""]}))
    assert encoder.columns_[0].levels == ["", " ", "x"]
    assert encoder.describe()[0].values == "3 levels: '', ' ', x"


def test_texts_are_encoded_by_level_and_not_by_row():
    table = Table.read(pa.table({"a": ["x", "y", None] * 1000}))
    assert len(table.columns["a"].levels) == 2


# ----------------------------------------------------------------------- robust scaling


def clipped(z: np.ndarray) -> np.ndarray:
    return z / np.sqrt(1 + (z / 3) ** 2)


def test_robust_scaling_is_scikit_learn_s_and_a_smooth_clip():
    X = RNG.normal(size=(401, 3)) ** 3  # 4 k + 1 rows: every definition of quartiles agrees
    X[5, 1] = np.nan
    X[::4, 2] = np.nan
    some = X[:, :1]
    encoder = TableEncoder(scaling="robust")
    scaled, tail = encoder.fit_transform(some).T
    robust = RobustScaler().fit_transform(some)
    assert np.abs(robust).max() > 4  # so that there is a second column
    np.testing.assert_allclose(scaled, clipped(robust)[:, 0], rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(
        tail, StandardScaler().fit_transform(some)[:, 0], rtol=1e-5, atol=1e-6
    )
    beyond = encoder.transform(np.array([[-1e308], [1e308]]))[:, 1]  # cut off at the training rows
    np.testing.assert_allclose(beyond, [tail.min(), tail.max()], rtol=1e-6)
    encoder = TableEncoder(scaling="robust").fit(X)
    found = encoder.transform(X)[:, encoder.groups().numbers[1:]]
    low, mid, high = np.nanquantile(
        X[:, 1:], [0.25, 0.5, 0.75], axis=0, method="averaged_inverted_cdf"
    )
    expected = clipped(np.nan_to_num((X[:, 1:] - mid) / (high - low)))
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)


def test_robust_scaling_where_the_quartiles_agree():
    X = np.array([[0.0]] * 8 + [[10.0]])
    found = TableEncoder(scaling="robust").fit_transform(X)
    np.testing.assert_allclose(found, clipped(X / 5), rtol=1e-6)
    constant = TableEncoder(scaling="robust").fit(np.full((5, 1), 0.1))
    assert constant.transform([[0.1], [7.0]]).tolist() == [[0], [0]]


@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_a_row_of_weight_2_is_two_rows(scaling):
    X = np.where(RNG.random((30, 2)) < 0.2, np.nan, RNG.normal(size=(30, 2)))
    days = pd.to_datetime(RNG.integers(0, 10**9, 30), unit="s")
    table = pd.DataFrame({"a": X[:, 0], "b": X[:, 1], "t": days})
    weights = RNG.integers(1, 5, 30)
    weighed = TableEncoder(scaling=scaling).fit(table, weights=weights.astype(float))
    shares = TableEncoder(scaling=scaling).fit(table, weights=weights / 64)
    repeated = TableEncoder(scaling=scaling).fit(table.loc[np.repeat(np.arange(30), weights)])
    expected = repeated.transform(table)
    np.testing.assert_allclose(weighed.transform(table), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(shares.transform(table), expected, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("size", [1e-300, 1.0, 1e308])
def test_robust_scaling_of_any_size_neither_overflows_nor_vanishes(size):
    X = np.array([[-1.5], [-1.0], [0.0], [0.5], [1.0], [np.nan]])
    found = TableEncoder(scaling="robust").fit_transform(X * size)
    np.testing.assert_allclose(found, TableEncoder(scaling="robust").fit_transform(X), rtol=1e-6)


def test_an_outlier_is_no_farther_than_3():
    encoder = TableEncoder(scaling="robust").fit(RNG.normal(size=(100, 1)))
    np.testing.assert_allclose(encoder.transform([[1e308], [-1e308]]), [[3], [-3]])
    tiny = TableEncoder(scaling="robust").fit(RNG.normal(size=(100, 1)) * 1e-300)
    np.testing.assert_allclose(tiny.transform([[1e308], [-1e308]]), [[3], [-3]])


# ------------------------------------------------------------------- shown and kept


def test_penguins_are_described_a_line_a_column():
    table = load_penguins().select(["species", "bill_length_mm", "sex", "year"])
    description = TableEncoder().fit(table).describe()
    lines = str(description).splitlines()
    assert [re.split(" {3,}", line) for line in lines] == [
        ["column", "kind", "values", "gaps", "encoded as"],
        ["species", "category", "3 levels: Adelie, Chinstrap, Gentoo", "0", "one-hot, 3 columns"],
        ["bill_length_mm", "number", "32.1 to 59.6", "2", "standardised; gaps filled and marked"],
        ["sex", "yes-no", "female or male", "11", "−1 or +1; gaps 0"],
        ["year", "number", "2007 to 2009", "0", "standardised"],
    ]
    assert (
        len({re.search(r" {3,}(category|number|yes-no|kind) ", line).start(1) for line in lines})
        == 1
    )
    assert (
        len(
            {
                line.index(f" {c.gaps} ") + len(str(c.gaps))
                for line, c in zip(lines[1:], description, strict=True)
            }
        )
        == 1
    )
    assert description.kinds == "2 numbers, 1 yes-no, 1 category"


def test_constants_and_dates_are_described():
    table = pd.DataFrame({"a": [2.5] * 3, "b": ["x"] * 3, "t": ["2024-01-01", "2024-03-05", ""]})
    kinds = TableEncoder().fit(table).describe()
    assert [(c.kind, c.values, c.gaps) for c in kinds] == [
        ("constant", "2.5", 0),
        ("constant", "1 level: x", 0),
        ("date", "2024-01-01 to 2024-03-05", 1),
    ]
    assert kinds.kinds == "1 date, 2 constant"


@pytest.mark.parametrize("scaling", ["standard", "robust"])
def test_an_encoder_of_every_kind_of_column_survives_json(scaling):
    table = pd.DataFrame(
        {
            "n": [*range(38), None, 5.5],
            "yes": [True, False] * 20,
            "c": ["u"] * 20 + ["v"] * 19 + ["w"],
            "t": pd.date_range("2024-01-01", periods=40, freq="31h", tz="Asia/Tokyo"),
            "one": "x",
        }
    )
    encoder = TableEncoder(99, scaling=scaling, min_level_count=2, embed_levels=2).fit(table)
    again = TableEncoder.from_config(json.loads(json.dumps(encoder.config())))
    np.testing.assert_array_equal(again.transform(table), encoder.transform(table))
    assert again.config() == encoder.config()
    assert (again.scaling, again.embed_levels) == (scaling, 2)
    assert str(again.describe()) == str(encoder.describe())


def test_an_encoder_of_an_older_version_encodes_as_it_did():
    number = {"median": 2.0, "mean": 3.0, "scale": 2.0, "gaps": True, "levels": []}
    category = {"median": 0.0, "mean": 0.0, "scale": 1.0, "gaps": False, "levels": ["a", "b"]}
    old = {
        "max_levels": 256,
        "named": True,
        "constant": ["f"],
        "columns": [
            {"name": "n", "kind": "number", **number},
            {"name": "c", "kind": "category", **category},
            {"name": "f", "kind": "number", **number, "gaps": False},
        ],
    }
    encoder = TableEncoder.from_config(old)
    table = pd.DataFrame({"n": [5.0, None], "c": ["b", "?"], "f": [True, False]})
    assert encoder.transform(table).tolist() == [[1, 0, 0, 1, -1], [-0.5, 1, 0, 0, -1.5]]
    assert encoder.constant_ == ["f"]
    assert encoder.labels == ["n", "n missing", "c = a", "c = b", "f"]
