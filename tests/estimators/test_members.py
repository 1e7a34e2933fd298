"""Several networks from one table: against least squares of scikit-learn, and by definition."""

import pickle
import subprocess
import sys
from copy import deepcopy
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import sklearn
from safetensors.numpy import load_file
from scipy.special import expit, logsumexp, softmax
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris, make_multilabel_classification
from sklearn.linear_model import LinearRegression
from sklearn.metrics import accuracy_score, r2_score
from sklearn.model_selection import (
    GroupKFold,
    KFold,
    LeaveOneGroupOut,
    RepeatedKFold,
    cross_val_predict,
    cross_validate,
)

import chainrule as cr
from chainrule.errors import DataError, HyperparameterError
from chainrule.estimators import base, members
from chainrule.estimators.rows import Rows

X, Y = load_diabetes(return_X_y=True)
X = X[:, [0, 2, 3, 8]]  # hardly correlated: L-BFGS is soon there
IRIS, KINDS = load_iris(return_X_y=True)
QUICK = {"hidden": (8,), "epochs": 12, "learning_rate": 0.02, "random_state": 0}
# no hidden layer and L-BFGS: least squares, to which there is one solution
LINEAR = {
    "hidden": (), "optimizer": cr.training.LBFGS(tolerance=1e-11, max_iterations=5000),
    "early_stopping": False, "dtype": "float64", "random_state": 0,
}  # fmt: skip


def bits(model):
    return b"".join(p.tobytes() for net in model.members_ for p in net.parameters.values())


# ---------------------------------------------------------------- against least squares


def test_folds_are_those_of_a_cross_validation():
    """Each fold a linear model of its own: rows, scaling and order all have to be right."""
    model = cr.NetworkRegressor(**LINEAR, cv=KFold(4, shuffle=True, random_state=3)).fit(X, Y)
    theirs = cross_validate(
        LinearRegression(), X, Y, cv=model.cv, return_estimator=True, scoring="r2"
    )
    np.testing.assert_allclose(
        model.out_of_fold_, cross_val_predict(LinearRegression(), X, Y, cv=model.cv), rtol=1e-6
    )
    np.testing.assert_allclose(model.cv_scores_, theirs["test_score"], rtol=1e-6)
    each = [fold.predict(X) for fold in theirs["estimator"]]
    np.testing.assert_allclose(model.predict(X), np.mean(each, axis=0), rtol=1e-6)
    np.testing.assert_allclose(model.spread(X), np.std(each, axis=0, ddof=1), rtol=1e-3)


def test_weights_count_in_every_fold_and_rows_of_weight_nought_not_at_all():
    weights = np.random.default_rng(0).integers(0, 3, len(Y)).astype(float)
    used = weights > 0
    model = cr.NetworkRegressor(**LINEAR, cv=KFold(3)).fit(X, Y, sample_weight=weights)
    expected = np.full(len(Y), np.nan)
    scores = []
    for train, held in KFold(3).split(X[used]):
        line = LinearRegression().fit(X[used][train], Y[used][train], weights[used][train])
        expected[np.flatnonzero(used)[held]] = line.predict(X[used][held])
        scores.append(line.score(X[used][held], Y[used][held], weights[used][held]))
    np.testing.assert_allclose(model.out_of_fold_, expected, rtol=1e-6)
    np.testing.assert_allclose(model.cv_scores_, scores, rtol=1e-6)


def test_a_bag_is_least_squares_on_bootstrap_draws():
    model = cr.NetworkRegressor(**LINEAR, bag=6).fit(X, Y)
    parts = members.way_to_divide(model, Rows.read(X, Y, None), model._seed())
    counts = np.array([part.counts for part in parts])
    assert (counts.sum(axis=1) == len(Y)).all()
    np.testing.assert_allclose((counts > 0).mean(), 1 - np.exp(-1), atol=0.02)
    each = np.array([LinearRegression().fit(X, Y, c).predict(X) for c in counts])
    np.testing.assert_allclose(model.predict(X), each.mean(axis=0), rtol=1e-6)
    unseen, known = counts == 0, (counts == 0).any(axis=0)
    assert 0 < (~known).sum() < 60
    expected = (each * unseen)[:, known].sum(axis=0) / unseen[:, known].sum(axis=0)
    np.testing.assert_array_equal(np.isnan(model.out_of_fold_), ~known)
    np.testing.assert_allclose(model.out_of_fold_[known], expected, rtol=1e-6)
    np.testing.assert_allclose(model.oob_score_, r2_score(Y[known], expected), rtol=1e-6)


