"""Formulas of layers, what they pass back, and the chain rule on random formulas."""

import mpmath
import numpy as np
import pytest
from benchmarks.textbook import SLOPES, VALUES
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.special import expit, softmax

from chainrule.engines import Batches
from chainrule.engines.compiled.session import CompiledEngine
from chainrule.engines.reference import ReferenceEngine
from chainrule.errors import NetworkError, UnknownNameError
from chainrule.ops import LOSSES
from chainrule.ops import expression as ex
from chainrule.ops.derivative import pull_back
from chainrule.ops.expression import Variable, evaluate
from chainrule.ops.formulas import FORMULAS, formula
from chainrule.tape import Tape, differentiate, plan

N, UNITS = 5, 3


def lstm(z, c0):
    i, f, g, o = np.split(z, 4, axis=1)
    c = expit(f) * c0 + expit(i) * np.tanh(g)
    return c, expit(o) * np.tanh(c)


def gru(p, q, h0):
    (pr, pz, pn), (qr, qz, qn) = np.split(p, 3, axis=1), np.split(q, 3, axis=1)
    keep = expit(pz + qz)
    return ((1 - keep) * np.tanh(pn + expit(pr + qr) * qn) + keep * h0,)


WRITTEN_OUT = {
    "softmax": lambda x: (softmax(x, axis=1),),
    "normalise": lambda x: (
        (x - x.mean(axis=1, keepdims=True)) / np.sqrt(x.var(axis=1, keepdims=True) + 1e-5),
    ),
    "prelu": lambda x, alpha: (np.maximum(x, 0) + alpha * np.minimum(x, 0),),
    "scale": lambda x, g: (x @ np.diag(g[0]),),
    "centre": lambda x, m: (x - np.repeat(m, len(x), axis=0),),
    "square": lambda x: (x**2,),
    "standardise": lambda x, v: (x / (v + 1e-5) ** 0.5,),
    "lstm": lstm,
    "gru": gru,
}
WRITTEN_OUT |= {
    f"parametric_{name}": lambda x, alpha, f=VALUES[name]: (
        (1 - alpha) * x + alpha * np.vectorize(lambda z: float(f(mpmath.mpf(z))))(x),
    )
    for name in SLOPES
}
ENGINES = {
    "reference": (ReferenceEngine(), 1e-12),
    "compiled": (CompiledEngine(np.float64), 1e-12),
    "compiled float32": (CompiledEngine(np.float32), 1e-5),
}


def test_every_formula_is_written_out():
    assert set(WRITTEN_OUT) == set(FORMULAS)


def operands(record, rng):
    """Random operands of a formula; variances are positive."""
    found = []
    for operand in record.operands:
        rows = 1 if operand.kind == "column" else N
        values = rng.normal(size=(rows, UNITS * len(operand.names)))
        found.append(np.abs(values) + 0.1 if operand.names == ("v",) else values)
    return found


def loss_of(name, values, targets, chosen):
    """Σ over the chosen outputs of the mean of ½‖y − t‖², by NumPy."""
    results = WRITTEN_OUT[name](*values)
    return sum(0.5 * ((results[k] - targets[k]) ** 2).sum() / N for k in chosen)


