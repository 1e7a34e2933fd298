"""Models on the same folds: scores of scikit-learn, a verdict that is the corrected t test."""

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import t as student
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score, log_loss, roc_auc_score
from sklearn.utils.estimator_checks import check_estimators_unfitted

from chainrule.data.readers import load_penguins, split_target
from chainrule.errors import DataError, UnknownNameError
from chainrule.estimators import baselines
from chainrule.estimators.baseline_models import SIMPLEST_FIRST, OneHot
from chainrule.estimators.contest import Contest, divide, equal_rows, verdict
from chainrule.estimators.scores import Scores

TABLE, SERIES, _ = split_target(load_penguins(), "species")
SPECIES = SERIES.to_numpy()
FOLDS = divide(SPECIES, 3, "classification", 0, None, "species")


def scores(*values, metric="accuracy", lower=False):
    rows = np.full(len(values), 80), np.full(len(values), 20)
    return Scores("5 folds", metric, np.array(values), np.ones(len(values)), *rows, lower)


# ----------------------------------------------------------------------- contest


def test_scores_are_those_of_scikit_learn():
    contest = Contest(TABLE.take, SPECIES, FOLDS, "classification")
    linear = baselines("classification")["linear"]
    contest.run({"linear": linear}, progress=False)
    for k, (train, test) in enumerate(FOLDS):
        encode = OneHot().fit(TABLE.take(train))
        model = LogisticRegression(max_iter=1000)
        model.fit(encode.transform(TABLE.take(train)), SPECIES[train])
        p = model.predict_proba(encode.transform(TABLE.take(test)))
        expected = (
            accuracy_score(SPECIES[test], model.classes_[p.argmax(axis=1)]),
            log_loss(SPECIES[test], p),
            roc_auc_score(SPECIES[test], p, multi_class="ovr"),
        )
        np.testing.assert_allclose(contest.results["linear"][k][:3], expected, rtol=1e-5)
    assert contest.scores("linear").seconds.min() > 0


def test_an_error_in_a_model_leaves_the_others():
    class Broken(LogisticRegression):
        def fit(self, X, y):
            raise RuntimeError("out of\norder")

    contest = Contest(TABLE.take, SPECIES, FOLDS, "classification")
    dummy = baselines("classification")["dummy"]
    contest.run({"broken": Broken(), "dummy": dummy}, n_jobs=1, progress=False)
    assert contest.failures == {"broken": "RuntimeError: out of order"}
    assert contest.done == ["dummy"]


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_baselines_take_texts_and_gaps(task):
    y = SPECIES if task == "classification" else np.arange(len(SPECIES)) % 7 + 0.5
    models = baselines(task)
    assert set(models) <= set(SIMPLEST_FIRST)
    models["random forest"].set_params(
        **{f"{models['random forest'].steps[-1][0]}__n_estimators": 5}
    )
    train, test = FOLDS[0]
    for model in models.values():
        if "MLP" not in repr(model):
            assert model.fit(TABLE.take(train), y[train]).predict(TABLE.take(test)).shape == (
                len(test),
            )


def test_boosted_trees_see_categories_and_gaps():
    """Four letters in no order, and a gap that stands for one of the classes."""
    rng = np.random.default_rng(0)
    letters = rng.choice(["a", "b", "c", "d", None], 300)
    y = np.isin(letters, ["b", "d", None]).astype(int)
    X = pa.table({"letter": pa.array(letters.tolist()), "noise": rng.normal(size=300)})
    trees = baselines("classification")["gradient boosting"].fit(X, y)
    assert trees.trees_.is_categorical_.tolist() == [True, False]
    assert trees.score(X, y) == 1
    other = pa.table({"letter": ["never seen"], "noise": [0.0]})
    assert trees.predict_proba(other).shape == (1, 2)
    check_estimators_unfitted("boosted", baselines("regression")["gradient boosting"])


def test_an_unknown_task_is_refused():
    with pytest.raises(UnknownNameError, match=r"unknown task 'clasification'.*classification"):
        baselines("clasification")


def test_equal_rows_stay_in_one_fold():
    X = TABLE.take(np.repeat(np.arange(100), 2))
    y = np.repeat(SPECIES[np.linspace(0, 343, 100).astype(int)], 2)
    groups = equal_rows(X)
    assert (groups[::2] == groups[1::2]).all()
    assert len(np.unique(groups)) == len({str(row) for row in X.to_pylist()})
    for train, test in divide(y, 4, "classification", 0, groups, None):
        assert not set(groups[train]) & set(groups[test])


def test_a_class_with_one_row_is_named():
    y = np.array(["a"] * 30 + ["rare"])
    with pytest.raises(DataError, match="'kind' has 1 row of the class 'rare'"):
        divide(y, 5, "classification", 0, None, "kind")


# ----------------------------------------------------------------------- verdict


def test_a_clear_lead_has_the_p_of_the_corrected_t_test():
    best, other = scores(0.9, 0.91, 0.9, 0.92, 0.9), scores(0.8, 0.82, 0.79, 0.81, 0.8)
    d = best.scores - other.scores
    error = d.std(ddof=1) * np.sqrt(1 / 5 + 20 / 80)  # Nadeau & Bengio 2003
    p = 2 * student.sf(d.mean() / error, 4)
    text = verdict({"network": other, "linear": best})
    assert text == f"Use linear: {d.mean():.3g} ahead of network in accuracy (p = {p:.2g})."


def test_within_one_error_the_simplest_is_taken_even_where_the_network_leads():
    text = verdict({
        "network": scores(0.8, 0.73, 0.8, 0.71, 0.8),
        "linear": scores(0.8, 0.72, 0.79, 0.72, 0.8),
        "dummy": scores(0.5, 0.5, 0.5, 0.5, 0.5),
    })  # fmt: skip
    assert text.startswith("No clear difference between network and linear (accuracy within one")
    assert text.endswith("take the simplest, linear.")


def test_models_that_are_not_told_apart_follow_each_other_in_the_ranking():
    """The third is nearer to the first than its own spread, the second is not."""
    models = {
        "network": scores(0.9, 0.9, 0.9, 0.9, 0.9),
        "linear": scores(0.88, 0.88, 0.88, 0.88, 0.881),
        "random forest": scores(0.8, 1.0, 0.8, 1.0, 0.7),
    }
    assert [round(s.mean, 3) for s in models.values()] == [0.9, 0.88, 0.86]
    text = verdict(models)
    assert text.startswith("Use network: 0.0198 ahead of linear in accuracy (p = ")
    models["gradient boosting"] = scores(0.89, 0.91, 0.89, 0.91, 0.895)
    assert verdict(models).startswith("No clear difference between network and gradient boosting (")


def test_a_lead_that_folds_do_not_prove_is_called_so():
    ahead, behind = scores(0.9, 0.8, 0.9, 0.8, 0.9), scores(0.85, 0.8, 0.83, 0.8, 0.86)
    text = verdict({"network": ahead, "random forest": behind})
    assert text.startswith("Network leads: 0.032 ahead of random forest in accuracy, which 5 folds")


def test_errors_are_better_when_lower():
    low, high = (scores(*v, metric="RMSE", lower=True) for v in ((1, 1.1, 1), (2, 2.2, 2.1)))
    assert verdict({"a": high, "b": low}).startswith("Use b: 1.07 ahead of a in RMSE")


def test_columns_that_do_not_help():
    same = scores(0.5, 0.6, 0.5)
    text = verdict({"dummy": same, "network": same})
    assert "take the simplest, dummy. These columns do not help" in text
    assert verdict({"dummy": same}).startswith("Only dummy was measured")