def test_groups_stay_together_also_by_metadata_routing():
    groups = np.arange(len(Y)) % 5
    expected = cross_val_predict(LinearRegression(), X, Y, cv=LeaveOneGroupOut(), groups=groups)
    model = cr.NetworkRegressor(**LINEAR, cv=GroupKFold(5)).fit(X, Y, groups=groups)
    np.testing.assert_allclose(model.out_of_fold_, expected, rtol=1e-6)
    with sklearn.config_context(enable_metadata_routing=True):
        routed = clone(model).set_fit_request(groups=True)
        scores = cross_validate(routed, X, Y, cv=2, params={"groups": groups}, error_score="raise")
    assert scores["test_score"].min() > 0.3


def test_rows_that_several_folds_hold_get_the_mean_and_others_nothing():
    twice = cr.NetworkRegressor(**LINEAR, cv=RepeatedKFold(n_splits=2, n_repeats=2, random_state=1))
    expected = np.zeros(len(Y))
    for train, held in twice.cv.split(X):
        expected[held] += LinearRegression().fit(X[train], Y[train]).predict(X[held]) / 2
    np.testing.assert_allclose(twice.fit(X, Y).out_of_fold_, expected, rtol=1e-6)
    half = [(np.arange(200), np.arange(200, 300)), (np.arange(100, 300), np.arange(100))]
    partly = cr.NetworkRegressor(**LINEAR, cv=half).fit(X, Y)
    rows = np.arange(len(Y))
    held = (rows < 100) | ((rows >= 200) & (rows < 300))
    np.testing.assert_array_equal(np.isnan(partly.out_of_fold_), ~held)


# -------------------------------------------------------------------------- by definition


def test_the_first_of_several_is_the_network_alone():
    alone = cr.NetworkClassifier(**QUICK).fit(IRIS, KINDS)
    three = cr.NetworkClassifier(**QUICK, members=3).fit(IRIS, KINDS)
    assert three.members_[0] is three.network_
    for name, values in alone.network_.parameters.items():
        np.testing.assert_allclose(three.network_.parameters[name], values, rtol=1e-6, atol=1e-9)
    assert len({net.parameters["0.weight"].tobytes() for net in three.members_}) == 3
    assert alone.members_ == [alone.network_]
    assert [len(h.validation_loss) > 0 for h in three.histories_] == [True] * 3


def test_probabilities_are_averaged_and_scores_say_the_same():
    model = cr.NetworkClassifier(**QUICK, members=3, calibrate=False).fit(IRIS, KINDS)
    encoded = model.encoder_.transform(IRIS)
    each = np.array([softmax(net.predict(encoded), axis=1) for net in model.members_])
    np.testing.assert_allclose(model.predict_proba(IRIS), each.mean(axis=0), rtol=1e-6)
    np.testing.assert_array_equal(model.predict(IRIS), each.mean(axis=0).argmax(axis=1))
    scores = model.decision_function(IRIS)
    log_p = scores - logsumexp(scores, axis=1, keepdims=True)
    np.testing.assert_allclose(log_p, np.log(each.mean(axis=0)), atol=1e-6)
    np.testing.assert_allclose(model.spread(IRIS), each.std(axis=0, ddof=1), atol=1e-7)


def test_labels_side_by_side_are_averaged_too():
    inputs, labels = make_multilabel_classification(120, 6, n_classes=4, random_state=0)
    model = cr.NetworkClassifier(**QUICK, cv=3, calibrate=False).fit(inputs, labels)
    encoded = model.encoder_.transform(inputs)
    each = np.array([expit(net.predict(encoded)) for net in model.members_])
    np.testing.assert_allclose(model.predict_proba(inputs), each.mean(axis=0), rtol=1e-5)
    np.testing.assert_array_equal(model.predict(inputs), each.mean(axis=0) > 0.5)
    assert model.out_of_fold_.shape == labels.shape
    pair = np.column_stack([KINDS, IRIS[:, 0] > 5.8])
    columns = cr.NetworkClassifier(**QUICK, cv=3, calibrate=False).fit(IRIS, pair)
    assert [p.shape for p in columns.out_of_fold_] == [(150, 3), (150, 2)]
    assert [s.shape for s in columns.spread(IRIS)] == [(150, 3), (150, 2)]
    for p in columns.predict_proba(IRIS):
        np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-6)


