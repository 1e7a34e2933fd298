"""The estimators as scikit-learn's users meet them."""

from __future__ import annotations

import pickle
import time

import joblib
import numpy as np
import pandas as pd
import polars as pl
import pytest
from sklearn.base import clone
from sklearn.datasets import load_iris
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LinearRegression
from sklearn.model_selection import GridSearchCV, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures

import chainrule as cr
from chainrule.data.readers import load_penguins, split_target
from chainrule.errors import ChainruleError, DataError, NonFiniteLossWarning
from chainrule.estimators.splits import stratified_share

IRIS, KINDS = load_iris(return_X_y=True)
QUICK = {"hidden": (8,), "epochs": 5, "random_state": 0}
RNG = np.random.default_rng(0)
X = RNG.normal(size=(120, 3))
Y = X @ [1.0, -2.0, 0.5] + 0.1 * RNG.normal(size=120)

ESTIMATORS = [
    pytest.param(cr.NetworkClassifier(**QUICK), IRIS, KINDS, id="classifier"),
    pytest.param(cr.NetworkRegressor(**QUICK), X, Y, id="regressor"),
    pytest.param(cr.NetworkRegressor(**QUICK), X, np.c_[Y, -3 * Y, X[:, 0]], id="three targets"),
]
each = pytest.mark.parametrize(("estimator", "X", "y"), ESTIMATORS)


def outputs(model, X):
    """The most detailed prediction there is."""
    return model.predict_proba(X) if hasattr(model, "predict_proba") else model.predict(X)


# ------------------------------------------------------- the scikit-learn contract


@each
def test_arguments_are_kept_untouched_and_clone_has_them(estimator, X, y):
    hidden, optimizer = [4, np.int64(3)], cr.Adam(0.02)
    changed = clone(estimator).set_params(hidden=hidden, optimizer=optimizer, keep=0.5)
    twin = clone(changed.fit(X, y))
    assert changed.hidden is hidden
    assert twin.get_params() == changed.get_params()
    assert not hasattr(twin, "network_")
    np.testing.assert_array_equal(outputs(twin.fit(X, y), X), outputs(changed, X))


@each
def test_fit_returns_the_estimator_and_sets_the_attributes(estimator, X, y):
    model = clone(estimator)
    assert model.fit(X, y) is model
    assert model.n_features_in_ == X.shape[1]
    assert not hasattr(model, "feature_names_in_")
    assert len(model.history_) == 5
    frame = pd.DataFrame(X).add_prefix("x")
    assert model.fit(frame, y).feature_names_in_.tolist() == list(frame)
    assert not hasattr(model.fit(X, y), "feature_names_in_")  # no trace of the earlier fit


@each
def test_an_estimator_that_is_not_fitted_says_so(estimator, X, y, tmp_path):
    with pytest.raises(NotFittedError):
        clone(estimator).predict(X)
    with pytest.raises(NotFittedError):
        clone(estimator).save(tmp_path / "model.safetensors")


@each
def test_pickle_and_joblib_keep_predictions_to_the_bit(estimator, X, y, tmp_path):
    model = clone(estimator).fit(X, y)
    joblib.dump(model, tmp_path / "model.joblib")
    for twin in (pickle.loads(pickle.dumps(model)), joblib.load(tmp_path / "model.joblib")):
        np.testing.assert_array_equal(outputs(twin, X), outputs(model, X))
        assert twin.get_params() == model.get_params()
        assert twin.history_.loss == model.history_.loss


def test_grid_search_cross_validation_and_pipelines_work_as_usual():
    model = make_pipeline(PolynomialFeatures(2), cr.NetworkClassifier(random_state=0, epochs=60))
    assert cross_val_score(model, IRIS, KINDS, cv=3).mean() > 0.85
    search = GridSearchCV(model, {"networkclassifier__hidden": [(), (16,)]}, cv=2)
    search.fit(IRIS, KINDS)
    assert {params["networkclassifier__hidden"] for params in search.cv_results_["params"]} == {
        (),
        (16,),
    }
    assert search.predict(IRIS).shape == (150,)


