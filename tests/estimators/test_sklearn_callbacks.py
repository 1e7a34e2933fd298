"""Callbacks of scikit-learn on the estimators: the tasks, and what is told of them."""

import pickle
import re
import time

import numpy as np
import pandas as pd
import polars as pl
import pytest
import sklearn
from scipy import sparse
from sklearn.base import clone
from sklearn.datasets import load_diabetes, load_iris
from sklearn.metrics import accuracy_score, log_loss
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import chainrule as cr
from chainrule.errors import HyperparameterError, LeftOutWarning
from chainrule.estimators import LanguageModel, sklearn_callbacks
from chainrule.training import LBFGS

callback = pytest.importorskip("sklearn.callback")  # scikit-learn 1.9

IRIS, Y = load_iris(return_X_y=True)
X = IRIS
QUICK = {"hidden": (6,), "epochs": 4, "learning_rate": 0.02, "random_state": 0}
WHOLE = {**QUICK, "early_stopping": False}


class Recorder:
    """Keeps what each hook was told, and asks for everything."""

    stop_after: int | None = None  # epochs

    def __init__(self):
        self.begun, self.ended, self.calls = [], [], []

    def setup(self, estimator, context):
        self.calls.append("setup")

    def teardown(self, estimator, context):
        self.calls.append("teardown")

    def on_fit_task_begin(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        self.begun.append((path(context), fitted_estimator))

    def on_fit_task_end(
        self, estimator, context, *, X=None, y=None, metadata=None, fitted_estimator=None
    ):
        able = X is not None and hasattr(fitted_estimator, "predict")
        predicted = fitted_estimator.predict(X) if able else None
        self.ended.append((path(context), X, y, metadata, fitted_estimator, predicted))
        return context.task_name == "epoch" and context.task_id + 1 == self.stop_after

    def of(self, *names):
        """What was told at the ends of tasks with this path of names, in the order of their ids."""
        found = [end for end in self.ended if tuple(name for name, _ in end[0]) == names]
        return sorted(found, key=lambda end: end[0])


class Everywhere(Recorder):
    """One that estimators around hand on to those inside."""

    max_propagation_depth = None


def path(context):
    own = ((context.task_name, context.task_id),)
    return own if context.parent is None else path(context.parent) + own


def scores(monitor, name, task="epoch"):
    return [row[name] for row in monitor.get_logs().data if row["task_name"] == task]


# ----------------------------------------------------------------------------- the tree


def test_a_fit_of_one_network_has_its_epochs():
    seen = Recorder()
    model = cr.NetworkClassifier(**QUICK).set_callbacks(seen).fit(X, Y)
    epochs = [(("fit", 0), ("epoch", k)) for k in range(4)]
    assert [told[0] for told in seen.ended] == [*epochs, (("fit", 0),)]
    assert [begun for begun, _ in seen.begun] == [(("fit", 0),), *epochs]
    assert seen.calls == ["setup", "teardown"]
    assert len(model.history_) == 4


@pytest.mark.parametrize(
    ("arguments", "networks"),
    [({"members": 3}, 3), ({"cv": 3}, 3), ({"bag": 3}, 3), ({"cv": 2, "refit": True}, 2)],
)
def test_several_networks_have_tasks_of_their_own(arguments, networks):
    seen = Recorder()
    model = cr.NetworkClassifier(**QUICK, **arguments).set_callbacks(seen).fit(X, Y)
    tasks = [("network", k) for k in range(networks)]
    lengths = [len(history) for history in model.histories_]
    if model.refit:
        tasks.append(("refit", networks))
        lengths.append(len(model.history_))
    expected = [(("fit", 0), task) for task in tasks]
    expected += [
        (("fit", 0), task, ("epoch", k))
        for task, length in zip(tasks, lengths, strict=True)
        for k in range(length)
    ]
    ended = [told[0] for told in seen.ended]
    assert sorted(ended) == sorted([(("fit", 0),), *expected])
    assert sorted(begun for begun, _ in seen.begun) == sorted(ended)
    assert ended[-1] == (("fit", 0),)


def test_a_context_says_how_many_tasks_there_may_be():
    most = {}

    class Most(Recorder):
        def on_fit_task_begin(self, estimator, context):
            most[context.task_name] = context.max_subtasks

    cr.NetworkClassifier(**QUICK, members=3).set_callbacks(Most()).fit(X, Y)
    assert most == {"fit": 3, "network": 4, "epoch": 0}
    cr.NetworkClassifier(**QUICK, cv=2, refit=True).set_callbacks(Most()).fit(X, Y)
    assert most["fit"] == 3
    cr.NetworkClassifier((6,), optimizer=LBFGS(7)).set_callbacks(Most()).fit(X, Y)
    assert most["fit"] == 7


@pytest.mark.filterwarnings("ignore::chainrule.errors.NonFiniteLossWarning")
@pytest.mark.parametrize(
    "arguments",
    [
        {"optimizer": LBFGS(200), "early_stopping": False},
        {"epochs": 100000, "time_limit": 0.1},
        {"patience": 2, "epochs": 200, "learning_rate": 0.1},
        {"learning_rate": 1e30, "epochs": 50, "activation": "relu"},
    ],
    ids=["converged", "time limit", "no improvement", "not finite"],
)
def test_every_task_that_begins_ends(arguments):
    seen = Recorder()
    model = cr.NetworkClassifier((6,), **arguments, random_state=0).set_callbacks(seen)
    model.fit(X, Y)
    assert model.history_.stopped != "all epochs done"
    assert sorted(begun for begun, _ in seen.begun) == sorted(told[0] for told in seen.ended)
    whole = [told for told in seen.of("fit", "epoch") if told[4] is not None]
    assert len(whole) == len(model.history_)


# ----------------------------------------------------------------- what they are told


def test_the_monitored_scores_are_those_of_the_history():
    monitor = callback.ScoringMonitor(scoring=["accuracy", "neg_log_loss"])
    model = cr.NetworkClassifier(**{**WHOLE, "epochs": 12}, batch_size=150, dtype="float64")
    model.set_callbacks(monitor).fit(X, Y)
    # all rows in one batch: an epoch's history is of the weights before it, a task's of those after
    accuracy, loss = scores(monitor, "accuracy"), -np.array(scores(monitor, "neg_log_loss"))
    np.testing.assert_allclose(accuracy[:-1], model.history_.metric[1:], rtol=1e-12)
    np.testing.assert_allclose(loss[:-1], model.history_.loss[1:], rtol=1e-9)
    assert accuracy[-1] == model.score(X, Y) == scores(monitor, "accuracy", "fit")[0]
    assert loss[-1] == pytest.approx(log_loss(Y, model.predict_proba(X)), rel=1e-12)


def test_the_fitted_estimator_is_that_of_its_epoch_and_stays_so():
    X, seen = IRIS + np.arange(150)[:, None] * 1e-6, Recorder()  # no row twice
    model = cr.NetworkClassifier(**QUICK).set_callbacks(seen).fit(X, Y)
    ends = seen.of("fit", "epoch")
    for number, (_, rows, y, _, fitted, predicted) in enumerate(ends, 1):
        np.testing.assert_array_equal(fitted.predict(rows), predicted)
        assert len(fitted.history_) == number
        held = [k for k in range(len(X)) if not (X[k] == rows).all(axis=1).any()]
        accuracy = accuracy_score(Y[held], fitted.predict(X[held]))
        assert accuracy == pytest.approx(model.history_.validation_metric[number - 1], abs=1e-6)
        assert set(y) == {0, 1, 2}
    firsts = [end[4].network_.parameters["0.weight"][0, 0] for end in ends]
    assert len(set(firsts)) == 4
    best = ends[model.history_.best_epoch - 1][4].network_
    for name, values in model.network_.parameters.items():
        np.testing.assert_array_equal(best.parameters[name], values)
    before = next(fitted for begun, fitted in seen.begun if begun[-1] == ("epoch", 2))
    np.testing.assert_array_equal(before.predict_proba(X), ends[1][4].predict_proba(X))


def test_a_network_is_told_with_the_rows_that_it_learns_from():
    seen, folds = Recorder(), KFold(3, shuffle=True, random_state=1)
    model = cr.NetworkRegressor(**WHOLE, cv=folds).set_callbacks(seen)
    data, target = load_diabetes(return_X_y=True)
    model.fit(data, target)
    for (train, held), told in zip(folds.split(data), seen.of("fit", "network"), strict=True):
        np.testing.assert_array_equal(told[1], data[train])
        np.testing.assert_array_equal(told[2], target[train])
        np.testing.assert_allclose(told[4].predict(data[held]), model.out_of_fold_[held])
    assert seen.of("fit")[0][1] is data
    np.testing.assert_array_equal(seen.of("fit")[0][5], model.predict(data))


def test_a_bootstrap_draw_is_told_with_the_rows_as_often_as_they_were_drawn():
    seen = Recorder()
    model = cr.NetworkRegressor(**WHOLE, bag=2).set_callbacks(seen)
    target = np.arange(80.0)
    model.fit(np.random.default_rng(0).normal(size=(80, 2)), target)
    draws = [told[2] for told in seen.of("fit", "network")]
    assert [len(y) for y in draws] == [80, 80]
    assert all(40 < len(set(y)) < 60 for y in draws)  # 1 − 1/e of them
    missed = set(target) - set(draws[0]) - set(draws[1])
    known = set(target) - set(target[np.isfinite(model.out_of_fold_)])
    assert missed.isdisjoint(known)
    assert known == set(draws[0]) & set(draws[1])


@pytest.mark.parametrize(
    "convert",
    [
        pd.DataFrame,
        lambda X: pl.DataFrame(X, schema=list("abcd")),
        lambda X: pl.DataFrame(X, schema=list("abcd")).to_arrow(),
        sparse.coo_array,
        np.ndarray.tolist,
    ],
    ids=["pandas", "polars", "arrow", "sparse", "lists"],
)
def test_rows_are_of_the_kind_that_was_given(convert):
    seen, table = Recorder(), convert(X)
    cr.NetworkClassifier(**QUICK).set_callbacks(seen).fit(table, Y)
    _, rows, y, _, fitted, predicted = seen.of("fit", "epoch")[-1]
    assert type(rows) is type(table) or sparse.issparse(rows)
    assert len(predicted) == len(y) == 135
    assert fitted.score(rows, y) == accuracy_score(y, predicted)


def test_weights_are_told_and_scored_with():
    seen, weights = Recorder(), np.where(Y == 2, 0.0, np.arange(1.0, 151))
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = cr.NetworkClassifier(**WHOLE).set_callbacks(seen, monitor)
    model.fit(X, Y, sample_weight=weights)
    _, rows, y, metadata, _, predicted = seen.of("fit", "epoch")[-1]
    np.testing.assert_array_equal(metadata["sample_weight"], weights[Y < 2])
    np.testing.assert_array_equal(rows, X[Y < 2])
    own = accuracy_score(y, predicted, sample_weight=metadata["sample_weight"])
    assert scores(monitor, "accuracy")[-1] == own
    np.testing.assert_array_equal(seen.of("fit")[0][3]["sample_weight"], weights)


def test_rows_without_a_target_are_not_told():
    seen, gaps = Recorder(), np.where(np.arange(150) % 5 == 0, np.nan, Y)
    with pytest.warns(LeftOutWarning):
        cr.NetworkClassifier(**QUICK).set_callbacks(seen).fit(X, gaps)
    np.testing.assert_array_equal(seen.of("fit")[0][1], X[np.arange(150) % 5 > 0])
    assert np.isfinite(seen.of("fit")[0][2]).all()


def test_a_streamed_table_has_passes_but_no_rows_to_tell(tmp_path):
    file = tmp_path / "iris.csv"
    pd.DataFrame(X, columns=list("abcd")).assign(kind=Y).to_csv(file, index=False)
    seen = Recorder()
    model = cr.NetworkClassifier(**QUICK, memory_limit=1.0).set_callbacks(seen).fit(file, "kind")
    ends = seen.of("fit", "epoch")
    assert len(ends) == len(model.history_) == 4
    assert [told[1] for told in ends] == [None] * 4
    best = ends[model.history_.best_epoch - 1][4]
    np.testing.assert_array_equal(best.predict(X), model.predict(X))
    assert seen.calls == ["setup", "teardown"]


def test_members_share_the_rows_that_are_taken_for_them():
    seen = Recorder()
    cr.NetworkClassifier(**QUICK, members=3).set_callbacks(seen).fit(X, Y)
    assert len({id(told[1]) for told in seen.ended if len(told[0]) > 1}) == 1


def test_a_language_model_has_epochs_that_write():
    class Writer(Recorder):
        def __init__(self):
            super().__init__()
            self.perplexities = []

        def on_fit_task_end(self, estimator, context, *, X=None, fitted_estimator=None):
            self.perplexities.append(fitted_estimator.perplexity(X))
            return context.task_id == 4

    seen, text = Writer(), "to be or not to be. " * 20
    model = LanguageModel(units=8, width=4, steps=8, streams=4, epochs=9, learning_rate=0.02)
    model.set_callbacks(seen).fit(text)
    assert len(model.history_) == 5
    assert len(set(seen.perplexities)) == 5
    assert seen.perplexities[4] == seen.perplexities[5] == model.perplexity(text)
    assert seen.calls == ["setup", "teardown"]
    with pytest.raises(HyperparameterError, match="epochs = 0"):
        model.set_params(epochs=0).fit(text)
    assert seen.calls == 2 * ["setup", "teardown"]


# --------------------------------------------------------------------- what they may do


@pytest.mark.parametrize("arguments", [{}, {"members": 2}, {"optimizer": LBFGS()}])
def test_a_callback_can_stop_the_training_of_a_network(arguments):
    seen = Recorder()
    seen.stop_after = 3
    given = {**QUICK, "epochs": 50, "learning_rate": None, **arguments}
    model = cr.NetworkClassifier(**given).set_callbacks(seen).fit(X, Y)
    for history in getattr(model, "histories_", [model.history_]):
        assert (len(history), history.stopped) == (3, "stopped by a callback")


@pytest.mark.parametrize("hook", ["setup", "on_fit_task_begin", "on_fit_task_end"])
@pytest.mark.parametrize("arguments", [{}, {"members": 2}])
def test_a_callback_that_fails_is_torn_down(hook, arguments):
    class Failing(Recorder):
        pass

    def fail(self, estimator, context):
        if hook == "setup" or context.task_name == "epoch":
            raise RuntimeError("no more")

    setattr(Failing, hook, fail)
    seen = Failing()
    model = cr.NetworkClassifier(**QUICK, **arguments).set_callbacks(seen)
    with pytest.raises(RuntimeError, match="no more"):
        model.fit(X, Y)
    assert seen.calls.count("teardown") == 1
    assert [name for name in vars(model) if "callback" in name] == ["callbacks", "_skl_callbacks"]


def test_an_error_in_training_tears_down_and_ends_no_task():
    class Broken(cr.Callback):
        def on_epoch_end(self, state):
            if state.epoch == 2:
                raise RuntimeError("broken")

    seen = Recorder()
    model = cr.NetworkClassifier(**QUICK, callbacks=[Broken()]).set_callbacks(seen)
    with pytest.raises(RuntimeError, match="broken"):
        model.fit(X, Y)
    assert [told[0][-1] for told in seen.ended] == [("epoch", 0)]
    assert seen.calls == ["setup", "teardown"]


def test_what_is_no_callback_is_refused():
    with pytest.raises(TypeError, match="FitCallback"):
        cr.NetworkClassifier().set_callbacks(cr.Callback())


# ------------------------------------------------------------------- side by side


def test_callbacks_change_nothing_and_one_is_called_at_a_time():
    class Counter(Recorder):
        count = 0

        def on_fit_task_begin(self, estimator, context):
            pass

        def on_fit_task_end(self, estimator, context):
            count = self.count
            time.sleep(1e-3)  # a thread that came in between would be forgotten
            self.count = count + 1

    seen, arguments = Counter(), {**WHOLE, "members": 4, "n_jobs": 4}
    heard = cr.NetworkClassifier(**arguments).set_callbacks(seen).fit(X, Y)
    assert seen.count == 1 + 4 * (1 + 4)
    alone = cr.NetworkClassifier(**arguments).fit(X, Y)
    np.testing.assert_array_equal(heard.predict_proba(X), alone.predict_proba(X))


def test_threads_have_the_settings_of_the_one_that_called_fit():
    found = []

    class Settings(Recorder):
        def on_fit_task_end(self, estimator, context):
            found.append(sklearn.get_config()["enable_metadata_routing"])

    with sklearn.config_context(enable_metadata_routing=True):
        cr.NetworkClassifier(**QUICK, members=2).set_callbacks(Settings()).fit(X, Y)
    assert found == [True] * (1 + 2 * (1 + 4))


def test_without_callbacks_nothing_is_called(monkeypatch):
    made = []
    monkeypatch.setattr(
        sklearn_callbacks, "_Reporter", lambda *given: made.append(given) or cr.Callback()
    )
    cr.NetworkClassifier(**QUICK).fit(X, Y)
    assert not made
    cr.NetworkClassifier(**QUICK).set_callbacks(Recorder()).fit(X, Y)
    assert len(made) == 1


# ------------------------------------------------- copies, files, estimators around


@pytest.mark.parametrize("arguments", [{}, {"members": 2}, {"cv": 2, "refit": True}])
def test_models_with_callbacks_are_copied_and_kept(arguments, tmp_path):
    monitor = callback.ScoringMonitor(scoring="accuracy")
    model = cr.NetworkClassifier(**QUICK, **arguments).set_callbacks(monitor).fit(X, Y)
    assert clone(model)._skl_callbacks == [monitor]
    names = [
        name for twin in model._each for name in vars(twin) if "_skl" in name or "_ctx" in name
    ]
    assert names == (["_skl_callbacks"] if not arguments else [])
    model.save(tmp_path / "model.safetensors")
    assert b"callback" not in (tmp_path / "model.safetensors").read_bytes()
    kept, loaded = pickle.loads(pickle.dumps(model)), cr.load(tmp_path / "model.safetensors")
    for other in kept, loaded:
        np.testing.assert_array_equal(other.predict_proba(X), model.predict_proba(X))
    assert len(kept._skl_callbacks) == 1  # as scikit-learn's own estimators keep them
    assert not hasattr(loaded, "_skl_callbacks")
    kept.fit(X, Y)
    assert len(kept._skl_callbacks[0].get_logs("all")) == 2


def test_a_pipeline_in_a_grid_search_hands_them_on():
    seen, monitor = Everywhere(), callback.ScoringMonitor(scoring="accuracy")
    steps = make_pipeline(StandardScaler(), cr.NetworkClassifier(**QUICK).set_callbacks(monitor))
    search = GridSearchCV(steps, {"networkclassifier__hidden": [(2,), (6,)]}, cv=2)
    search.set_callbacks(seen).fit(X, Y)
    assert seen.calls == ["setup", "teardown"]
    epochs = [told[0] for told in seen.ended if told[0][-1][0] == "epoch"]
    assert len(epochs) == len(set(epochs)) == (2 * 2 + 1) * 4
    assert {len(names) for names in epochs} == {5, 4}  # search, candidate, pipeline, network, epoch
    log = monitor.get_logs()
    assert log.estimator_name == "GridSearchCV"
    assert sum(row["task_name"] == "epoch" for row in log.data) == 20
    own = search.best_estimator_[-1]
    assert "_parent_callback_ctx" not in vars(own)
    assert own._skl_callbacks == [monitor]


@pytest.mark.parametrize(("arguments", "bars"), [({}, 1), ({"members": 2}, 3)])
def test_scikit_learns_progress_bar_ends_at_100_percent(arguments, bars, capsys):
    model = cr.NetworkClassifier(**QUICK, **arguments).set_callbacks(callback.ProgressBar())
    model.fit(X, Y)
    shown = capsys.readouterr().out
    assert len(re.findall(r"NetworkClassifier - (fit|network #\d) .*100%", shown)) == bars


def test_an_older_scikit_learn_trains_and_says_what_is_missing(monkeypatch):
    monkeypatch.setattr(sklearn_callbacks, "_SUPPORTED", False)
    seen = Recorder()
    for arguments in {}, {"members": 2}:
        cr.NetworkClassifier(**QUICK, **arguments).set_callbacks(seen).fit(X, Y)
    assert not seen.calls
    with pytest.raises(ImportError, match=r"needs scikit-learn 1\.9 or newer.*callbacks=\["):
        sklearn_callbacks._Missing().set_callbacks(seen)