def test_nothing_of_a_rows_target_reaches_its_prediction():
    """Wild targets in the rows of fold 0 leave what the network of fold 0 says of them alone."""
    quiet = QUICK | {"early_stopping": False, "cv": KFold(3)}
    other = Y.copy()
    other[:148] = 1e6 * np.arange(148)
    one, two = (cr.NetworkRegressor(**quiet).fit(X, y) for y in (Y, other))
    np.testing.assert_array_equal(one.out_of_fold_[:148], two.out_of_fold_[:148])
    assert (one.out_of_fold_[148:] != two.out_of_fold_[148:]).all()


def test_inputs_are_scaled_by_all_rows_in_folds_and_by_the_training_rows_in_members():
    folds = cr.NetworkRegressor(**QUICK, cv=3).fit(X + 5, Y)
    np.testing.assert_allclose([c.mean for c in folds.encoder_.columns_], X.mean(axis=0) + 5)
    several = cr.NetworkRegressor(**QUICK, members=2).fit(X, Y)
    alone = cr.NetworkRegressor(**QUICK).fit(X, Y)
    assert several.encoder_.config() == alone.encoder_.config()


def test_scores_of_classes_by_fold():
    model = cr.NetworkClassifier(**QUICK, cv=KFold(3, shuffle=True, random_state=0))
    names = np.array(["x", "y", "z"])[KINDS]
    model.fit(IRIS, names)
    best = model.classes_[model.out_of_fold_.argmax(axis=1)]
    folds = [held for _, held in model.cv.split(IRIS)]
    expected = [accuracy_score(names[held], best[held]) for held in folds]
    np.testing.assert_allclose(model.cv_scores_, expected)


def test_out_of_fold_finds_no_structure_where_there_is_none():
    rng = np.random.default_rng(0)
    quiet = {"early_stopping": False, "learning_rate": 0.01, "random_state": 0}
    model = cr.NetworkClassifier((32,), epochs=60, cv=5, **quiet)
    noise, labels = rng.normal(size=(200, 20)), rng.integers(2, size=200)
    model.fit(noise, labels)
    assert model.score(noise, labels) > 0.85  # learnt by heart
    assert abs(accuracy_score(labels, model.out_of_fold_.argmax(axis=1)) - 0.5) < 0.12


def test_the_same_bits_whatever_the_number_of_threads():
    for asked in ({"members": 3}, {"cv": 3}, {"bag": 3}):
        found = [
            bits(cr.NetworkRegressor(**QUICK, **asked, n_jobs=n).fit(X, Y)) for n in (1, 2, None)
        ]
        assert found[0] == found[1] == found[2]


def test_all_members_read_one_matrix(monkeypatch):
    seen, train = [], base.train

    def spy(network, inputs, *rest, **more):
        seen.append(inputs)
        return train(network, inputs, *rest, **more)

    monkeypatch.setattr(base, "train", spy)
    cr.NetworkRegressor(**QUICK, cv=4).fit(X, Y)
    assert len(seen) == 4
    assert len({id(matrix) for matrix in seen}) == 1


def test_callbacks_are_copied_for_each_member():
    class Counts(cr.Callback):
        epochs = 0

        def on_epoch_end(self, state):
            self.epochs += 1
            state.stop("enough") if self.epochs == 3 else None

    model = cr.NetworkRegressor(**QUICK, members=3, callbacks=[Counts()]).fit(X, Y)
    assert [len(h) for h in model.histories_] == [3, 3, 3]


# ----------------------------------------------------------------------------------- refit


def test_refit_trains_on_all_rows_for_the_mean_best_number_of_epochs():
    model = cr.NetworkRegressor(**QUICK, cv=3, refit=True).fit(X, Y)
    best = [h.best_epoch for h in model.histories_]
    assert len(set(best)) > 1
    by_hand = cr.NetworkRegressor(
        **QUICK | {"epochs": round(np.mean(best)), "early_stopping": False}
    ).fit(X, Y)
    assert model.members_ == [model.network_]
    np.testing.assert_allclose(model.predict(X), by_hand.predict(X), rtol=1e-5)
    assert len(model.cv_scores_) == 3
    assert not np.isnan(model.out_of_fold_).any()
    with pytest.raises(HyperparameterError, match="one network, which agrees with itself"):
        model.spread(X)


def test_another_fit_forgets_what_the_last_one_left():
    model = cr.NetworkRegressor(**QUICK, cv=3).fit(X, Y)
    model.set_params(cv=None).fit(X, Y)
    assert len(model.members_) == 1
    for gone in ("out_of_fold_", "cv_scores_", "histories_"):
        assert not hasattr(model, gone)


# ----------------------------------------------------------------------------------- files


