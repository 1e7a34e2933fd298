"""Class weights: what scikit-learn makes of them, and what repeated rows would do."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression

import chainrule as cr
from chainrule.data.targets import class_weights
from chainrule.errors import HyperparameterError, UnknownNameError

# Exclusive or, one of three copies mislabelled: columns have the same mean and spread in both
# classes, so repeating a class changes no standardisation.
X = np.array([[0, 0], [1, 1], [0, 1], [1, 0]] * 3, dtype=float)
Y = np.array(["no", "no", "yes", "yes"] * 3)
Y[:4] = Y[:4][::-1]
# Plain descent: an adaptive rule would make steps of the rounding of gradients that are 0 here.
BATCH = {"epochs": 60, "optimizer": "sgd", "learning_rate": 0.5, "early_stopping": False,
         "random_state": 0}  # fmt: skip


def fitted(y=Y, rows=slice(None), **more):
    return cr.NetworkClassifier((6,), batch_size=100, **BATCH, **more).fit(X[rows], y[rows])


def repeated(**times):
    return np.concatenate([np.flatnonzero(label == Y).repeat(k) for label, k in times.items()])


# ---------------------------------------------------------------- the function


def test_balanced_weights_give_every_class_the_same_total():
    y = np.array([0] * 6 + [1] * 3 + [2])
    weights = class_weights("balanced", y)
    totals = [weights[y == k].sum() for k in range(3)]
    np.testing.assert_allclose(totals, 10 / 3)


@pytest.mark.parametrize("labels", [["a", "b"], [0, 1], [0.0, 1.0], [False, True]])
def test_a_mapping_weighs_by_label_and_others_with_one(labels):
    y = np.array(labels)[[0, 1, 1, 0]]
    assert class_weights({labels[1]: 2.5}, y).tolist() == [1, 2.5, 2.5, 1]


def test_no_class_weight_is_one_for_every_row():
    assert class_weights(None, Y).tolist() == [1.0] * 12


@pytest.mark.parametrize(
    ("given", "error", "message"),
    [
        ({"maybe": 1.0}, UnknownNameError, "There are: no, yes"),
        ({"yes": -1.0}, HyperparameterError, "-1.0 for class 'yes'"),
        ({"yes": float("nan")}, HyperparameterError, "nan for class 'yes'"),
        ({"yes": "much"}, HyperparameterError, "'much' for class 'yes'"),
        ({"yes": 0, "no": 0}, HyperparameterError, "no row"),
        ("even", HyperparameterError, "'balanced'"),
        (2.0, HyperparameterError, "'balanced'"),
    ],
)
def test_weights_that_cannot_be_are_refused(given, error, message):
    with pytest.raises(error, match=message):
        fitted(class_weight=given)


# -------------------------------------------------------------- the classifier


def test_a_weighted_class_is_a_class_of_repeated_rows():
    weighted = fitted(class_weight={"yes": 10, "no": 2})
    twice = fitted(rows=repeated(no=2, yes=10))
    plain = fitted()
    ends = [model.predict_proba(X) for model in (weighted, twice, plain)]
    np.testing.assert_allclose(ends[0], ends[1], rtol=1e-4)
    assert np.abs(ends[0] - ends[2]).max() > 0.01
    np.testing.assert_allclose(weighted.history_.loss, twice.history_.loss, rtol=1e-4)


def test_balanced_undoes_repetition():
    balanced = fitted(rows=repeated(no=1, yes=4), class_weight="balanced")
    np.testing.assert_allclose(balanced.predict_proba(X), fitted().predict_proba(X), rtol=1e-4)


def test_class_and_sample_weights_multiply():
    weights = np.linspace(1, 2, 12)
    both = cr.NetworkClassifier((6,), batch_size=100, class_weight={"yes": 3}, **BATCH).fit(
        X, Y, weights
    )
    product = cr.NetworkClassifier((6,), batch_size=100, **BATCH).fit(
        X, Y, weights * np.where(Y == "yes", 3, 1)
    )
    np.testing.assert_array_equal(both.predict_proba(X), product.predict_proba(X))


def test_a_class_of_absent_rows_counts_for_nothing():
    """A row of weight 0 is as good as absent: it must not enter the balance."""
    y = np.append(Y, ["yes"] * 30)
    X_more = np.vstack([X, np.full((30, 2), 0.5)])
    weights = np.append(np.ones(12), np.zeros(30))
    model = cr.NetworkClassifier((6,), batch_size=100, class_weight="balanced", **BATCH).fit(
        X_more, y, weights
    )
    np.testing.assert_allclose(model.predict_proba(X), fitted().predict_proba(X), rtol=1e-4)


def test_a_rare_class_is_found_more_often():
    rng = np.random.default_rng(0)
    y = (rng.random(600) < 0.08).astype(int)
    inputs = rng.normal(size=(600, 2)) + 1.3 * y[:, None]
    plain, balanced = (
        cr.NetworkClassifier((8,), class_weight=w, random_state=0, epochs=30).fit(inputs, y)
        for w in (None, "balanced")
    )
    other = (
        LogisticRegression(class_weight="balanced").fit(inputs, y).predict(inputs)[y == 1].mean()
    )
    found = [model.predict(inputs)[y == 1].mean() for model in (plain, balanced)]
    assert found[0] + 0.25 < found[1]
    assert abs(found[1] - other) < 0.1


# ---------------------------------------------------------------- the contract


def test_the_argument_is_one_of_the_estimators(tmp_path):
    given = {"yes": 3.0, "no": 1.0}
    model = cr.NetworkClassifier((6,), batch_size=100, class_weight=given, **BATCH)
    assert model.class_weight is given
    assert clone(model).get_params() == model.get_params()
    shared = cr.NetworkRegressor().get_params().keys() - {"loss", "quantiles"}
    assert model.get_params().keys() == shared | {"class_weight", "calibrate"}
    assert model.set_params(class_weight=None).class_weight is None
    with pytest.raises(TypeError, match="depth"):
        cr.NetworkClassifier(depth=3)
    model = model.set_params(class_weight=given).fit(X, Y)
    np.testing.assert_array_equal(
        pickle.loads(pickle.dumps(model)).predict_proba(X), model.predict_proba(X)
    )


@pytest.mark.parametrize("labels", [np.array(["no", "yes"]), np.array([0, 1])])
def test_a_saved_model_keeps_it(tmp_path, labels):
    y = labels[(Y == "yes").astype(int)]
    given = {labels[1]: 3.0, labels[0]: 1}
    cr.NetworkClassifier((6,), batch_size=100, class_weight=given, **BATCH).fit(X, y).save(
        tmp_path / "m"
    )
    kept = cr.load(tmp_path / "m").class_weight
    assert kept == given
    balanced = cr.NetworkClassifier((6,), batch_size=100, class_weight="balanced", **BATCH).fit(
        X, y
    )
    balanced.save(tmp_path / "b")
    assert cr.load(tmp_path / "b").class_weight == "balanced"