def run(name, engine, values, targets, chosen):
    """Outputs of a formula, and ∂loss/∂operand of each operand, by an engine."""
    record, tape, data, memory = FORMULAS[name], Tape(), {}, {}
    names = []
    for k, (operand, array) in enumerate(zip(record.operands, values, strict=True)):
        if operand.kind == "column":
            names.append(tape.add_value(f"w{k}", array.shape, "parameter", f"w{k}"))
            memory[f"w{k}"] = array.astype(engine.dtype)
        else:
            source = tape.add_value(f"in{k}", ("n", array.shape[1]), "data")
            names.append(tape.emit("gather", [source], [f"x{k}"]))
            data[f"in{k}"] = array
    outputs = tape.emit_all("formula", names, list(record.outputs), formula=record)
    losses = []
    for k in chosen:
        source = tape.add_value(f"target{k}", ("n", UNITS), "data")
        data[f"target{k}"] = targets[k]
        t = tape.emit("gather", [source], [f"t{k}"])
        attributes = {"loss": LOSSES["squared_error"], "indices": False, "leading": not losses}
        losses.append(tape.emit("loss", [outputs[k], t], [f"L{k}"], role="total", **attributes))
    tape = differentiate(tape, losses, wrt=names)
    kept = {}
    for key, value in {**tape.gradients, **{o: o for o in outputs}}.items():
        role, shape = tape.values[value].role, tape.shape(value)
        if role == "gradient":
            memory[value] = kept[key] = np.zeros(shape, engine.dtype)
        else:
            out = tape.emit("store", [value], [f"out_{key}"], role="result")
            data[out] = kept[key] = np.zeros((N, shape[1]), engine.dtype)
    session = engine.session(plan(tape), memory, data, Batches(N, np.arange(N)))
    session.start_epoch(0, shuffle=False)
    session.run(1)
    return [kept[o] for o in outputs], [kept[n] for n in names]


@pytest.mark.parametrize(("engine", "tolerance"), ENGINES.values(), ids=ENGINES)
@pytest.mark.parametrize("name", FORMULAS)
def test_values_and_what_is_passed_back_agree_with_the_textbook(name, engine, tolerance):
    record, rng = FORMULAS[name], np.random.default_rng(3)
    values = operands(record, rng)
    targets = [rng.normal(size=(N, UNITS)) for _ in record.outputs]
    every = tuple(range(len(record.outputs)))
    for chosen in {every, *((k,) for k in every)}:  # an output that nobody reads passes nothing
        outputs, gradients = run(name, engine, values, targets, chosen)
        for found, true in zip(outputs, WRITTEN_OUT[name](*values), strict=True):
            np.testing.assert_allclose(found, true, rtol=tolerance, atol=tolerance)
        for k, found in enumerate(gradients):
            true = np.zeros_like(values[k])
            for place in np.ndindex(true.shape):
                shifted = []
                for step in (1e-6, -1e-6):
                    moved = [v.copy() for v in values]
                    moved[k][place] += step
                    shifted.append(loss_of(name, moved, targets, chosen))
                true[place] = (shifted[0] - shifted[1]) / 2e-6
            np.testing.assert_allclose(found, true, rtol=1e-5, atol=max(1e-8, tolerance))


def test_the_softmax_jacobian_is_the_notes():
    """∂ŷᵢ/∂zⱼ = ŷᵢ(δᵢⱼ − ŷⱼ): pulled back from one output at a time."""
    z = np.array([[0.3, -1.2, 2.0]])
    y = softmax(z, axis=1)
    passed = FORMULAS["softmax"].pulled(["y"], ["x"])["x"]
    rows = [evaluate(passed, {"x": z, "y": y, "dy": np.eye(3)[[i]]})[0] for i in range(3)]
    jacobian = np.diag(y[0]) - np.outer(y[0], y[0])
    np.testing.assert_allclose(rows, jacobian, rtol=1e-14, atol=1e-17)


def test_a_shorter_pull_back_agrees_with_the_derived_one():
    record, rng = FORMULAS["softmax"], np.random.default_rng(0)
    x, dy = rng.normal(size=(2, 4, 5))
    e = ex.exp(record.variables["x"])
    derived = pull_back([(e / ex.row_sum(e), Variable("dy"))], ["x"], ["x"])["x"]
    given = {"x": x, "dy": dy, "y": softmax(x, axis=1)}
    shorter = evaluate(record.pulled(["y"], ["x"])["x"], given)
    np.testing.assert_allclose(shorter, evaluate(derived, given), rtol=1e-12, atol=1e-15)


def test_records_travel_by_name():
    import copy
    import pickle

    record = formula("normalise", epsilon=0.5)
    for twin in (copy.deepcopy(record), pickle.loads(pickle.dumps(record))):
        assert twin.all_settings == {"epsilon": 0.5}
        assert twin.value is FORMULAS["normalise"].value
    with pytest.raises(UnknownNameError, match="lstm"):
        formula("lstn")


