"""Every activation is as exact as docs/accuracy.md says, on every engine and type."""

from dataclasses import astuple

import numpy as np
import pytest
from benchmarks.accuracy import PAGE, SETUPS, Accuracy, committed, measure, page

from chainrule.ops import ACTIVATIONS

# Another processor rounds a vector instruction differently here and there. An error may be this
# many times the committed one, and one unit more; a digit that is lost is ten times. In units of
# its last place a slope that goes through 0 nearby is the most touchy.
FACTOR, SLOPE_FACTOR = 2, 4


@pytest.fixture(scope="module")
def table():
    return committed(PAGE.read_text(encoding="utf-8"))


def test_every_activation_is_in_every_table(table):
    assert set(table) == set(SETUPS)
    for setup in SETUPS:
        assert set(table[setup]) == set(ACTIVATIONS), setup


@pytest.mark.parametrize(("engine", "dtype"), SETUPS)
@pytest.mark.parametrize("name", ACTIVATIONS)
def test_no_error_is_larger_than_the_page_says(table, name, engine, dtype):
    promised, got = table[engine, dtype][name], measure(name, engine, dtype)
    assert got.value <= FACTOR * promised.value + 1, got
    if ACTIVATIONS[name].slope is None:
        assert np.isnan(promised.slope)
        return
    assert got.slope <= SLOPE_FACTOR * promised.slope + 1, got
    assert got.slope_absolute <= FACTOR * promised.slope_absolute + 1, got


def test_a_page_reads_back_as_it_was_written():
    tanh, sign = Accuracy(1.5, -2.0, 9e15, 30.0, 0.5), Accuracy(0.0, *[np.nan] * 4)
    back = committed(page({("compiled", "float32"): {"tanh": tanh, "sign": sign}}))
    (rows,) = back.values()
    np.testing.assert_equal(
        {name: astuple(row) for name, row in rows.items()},
        {"tanh": astuple(tanh), "sign": astuple(sign)},
    )
