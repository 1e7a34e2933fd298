"""What a new user gets wrong first: one clear line each, at construction where that is possible."""

import numpy as np
import pytest

import chainrule as cr
from chainrule.data.sequences import pad
from chainrule.errors import ChainruleError, DataError, HyperparameterError, NetworkError
from chainrule.estimators import (
    GeneralizedLinearClassifier,
    GeneralizedLinearRegressor,
    Hopfield,
    NetworkClassifier,
    NetworkRegressor,
)
from chainrule.estimators.hopfield import capacity
from chainrule.estimators.validation import compare, hold_out, k_fold, leave_one_out
from chainrule.influence import influence_paths
from chainrule.layers import (
    ActivityPenalty,
    AveragePool,
    BatchNorm,
    Conv1D,
    Conv2D,
    Flatten,
    Heads,
    LayerNorm,
    MaxPool,
    PReLU,
    Residual,
    Shared,
)
from chainrule.ops.penalties import L1, L2
from chainrule.piecewise import local_linear_map
from chainrule.training import LBFGS, Convergence

RNG = np.random.default_rng(0)
X, LABELS = RNG.normal(size=(60, 3)), np.tile([0, 1], 30)
MANY = np.repeat(np.arange(21.0), 4)  # 21 real numbers, four times each
TOO_LITTLE = np.where(np.arange(120).reshape(60, 2) < 6, 0.4, 0.5)
PLACE = np.zeros((5, 6, 6, 1))
PLACE[3, 2, 1, 0] = np.nan


def softmax(loss="cross_entropy"):
    return cr.Network([cr.Dense(2)], loss, input_shape=3)


def images():
    return cr.Network([Conv2D(2), Flatten(), cr.Dense(1)], input_shape=(6, 6, 1))


def relu():
    return cr.Network([cr.Dense(2, "relu"), cr.Dense(1)], input_shape=3)


def two_tasks():
    heads = Heads({"kind": [cr.Dense(2)], "size": [cr.Dense(1)]})
    return cr.Network([heads], {"kind": "cross_entropy", "size": "squared_error"}, input_shape=3)


def without_flatten():
    return cr.Network([Conv2D(10)], "cross_entropy", input_shape=(8, 8, 1))


def with_one(value):
    return np.where(np.arange(60) == 7, value, LABELS.astype(float))


LAYERS = {
    "half a kernel": (lambda: Conv2D(1, 2.5), HyperparameterError, r"^kernel = 2.5 .*whole number"),
    "no kernel": (lambda: Conv2D(1, 0), HyperparameterError, r"^kernel = 0 .*\[1, ∞\)"),
    "no kernel in one direction": (
        lambda: Conv2D(1, (3, 0)), HyperparameterError, r"^kernel = 0 "),
    "a kernel that is a word": (lambda: Conv1D(1, "3"), HyperparameterError, r"^kernel = '3' "),
    "two lengths of a series": (lambda: Conv1D(1, (3, 3)), NetworkError, r"kernel \(3, 3\) has 2"),
    "half a stride": (lambda: Conv1D(1, stride=1.5), HyperparameterError, r"^stride = 1.5 "),
    "no pool": (lambda: MaxPool(0), HyperparameterError, r"^size = 0 .*\[1, ∞\)"),
    "half a pool": (lambda: AveragePool((2, 1.5)), HyperparameterError, r"^size = 1.5 "),
    "no stride of a pool": (lambda: MaxPool(2, stride=0), HyperparameterError, r"^stride = 0 "),
    "residual of a layer": (
        lambda: Residual(cr.Dense(4)), NetworkError, r"of a Residual is Dense.*expected a list"),
    "residual of a number": (
        lambda: Residual([3]), NetworkError, r"layer 0 of a Residual is 3: expected a layer"),
    "a task that is a layer": (
        lambda: Heads({"a": cr.Dense(1)}), NetworkError, r"layers of task 'a' is Dense.*a list"),
    "tasks without names": (
        lambda: Heads([cr.Dense(1)]), NetworkError, r"expected task names .*'kind'"),
    "shared number": (
        lambda: Shared("s", 3), NetworkError, r"the layer of Shared\('s'\) is 3: expected a layer"),
    "penalties without a list": (
        lambda: cr.Network([cr.Dense(1)], input_shape=1, penalties=L1(0.1)), NetworkError,
        r"penalties is L1.*expected a list, such as \[L2"),
    "an activity penalty without a name": (
        lambda: ActivityPenalty(1, {"rho": 2}), HyperparameterError,
        r"kind is \{'rho': 2\}, without a name: give one, such as \{'name': 'sparsity'"),
    "negative activity penalty": (
        lambda: ActivityPenalty(-1.0), HyperparameterError, r"^strength = -1.0 "),
    "slope that is a word": (lambda: PReLU("x"), HyperparameterError, r"^start = 'x' .*a number"),
    "negative epsilon": (lambda: BatchNorm(epsilon=-1), HyperparameterError, r"^epsilon = -1 "),
    "negative epsilon of a row": (lambda: LayerNorm(-1), HyperparameterError, r"^epsilon = -1 "),
    "memory above 1": (lambda: BatchNorm(memory=1.5), HyperparameterError, r"^memory = 1.5 "),
    "negative L1": (lambda: L1(-1), HyperparameterError, r"^strength = -1.0 "),
    "negative L2 of a parameter": (
        lambda: L2({"0.weight": -1}), HyperparameterError, r"^strength = -1.0 "),
    "nothing to pad": (lambda: pad(None), DataError, r"sequences is None: expected a list"),
    "a text to pad": (lambda: pad("abc"), DataError, r"sequences is 'abc': expected a list"),
    "vectors of two lengths": (
        lambda: pad([np.ones((2, 3)), np.ones((1, 2))]), DataError,
        r"sequence 1 .*\(1, 2\), sequence 0 \(2, 3\)"),
}  # fmt: skip