# --------------------------------------------------------- the chain rule itself

X, Y, S = Variable("x"), Variable("y"), Variable("s")
UNARY = {
    "tanh": ex.tanh,
    "exp of tanh": lambda a: ex.exp(ex.tanh(a)),
    "expm1": lambda a: ex.expm1(ex.tanh(a)),
    "log": lambda a: ex.log(1.5 + ex.tanh(a)),
    "log1p": lambda a: ex.log1p(a * a),
    "sqrt": lambda a: ex.sqrt(1 + a * a),
    "absolute": ex.absolute,
    "negative": lambda a: -a,
    "erfc": ex.erfc,
    "square": lambda a: a**2,
    "root": lambda a: (1 + a * a) ** -0.5,
    "row_sum": lambda a: ex.row_sum(a * X),
}
BINARY = {
    "add": lambda a, b: a + b,
    "subtract": lambda a, b: a - b,
    "multiply": lambda a, b: a * b,
    "divide": lambda a, b: a / (2 + b * b),
    "maximum": ex.maximum,
    "minimum": ex.minimum,
    "where": lambda a, b: ex.where(a > b, a * b, ex.where(a <= 0.1, b, 2 * a)),
}
TREES = st.recursive(
    st.sampled_from([X, Y, X, Y, S]) | st.floats(-2, 2).map(ex.as_expression),
    lambda trees: st.one_of(
        st.builds(lambda f, a: f(a), st.sampled_from(list(UNARY.values())), trees),
        st.builds(lambda f, a, b: f(a, b), st.sampled_from(list(BINARY.values())), trees, trees),
    ),
    max_leaves=8,
)


@given(tree=TREES, other=TREES, seed=st.integers(0, 2**16))
def test_the_chain_rule_agrees_with_centred_differences(tree, other, seed):
    """Two results over shared parts, each with a ∂L/∂result of its own."""
    first, second = tree * X, other + tree * Y
    rng = np.random.default_rng(seed)
    values = {"x": rng.normal(size=(2, 3)), "y": rng.normal(size=(2, 3)), "s": 0.7}
    weights = {"du": rng.normal(size=(2, 3)), "dv": rng.normal(size=(2, 3))}
    pulled = pull_back([(first, Variable("du")), (second, Variable("dv"))], ["x", "y"], ["x", "y"])

    def total(given):
        u, v = evaluate(first, given), evaluate(second, given)
        return float(np.sum(weights["du"] * u) + np.sum(weights["dv"] * v))

    def slope(name, place, h):
        ends = []
        for step in (h, -h):
            moved = {**values, name: values[name].copy()}
            moved[name][place] += step
            ends.append(total(moved))
        return (ends[0] - ends[1]) / (2 * h)

    assume(abs(total(values)) < 1e6)
    for name in ("x", "y"):
        found = evaluate(pulled[name], {**values, **weights}) + np.zeros((2, 3))
        for place in np.ndindex(found.shape):
            fine, coarse = slope(name, place, 1e-5), slope(name, place, 2e-5)
            true = (4 * fine - coarse) / 3
            assume(abs(fine - coarse) < 1e-4 * (1 + abs(true)))  # a kink lies in between
            assert found[place] == pytest.approx(true, rel=1e-6, abs=1e-7)


def test_what_cannot_be_pulled_back_is_refused():
    with pytest.raises(NetworkError, match="row_max"):
        pull_back([(ex.row_max(X) * X, Variable("du"))], ["x"], ["x"])
    with pytest.raises(NetworkError, match="variable exponent"):
        pull_back([(X**Y, Variable("du"))], ["x"], ["x", "y"])
    with pytest.raises(NetworkError, match="make it once"):
        pull_back([(Variable("x") * Variable("x"), Variable("du"))], ["x"], ["x"])


def test_a_variable_that_is_not_reached_passes_nothing():
    assert str(pull_back([(X * 2, Variable("du"))], ["y"], ["x", "y"])["y"]) == "0"
