"""What scikit-learn expects of estimators: its own checks, and its shapes beside ours."""

from __future__ import annotations

import pickle

import numpy as np
import pandas as pd
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_iris, make_multilabel_classification
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import GridSearchCV, cross_val_predict, cross_validate
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.tree import DecisionTreeClassifier
from sklearn.utils.estimator_checks import parametrize_with_checks

import chainrule as cr
from chainrule.data import sparse as sparse_data
from chainrule.errors import DataError, HyperparameterError, NonFiniteLossWarning
from chainrule.estimators import GeneralizedLinearClassifier, GeneralizedLinearRegressor

IRIS, KINDS = load_iris(return_X_y=True)
TWO = IRIS[KINDS > 0], KINDS[KINDS > 0]
LABELS_X, LABELS = make_multilabel_classification(
    150, 6, n_classes=4, n_labels=2, allow_unlabeled=True, random_state=0
)
RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.1 * RNG.normal(size=120)
QUICK = {"hidden": (8,), "epochs": 40, "learning_rate": 0.02, "random_state": 0}
KINDS_TWICE = np.column_stack([KINDS, IRIS[:, 0] > 5.8])  # three classes and two
NAMED_TWICE = pd.DataFrame(
    {"kind": np.array(["a", "b", "c"])[KINDS], "long": (IRIS[:, 0] > 5.8).astype(int)}
)


# ------------------------------------------------------------ scikit-learn's own checks


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.SkipTestWarning")
@pytest.mark.filterwarnings("ignore::chainrule.errors.NotSeparableWarning")
@parametrize_with_checks(
    [
        # one minibatch, for a row of weight 2 is the row twice only where batches agree; with a
        # parameter `cv` scikit-learn gives three folds of 57 rows, up to 42 to train on
        cr.NetworkClassifier((16,), epochs=40, learning_rate=0.03, batch_size=64),
        cr.NetworkRegressor((16,), epochs=40, learning_rate=0.03, batch_size=64),
        cr.Perceptron(),
        GeneralizedLinearClassifier(),
        GeneralizedLinearRegressor(),
    ]
)
def test_scikit_learn_finds_nothing_to_object_to(estimator, check):
    check(estimator)


def test_grid_search_and_cross_validated_predictions():
    model = make_pipeline(StandardScaler(), cr.NetworkClassifier(**QUICK))
    search = GridSearchCV(model, {"networkclassifier__hidden": [(2,), (8,)]}, cv=2).fit(IRIS, KINDS)
    assert search.best_score_ > 0.8
    predicted = cross_val_predict(model, IRIS, KINDS, cv=2, method="predict_proba")
    assert accuracy_score(KINDS, predicted.argmax(axis=1)) > 0.8
    margins = cross_val_predict(model, *TWO, cv=2, method="decision_function")
    assert margins.shape == (100,)


def test_sample_weight_is_routed_through_a_pipeline():
    weights = np.where(KINDS == 2, 0.0, 1.0)  # whoever gets these knows no third class
    with sklearn.config_context(enable_metadata_routing=True):
        model = cr.NetworkClassifier(**QUICK).set_fit_request(sample_weight=True)
        routed = make_pipeline(StandardScaler().set_fit_request(sample_weight=False), model)
        routed.fit(IRIS, KINDS, sample_weight=weights)
        assert routed.classes_.tolist() == [0, 1]
        model.set_score_request(sample_weight=True)
        scores = cross_validate(
            model, IRIS, KINDS, cv=2, params={"sample_weight": np.ones(150)}, error_score="raise"
        )
        assert scores["test_score"].min() > 0.5


# ------------------------------------------------------------------- decision_function


def test_scores_have_the_shapes_of_scikit_learn():
    for given in (TWO, (IRIS, KINDS)):
        ours, theirs = (
            cr.NetworkClassifier(**QUICK).fit(*given),
            LogisticRegression(max_iter=1000).fit(*given),
        )
        assert ours.decision_function(given[0]).shape == theirs.decision_function(given[0]).shape


def test_two_classes_have_the_logarithm_of_the_odds():
    model = cr.NetworkClassifier(**QUICK).fit(*TWO)
    p = model.predict_proba(TWO[0])
    np.testing.assert_allclose(model.decision_function(TWO[0]), np.log(p[:, 1] / p[:, 0]), 1e-6)
    above = model.decision_function(TWO[0]) > 0
    np.testing.assert_array_equal(model.classes_[above.astype(int)], model.predict(TWO[0]))