def test_a_frame_in_another_column_order_predicts_the_same():
    table, target, _ = split_target(load_penguins(), "species")
    model = cr.NetworkClassifier(**QUICK).fit(table, target)
    assert model.target_name_ == "species"
    frame = pl.from_arrow(table)
    other = frame.select(reversed(frame.columns)).with_columns(extra=pl.lit(1))
    np.testing.assert_array_equal(outputs(model, other), outputs(model, table))
    np.testing.assert_array_equal(outputs(model, table.to_pandas()), outputs(model, table))


# ------------------------------------------------------------------- labels, targets


@pytest.mark.parametrize(
    "labels",
    [
        ["setosa", "versicolor", "virginica"],
        [-5, 0, 1000],
        [0.5, 1.5, 2.5],
        np.array(["a", "bb", "ccc"], dtype=object),
    ],
    ids=["texts", "integers", "fractions", "objects"],
)
def test_labels_of_any_type_learn_the_same_and_come_back(labels):
    labels = np.asarray(labels)
    plain = cr.NetworkClassifier(**QUICK).fit(IRIS, KINDS)
    model = cr.NetworkClassifier(**QUICK).fit(IRIS, labels[KINDS])
    np.testing.assert_array_equal(outputs(model, IRIS), outputs(plain, IRIS))
    assert model.predict(IRIS).tolist() == labels[plain.predict(IRIS)].tolist()
    assert model.classes_.tolist() == labels.tolist()


def test_boolean_labels_come_back_as_booleans():
    model = cr.NetworkClassifier(**QUICK).fit(IRIS, KINDS == 2)
    assert model.predict(IRIS).dtype == bool
    assert model.classes_.tolist() == [False, True]


def test_probabilities_sum_to_one_and_their_largest_is_the_prediction():
    model = cr.NetworkClassifier(**QUICK).fit(IRIS, KINDS)
    probabilities = model.predict_proba(IRIS)
    assert probabilities.shape == (150, 3)
    assert (probabilities >= 0).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1, rtol=1e-6)
    np.testing.assert_array_equal(model.classes_[probabilities.argmax(axis=1)], model.predict(IRIS))
    far = model.predict_proba(1e4 * IRIS)
    assert np.isfinite(far).all()


def test_several_targets_are_predicted_side_by_side():
    targets = np.c_[Y, 1000 * X[:, 0] - 7, np.full(120, 0.1)]
    model = cr.NetworkRegressor(epochs=60, random_state=0).fit(X, targets)
    predicted = model.predict(X)
    assert predicted.shape == (120, 3)
    for k in range(2):
        error = predicted[:, k] - targets[:, k]
        assert error.var() < 0.05 * targets[:, k].var()
    assert np.abs(predicted[:, 2] - 0.1).mean() < 0.1  # a constant among others is no mistake


def test_one_target_is_predicted_flat_however_it_came():
    expected = cr.NetworkRegressor(**QUICK).fit(X, Y).predict(X)
    assert expected.shape == (120,)
    for y in (Y[:, None], pd.DataFrame({"y": Y}), pl.Series(Y), Y.tolist()):
        np.testing.assert_array_equal(cr.NetworkRegressor(**QUICK).fit(X, y).predict(X), expected)


@pytest.mark.parametrize("factor", [2.0**40, 2.0**-900])
def test_the_unit_of_the_target_does_not_matter(factor):
    plain = cr.NetworkRegressor(**QUICK).fit(X, Y)
    model = cr.NetworkRegressor(**QUICK).fit(X, factor * Y)
    np.testing.assert_array_equal(model.predict(X), factor * plain.predict(X))
    assert model.history_.loss == plain.history_.loss


def test_the_zero_of_the_target_and_of_the_columns_does_not_matter():
    plain = cr.NetworkRegressor(**QUICK).fit(X, Y).predict(X)
    shifted = cr.NetworkRegressor(**QUICK).fit(X - 300, Y + 5000).predict(X - 300)
    np.testing.assert_allclose(shifted - 5000, plain, atol=1e-3)


# -------------------------------------------------------------------------- weights


@each
def test_rows_of_weight_zero_are_as_if_absent(estimator, X, y):
    rng = np.random.default_rng(1)
    n = len(X)
    weights = rng.integers(0, 3, n) * 1.0
    spoiled = X.copy()
    spoiled[weights == 0] *= 1e6  # would change means, spreads and the course of training
    model = clone(estimator).fit(spoiled, y, sample_weight=weights)
    kept = weights > 0
    alone = clone(estimator).fit(X[kept], y[kept], sample_weight=weights[kept])
    np.testing.assert_array_equal(outputs(model, X), outputs(alone, X))
    assert model.history_.validation_loss == alone.history_.validation_loss


