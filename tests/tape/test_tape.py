"""The tape: its specification, its derivative, its plan, its text."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import chainrule as cr
from chainrule.assembly import Blueprint, TargetForm
from chainrule.engines import Batches
from chainrule.engines.reference import ReferenceEngine
from chainrule.errors import NetworkError, UnknownNameError
from chainrule.ops import LOSSES
from chainrule.tape import OPERATIONS, Instruction, Tape, differentiate, plan, verify
from chainrule.tape.cost import largest_product, multiply_adds, parameter_bytes
from chainrule.tape.instruction import cells
from chainrule.tape.plan import Plan

LAYERS = st.lists(
    st.one_of(
        st.builds(
            cr.Dense, st.integers(1, 6), st.sampled_from(["relu", "tanh", "gelu", "identity"])
        ),
        st.builds(cr.Activation, st.sampled_from(["silu", "elu", "softsign"])),
        st.builds(cr.Dropout, st.sampled_from([0.5, 1.0])),
    ),
    max_size=5,
)


def blueprint(layers):
    return Blueprint((*layers, cr.Dense(2)), {"": LOSSES["cross_entropy"]}, (3,))


def example():
    return blueprint([cr.Dense(4, "relu"), cr.Dense(3, "gelu")]).step(
        TargetForm((True,)), cr.Adam()
    )


# ------------------------------------------------------------- specification


def test_every_operation_is_known_to_both_engines():
    from chainrule.engines.compiled.lowering import LOWER
    from chainrule.engines.reference import EXECUTE

    assert set(EXECUTE) == set(OPERATIONS) == set(LOWER)


@given(layers=LAYERS, indices=st.booleans(), weighted=st.booleans())
def test_every_network_satisfies_the_specification(layers, indices, weighted):
    tape = blueprint(layers).step(TargetForm((indices,), weighted), cr.Adam())
    verify(tape)
    verify(plan(tape).tape)


def broken(change):
    tape = example()
    change(tape)
    return tape


def wrong_shape(tape):
    name = tape.add_value("q", ("n", 7))
    tape.instructions.insert(2, Instruction("dropout", ("x",), (name,), {}))


BROKEN = {
    "unknown operation": lambda t: t.instructions.append(Instruction("magic", ("x",), ("q",))),
    "needs 2": lambda t: t.instructions.insert(2, Instruction("matmul", ("x",), ("p9",))),
    "read before": lambda t: t.instructions.reverse(),
    "written twice": lambda t: t.instructions.insert(2, t.instructions[1]),
    "the rule says": wrong_shape,
}


@pytest.mark.parametrize("message", BROKEN)
def test_a_broken_rule_is_named(message):
    with pytest.raises(NetworkError, match=message):
        verify(broken(BROKEN[message]))


def test_nothing_may_follow_an_update():
    tape = example()
    tape.instructions.append(Instruction("column_sum", ("dz3",), (tape.add_value("q", (1, 2)),)))
    with pytest.raises(NetworkError, match="must be last"):
        verify(tape)


def test_products_that_do_not_fit_are_refused():
    tape = Tape()
    a, b = tape.add_value("a", ("n", 3), "data"), tape.add_value("b", (4, 2), "data")
    with pytest.raises(NetworkError, match="3 columns meet 4 rows"):
        tape.emit("matmul", [a, b], ["c"])


# ------------------------------------------------------------ differentiation


def run(tape, **arrays):
    """Every value of one full batch, by the reference engine."""
    memory = {v.name: arrays[v.name] for v in tape.with_role("parameter")}
    for value in tape.with_role("gradient"):
        memory[value.name] = np.zeros(value.shape)
    data = {name: a for name, a in arrays.items() if name not in memory}
    n = len(data["inputs"])
    session = ReferenceEngine().session(Plan(tape), memory, data, Batches(n, np.arange(n)))
    session.start_epoch(0, shuffle=False)
    session.run(1)
    return session.values


def test_a_value_that_is_used_twice_gets_the_sum_of_its_gradients():
    """y = x W + x W: the distributed chain rule of 000, and a shared parameter."""
    tape = Tape()
    x = tape.emit("gather", [tape.add_value("inputs", ("n", 2), "data")], ["x"])
    w = tape.add_value("W", (2, 1), "parameter", "w")
    first, second = (tape.emit("matmul", [x, w], ["p1"]) for _ in range(2))
    total = tape.emit("add", [first, second], ["z1"])
    t = tape.emit("gather", [tape.add_value("targets", ("n", 1), "data")], ["t"])
    tape.emit("loss", [total, t], ["L"], role="total", loss=LOSSES["squared_error"], indices=False)
    tape = verify(differentiate(tape))
    rng = np.random.default_rng(0)
    X, W, Y = rng.normal(size=(5, 2)), rng.normal(size=(2, 1)), rng.normal(size=(5, 1))
    values = run(tape, inputs=X, targets=Y, W=W)
    np.testing.assert_allclose(values[tape.gradients["W"]], 2 * X.T @ (2 * X @ W - Y) / 5)


def test_the_gradient_for_the_inputs_can_be_had():
    tape, _ = blueprint([cr.Dense(4, "tanh")]).forward(training=False)
    source = blueprint([cr.Dense(4, "tanh")]).evaluation(TargetForm((True,)))
    tape = verify(differentiate(source, wrt=["x"]))
    rng = np.random.default_rng(0)
    arrays = {v.name: rng.normal(size=v.shape) for v in tape.with_role("parameter")}
    X, y, h = rng.normal(size=(4, 3)), np.array([[0], [1], [1], [0]]), 1e-6
    values = run(tape, inputs=X, targets=y, **arrays)
    for place in np.ndindex(X.shape):
        shifted = []
        for step in (h, -h):
            moved = X.copy()
            moved[place] += step
            shifted.append(float(run(source, inputs=moved, targets=y, **arrays)["L"][0, 0]))
        difference = (shifted[0] - shifted[1]) / (2 * h)
        assert values[tape.gradients["x"]][place] == pytest.approx(difference, rel=1e-5, abs=1e-9)


# ----------------------------------------------------------------------- plan


@settings(max_examples=200)
@given(layers=LAYERS, weighted=st.booleans(), training=st.booleans())
def test_no_value_is_overwritten_before_its_last_reader(layers, weighted, training):
    """Walk the plan as memory would: a buffer holds one value at a time."""
    made = blueprint(layers)
    tape = (
        made.step(TargetForm((True,), weighted), cr.SGD())
        if training
        else made.evaluation(TargetForm((True,), weighted))
    )
    planned, holds = plan(tape), {}
    for i in planned.tape.instructions:
        for operand in i.operands:
            if operand in planned.places:
                assert holds[planned.places[operand]] == operand, (operand, str(planned))
        taken = [planned.places[r] for r in i.results if r in planned.places]
        assert len(taken) == len(set(taken))
        for result in i.results:
            if result in planned.places:
                holds[planned.places[result]] = result
    for name, place in planned.places.items():
        assert place.offset + cells(planned.tape.shape(name)) <= planned.widths[place.buffer]


def test_only_operations_that_may_work_in_place_do_so():
    planned = plan(example())
    for i in planned.tape.instructions:
        if planned.in_place(i):
            assert i.operation in (
                "add_bias",
                "activate",
                "bias_activate",
                "slope",
                "dropout",
                "add",
            )


def test_bias_and_activation_become_one_instruction_in_place():
    planned = plan(blueprint([cr.Dense(4, "relu")]).step(TargetForm((True,)), cr.SGD()))
    fused = next(i for i in planned.tape.instructions if i.operation == "bias_activate")
    assert planned.in_place(fused)
    assert "add_bias" not in [i.operation for i in planned.tape.instructions[:3]]


def test_the_backward_pass_reuses_the_memory_of_the_forward_pass():
    deep = blueprint([cr.Dense(50, "relu") for _ in range(10)])
    planned = plan(deep.step(TargetForm((True,)), cr.SGD()))
    # Ten outputs must be kept for the backward pass; two more buffers serve all gradients.
    assert sum(planned.widths) <= 50 * 10 + 2 * 50 + 20
    assert planned.bytes_per_row(4) == 4 * sum(planned.widths)


# ----------------------------------------------------------------------- cost


def test_multiply_adds_and_memory_are_counted():
    tape = blueprint([cr.Dense(4, "relu")]).step(TargetForm((True,)), cr.Adam())
    products = [multiply_adds(tape, i, 10) for i in tape.instructions]
    # 3-4-2 on ten rows: two products forward, two for the weights, one for the hidden layer.
    assert sum(products) == 10 * (3 * 4 + 4 * 2) * 2 + 10 * 4 * 2
    assert largest_product(tape, 10) == 10 * 3 * 4
    parameters = 3 * 4 + 4 + 4 * 2 + 2
    assert parameter_bytes(tape, 4) == 4 * 4 * parameters


# ----------------------------------------------------------------------- text


def test_the_listing_reads_as_the_design_says():
    net = cr.Network([cr.Dense(64, "relu"), cr.Dense(10)], "cross_entropy", input_shape=(784,))
    text = str(net.tape(cr.Adam()))
    for line in (
        "p1 = matmul(x, W1)",
        "y1 = relu(z1)",
        "dz2 = cross_entropy_slope(z2, t)",
        "dW2 = matmul_tn(y1, dz2)",
        "W2, m_W2, v_W2 = adam(W2, dW2, m_W2, v_W2)",
        "(n, 64)",
    ):
        assert line in text
    planned = str(plan(net.tape(cr.Adam())))
    assert "y1 = bias_relu(p1, b1)" in planned
    assert "in place" in planned
    starts = {line.index("  (") for line in text.splitlines() if "  (n, " in line}
    assert len(starts) == 1, "columns must align"


def test_equations_follow_the_two_notations():
    net = cr.Network([cr.Dense(4, "tanh"), cr.Dense(2)], "cross_entropy", input_shape=(3,))
    first, second = net.explain(), net.explain(notation="002")
    for line in (
        "z¹ = W¹ y⁰ + b¹",
        "y¹ = tanh(z¹)",
        "δ² = (softmax(z²) − d) / n",
        "∂Err/∂W² = δ² (y¹)ᵀ",
    ):
        assert line in first
    for line in ("s₁ = W₁ h₀ + b₁", "h₁ = tanh(s₁)", "ΔW₂ = Δs₂ (h₁)ᵀ", "Δh₁ = (W₂)ᵀ Δs₂"):
        assert line in second


def test_equations_can_be_latex():
    net = cr.Network([cr.Dense(4, "leaky_relu"), cr.Dense(2)], input_shape=(3,))
    text = net.explain(latex=True)
    assert text.startswith("\\begin{aligned}")
    assert "\\operatorname{leaky\\_relu}" in text
    assert text.count("{") == text.count("}")
    logits = cr.Network([cr.Dense(2)], "cross_entropy", input_shape=(3,)).explain(latex=True)
    assert "(\\operatorname{softmax}(z^{(1)}) - d) / n" in logits
    assert "₁" not in net.explain("002", latex=True)


def test_what_cannot_be_trained_can_still_be_read():
    net = cr.Network([cr.Dense(1, "threshold")], input_shape=(2,))
    assert "y¹ = threshold(z¹)" in net.explain()
    assert "δ" not in net.explain()


def test_an_unknown_notation_is_refused():
    with pytest.raises(UnknownNameError, match="002"):
        cr.Network([cr.Dense(1)], input_shape=(1,)).explain(notation="001")
