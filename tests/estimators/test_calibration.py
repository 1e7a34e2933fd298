"""Temperature scaling against closed forms, a grid search and scikit-learn's own calibration."""

from __future__ import annotations

import pickle

import matplotlib as mpl
import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit, softmax
from sklearn.calibration import CalibratedClassifierCV, CalibrationDisplay, calibration_curve
from sklearn.datasets import load_breast_cancer, load_digits, make_multilabel_classification
from sklearn.metrics import log_loss
from sklearn.model_selection import TunedThresholdClassifierCV, train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.errors import HyperparameterError
from chainrule.estimators.calibration import SPREAD, best_temperature

X, Y = load_digits(return_X_y=True)
X, Y = X[:900], Y[:900]
QUICK = {"hidden": (16,), "epochs": 15, "learning_rate": 0.01, "random_state": 0}
LABELS_X, LABELS = make_multilabel_classification(300, 6, n_classes=3, random_state=0)
TWICE = np.column_stack([Y, Y > 4])


def test_a_share_of_right_rows_has_its_temperature_in_closed_form():
    """Scores ±a, right with probability r: the odds r/(1 − r) are e^(2a/T)."""
    n = 50_000
    for a, share in ((3.0, 0.9), (0.2, 0.8), (1.0, 0.7)):
        right = (np.arange(n) < share * n).astype(float)[:, None]
        found = best_temperature(np.tile([[a, -a]], (n, 1)), np.hstack([right, 1 - right]))
        assert found == pytest.approx(2 * a / logit(share), rel=5e-3)
        alone = best_temperature(np.full((n, 1), 2 * a), right)
        assert alone == pytest.approx(found, rel=1e-4)


def test_it_minimises_the_log_loss_of_scikit_learn_and_the_prior():
    rng = np.random.default_rng(0)
    z, y = rng.normal(scale=4, size=(80, 3)), rng.integers(3, size=80)
    weights = rng.uniform(0.2, 3, size=(80, 1))
    rows = weights.sum() ** 2 / np.sum(weights**2)

    def objective(u):
        loss = log_loss(y, softmax(z / np.exp(u), axis=1), sample_weight=weights[:, 0])
        return rows * loss + 0.5 * (u / SPREAD) ** 2

    found = best_temperature(z, np.eye(3)[y], weights)
    assert found == pytest.approx(np.exp(minimize_scalar(objective).x), rel=1e-4)
    assert best_temperature(z, np.eye(3)[y], 1e-6 * weights) == pytest.approx(found, rel=1e-4)


def test_a_few_rows_that_are_all_right_do_not_make_it_certain():
    z = np.tile([[2.0, -2.0]], (10, 1))
    assert 0.8 < best_temperature(z, np.tile([[1.0, 0.0]], (10, 1))) < 1


def test_labels_stay_and_scores_and_probabilities_are_divided():
    plain = cr.NetworkClassifier(calibrate=False, **QUICK).fit(X, Y)
    model = cr.NetworkClassifier(calibrate=True, **QUICK).fit(X, Y)
    assert plain.temperature_ == 1
    assert model.temperature_ != 1
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))
    raw = plain.decision_function(X)
    np.testing.assert_allclose(model.decision_function(X), raw / model.temperature_, rtol=1e-5)
    expected = softmax(raw / model.temperature_, axis=1)
    np.testing.assert_allclose(model.predict_proba(X), expected, atol=1e-5)
    np.testing.assert_array_equal(model.transform(X), plain.transform(X))


def test_probabilities_of_new_rows_are_better_on_average():
    gains = []
    for seed in range(4):
        Xa, Xb, ya, yb = train_test_split(X, Y, random_state=seed, test_size=0.4, stratify=Y)
        arguments = QUICK | {"hidden": (64,), "epochs": 60, "random_state": seed}
        losses = [
            log_loss(
                yb, cr.NetworkClassifier(calibrate=c, **arguments).fit(Xa, ya).predict_proba(Xb)
            )
            for c in (False, True)
        ]
        gains.append(losses[0] - losses[1])
    assert np.mean(gains) > 0