@each
def test_the_unit_of_the_weights_does_not_matter(estimator, X, y):
    weights = np.random.default_rng(1).random(len(X)) + 0.1
    first = clone(estimator).fit(X, y, sample_weight=weights)
    second = clone(estimator).fit(X, y, sample_weight=1024 * weights)
    np.testing.assert_allclose(outputs(first, X), outputs(second, X), rtol=1e-4, atol=1e-5)


def test_a_linear_regressor_with_weights_finds_the_weighted_least_squares():
    weights = np.where(X[:, 0] > 0, 5.0, 0.2)
    y = np.where(X[:, 0] > 0, Y, -Y)
    model = cr.NetworkRegressor(
        (), epochs=400, batch_size=120, learning_rate=0.02, early_stopping=False, random_state=0
    )
    expected = LinearRegression().fit(X, y, sample_weight=weights).predict(X)
    np.testing.assert_allclose(
        model.fit(X, y, sample_weight=weights).predict(X), expected, atol=0.02
    )


# ------------------------------------------------------------ networks, engines, seeds


def test_layers_of_your_own_replace_the_hidden_ones():
    layers = [cr.Dense(6, "tanh"), cr.Dropout(0.9), cr.Dense(5), cr.Activation("elu")]
    model = cr.NetworkClassifier(hidden=(99,), keep=0.1, network=layers, epochs=3, random_state=0)
    model.fit(IRIS, KINDS)
    assert model.network_.layers == (*layers, cr.Dense(3))


def test_keep_puts_dropout_after_every_hidden_layer():
    model = cr.NetworkClassifier((16, 15), keep=0.5, epochs=1).fit(IRIS, KINDS)
    drop = cr.Dropout(0.5)
    assert model.network_.layers == (
        cr.Dense(16, "relu"), drop, cr.Dense(15, "relu"), drop, cr.Dense(3),
    )  # fmt: skip


@each
def test_the_engines_learn_the_same(estimator, X, y):
    compiled = clone(estimator).fit(X, y)
    reference = clone(estimator).set_params(engine="reference").fit(X, y)
    np.testing.assert_allclose(
        compiled.history_.loss, reference.history_.loss, rtol=1e-3, atol=1e-5
    )
    np.testing.assert_allclose(outputs(compiled, X), outputs(reference, X), rtol=1e-2, atol=1e-3)
    assert reference.network_.engine.name == "reference"


@each
def test_a_seed_gives_the_same_bits_and_another_seed_others(estimator, X, y):
    first, second = (clone(estimator).fit(X, y) for _ in range(2))
    np.testing.assert_array_equal(outputs(first, X), outputs(second, X))
    assert first.history_.validation_loss == second.history_.validation_loss
    generator = np.random.RandomState(0)
    for same in (generator, np.random.RandomState(0)):
        model = clone(estimator).set_params(random_state=same)
        np.testing.assert_array_equal(outputs(model.fit(X, y), X), outputs(first, X))
    other = clone(estimator).set_params(random_state=1).fit(X, y)
    assert not np.array_equal(outputs(other, X), outputs(first, X))
    free = [clone(estimator).set_params(random_state=None).fit(X, y) for _ in range(2)]
    assert not np.array_equal(outputs(free[0], X), outputs(free[1], X))


# ---------------------------------------------------------------- stopping, callbacks


class Recorder(cr.Callback):
    """Keeps the weights of every epoch."""

    def __init__(self):
        self.weights = []

    def on_epoch_end(self, state):
        self.weights.append({k: p.copy() for k, p in state.network.parameters.items()})


def assert_same_weights(network, weights):
    for name, values in network.parameters.items():
        np.testing.assert_array_equal(values, weights[name])


def test_early_stopping_ends_after_patience_and_keeps_the_best_weights():
    recorder = Recorder()
    model = cr.NetworkRegressor(
        learning_rate=0.03, epochs=500, patience=7, callbacks=[recorder], random_state=0
    ).fit(X, Y + RNG.normal(size=120))
    history = model.history_
    assert history.stopped == "no improvement"
    assert history.best_epoch == np.argmin(history.validation_loss) + 1
    assert len(history) == history.best_epoch + 7
    assert_same_weights(model.network_, recorder.weights[history.best_epoch - 1])