def test_several_classes_have_logits():
    model = cr.NetworkClassifier(**QUICK).fit(IRIS, KINDS)
    e = np.exp(model.decision_function(IRIS))
    np.testing.assert_allclose(e / e.sum(axis=1, keepdims=True), model.predict_proba(IRIS), 1e-6)


# ------------------------------------------------------------------------- several labels


@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_labels_that_hold_together_are_learnt_as_scikit_learn_shapes_them():
    model = cr.NetworkClassifier((32,), epochs=100, random_state=0).fit(LABELS_X, LABELS)
    theirs = MLPClassifier((32,), max_iter=5, solver="sgd", tol=10).fit(LABELS_X, LABELS)
    assert model.classes_.tolist() == theirs.classes_.tolist()
    for method in ("predict", "predict_proba"):
        ours, other = getattr(model, method)(LABELS_X), getattr(theirs, method)(LABELS_X)
        assert (ours.shape, ours.dtype.kind) == (other.shape, other.dtype.kind)
    assert model.network_.loss.name == "binary_cross_entropy"
    p = model.predict_proba(LABELS_X)
    np.testing.assert_array_equal(model.predict(LABELS_X), p > 0.5)
    np.testing.assert_allclose(model.decision_function(LABELS_X), np.log(p / (1 - p)), atol=1e-6)
    right = (model.predict(LABELS_X) == LABELS).mean()
    assert right > np.maximum(LABELS.mean(axis=0), 1 - LABELS.mean(axis=0)).mean() + 0.1
    assert model.score(LABELS_X, LABELS) == accuracy_score(LABELS, model.predict(LABELS_X))


@pytest.mark.parametrize("made", [sparse.csr_array, pd.DataFrame, np.ndarray.tolist])
def test_indicators_may_come_in_other_forms(made):
    plain = cr.NetworkClassifier(**QUICK).fit(LABELS_X, LABELS)
    other = cr.NetworkClassifier(**QUICK).fit(LABELS_X, made(LABELS))
    np.testing.assert_array_equal(plain.predict_proba(LABELS_X), other.predict_proba(LABELS_X))


def test_true_and_false_come_back_as_such():
    model = cr.NetworkClassifier(**QUICK).fit(LABELS_X, LABELS > 0)
    assert model.predict(LABELS_X).dtype == bool


@pytest.mark.parametrize("y", [KINDS_TWICE, NAMED_TWICE], ids=["numbers", "texts and numbers"])
def test_columns_of_labels_are_learnt_side_by_side_as_trees_do(y, tmp_path):
    model = cr.NetworkClassifier((16,), epochs=60, random_state=0).fit(IRIS, y)
    tree = DecisionTreeClassifier().fit(IRIS, KINDS_TWICE)
    values = np.asarray(y)
    assert [len(c) for c in model.classes_] == [len(c) for c in tree.classes_]
    predicted = model.predict(IRIS)
    assert predicted.shape == tree.predict(IRIS).shape
    probabilities = model.predict_proba(IRIS)
    for ours, theirs in zip(probabilities, tree.predict_proba(IRIS), strict=True):
        assert ours.shape == theirs.shape
        np.testing.assert_allclose(ours.sum(axis=1), 1, 1e-6)
    for k, classes in enumerate(model.classes_):
        assert (predicted[:, k] == values[:, k]).mean() > 0.85
        np.testing.assert_array_equal(classes[probabilities[k].argmax(axis=1)], predicted[:, k])
    assert model.score(IRIS, y) == (predicted == values).all(axis=1).mean()
    assert [d.shape for d in model.decision_function(IRIS)] == [(150, 3), (150,)]
    model.save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict(IRIS), predicted)


def test_a_model_of_several_labels_comes_back_from_its_file(tmp_path):
    model = cr.NetworkClassifier(**QUICK).fit(LABELS_X, LABELS)
    model.save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(again.predict_proba(LABELS_X), model.predict_proba(LABELS_X))
    assert again.predict(LABELS_X).dtype == LABELS.dtype


# ------------------------------------------------------------------------------- transform


