"""Random stacks of layers: both engines agree, and no live value is overwritten."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from layer_cases import CASES, close, network
from layer_cases import problem as case

import chainrule as cr
from chainrule.assembly import Extras
from chainrule.errors import NetworkError
from chainrule.layers import (
    GRU,
    LSTM,
    ActivityPenalty,
    AveragePool,
    BatchNorm,
    Conv1D,
    Conv2D,
    Elman,
    Embedding,
    Flatten,
    Heads,
    LayerNorm,
    MaxPool,
    PReLU,
    Residual,
    Shared,
    Softmax,
)
from chainrule.ops.penalties import L1, L2
from chainrule.tape import OPERATIONS, plan
from chainrule.tape.instruction import cells, per_row

FUNCTIONS = st.sampled_from(["tanh", "sigmoid", "gelu", "softplus", "identity"])
SMALL, RETURNS = st.integers(1, 3), st.sampled_from(["sequence", "last"])
ANYWHERE = st.one_of(
    st.builds(cr.Dense, SMALL, FUNCTIONS, bias=st.booleans()),
    st.builds(cr.Activation, FUNCTIONS),
    st.builds(cr.Dropout, st.sampled_from([0.6, 1.0])),
    st.just(LayerNorm()),
    st.just(BatchNorm()),
    st.just(PReLU()),
    st.just(Softmax()),
    st.just(ActivityPenalty(0.1, "l2")),
    st.just(Residual([cr.Activation("tanh"), LayerNorm()])),
    st.just(Residual([Residual([cr.Activation("sigmoid")])])),
    st.just(Flatten()),
)
ON_SERIES = st.one_of(
    st.builds(Elman, SMALL, FUNCTIONS, RETURNS),
    st.builds(LSTM, SMALL, RETURNS),
    st.builds(GRU, SMALL, RETURNS),
    st.just(Shared("cell", Elman(2))),
    st.just(Residual([Elman(2), cr.Dense(2)])),
    st.builds(Conv1D, SMALL, SMALL, FUNCTIONS, SMALL, st.sampled_from(["same", "valid"])),
    st.builds(MaxPool, SMALL, SMALL),
    st.builds(AveragePool, SMALL, SMALL),
)
ON_IMAGES = st.one_of(
    st.builds(Conv2D, SMALL, st.tuples(SMALL, SMALL), FUNCTIONS, SMALL,
              st.sampled_from(["same", "valid"])),
    st.builds(MaxPool, st.tuples(SMALL, SMALL), SMALL),
    st.builds(AveragePool, SMALL, st.tuples(SMALL, SMALL)),
)  # fmt: skip


def fitting(drawn, shape, first=()):
    """Those of the layers that fit what the ones before put out."""
    kept = list(first)
    for layer in drawn:
        try:
            output = cr.Network([*kept, layer], input_shape=shape).output_shape
        except NetworkError:
            continue
        if int(np.prod(output)) <= 60:
            kept.append(layer)
    return kept


@st.composite
def stacks(draw):
    """Layers, the shape of a row, whether rows are tokens, and the heads."""
    kind = draw(st.sampled_from(["row", "series", "tokens", "image"]))
    shape = {"row": (3,), "series": (4, 2), "tokens": (4,), "image": (4, 3, 2)}[kind]
    own = {"row": ANYWHERE, "image": st.one_of(ON_IMAGES, ON_IMAGES, ANYWHERE)}
    layers = st.lists(own.get(kind, st.one_of(ON_SERIES, ON_SERIES, ANYWHERE)), max_size=5)
    first = [Embedding(5, 2)] if kind == "tokens" else []
    kept = fitting(draw(layers), shape, first)
    several = draw(st.booleans())
    last = Heads({"a": [cr.Dense(3)], "b": [cr.Dense(2, "tanh")]}) if several else cr.Dense(3)
    return [*kept, last], shape, kind == "tokens", several


@st.composite
def problems(draw):
    layers, shape, tokens, several = draw(stacks())
    losses = {"a": "cross_entropy", "b": "squared_error"} if several else "cross_entropy"
    penalties = draw(st.sampled_from([(), (L2(0.1),), (L1(0.01), L2(0.1))]))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    rows = draw(st.integers(1, 6))
    X = rng.integers(0, 5, size=(rows, *shape)) if tokens else rng.normal(size=(rows, *shape))

    def make(engine, dtype="float64"):
        net = cr.Network(layers, losses, input_shape=shape, engine=engine, dtype=dtype,
                         penalties=penalties)  # fmt: skip
        if engine == "reference":
            for p in net.parameters.values():
                p[...] += 0.1
        return net

    places = make("reference").output_shape[:-1]
    y = rng.integers(3, size=(rows, *places))
    if several:
        y = {"a": y, "b": rng.normal(size=(rows, *places, 2))}
    weight = rng.uniform(0.1, 2, size=rows) if draw(st.booleans()) else None
    return make, X, y, weight


@settings(max_examples=40)
@given(problem=problems(), batch=st.integers(1, 4), clip=st.sampled_from([None, 0.1]),
       averaging=st.sampled_from([None, 0.5]))  # fmt: skip
def test_engines_agree_on_random_stacks(problem, batch, clip, averaging):
    make, X, y, weight = problem
    truth, net = make("reference"), make("compiled")
    net.set_parameters(truth.everything)
    loss, gradients = truth.loss_and_gradients(X, y, weight)
    got, found = net.loss_and_gradients(X, y, weight)
    assert abs(got - loss) <= 1e-10 * (1 + abs(loss))
    for key in gradients:
        close(found[key], gradients[key], 1e-9)
    for one, other in zip(as_list(net.predict(X)), as_list(truth.predict(X)), strict=True):
        close(one, other, 1e-10)
    histories = [
        cr.train(each, X, y, sample_weight=weight, optimizer=cr.SGD(1e-3), batch_size=batch,
                 epochs=2, clip=clip, averaging=averaging)
        for each in (truth, net)
    ]  # fmt: skip
    close(histories[1].loss, histories[0].loss, 1e-9)
    for key, p in truth.everything.items():
        close(net.everything[key], p, 1e-8)


def as_list(scores):
    return list(scores.values()) if isinstance(scores, dict) else [scores]


@settings(max_examples=60)
@given(problem=problems(), clip=st.sampled_from([None, 1.0]))
def test_no_live_value_is_overwritten_in_random_stacks(problem, clip):
    make, X, y, weight = problem
    walk_all(make("reference"), X, y, weight, clip)


@pytest.mark.parametrize("name", CASES)
def test_no_live_value_is_overwritten(name):
    X, y = case(name)
    walk_all(network(name), X, y)


def walk_all(net, X, y, weight=None, clip=None):
    """Every kind of tape that a network has."""
    blueprint, (_, form) = net.blueprint, net.bind(X, y, weight)
    for training in (False, True):
        walk(plan(blueprint.evaluation(form, training)))
        walk(plan(blueprint.gradients(form, training)))
    walk(plan(blueprint.prediction()))
    walk(plan(blueprint.step(form, cr.Adam(), Extras(clip, 0.9))))


def walk(planned):
    """Every cell holds number k of a value; a reader must find its operands' numbers there.

    The results of a view are other names for numbers that its operands hold.
    """
    tape, memory, meant = planned.tape, {}, {}
    for i in tape.instructions:
        for operand in i.operands:
            if operand in planned.places:
                cells_of = lying(planned, operand)
                assert [memory.get(c) for c in cells_of] == meant[operand], (operand, str(planned))
        numbers = [n for o in i.operands for n in meant.get(o, ())]
        taken: set[tuple[int, int]] = set()
        for result in i.results:
            if result not in planned.places:
                continue
            cells_of = lying(planned, result)
            if OPERATIONS[i.operation].view:
                meant[result], numbers = numbers[: len(cells_of)], numbers[len(cells_of) :]
                assert [memory[c] for c in cells_of] == meant[result], "a view lies elsewhere"
                continue
            assert not taken.intersection(cells_of), "two results of one instruction overlap"
            taken.update(cells_of)
            meant[result] = [(result, k) for k in range(len(cells_of))]
            memory.update(zip(cells_of, meant[result], strict=True))
    for name, place in planned.places.items():
        assert per_row(tape.shape(name)) != (place.buffer in planned.fixed), name
        assert place.offset + cells(tape.shape(name)) <= planned.widths[place.buffer]


def lying(planned, name):
    """The cells of a value: buffer and number."""
    place = planned.places[name]
    first = place.offset
    return [(place.buffer, first + k) for k in range(cells(planned.tape.shape(name)))]