def test_without_early_stopping_all_rows_are_learnt_from_for_all_epochs():
    recorder = Recorder()
    model = cr.NetworkRegressor(
        preset="plain", epochs=12, early_stopping=False, callbacks=[recorder], random_state=0
    ).fit(X, Y)
    assert (len(model.history_), model.history_.stopped) == (12, "all epochs done")
    assert model.history_.validation_loss == []
    assert_same_weights(model.network_, recorder.weights[-1])
    assert model.encoder_.columns_[0].mean == pytest.approx(X[:, 0].mean())


def test_exactly_the_rows_held_out_have_no_influence_on_preprocessing():
    def learnt(X, y):
        model = cr.NetworkRegressor((1,), epochs=1, random_state=0).fit(X, y)
        return model.encoder_.columns_[0].mean, model.target_mean_[0]

    means = learnt(X, Y)
    without_influence = []
    for row in range(len(X)):
        changed, target = X.copy(), Y.copy()
        changed[row, 0], target[row] = 100, 100
        same = [a == b for a, b in zip(learnt(changed, target), means, strict=True)]
        assert same[0] == same[1]
        without_influence.append(same[0])
    assert sum(without_influence) == round(0.1 * len(X))


def test_every_class_is_trained_on_even_if_it_has_one_row():
    y = [*("a" * 60), *("b" * 59), "c"]
    marks = pd.DataFrame({"mark": ["common"] * 119 + ["the row of c"]})
    model = cr.NetworkClassifier((2,), epochs=1, validation_fraction=0.6, random_state=0)
    column = model.fit(marks, y).encoder_.columns_[0]
    assert "the row of c" in column.levels  # which only rows to train on bring
    assert len(model.history_.validation_loss) == 1


def test_held_out_rows_are_the_same_share_of_every_class():
    y = np.repeat([0, 1, 2], [100, 40, 10])
    held = stratified_share(y, 0.3, np.random.default_rng(0))
    assert np.bincount(y[held]).tolist() == [30, 12, 3]
    assert not np.array_equal(held, stratified_share(y, 0.3, np.random.default_rng(1)))
    assert stratified_share(y, 0.99, np.random.default_rng(0)).sum() == 99 + 39 + 9


def test_a_time_limit_ends_training():
    begin = time.perf_counter()
    model = cr.NetworkRegressor(epochs=10**8, patience=10**8, time_limit=2.0).fit(X, Y)
    assert 1.5 < time.perf_counter() - begin < 20
    assert model.history_.stopped == "time limit"
    assert model.score(X, Y) > 0.9


class At(cr.Callback):
    """Does something at the end of one epoch."""

    def __init__(self, epoch, action):
        self.epoch, self.action = epoch, action

    def on_epoch_end(self, state):
        if state.epoch == self.epoch:
            self.action(state)


def interrupt(state):
    raise KeyboardInterrupt


def poison(state):
    list(state.network.parameters.values())[-1][...] = np.nan


def test_an_interruption_leaves_a_fitted_model_with_its_best_weights():
    recorder = Recorder()
    model = cr.NetworkRegressor(callbacks=[recorder, At(6, interrupt)], random_state=0)
    with pytest.warns(UserWarning, match="interrupted after 6 epochs"):
        model.fit(X, Y)
    assert model.history_.stopped == "interrupted"
    assert_same_weights(model.network_, recorder.weights[model.history_.best_epoch - 1])


def test_a_callback_may_end_training():
    model = cr.NetworkRegressor(callbacks=[At(3, lambda state: state.stop("enough"))]).fit(X, Y)
    assert (len(model.history_), model.history_.stopped) == (3, "enough")


@pytest.mark.parametrize("early_stopping", [True, False])
def test_a_loss_that_is_not_finite_stops_training_and_the_last_good_weights_return(early_stopping):
    recorder = Recorder()
    model = cr.NetworkRegressor(
        callbacks=[recorder, At(4, poison)], early_stopping=early_stopping, random_state=0
    )
    with pytest.warns(NonFiniteLossWarning, match="epoch 5, step 1"):
        model.fit(X, Y)
    assert model.history_.stopped == "loss not finite"
    assert_same_weights(model.network_, recorder.weights[model.history_.best_epoch - 1])
    assert np.isfinite(model.predict(X)).all()


