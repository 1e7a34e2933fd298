"""A warning points to the line of the user's that led to it."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.model_selection import cross_val_score

import chainrule as cr
from chainrule.compat.sklearn import MLPClassifier
from chainrule.data.tables import TableEncoder
from chainrule.estimators import GeneralizedLinearClassifier

RNG = np.random.default_rng(0)
X = RNG.normal(size=(60, 2))
LABELS = np.tile([0, 1], 30)
FRAME = pd.DataFrame({"a": X[:, 0], "name": [f"Mr {k}" for k in range(60)]})
GAPS = np.where(np.arange(60) == 3, np.nan, X[:, 0])
MODEL = cr.NetworkClassifier((2,), epochs=1, random_state=0)
NUMBERS = cr.NetworkRegressor((2,), epochs=1, random_state=0)
FITTED = clone(NUMBERS).fit(X, X[:, 0])


def diverging() -> Any:
    net = cr.Network([cr.Dense(1)], input_shape=2, seed=0)
    return cr.train(net, X, X[:, :1], optimizer=cr.SGD(1e30), epochs=9)


CASES: dict[str, Callable[[], Any]] = {
    "an encoder": lambda: TableEncoder().fit(FRAME),
    "an estimator's columns": lambda: clone(MODEL).fit(FRAME, LABELS),
    "an estimator's targets": lambda: clone(NUMBERS).fit(X, GAPS),
    "a target by its name": lambda: clone(NUMBERS).fit(pd.DataFrame({"a": LABELS, "y": GAPS}), "y"),
    "a score": lambda: FITTED.score(X, GAPS),
    "a lazy frame": lambda: FITTED.predict(pl.LazyFrame({"0": X[:, 0], "1": X[:, 1]})),
    "partial_fit": lambda: clone(NUMBERS).partial_fit(X, GAPS),
    "training": diverging,
    "through scikit-learn": lambda: cross_val_score(clone(MODEL), FRAME, LABELS, cv=2),
    "in place of scikit-learn": lambda: MLPClassifier((2,), batch_size=99, max_iter=1).fit(
        X, LABELS
    ),
    "a model that did not converge": lambda: GeneralizedLinearClassifier(max_iterations=1).fit(
        X, LABELS
    ),
}


@pytest.mark.parametrize("act", CASES.values(), ids=CASES)
def test_a_warning_points_to_the_users_line(act):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        act()
    assert caught
    assert {warning.filename for warning in caught} == {__file__}


def test_an_interrupt_in_place_of_scikit_learn_warns_and_points_there(monkeypatch):
    def interrupted(_):
        raise KeyboardInterrupt

    monkeypatch.setattr("chainrule.compat.sklearn.stochastic.Run.one_epoch", interrupted)
    with pytest.warns(UserWarning, match="interrupted by user") as caught:
        MLPClassifier((2,), max_iter=1).fit(X, LABELS)
    assert [warning.filename for warning in caught] == [__file__]


def test_no_module_counts_frames_itself():
    root = Path(cr.__file__).parent
    found = [p.name for p in root.rglob("*.py") if "warnings.warn(" in p.read_text("utf-8")]
    assert found == ["errors.py"]