@pytest.mark.parametrize("asked", [{"members": 3}, {"cv": 3}, {"bag": 3}, {"cv": 3, "refit": True}])
def test_all_networks_come_back_from_the_file_and_after_pickling(asked, tmp_path):
    for made, y in ((cr.NetworkRegressor, Y[:150]), (cr.NetworkClassifier, KINDS)):
        model = made(**QUICK, **asked).fit(pd.DataFrame(IRIS, columns=list("abcd")), y)
        path = tmp_path / "model.safetensors"
        model.save(path)
        for again in (cr.load(path), pickle.loads(pickle.dumps(model))):
            np.testing.assert_array_equal(again.predict(IRIS), model.predict(IRIS))
            assert bits(again) == bits(model)


def test_parameters_of_further_networks_have_a_prefix(tmp_path):
    path = tmp_path / "model.safetensors"
    cr.NetworkRegressor(**QUICK, members=2).fit(X, Y).save(path)
    own = {"0.weight", "0.bias", "1.weight", "1.bias"}
    assert set(load_file(path)) == own | {f"members.1.{name}" for name in own}
    cr.NetworkRegressor(**QUICK).fit(X, Y).save(path)
    assert set(load_file(path)) == own  # as files have always been


def test_transform_has_the_units_of_all_networks():
    model = cr.NetworkRegressor(**QUICK, members=3).fit(X, Y).set_output(transform="pandas")
    features = model.transform(X)
    assert features.shape == (442, 24)
    encoded, net = model.encoder_.transform(X), model.members_[1]
    np.testing.assert_allclose(features.to_numpy()[:, 8:16], net.sharing(1).predict(encoded))


# ------------------------------------------------------------------------------------ time


def test_the_time_limit_is_shared_by_all(monkeypatch):
    """One thread, trainings that end at once: each may take its part of what is left."""
    given, train = [], base.train

    def spy(*data, time_limit, **more):
        given.append(time_limit)
        return train(*data, time_limit=time_limit, **more)

    monkeypatch.setattr(base, "train", spy)
    cr.NetworkRegressor(**QUICK, cv=4, refit=True, n_jobs=1, time_limit=1e6).fit(X, Y)
    np.testing.assert_allclose(given, [1e6 / 5, 1e6 / 4, 1e6 / 3, 1e6 / 2, 1e6], rtol=1e-2)


def test_endless_trainings_end_by_the_time_limit():
    endless = QUICK | {"epochs": 10**7, "early_stopping": False}
    model = cr.NetworkRegressor(**endless, members=3, n_jobs=2, time_limit=0.5).fit(X, Y)
    assert [h.stopped for h in model.histories_] == ["time limit"] * 3


def test_networks_that_learnt_nothing_are_left_out_and_said_to_be():
    def twin(epoch):
        return SimpleNamespace(history_=SimpleNamespace(best_epoch=epoch, stopped="time limit"))

    twins = [twin(3), twin(None), twin(1)]
    with pytest.warns(UserWarning, match=r"1 of 3 networks completed no epoch \(time limit\)"):
        assert members.learnt(twins) == [twins[0], twins[2]]
    assert members.learnt([twin(None)] * 2)[0].history_.best_epoch is None


SEARCH = """
import numpy as np, chainrule as cr
from sklearn.datasets import load_iris
from sklearn.model_selection import GridSearchCV
from threadpoolctl import threadpool_info
class Threads(cr.Callback):
    def on_epoch_end(self, state):
        used = {part["num_threads"] for part in threadpool_info() if part["user_api"] == "blas"}
        if used != {1}:
            raise RuntimeError(f"{used} threads of a product in a worker")
def alone(model, X, y):
    from chainrule.training.parallel import cores
    assert cores(None) == 1
    return model.score(X, y)
model = cr.NetworkClassifier((300,), epochs=3, members=2, callbacks=[Threads()], random_state=0)
search = GridSearchCV(model, {"learning_rate": [0.001, 0.01]}, cv=2, n_jobs=2, scoring=alone,
                      error_score="raise")
print(round(search.fit(*load_iris(return_X_y=True)).best_score_, 1) > 0.5)
"""


def test_a_search_with_processes_uses_one_thread_in_each():
    """joblib's workers already share the cores; members inside one train one after another."""
    result = subprocess.run(
        [sys.executable, "-c", SEARCH], check=False, capture_output=True, text=True, timeout=300
    )
    assert result.stdout == "True\n", result.stderr