# ------------------------------------------------------------------------- files


FILED = [
    cr.NetworkClassifier(**QUICK),
    cr.NetworkClassifier(**QUICK | {"hidden": ()}, activation="tanh", learning_rate=0.01),
    cr.NetworkClassifier(**QUICK, activation=cr.ops.ACTIVATIONS["leaky_relu"](k=0.3), keep=0.9),
    cr.NetworkClassifier(**QUICK, optimizer=cr.AdamW(0.01, weight_decay=0.1), max_levels=7),
    cr.NetworkClassifier(
        **QUICK,
        network=[cr.Dense(4, {"name": "elu", "alpha": 0.5}), cr.Dropout(0.5)],
        early_stopping=False,
    ),
    cr.NetworkClassifier(**QUICK, engine="reference"),
]


@pytest.mark.parametrize("estimator", FILED)
def test_a_classifier_comes_back_from_its_file(estimator, tmp_path):
    table, target, _ = split_target(load_penguins(), "species")
    model = clone(estimator).fit(table, target)
    model.save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    assert isinstance(again, cr.NetworkClassifier)
    np.testing.assert_array_equal(outputs(again, table), outputs(model, table))
    np.testing.assert_array_equal(again.predict(table), model.predict(table))
    assert again.network_.engine.name == model.engine
    assert again.classes_.dtype == model.classes_.dtype
    assert again.feature_names_in_.tolist() == model.feature_names_in_.tolist()
    assert again.n_features_in_ == model.n_features_in_
    assert again.target_name_ == "species"
    assert again.get_params()["hidden"] == tuple(model.hidden)
    refitted = clone(again).fit(table, target)
    np.testing.assert_array_equal(outputs(refitted, table), outputs(model, table))


@pytest.mark.parametrize("labels", [[False, True], [3, 7], [0.5, 1.5], ["é", "x" * 40]])
def test_labels_of_any_type_come_back_from_a_file(labels, tmp_path):
    y = np.asarray(labels)[(KINDS == 2).astype(int)]
    model = cr.NetworkClassifier(**QUICK).fit(IRIS, y)
    model.save(tmp_path / "model.safetensors")
    predicted = cr.load(tmp_path / "model.safetensors").predict(IRIS)
    assert predicted.tolist() == model.predict(IRIS).tolist()
    assert predicted.dtype == model.predict(IRIS).dtype


@pytest.mark.parametrize("y", [Y, np.c_[Y, 1e6 * Y]], ids=["one target", "two targets"])
def test_a_regressor_comes_back_from_its_file(y, tmp_path):
    model = cr.NetworkRegressor(**QUICK).fit(X, y)
    model.save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    assert isinstance(again, cr.NetworkRegressor)
    np.testing.assert_array_equal(again.predict(X), model.predict(X))
    assert not hasattr(again, "feature_names_in_")


def test_what_a_file_cannot_hold_is_left_out(tmp_path):
    model = cr.NetworkRegressor(
        **QUICK | {"random_state": np.random.RandomState(3)}, callbacks=[Recorder()]
    ).fit(X, Y)
    model.save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    assert again.random_state is None
    assert again.callbacks == ()


