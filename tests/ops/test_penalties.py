"""Penalties: values against SciPy, slopes against differences, strengths by parameter."""

import numpy as np
import pytest
from scipy.special import rel_entr

from chainrule.errors import HyperparameterError, UnknownNameError
from chainrule.ops.expression import evaluate
from chainrule.ops.penalties import L1, L2, PENALTIES, WeightPenalty, penalty_function

WRITTEN_OUT = {
    "l1": np.abs,
    "l2": lambda v: v**2 / 2,
    "sparsity": lambda v: rel_entr(0.05, v) + rel_entr(0.95, 1 - v),
}


def test_every_penalty_is_written_out():
    assert set(WRITTEN_OUT) == set(PENALTIES)


@pytest.mark.parametrize("name", PENALTIES)
def test_values_and_slopes_agree_with_the_textbook(name):
    record, rng = PENALTIES[name], np.random.default_rng(0)
    v = rng.uniform(0.01, 0.99, size=50) if name == "sparsity" else rng.normal(size=50)
    given = {"v": v, **record.all_settings}
    np.testing.assert_allclose(
        evaluate(record.value_expression, given), WRITTEN_OUT[name](v), rtol=1e-12, atol=1e-15
    )
    h = 1e-7
    true = (WRITTEN_OUT[name](v + h) - WRITTEN_OUT[name](v - h)) / (2 * h)
    np.testing.assert_allclose(evaluate(record.slope_expression, given), true, rtol=1e-5, atol=1e-7)


def test_the_slope_of_l1_is_0_at_0():
    assert evaluate(PENALTIES["l1"].slope_expression, {"v": np.zeros(3)}).tolist() == [0, 0, 0]


def test_sparsity_is_least_at_the_activity_asked_for():
    record = penalty_function("sparsity", rho=0.3)
    v = np.linspace(0.01, 0.99, 99)
    values = evaluate(record.value_expression, {"v": v, **record.all_settings})
    assert v[values.argmin()] == pytest.approx(0.3)
    assert values.min() == pytest.approx(0, abs=1e-15)


def test_strengths_by_default_are_for_weights_only():
    names = ["0.weight", "0.bias", "1.recurrent_weight", "2.gain"]
    assert L2(0.1).strengths(names) == {"0.weight": 0.1, "1.recurrent_weight": 0.1}
    assert L1(0.1, ["0.bias"]).strengths(names) == {"0.bias": 0.1}
    assert L1({"0.bias": 1.0, "2.gain": 2.0}).strengths(names) == {"0.bias": 1.0, "2.gain": 2.0}


@pytest.mark.parametrize(
    "penalty", [L1(0.25), L2(0.5, ["0.bias"]), L2({"0.weight": np.array([[1.0, 2.0]])})]
)
def test_penalties_travel_as_data(penalty):
    import json

    twin = WeightPenalty.from_config(json.loads(json.dumps(penalty.config())))
    assert type(twin) is type(penalty)
    assert twin.config() == penalty.config()


def test_bad_penalties_are_refused():
    for strength in (-0.1, {"0.weight": np.array([0.1, -0.1])}, {"0.weight": np.empty(0)}):
        with pytest.raises(HyperparameterError, match=r"strength = .*strength θ"):
            L2(strength)
    with pytest.raises(HyperparameterError, match="one of the two"):
        L1({"0.weight": 1.0}, ["0.weight"])
    with pytest.raises(UnknownNameError, match=r"Did you mean '0.weight'"):
        L1(1.0, ["0.weigth"]).strengths(["0.weight"])
    with pytest.raises(UnknownNameError, match="l1, l2, sparsity"):
        penalty_function("l3")
    with pytest.raises(UnknownNameError, match="L1, L2"):
        WeightPenalty.from_config({"name": "L3", "strength": 1.0, "parameters": None})
    with pytest.raises(HyperparameterError, match=r"rho = 1\.0"):
        penalty_function("sparsity", rho=1.0)