@pytest.mark.parametrize("made", [cr.NetworkClassifier, cr.NetworkRegressor])
def test_transform_is_what_the_last_layer_reads(made):
    model = made(hidden=(7, 5), keep=0.8, epochs=20, random_state=0).fit(IRIS, KINDS)
    hidden = model.transform(IRIS)
    assert hidden.shape == (150, 5)
    weight, bias = list(model.network_.parameters.values())[-2:]
    scores = model.network_.predict(model.encoder_.transform(IRIS))
    np.testing.assert_allclose(hidden @ weight + bias, scores, rtol=1e-6, atol=1e-6)
    framed = clone(model).set_output(transform="pandas").fit_transform(IRIS, KINDS)
    assert list(framed) == [f"{made.__name__.lower()}{k}" for k in range(5)]
    np.testing.assert_array_equal(framed, hidden)


def test_without_a_hidden_layer_transform_is_the_encoding():
    model = cr.NetworkClassifier((), epochs=5, random_state=0).fit(IRIS, KINDS)
    np.testing.assert_array_equal(model.transform(IRIS), model.encoder_.transform(IRIS))
    assert len(model.get_feature_names_out()) == 4


def test_a_network_serves_as_the_first_step_of_a_pipeline():
    features = cr.NetworkClassifier((6,), epochs=100, learning_rate=0.01, random_state=0)
    assert (
        make_pipeline(features, LogisticRegression(max_iter=1000))
        .fit(IRIS, KINDS)
        .score(IRIS, KINDS)
        > 0.9
    )


# ------------------------------------------------------------------------------ partial_fit


def passes(portions, **more):
    model = cr.NetworkRegressor(**QUICK | more)
    for rows in portions:
        model.partial_fit(X[rows], Y[rows])
    return model


@pytest.mark.parametrize("engine", ["compiled", "reference"])
@pytest.mark.parametrize("optimizer", ["adam", "momentum"])
def test_portions_of_one_minibatch_are_one_training(engine, optimizer):
    """The same three updates by `train`: means of gradients and the count of updates go on."""
    rows = slice(0, 32)
    model = passes([rows] * 3, optimizer=optimizer, engine=engine)
    one = passes([rows], optimizer=optimizer, engine=engine, learning_rate=1e-30)  # as it began
    cr.train(
        one.network_, one.encoder_.transform(X[rows]), one._encode_targets(Y[rows]),
        optimizer=model._make_optimizer(), epochs=3, batch_size=32, shuffle=False, progress=False,
    )  # fmt: skip
    for name, values in one.network_.parameters.items():
        np.testing.assert_allclose(model.network_.parameters[name], values, 1e-9, 1e-12)
    assert len(model.history_) == 3


def test_many_passes_learn():
    portions = [slice(k, k + 40) for k in (0, 40, 80)] * 20
    assert passes(portions).score(X, Y) > 0.95


def test_partial_fit_goes_on_from_a_fit_and_after_pickling():
    model = cr.NetworkRegressor(**QUICK).fit(X, Y)
    mean, before = model.encoder_.columns_[0].mean, model.network_.parameters["0.weight"].copy()
    model.partial_fit(X + 5, Y)
    assert model.encoder_.columns_[0].mean == mean
    moved = np.abs(model.network_.parameters["0.weight"] - before).max()
    assert 0 < moved < 0.5
    twin = pickle.loads(pickle.dumps(model))
    np.testing.assert_array_equal(
        twin.partial_fit(X, Y).predict(X), model.partial_fit(X, Y).predict(X)
    )


def test_partial_fit_wants_all_classes_at_first_and_no_others_later():
    model = cr.NetworkClassifier(**QUICK)
    with pytest.raises(DataError, match="classes must be passed on the first call"):
        model.partial_fit(IRIS[:50], KINDS[:50])
    model.partial_fit(IRIS[:50], KINDS[:50], classes=[0, 1, 2])  # a portion of a single class
    assert model.predict_proba(IRIS).shape == (150, 3)
    model.partial_fit(IRIS[50:], KINDS[50:])
    with pytest.raises(DataError, match="has the class 7, the model knows 0, 1, 2"):
        model.partial_fit(IRIS[:2], [0, 7])


def test_partial_fit_of_several_labels():
    model = cr.NetworkClassifier(**QUICK).partial_fit(LABELS_X, LABELS)
    assert model.predict(LABELS_X).shape == LABELS.shape
    with pytest.raises(DataError, match="the model knows 4 columns of 0 and 1"):
        model.partial_fit(LABELS_X, LABELS[:, :3])
    pair = cr.NetworkClassifier(**QUICK)
    pair.partial_fit(IRIS[:60], KINDS_TWICE[:60], classes=[[0, 1, 2], [0, 1]])
    assert [p.shape for p in pair.predict_proba(IRIS)] == [(150, 3), (150, 2)]