# --------------------------------------------------------------------- wrong arguments


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"hidden": 64}, "hidden = 64 is not possible: give the widths"),
        ({"hidden": (64, 0)}, "hidden = (64, 0) is not possible"),
        ({"hidden": (2.5,)}, "whole numbers in [1, ∞)"),
        ({"hidden": "64"}, "hidden = '64'"),
        ({"activation": "rellu"}, "Did you mean 'relu'?"),
        ({"activation": 3}, "activation = 3 is not possible"),
        ({"activation": "threshold"}, "cannot be trained by gradients"),
        ({"keep": 0}, "keep = 0 is not possible: give a number in (0, 1]"),
        ({"network": cr.Dense(3)}, "a list of layers"),
        ({"network": [3]}, "layer 0 is 3"),
        ({"optimizer": "addam"}, "Did you mean 'adam'?"),
        ({"optimizer": cr.Adam}, "or Adam(1e-3)"),
        ({"optimizer": cr.Adam(0.1), "learning_rate": 0.1}, "were both given"),
        ({"learning_rate": 0}, "learning_rate = 0 is not possible: give a number in (0, ∞)"),
        ({"learning_rate": -1.0}, "(0, ∞)"),
        ({"batch_size": 0}, "batch_size = 0 is not possible: give a whole number in [1, ∞)"),
        ({"batch_size": 2.5}, "batch_size = 2.5"),
        ({"batch_size": "32"}, "batch_size = '32'"),
        ({"epochs": 0}, "epochs = 0 is not possible: give a whole number in [1, ∞)"),
        ({"patience": 0}, "a whole number in [1, ∞)"),
        ({"validation_fraction": 1}, "(0, 1)"),
        ({"time_limit": 0}, "time_limit = 0"),
        ({"max_levels": 1}, "[2, ∞)"),
        ({"threads": 0}, "threads = 0"),
        ({"callbacks": Recorder()}, "a list of objects of type Callback"),
        ({"callbacks": [Recorder]}, "a list of objects of type Callback"),
        ({"engine": "gpu"}, "unknown engine 'gpu'. There are: compiled, reference"),
        ({"random_state": -1}, "random_state = -1 is not possible"),
        ({"random_state": "x"}, "random_state = 'x' is not possible"),
    ],
)
@pytest.mark.parametrize("made", [cr.NetworkClassifier, cr.NetworkRegressor])
def test_a_wrong_argument_is_refused_by_fit_with_what_it_may_be(made, arguments, words):
    model = made(**arguments)  # the constructor takes everything
    with pytest.raises(ChainruleError) as caught:
        model.fit(IRIS, KINDS)
    assert words in str(caught.value)
    assert not hasattr(model, "history_")


@pytest.mark.parametrize(
    ("X", "y", "words"),
    [
        (IRIS, np.zeros(150), "the target has a single class, 0.0"),
        (IRIS, pd.Series(["a"] * 150, name="kind"), "the target 'kind' has a single class, 'a'"),
        (IRIS, IRIS[:, 0] + np.arange(150) / 1e5, "that is a regression, use NetworkRegressor"),
        (IRIS, np.zeros((150, 2, 2)), "y has shape (150, 2, 2): expected (n,) or (n, outputs)"),
        (IRIS, KINDS[:-1], "X has 150 rows and y has 149"),
        (IRIS, [None] * 150, "missing in 150 of 150 rows (row 0"),
        (IRIS, np.where(KINDS == 0, np.inf, 1.0), "infinite"),
        (IRIS[:0], KINDS[:0], "X has no rows"),
        (IRIS[0], KINDS[:1], "X has shape (4,)"),
    ],
)
def test_a_target_that_is_no_class_is_refused(X, y, words):
    with pytest.raises(DataError) as caught:
        cr.NetworkClassifier(**QUICK).fit(X, y)
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.full(150, 0.1), "the target is 0.1 in every row: there is nothing to learn"),
        (["low", "high"] * 75, "holds texts such as 'low': classes need NetworkClassifier"),
        (np.where(KINDS == 2, -np.inf, 1.0), "infinite in row 100"),
        (np.zeros((150, 2, 2)), "y has shape (150, 2, 2)"),
        (np.full(150, np.nan), "missing in 150 of 150 rows"),
    ],
)
def test_a_target_that_is_no_number_is_refused(y, words):
    with pytest.raises(DataError) as caught:
        cr.NetworkRegressor(**QUICK).fit(IRIS, y)
    assert words in str(caught.value)


def test_a_refusal_counts_rows_as_they_were_given():
    spoiled = IRIS.copy()
    spoiled[77, 2] = np.inf  # fit holds rows out before it looks at the columns
    with pytest.raises(DataError, match=r"column '2' is infinite in row 77 \(counted from 0\)"):
        cr.NetworkClassifier(**QUICK).fit(spoiled, KINDS)


def test_weights_of_the_wrong_number_are_refused():
    with pytest.raises(DataError, match=r"sample_weight has shape \(3,\): expected \(150,\)"):
        cr.NetworkClassifier(**QUICK).fit(IRIS, KINDS, sample_weight=[1, 2, 3])