TRAINING = {
    "callbacks without a list": (
        lambda: cr.train(softmax(), X, LABELS, callbacks=Convergence(1e-3)), HyperparameterError,
        r"callbacks is a Convergence: expected a list, such as \[Convergence"),
    "more than all rows held out": (
        lambda: cr.train(softmax(), X, LABELS, validation=1.5), HyperparameterError,
        r"^validation = 1.5 .*\(0, 1\)"),
    "validation rows of another width": (
        lambda: cr.train(softmax(), X, LABELS, validation=(X[:, :2], LABELS)), DataError,
        r"^validation: X has 2 columns, the network expects 3"),
    "lbfgs by name": (
        lambda: cr.train(softmax(), X, LABELS, optimizer="lbfgs"), HyperparameterError,
        r"optimizer = 'lbfgs' .*chainrule\.training\.LBFGS\(\)"),
    "an estimator with lbfgs": (
        lambda: NetworkClassifier(optimizer="L-BFGS").fit(X, LABELS), HyperparameterError,
        r"optimizer = 'L-BFGS' .*chainrule\.training\.LBFGS\(\)"),
    "lbfgs on augmented rows": (
        lambda: cr.train(softmax(), X, LABELS, optimizer=LBFGS(), augment=lambda X, y, rng: (X, y)),
        HyperparameterError, r"augment is not possible with LBFGS"),
}  # fmt: skip

DATA = {
    "missing weight": (
        lambda: softmax().evaluate(X, LABELS, with_one(np.nan)), DataError,
        r"^sample_weight is missing \(NaN\) in row 7.*drop such rows\.$"),
    "missing target": (
        lambda: relu().evaluate(X, with_one(np.nan)), DataError,
        r"^y is missing \(NaN\) in row 7.*drop such rows\.$"),
    "missing target of a task": (
        lambda: two_tasks().evaluate(X, {"kind": LABELS, "size": with_one(np.nan)}), DataError,
        r"^y\['size'\] is missing \(NaN\) in row 7"),
    "unknown class of a task": (
        lambda: two_tasks().evaluate(X, {"kind": with_one(2), "size": LABELS}), DataError,
        r"y\['kind'\] goes from 0 to 2"),
    "missing input": (
        lambda: softmax().predict([[1, 2, np.nan]]), DataError,
        r"in row 0, column 2 .*NetworkRegressor fill in missing values"),
    "infinite input": (
        lambda: softmax().predict([[1, 2, np.inf]]), DataError, r"column 2 .*such rows\.$"),
    "missing place of an image": (
        lambda: images().predict(PLACE), DataError, r"in row 3, place \(2, 1, 0\) \(counted"),
    "missing entry of a pattern": (
        lambda: Hopfield().fit([[1, np.nan]]), DataError, r"in row 0, column 1.*such rows\.$"),
    "patterns of unequal length": (
        lambda: Hopfield().fit([[1, -1], [1]]), DataError,
        r"row 0 has 2, row 1 has 1\. Give all rows as many"),
    "unequal parts of equal rows": (
        lambda: images().predict([[[1, 2], [3]], [[4], [5, 6]]]), DataError, r"within a row"),
    "no units": (lambda: capacity(0), HyperparameterError, r"^n_units = 0 .*\[2, ∞\)"),
    "no load": (lambda: capacity(10, [0.1, 0]), HyperparameterError, r"^load = 0 "),
    "forgotten Flatten": (
        lambda: without_flatten().evaluate(np.zeros((2, 8, 8, 1)), [0, 1]), DataError,
        r"y has 1 column, .*10 outputs at each of 6 × 6 places: .*put Flatten\(\)"),
    "probabilities that do not add up": (
        lambda: softmax().evaluate(X, TOO_LITTLE), DataError,
        r"do not add up to 1 in 3 of 60 rows \(row 0, 1, 2, .*to 0\.8\): .*'cross_entropy'"),
    "a distribution that is none": (
        lambda: softmax("kullback_leibler").evaluate(X, np.ones((60, 2))), DataError,
        r"in 60 of 60 rows \(row 0, 1, 2, 3, 4 …, .*to 2\).*'kullback_leibler'"),
    "a row of words": (
        lambda: local_linear_map(relu(), ["a", "b", "c"]), DataError, r"x has type <U1: .*numbers"),
    "a row that is too short": (
        lambda: local_linear_map(relu(), [1.0, 2.0]), DataError, r"x has shape \(2,\): .*\(3,\)"),
    "a row with a gap": (
        lambda: local_linear_map(relu(), [1.0, np.nan, 2.0]), DataError, r"x\[1\] is nan"),
    "paths from words": (
        lambda: influence_paths(relu(), ["a", "b", "c"], "x[0]", "z2[0]"), DataError,
        r"x has type <U1"),
    "paths from a number": (
        lambda: influence_paths(relu(), X[0], 3, "z2[0]"), DataError, r"source is 3: .*'x\[0\]'"),
    "paths to nothing": (
        lambda: influence_paths(relu(), X[0], "x[0]", None), DataError, r"target is None: "),
}  # fmt: skip