def test_rows_of_weight_zero_do_not_count_in_partial_fit():
    weights = np.where(np.arange(120) < 60, 0.0, 1.0)
    spoiled = X.copy()
    spoiled[:60] = 1e6
    model = cr.NetworkRegressor(**QUICK).partial_fit(spoiled, Y, sample_weight=weights)
    alone = cr.NetworkRegressor(**QUICK).partial_fit(X[60:], Y[60:])
    np.testing.assert_allclose(model.predict(X), alone.predict(X), 1e-6)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"optimizer": cr.training.LBFGS(), "learning_rate": None}, "give an optimizer for minib"),
        ({"class_weight": "balanced"}, "'balanced' is not possible in partial_fit"),
    ],
)
def test_what_needs_all_rows_is_refused_in_partial_fit(arguments, words):
    model = cr.NetworkClassifier(**QUICK | arguments)
    with pytest.raises(HyperparameterError, match=words):
        model.partial_fit(IRIS, KINDS, classes=[0, 1, 2])


def test_a_pass_that_leaves_the_numbers_is_taken_back():
    model = cr.NetworkRegressor(**QUICK).fit(X, Y)
    before = model.predict(X)
    with pytest.warns(NonFiniteLossWarning, match="the weights from before it are back"):
        model.set_params(learning_rate=1e200).partial_fit(X, Y)
    np.testing.assert_array_equal(model.predict(X), before)
    assert len(model.history_) == 0


# ------------------------------------------------------------------------------- warm_start


def test_warm_start_goes_on_and_a_cold_one_begins_anew():
    arguments = QUICK | {"early_stopping": False, "epochs": 5}
    cold = cr.NetworkRegressor(**arguments).fit(X, Y)
    first = cold.history_.loss[0]
    assert cold.fit(X, Y).history_.loss[0] == first
    warm = cr.NetworkRegressor(**arguments, warm_start=True).fit(X, Y)
    last, network = warm.history_.loss[-1], warm.network_
    assert warm.fit(X, Y).network_ is network
    assert len(warm.history_) == 5
    assert warm.history_.loss[0] < 1.2 * last < first


def test_warm_start_keeps_encoding_and_classes():
    model = cr.NetworkClassifier(**QUICK, warm_start=True).fit(IRIS, KINDS)
    mean = model.encoder_.columns_[0].mean
    model.fit(IRIS[:100] + 1, KINDS[:100])
    assert model.encoder_.columns_[0].mean == mean
    assert model.classes_.tolist() == [0, 1, 2]
    with pytest.raises(DataError, match="has the class 9, the model knows 0, 1, 2"):
        model.fit(IRIS, np.where(KINDS == 2, 9, KINDS))
    with pytest.raises(DataError, match="X has 3 features, but NetworkClassifier is expecting 4"):
        model.fit(IRIS[:, :3], KINDS)
    with pytest.raises(HyperparameterError, match="warm_start = True goes on with the network"):
        model.set_params(hidden=(9,)).fit(IRIS, KINDS)


# ------------------------------------------------------------------------------------ sparse


@pytest.mark.parametrize("made", [sparse.csr_array, sparse.csc_matrix, sparse.coo_array])
def test_a_sparse_matrix_gives_what_its_dense_form_gives(made):
    dense = np.where(RNG.random((90, 5)) < 0.7, 0.0, RNG.normal(size=(90, 5)))
    y = np.arange(90) % 3
    plain = cr.NetworkClassifier(**QUICK).fit(dense, y)
    model = cr.NetworkClassifier(**QUICK).fit(made(dense), y)
    np.testing.assert_array_equal(model.predict_proba(made(dense)), plain.predict_proba(dense))
    np.testing.assert_array_equal(model.predict_proba(dense), plain.predict_proba(dense))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (sparse.csr_array(np.array([[1.0, 0.0], [0.0, np.inf]])), "'1' is infinite in row 1"),
        (sparse.csr_array(np.array([[1j, 0.0]])), "Complex data not supported"),
        (sparse.csr_array((3, 0)), r"X has shape \(3, 0\)"),
    ],
)
def test_a_sparse_matrix_that_cannot_be_used_is_refused(given, words):
    with pytest.raises(DataError, match=words):
        cr.NetworkClassifier(**QUICK).fit(given, np.arange(given.shape[0]))