# -------------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"members": 0}, r"members = 0 is not possible: give a whole number in \[1, ∞\)"),
        ({"bag": 1}, r"bag = 1 is not possible: give a whole number in \[2, ∞\)"),
        ({"cv": 1}, r"cv = 1 is not possible: give a whole number in \[2, ∞\) \(folds; or a spl"),
        ({"cv": "five"}, "cv = 'five' is not possible"),
        ({"cv": [3]}, "give pairs of row numbers"),
        ({"cv": 151}, "cv = 151 and 150 rows: every fold needs a row"),
        ({"cv": KFold(151)}, "150 rows cannot be split so"),
        ({"cv": [([0, 999], [1])]}, "cv names rows that are not there"),
        ({"cv": [([], [1])]}, "cv has a fold without a row to train on"),
        ({"cv": 3, "bag": 3}, "cv and bag were given: give one"),
        ({"cv": 3, "members": 3}, "members and cv were given: give one"),
        ({"members": 3, "warm_start": True}, "warm_start = True goes on with one network"),
        ({"refit": True}, "refit = True needs cv or bag"),
        ({"refit": "yes"}, "refit = 'yes' is not possible: give True or False"),
        ({"n_jobs": 0}, "n_jobs = 0 is not possible"),
    ],
)
def test_what_cannot_be_is_refused(arguments, words):
    with pytest.raises((HyperparameterError, DataError), match=words):
        cr.NetworkClassifier(**QUICK | arguments).fit(IRIS, KINDS)


def test_groups_need_a_splitter_that_reads_them():
    with pytest.raises(HyperparameterError, match=r"such as cv=GroupKFold\(5\)"):
        cr.NetworkClassifier(**QUICK, cv=3).fit(IRIS, KINDS, groups=KINDS)
    with pytest.raises(DataError, match=r"groups has shape \(3,\): expected \(150,\)"):
        cr.NetworkClassifier(**QUICK, cv=GroupKFold(2)).fit(IRIS, KINDS, groups=[1, 2, 3])


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (1, "'kind' has 1 row of the class 'rare', and each of 5 folds needs one: give more rows"),
        (3, r"'kind' has 3 rows of the class 'rare', .* 5 folds .* give folds in \[2, 3\]"),
    ],
)
def test_a_class_with_fewer_rows_than_folds_is_named(count, words):
    y = pd.Series(["a"] * 60 + ["b"] * (90 - count) + ["rare"] * count, name="kind")
    with pytest.raises(DataError, match=words):
        cr.NetworkClassifier(**QUICK, cv=5).fit(IRIS, y)


def test_a_portion_of_rows_trains_all_networks_there_are():
    assert len(cr.NetworkRegressor(**QUICK, members=2).partial_fit(X, Y).members_) == 1
    model = cr.NetworkRegressor(**QUICK, members=2).fit(X, Y)
    before = [network.everything for network in deepcopy(model.members_)]
    again = model.partial_fit(X, Y)
    for network, old in zip(again.members_, before, strict=True):
        assert all((network.everything[name] != values).any() for name, values in old.items())
    single = cr.NetworkRegressor(**QUICK, members=1).fit(X, Y).partial_fit(X, Y)
    for name, values in single.network_.everything.items():
        np.testing.assert_array_equal(model.network_.everything[name], values)
    for several in ({"cv": 2}, {"bag": 2}):
        with pytest.raises(HyperparameterError, match="those of cv and bag saw rows of their own"):
            cr.NetworkRegressor(**QUICK, **several).partial_fit(X, Y)


def test_a_bag_of_rows_of_one_class_but_for_one_is_drawn_again():
    y = np.array(["a"] * 9 + ["b"])
    model = cr.NetworkClassifier((2,), epochs=1, bag=12, random_state=0)
    model.fit(np.arange(10.0)[:, None], y)
    parts = members.way_to_divide(model, Rows.read(np.arange(10.0)[:, None], y, None), 5)
    assert all(9 in part.train for part in parts)


def test_folds_compute_in_the_type_of_the_whole_table():
    X = np.random.default_rng(0).normal(size=(450, 10))  # a fold alone would be small enough
    quick = {"hidden": (4,), "epochs": 2, "early_stopping": False}
    whole = cr.NetworkRegressor(**quick).fit(X, X[:, 0])
    assert whole.network_.engine.dtype == np.float32
    for more in ({"cv": 5}, {"bag": 2}, {"cv": 5, "refit": True}):
        model = cr.NetworkRegressor(**quick, **more).fit(X, X[:, 0])
        assert {net.engine.dtype for net in model.members_} == {np.dtype(np.float32)}