def test_each_label_has_its_own_temperature():
    plain = cr.NetworkClassifier(calibrate=False, **QUICK).fit(LABELS_X, LABELS)
    model = cr.NetworkClassifier(**QUICK).fit(LABELS_X, LABELS)
    assert model.temperature_.shape == (3,)
    assert len(set(model.temperature_)) == 3
    raw = plain.decision_function(LABELS_X)
    np.testing.assert_allclose(
        model.predict_proba(LABELS_X), expit(raw / model.temperature_), atol=1e-5
    )
    np.testing.assert_array_equal(model.predict(LABELS_X), plain.predict(LABELS_X))


def test_each_column_of_labels_has_its_own_temperature():
    plain = cr.NetworkClassifier(calibrate=False, **QUICK).fit(X, TWICE)
    model = cr.NetworkClassifier(**QUICK).fit(X, TWICE)
    for raw, found, t in zip(
        plain.decision_function(X), model.decision_function(X), model.temperature_, strict=True
    ):
        np.testing.assert_allclose(found, raw / t, rtol=1e-4, atol=1e-6)
    np.testing.assert_array_equal(model.predict(X), plain.predict(X))


@pytest.mark.parametrize("arguments", [{"members": 2}, {"cv": 3}, {"cv": 3, "refit": True}])
def test_several_networks_have_one_temperature_of_their_average(arguments):
    model = cr.NetworkClassifier(**QUICK, **arguments).fit(X, Y)
    plain = cr.NetworkClassifier(calibrate=False, **QUICK, **arguments).fit(X, Y)
    raw = plain.decision_function(X)
    np.testing.assert_allclose(model.decision_function(X), raw / model.temperature_, atol=1e-4)
    if "cv" in arguments:
        logits = np.log(plain.out_of_fold_)
        assert model.temperature_ == pytest.approx(
            best_temperature(logits, np.eye(10)[Y]), rel=1e-3
        )


def test_without_rows_that_were_held_out_there_is_no_temperature():
    assert cr.NetworkClassifier(early_stopping=False, **QUICK).fit(X, Y).temperature_ == 1
    assert cr.NetworkClassifier(**QUICK).partial_fit(X, Y, classes=range(10)).temperature_ == 1
    model = cr.NetworkClassifier(**QUICK).fit(X, Y)
    assert model.set_params(calibrate=False).fit(X, Y).temperature_ == 1


@pytest.mark.parametrize("y", [Y, TWICE], ids=["labels", "columns"])
def test_files_and_pickles_keep_it(y, tmp_path):
    model = cr.NetworkClassifier(**QUICK).fit(X, y)
    model.save(tmp_path / "model.safetensors")
    for twin in (cr.load(tmp_path / "model.safetensors"), pickle.loads(pickle.dumps(model))):
        np.testing.assert_array_equal(twin.temperature_, model.temperature_)
        for found, true in zip(twin.predict_proba(X), model.predict_proba(X), strict=True):
            np.testing.assert_array_equal(found, true)


def test_scikit_learns_calibration_and_thresholds_take_it():
    mpl.use("Agg")
    data, y = load_breast_cancer(return_X_y=True)
    Xa, Xb, ya, yb = train_test_split(data, y, random_state=0)
    model = make_pipeline(StandardScaler(), cr.NetworkClassifier(**QUICK))
    for method in ("sigmoid", "isotonic"):
        found = CalibratedClassifierCV(model, method=method, cv=3).fit(Xa, ya)
        assert found.score(Xb, yb) > 0.9
    tuned = TunedThresholdClassifierCV(model, scoring="balanced_accuracy", cv=3).fit(Xa, ya)
    assert tuned.score(Xb, yb) > 0.9
    true, mean = calibration_curve(yb, model.fit(Xa, ya).predict_proba(Xb)[:, 1], n_bins=4)
    assert len(true) == len(mean)
    assert CalibrationDisplay.from_estimator(model, Xb, yb, n_bins=4).figure_ is not None


def test_another_word_than_true_or_false_is_refused():
    with pytest.raises(HyperparameterError, match=r"calibrate = 'sigmoid' .* True or False"):
        cr.NetworkClassifier(calibrate="sigmoid", **QUICK).fit(X, Y)
