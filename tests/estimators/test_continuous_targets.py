"""Numbers that were measured are no classes, whatever holds them."""

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.datasets import load_diabetes

import chainrule as cr
from chainrule.errors import DataError

RNG = np.random.default_rng(0)
X = RNG.normal(size=(100, 2))
MEASURED = {
    "all different": RNG.normal(size=100),
    "rounded": np.round(RNG.normal(size=100), 1),
    "rounded more": np.round(2 * RNG.normal(size=100), 1) / 2,
}
FORMS = [np.array, list, pd.Series, pl.Series, lambda y: pd.Series(y, dtype=object),
         lambda y: pd.DataFrame({"y": y})]  # fmt: skip


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("y", MEASURED.values(), ids=MEASURED)
def test_measured_numbers_are_refused_alike_from_whatever_holds_them(y, form):
    said = rf"has {len(np.unique(y))} different numbers in 100 rows, it is continuous: .*Regressor"
    with pytest.raises(DataError, match=said):
        cr.NetworkClassifier((2,), epochs=1).fit(X, form(y))


def test_whole_numbers_few_rows_and_few_fractions_may_be_classes():
    model = cr.NetworkClassifier((2,), epochs=1, random_state=0)
    letters = np.arange(100) % 26.0
    assert len(model.fit(X, letters).classes_) == 26
    halves = np.arange(100) % 10 / 2
    assert model.fit(X, halves).classes_.tolist() == (np.arange(10) / 2).tolist()
    assert len(model.fit(X[:10], MEASURED["all different"][:10]).classes_) == 10


@pytest.mark.parametrize("as_frame", [False, True])
def test_a_measure_in_whole_numbers_is_refused_too(as_frame):
    X, y = load_diabetes(return_X_y=True, as_frame=as_frame)
    with pytest.raises(DataError, match="has 214 different numbers in 442 rows, it is continuous"):
        cr.NetworkClassifier((2,), epochs=1).fit(X, y)