ROWS = r"X has 60 rows and y has 9: give one target for each row"
MODELS = {
    "k_fold": (lambda: k_fold(NetworkClassifier(), X, LABELS[:9]), DataError, ROWS),
    "hold_out": (lambda: hold_out(NetworkClassifier(), X, LABELS[:9]), DataError, ROWS),
    "leave_one_out": (lambda: leave_one_out(NetworkClassifier(), X, LABELS[:9]), DataError, ROWS),
    "compare": (lambda: compare({"a": NetworkClassifier()}, X, LABELS[:9]), DataError, ROWS),
    "no rows": (lambda: k_fold(NetworkClassifier(), [], []), DataError, r"X has no rows"),
    "r2 of a row": (
        lambda: leave_one_out(NetworkRegressor(), X, LABELS, scoring="r2"), HyperparameterError,
        r"scoring = 'r2' .*single row"),
    "a rate for L-BFGS": (
        lambda: GeneralizedLinearClassifier(learning_rate=0.1).fit(X, LABELS), HyperparameterError,
        r"learning_rate = 0.1 is for solver='gd'"),
    "a rate for L-BFGS in a regression": (
        lambda: GeneralizedLinearRegressor(learning_rate=0.1).fit(X, LABELS), HyperparameterError,
        r"learning_rate = 0.1 is for solver='gd'"),
    "a perceptron of numbers": (
        lambda: cr.Perceptron().fit(MANY[:, None], MANY), DataError,
        r"21 different real numbers in 84 rows, more than 20: .*regression.*astype\(int\)"),
    "logistic regression of numbers": (
        lambda: GeneralizedLinearClassifier().fit(MANY[:, None], MANY), DataError, r"21 different"),
}  # fmt: skip

REFUSED = {**LAYERS, **TRAINING, **DATA, **MODELS}


@pytest.mark.parametrize("name", REFUSED)
def test_it_is_refused_in_one_clear_line(name):
    make, kind, message = REFUSED[name]
    with pytest.raises(kind, match=message) as caught:
        make()
    assert isinstance(caught.value, ChainruleError)
    assert "\n" not in str(caught.value)


def test_no_row_is_in_two_tables():
    assert len(REFUSED) == sum(map(len, (LAYERS, TRAINING, DATA, MODELS)))


@pytest.mark.parametrize("loss", ["cross_entropy", "kullback_leibler"])
def test_distributions_and_rows_without_weight_are_taken(loss):
    """Smoothed labels, float32, rounding below 1e-3; a row of weight 0 may hold anything."""
    one_hot = np.eye(2)[LABELS]
    for targets in (one_hot * 0.9 + 0.05, one_hot.astype("float32"), one_hot * 0.9995):
        assert np.isfinite(softmax(loss).evaluate(X, targets)["loss"])
    weights = np.ones(60)
    weights[4] = 0
    blank = one_hot * weights[:, None]
    net = softmax(loss)
    expected = net.evaluate(X, one_hot, weights)["loss"]
    assert net.evaluate(X, blank, weights)["loss"] == pytest.approx(expected, rel=1e-6)


def test_mixed_rows_train():
    from chainrule.data.augmentation import Mixup

    history = cr.train(softmax(), X, LABELS, augment=Mixup(0.2), epochs=2)
    assert np.isfinite(history.loss).all()


def test_convergence_by_the_gradient_of_a_minibatch_is_warned_of():
    criterion = Convergence(gradient_norm=1e-9)
    with pytest.warns(UserWarning, match=r"the last of 6 minibatches only: give batch_size=None"):
        cr.train(softmax(), X, LABELS, batch_size=10, epochs=1, callbacks=[criterion])


def test_whole_numbers_are_classes_however_many():
    """26 letters as whole numbers: only real numbers are taken for measurements."""
    letters = np.repeat(np.arange(26), 2)
    model = GeneralizedLinearClassifier(max_iterations=3)
    with pytest.warns(UserWarning, match="not converged"):
        assert len(model.fit(letters[:, None], letters).classes_) == 26


def test_sequences_of_vectors_are_filled_up():
    first, second = np.arange(6.0).reshape(2, 3), np.array([[7.0, 8.0, 9.0]])
    matrix, weights = pad([first, second], -1)
    np.testing.assert_array_equal(matrix, [first, [[7, 8, 9], [-1, -1, -1]]])
    np.testing.assert_array_equal(weights, [[1, 1], [1, 0]])
