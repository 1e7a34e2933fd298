"""Layers and data that do not fit: one clear line, with the numbers and what to do."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.errors import (
    ChainruleError,
    DataError,
    HyperparameterError,
    NetworkError,
    UnknownNameError,
)
from chainrule.layers import (
    GRU,
    LSTM,
    ActivityPenalty,
    AveragePool,
    BatchNorm,
    Columns,
    Concatenate,
    Conv1D,
    Conv2D,
    Elman,
    Embedding,
    Flatten,
    Heads,
    LayerNorm,
    MaxPool,
    Parametric,
    PerColumn,
    PiecewiseLinear,
    Residual,
    Shared,
)
from chainrule.ops.penalties import L1, L2


def made(layers, shape, loss="squared_error", **more):
    return lambda: cr.Network(layers, loss, input_shape=shape, **more)


def two_tasks(loss):
    return made([Heads({"a": [cr.Dense(2)], "b": [cr.Dense(1)]})], (3,), loss)


TASKS = {"a": "cross_entropy", "b": "squared_error"}
REFUSED = {
    "kernel too long": (
        made([Conv1D(2, 6)], (5, 1)), NetworkError, r"kernel of 6 .* input of 5: .*smaller"),
    "kernel too high": (
        made([Conv2D(2, (3, 7))], (6, 6, 1)), NetworkError, r"kernel of 3 × 7 .* input of 6 × 6"),
    "pool too large": (
        made([MaxPool(4)], (3, 8, 1)), NetworkError, r"pool of 4 × 4 .* input of 3 × 8"),
    "pool that leaves some out": (
        made([MaxPool(2)], (5, 4, 1)), NetworkError,
        r"MaxPool of 2 with stride 2 .* input of 5: 1 of it .* divide 5: 1, 5"),
    "pool over a series": (
        made([AveragePool(4, 2)], (7, 1)), NetworkError, r"AveragePool of 4 with stride 2 .* 7"),
    "columns that are not there": (
        made([Columns([0, 4])], (3,)), NetworkError, r"column 4 .* input has 3"),
    "no columns": (lambda: Columns([]), NetworkError, r"places \[\]: expected at least one"),
    "a column twice": (lambda: Columns([1, 1]), NetworkError, r"\[1, 1\]: .*at most once"),
    "columns from below": (lambda: Columns([-1]), HyperparameterError, r"places = -1"),
    "no branches": (lambda: Concatenate([]), NetworkError, r"branches is \[\].*lists of layers"),
    "branches of no layers": (
        lambda: Concatenate([[3]]), NetworkError, r"layer 0 of branch 0 is 3: expected a layer"),
    "branches of other shapes": (
        made([Concatenate([[], [Flatten()]])], (2, 3)), NetworkError,
        r"branch 1 of a Concatenate gives rows of shape \(6,\), those before \(2, 3\)"),
    "groups that do not divide": (
        made([PerColumn(2, groups=2)], (3,)), NetworkError, r"groups=2, .* divide the 3 columns"),
    "no deviation": (lambda: PerColumn(2, deviation=0), HyperparameterError, r"deviation = 0"),
    "parametric of a step": (
        lambda: Parametric("sign"), UnknownNameError, r"parametric_sign"),
    "embedding of numbers": (
        made([cr.Dense(3), Embedding(4)], (3,)), NetworkError, r"Columns that choose tokens"),
    "no edges": (lambda: PiecewiseLinear([[1.0]]), NetworkError, r"two of them or more"),
    "edges that fall": (
        lambda: PiecewiseLinear([[0, 1], [2, 2]]), NetworkError,
        r"column 1 are \[2, 2\]: .*rising"),
    "edges for other columns": (
        made([PiecewiseLinear([[0, 1]])], (3,)), NetworkError, r"edges for 1 columns, .* has 3"),
    "kernel of three lengths": (
        lambda: Conv2D(2, (3, 3, 3)), NetworkError, r"3 lengths, expected 2"),
    "conv1d on columns": (
        made([Conv1D(2)], (9,)), NetworkError,
        r"Conv1D .*\(steps, channels\).*\(9,\).*input_shape"),
    "conv1d on images": (
        made([Conv1D(2)], (9, 9, 1)), NetworkError, r"Conv1D .*\(9, 9, 1\)"),
    "conv2d on columns": (
        made([Conv2D(2)], (784,)), NetworkError, r"\(784,\): .*input_shape=\(28, 28, 1\)"),
    "conv2d without channels": (
        made([Conv2D(2)], (28, 28)), NetworkError, r"\(height, width, channels\).*\(28, 28\)"),
    "conv2d after flatten": (
        made([Flatten(), Conv2D(2)], (4, 4, 1)), NetworkError, r"\(16,\)"),
    "pool on columns": (
        made([MaxPool()], (8,)), NetworkError, r"MaxPool reads .*\(8,\)"),
    "mean pool on columns": (
        made([cr.Dense(4), AveragePool()], (8,)), NetworkError, r"AveragePool reads .*\(4,\)"),
    "elman on columns": (
        made([Elman(3)], (8,)), NetworkError, r"Elman .*\(steps, features\).*\(8,\).*Embedding"),
    "lstm on images": (
        made([LSTM(3)], (8, 8, 1)), NetworkError, r"LSTM .*\(8, 8, 1\)"),
    "gru after the last step": (
        made([GRU(3, returns="last"), GRU(3)], (8, 2)), NetworkError, r"GRU .*\(3,\)"),
    "embedding second": (
        made([cr.Dense(3), Embedding(9)], (4,)), NetworkError, r"Embedding .* first layer"),
    "embedding of a table": (
        made([Embedding(9)], (4, 2)), NetworkError, r"Embedding .*input_shape=\(steps,\)"),
    "residual of another width": (
        made([Residual([cr.Dense(5)])], (3,)), NetworkError, r"\(3,\) into \(5,\): the sum"),
    "residual that shortens": (
        made([Residual([Conv1D(2, 3)])], (8, 2)), NetworkError, r"\(8, 2\) into \(6, 2\)"),
    "shared between widths": (
        made([Shared("s", cr.Dense(4)), Shared("s", cr.Dense(4))], (3,)), NetworkError,
        r"'s.weight' has shape \(3, 4\) .* \(4, 4\) .*one width"),
    "one loss for two tasks": (
        two_tasks("squared_error"), NetworkError, r"outputs 'a', 'b' and losses without a name"),
    "a loss too few": (
        two_tasks({"a": "cross_entropy"}), NetworkError, r"'a', 'b' and losses 'a': give each"),
    "losses without heads": (
        made([cr.Dense(2)], (3,), TASKS), NetworkError, r"outputs without a name and losses 'a'"),
    "a layer after heads": (
        made([Heads({"a": [cr.Dense(2)]}), cr.Dense(2)], (3,), {"a": "squared_error"}),
        NetworkError, r"layer 0 is Heads, followed by 1 more: .*into its tasks"),
    "no tasks": (lambda: Heads({}), NetworkError, "task names"),
    "unknown padding": (lambda: Conv2D(2, padding="full"), NetworkError, "'valid' or 'same'"),
    "unknown returns": (lambda: GRU(2, returns="first"), NetworkError, "'sequence' or 'last'"),
    "no filters": (lambda: Conv1D(0), HyperparameterError, r"filters = 0 .*\[1, ∞\)"),
    "no units": (lambda: LSTM(0), HyperparameterError, r"units = 0 .*\[1, ∞\)"),
    "stride 0": (lambda: Conv1D(2, stride=0), HyperparameterError, r"stride = 0"),
    "no vocabulary": (lambda: Embedding(0), HyperparameterError, r"vocabulary = 0"),
    "memory of 1": (lambda: BatchNorm(memory=1.0), HyperparameterError, r"^memory = 1.0 "),
    "negative epsilon": (lambda: LayerNorm(-1.0), HyperparameterError, r"epsilon = -1.0"),
    "unknown activation": (lambda: Elman(2, "tahn"), UnknownNameError, "'tanh'"),
    "negative activity penalty": (
        lambda: ActivityPenalty(-0.1), HyperparameterError, r"strength = -0.1 .*\[0, ∞\)"),
    "unknown activity penalty": (
        lambda: ActivityPenalty(0.1, "l3"), UnknownNameError, "l1, l2, sparsity"),
    "negative penalty": (lambda: L2(-1.0), HyperparameterError, r"strength = -1.0 .*\[0, ∞\)"),
    "penalty of nothing": (
        made([cr.Dense(2)], (3,), penalties=[L1(0.1, ["1.weight"])]), UnknownNameError,
        r"parameter '1.weight'.*0.bias, 0.weight"),
    "penalty that is a number": (
        made([cr.Dense(2)], (3,), penalties=[0.1]), NetworkError, r"0.1: expected L1\(strength\)"),
    "a shared layer of another kind": (
        made([Shared("s", cr.Dense(3)), Shared("s", cr.Dense(2))], (3,)), NetworkError,
        r"\(3, 3\) .* \(3, 2\)"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_layers_that_do_not_fit_are_refused(name):
    make, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message) as caught:
        make()
    assert isinstance(caught.value, ChainruleError)
    assert "\n" not in str(caught.value)


SERIES = made([Elman(2), cr.Dense(3)], (4, 2), "cross_entropy")
TOKENS = made([Embedding(5, 2), Flatten(), cr.Dense(1)], (3,))
IMAGES = made([Conv2D(2), Flatten(), cr.Dense(1)], (4, 4, 1))
X, STEPS = np.zeros((2, 4, 2)), np.zeros((2, 4), int)
REFUSED_DATA = {
    "token too large": (
        TOKENS, [[0, 1, 2], [0, 5, 1]], [0, 0], r"token 5 in row 1, step 1 .* from 0 to 4"),
    "token below 0": (TOKENS, [[0, -1, 2]], [0], r"token -1 in row 0, step 1"),
    "half a token": (TOKENS, [[0, 1, 0.5]], [0], r"token 0.5 in row 0, step 2"),
    "missing token": (TOKENS, [[0, 1, np.nan]], [0], r"missing \(NaN\) in row 0, column 2"),
    "too many tokens": (TOKENS, [[0, 1, 2, 3]], [0], r"4 columns, the network expects 3"),
    "sequences of unequal length": (
        TOKENS, [[0, 1, 2], [0, 1]], [0, 0],
        r"row 0 has 3, row 1 has 2\. .*chainrule\.data\.sequences\.pad"),
    "series of unequal length": (
        SERIES, [np.zeros((4, 2)).tolist(), np.zeros((3, 2)).tolist()], STEPS,
        r"row 0 has 4, row 1 has 3"),
    "targets of unequal length": (
        SERIES, X, [[0, 0, 0, 0], [0, 0]], r"y has rows of different lengths: row 0 has 4, row 1"),
    "image turned round": (
        IMAGES, np.zeros((2, 1, 4, 4)), [0, 0], r"\(2, 1, 4, 4\): .*\(4, 4, 1\)"),
    "image of another size": (IMAGES, np.zeros((2, 5, 5, 1)), [0, 0], r"\(2, 5, 5, 1\)"),
    "a target for each row of a sequence": (
        SERIES, X, np.zeros((2, 3)), r"3 columns, .* 3 outputs at each of 4 steps"),
    "targets of too many steps": (SERIES, X, np.zeros((3, 4), int), r"\(3, 4\): .* 2 rows"),
    "a class too many": (SERIES, X, STEPS + 3, r"from 0 to 2"),
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED_DATA)
def test_data_that_do_not_fit_are_refused(name):
    make, X, y, message = REFUSED_DATA[name]
    with pytest.raises(DataError, match=message) as caught:
        make().loss_and_gradients(X, y)
    assert "\n" not in str(caught.value)


def test_weights_of_a_sequence_that_do_not_fit_are_refused():
    with pytest.raises(DataError, match=r"\(2, 3\): expected \(2,\) or \(2, 4\)"):
        SERIES().loss_and_gradients(X, STEPS, np.ones((2, 3)))


@pytest.mark.parametrize(
    ("y", "message"),
    [
        (np.zeros(2), r"ndarray: the network has tasks 'a', 'b'"),
        ({"a": [0, 1]}, r"y is 'a': .* 'a', 'b', give a mapping"),
        ({"a": [0, 1], "b": [0.0, 1.0], "c": [1, 2]}, r"y is 'a', 'b', 'c'"),
        ({"a": [0, 1], "b": [0.0]}, r"one target for each of 2 rows"),
        ({"a": [0, 2], "b": [0.0, 1.0]}, r"from 0 to 1"),
    ],
)
def test_targets_of_several_tasks_that_do_not_fit_are_refused(y, message):
    with pytest.raises(DataError, match=message):
        two_tasks(TASKS)().loss_and_gradients(np.zeros((2, 3)), y)


def test_why_a_threshold_unit_cannot_learn_is_said():
    for layers, shape in (
        ([cr.Dense(2, "threshold"), cr.Dense(1)], (3,)),
        ([Conv1D(2, 2, "threshold"), Flatten(), cr.Dense(1)], (3, 1)),
        ([Elman(2, "threshold"), cr.Dense(1)], (3, 1)),
    ):
        net = cr.Network(layers, input_shape=shape)
        rows = np.zeros((2, *shape))
        net.predict(rows)  # what is not learnt can still be used
        with pytest.raises(NetworkError, match=r"'threshold' cannot be trained by gradients: \S+"):
            cr.train(net, rows, np.zeros((2, *net.output_shape)), epochs=1)


def test_a_strength_for_each_weight_must_have_as_many():
    net = cr.Network([cr.Dense(2)], input_shape=(3,), penalties=[L2({"0.weight": np.ones((2, 2))})])
    with pytest.raises(NetworkError, match=r"'0.weight' have shape \(2, 2\): .* its 6 weights"):
        net.loss_and_gradients(np.zeros((1, 3)), np.zeros((1, 2)))


def test_parameters_of_another_shape_are_refused():
    net = cr.Network([cr.Dense(2), BatchNorm()], input_shape=(3,))
    given = {key: p.copy() for key, p in net.everything.items()}
    del given["1.variance"]
    with pytest.raises(NetworkError, match=r"'1.variance' is missing"):
        net.set_parameters(given)