def test_a_sparse_matrix_too_large_for_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr(sparse_data, "memory", lambda: 2000.0)
    given = sparse.random_array((100, 50), density=0.1, rng=np.random.default_rng(0)).tocsr()
    with pytest.raises(DataError, match=r"rows of 50 numbers take .* GiB, this computer has"):
        cr.NetworkRegressor(**QUICK).fit(given, np.arange(100.0))


# ----------------------------------------------------------------------- weights, numbers


@pytest.mark.parametrize("made", [cr.NetworkClassifier, cr.NetworkRegressor])
def test_a_row_of_weight_two_is_the_row_twice(made):
    """As long as one minibatch takes all rows and none is held out."""
    rows, y = IRIS[::8].copy(), KINDS[::8]
    rows[::3, 1] = np.nan
    weights = RNG.integers(1, 4, len(y))
    arguments = {"batch_size": 100, "epochs": 100, "early_stopping": False, "random_state": 0}
    weighted = made(**arguments).fit(rows, y, sample_weight=weights)
    repeated = made(**arguments).fit(rows.repeat(weights, axis=0), y.repeat(weights))
    np.testing.assert_allclose(
        weighted.transform(IRIS), repeated.transform(IRIS), rtol=1e-7, atol=1e-8
    )


def test_the_median_with_weights_is_that_of_the_repeated_rows():
    for seed in range(20):
        rng = np.random.default_rng(seed)
        values, weights = rng.normal(size=(9, 1)), rng.integers(1, 5, 9)
        values[rng.integers(9)] = np.nan
        with_weights = cr.NetworkRegressor((), epochs=1, early_stopping=False)
        with_weights.fit(values, np.arange(9), sample_weight=weights)
        column = with_weights.encoder_.columns_[0]
        repeated = values[:, 0].repeat(weights)
        assert column.median == pytest.approx(np.nanmedian(repeated), rel=1e-12)
        filled = np.where(np.isnan(repeated), column.median, repeated)
        assert (column.mean, column.scale) == pytest.approx((filled.mean(), filled.std()))


def test_small_tables_get_float64_and_a_type_may_be_asked_for():
    assert cr.NetworkClassifier(**QUICK).fit(IRIS, KINDS).network_.engine.dtype == np.float64
    asked = cr.NetworkClassifier(**QUICK, dtype="float32").fit(IRIS, KINDS)
    assert asked.network_.engine.dtype == np.float32
    large = cr.NetworkRegressor((2,), epochs=1).fit(np.ones((2000, 6)), np.arange(2000.0))
    assert large.network_.engine.dtype == np.float32
    with pytest.raises(HyperparameterError, match="dtype = 'half' is not possible"):
        cr.NetworkClassifier(dtype="half").fit(IRIS, KINDS)


def test_fewer_than_four_rows_are_not_held_out():
    few = cr.NetworkRegressor(**QUICK).fit(X[:34], Y[:34])
    assert few.history_.validation_loss == []
    assert cr.NetworkRegressor(**QUICK).fit(X[:36], Y[:36]).history_.validation_loss


# ------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("arguments", "given", "words"),
    [
        ({}, (IRIS, None), "requires y to be passed, but the target y is None"),
        ({}, (IRIS, np.zeros((150, 2, 2))), r"y has shape \(150, 2, 2\)"),
        ({}, (IRIS, np.c_[KINDS, np.full(150, 3)]), "column 1 of y has a single class, 3"),
        ({"class_weight": "balanced"}, (LABELS_X, LABELS), "y has several columns"),
        ({"warm_start": 3}, (IRIS, KINDS), "warm_start = 3 is not possible"),
        ({}, (IRIS * 1j, KINDS), "Complex data not supported"),
        ({}, (IRIS, KINDS * 1j), "Complex data not supported"),
    ],
)
def test_what_cannot_be_is_refused(arguments, given, words):
    with pytest.raises((DataError, HyperparameterError), match=words):
        cr.NetworkClassifier(**QUICK | arguments).fit(*given)


def test_one_row_is_no_regression():
    with pytest.raises(DataError, match="n_samples=1"):
        cr.NetworkRegressor(**QUICK).fit([[1.0, 2.0]], [3.0])


def test_a_regressor_goes_on_with_as_many_targets_as_before():
    model = cr.NetworkRegressor(**QUICK).partial_fit(X, np.c_[Y, Y])
    with pytest.raises(DataError, match=r"y has shape \(120,\): the model was trained on \(n, 2\)"):
        model.partial_fit(X, Y)
