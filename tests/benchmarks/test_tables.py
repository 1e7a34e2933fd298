"""The benchmark of tables: folds, scores, store, ranks, and the whole on scikit-learn's sets."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from benchmarks.process import environment
from benchmarks.tables.command import main
from benchmarks.tables.peers import MODELS, build, dressed
from benchmarks.tables.report import differences, page, show
from benchmarks.tables.scores import class_scores, number_scores
from benchmarks.tables.sets import SETS, SMALL, folds, read
from benchmarks.tables.settings import settings, variants
from benchmarks.tables.store import Plan, Result, append, latest, load
from benchmarks.tables.summary import Summary
from click.testing import CliRunner
from sklearn.metrics import log_loss, mean_absolute_error, r2_score, roc_auc_score

SHORT = ["--sets", "breast_cancer,diabetes,wine", "--rows", "100", "--splits", "3", "--first", "2"]


def run(*arguments):
    return CliRunner().invoke(main, [str(a) for a in arguments])


def lines(text, start):
    """Cells of the first line that begins so."""
    (line, *_) = [line for line in text.splitlines() if line.startswith(f"| {start} ")]
    return [cell.strip() for cell in line.strip("|").split("|")]


def made(table, label, split, value, **more):
    """A result with a primary score, all else arbitrary."""
    plan = Plan(table, more.pop("model", "dummy"), label, splits=2)
    given = {"fit_seconds": 1.0, "predict_seconds": 0.1, "processor_seconds": 2.0} | more
    given = {"train_rows": 10, "test_rows": 5, "busy": False, "code": "", "date": "d"} | given
    given |= {"versions": {}, "machine": {}, "warnings": more.get("warnings", [])}
    return Result(plan, split, {SETS[table].primary: value}, **given)


# ---------------------------------------------------------------- folds, sets


def test_folds_test_every_row_once_and_keep_equal_rows_together():
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"a": rng.integers(12, size=600), "b": rng.choice(["x", None], 600)})
    y = rng.integers(2, size=600)
    for name in ("wine", "diabetes"):
        fold = folds(name, X, y, 4, 0)
        assert set(fold) == {0, 1, 2, 3}
        assert (X.assign(fold=fold).groupby(["a", "b"], dropna=False).fold.nunique() == 1).all()
        assert (fold != folds(name, X, y, 4, 1)).any()


def test_folds_of_classes_are_stratified():
    X, y = read("wine", None)
    share = pd.crosstab(folds("wine", X, y, 3, 0), y)
    assert (share.max() - share.min() <= 2).all()


def test_a_table_is_read_from_its_file(tmp_path):
    frame = pd.DataFrame({"carat": [0.2, 0.3], "cut": ["Ideal", "Fair"], "price": [100, 200]})
    frame.to_parquet(tmp_path / "diamonds.parquet")
    X, y = read("diamonds", tmp_path)
    assert list(X.columns) == ["carat", "cut"]
    np.testing.assert_allclose(np.exp(y), [100, 200])
    with pytest.raises(ValueError, match="--data"):
        read("diamonds", None)


# --------------------------------------------------------------------- scores


def test_scores_of_classes_are_those_of_scikit_learn():
    rng = np.random.default_rng(0)
    y, p = rng.choice(["a", "b"], 50), rng.random(50)
    scores = class_scores(y, np.c_[1 - p, p], np.array(["a", "b"]), np.array(["a", "b"]))
    assert scores["auc"] == pytest.approx(roc_auc_score(y, p))
    assert scores["log_loss"] == pytest.approx(log_loss(y, np.c_[1 - p, p]))
    assert scores["accuracy"] == np.mean((p > 0.5) == (y == "b"))


def test_a_class_that_was_not_learnt_has_probability_0():
    y, learnt = np.array([0, 1, 2]), np.array([0, 2])
    p = np.array([[0.9, 0.1], [0.5, 0.5], [0.2, 0.8]])
    scores = class_scores(y, p, learnt, np.array([0, 1, 2]))
    assert scores["accuracy"] == pytest.approx(2 / 3)
    assert scores["log_loss"] > 10
    assert "auc" not in scores


def test_scores_of_numbers():
    y, guess = np.array([1.0, 2.0, 4.0]), np.array([1.5, 2.0, 3.0])
    scores = number_scores(y, guess)
    assert scores["rmse"] == pytest.approx(np.sqrt((0.25 + 1) / 3))
    assert scores["mae"] == pytest.approx(mean_absolute_error(y, guess))
    assert scores["r2"] == pytest.approx(r2_score(y, guess))


# --------------------------------------------------------------------- models


@pytest.mark.parametrize("model", [m for m in MODELS if m != "chainrule"])
@pytest.mark.parametrize("classes", [True, False])
def test_peers_take_gaps_texts_and_levels_that_are_new(model, classes):
    rng = np.random.default_rng(0)
    X = pd.DataFrame({"number": rng.normal(size=80), "text": rng.choice(["a", "b"], 80)})
    y = X.number + (X.text == "a")
    target = np.where(y > 0, "yes", "no") if classes else y.to_numpy()
    X.loc[::7, "number"] = np.nan
    X.loc[::9, "text"] = None
    X.loc[79, "text"] = "new"
    given = {"forest": {"n_estimators": 3}, "boosting": {"max_iter": 3}}.get(model, {})
    X = dressed(model, X)
    fitted = build(model, classes, 0, given).fit(X[:70], target[:70])
    assert len(fitted.predict(X[70:])) == 10


def test_boosting_knows_which_columns_are_categories():
    X = dressed("boosting", pd.DataFrame({"number": np.arange(40.0), "text": ["a", "b"] * 20}))
    assert isinstance(X.text.dtype, pd.CategoricalDtype)
    fitted = build("boosting", False, 0, {"max_iter": 1}).fit(X, np.arange(40.0))
    assert fitted.is_categorical_.tolist() == [False, True]


# ------------------------------------------------------- settings and variants


def test_settings_are_python_literals_and_bare_words():
    assert settings("hidden=(64, 32), activation=gelu, epochs=None, keep=0.9") == {
        "hidden": [64, 32], "activation": "gelu", "epochs": None, "keep": 0.9
    }  # fmt: skip
    assert settings("") == {}


@pytest.mark.parametrize("text", ["hidden", "a=1 b=2", "a=f()", "**x", "a=1)(b=2"])
def test_what_is_no_setting_is_refused(text):
    with pytest.raises(ValueError, match="key=value"):
        settings(text)


def test_variants_come_by_name_or_from_a_file(tmp_path):
    path = tmp_path / "more.json"
    path.write_text('{"wide": {"hidden": [128]}}')
    assert variants(["base=", "deep=hidden=(8, 8)", str(path)]) == {
        "base": {}, "deep": {"hidden": [8, 8]}, "wide": {"hidden": [128]}
    }  # fmt: skip
    with pytest.raises(ValueError, match="two variants"):
        variants(["a=", "a=keep=0.5"])
    with pytest.raises(ValueError, match="no variant"):
        variants(["a"])
    with pytest.raises(ValueError, match="cannot be read"):
        variants(["absent.json"])
    path.write_text("[1]")
    with pytest.raises(ValueError, match="must hold"):
        variants([str(path)])


# ----------------------------------------------------------- store and summary


def test_a_store_gives_back_what_was_put_in_and_the_last_of_each_key_counts(tmp_path):
    path = tmp_path / "new" / "store.jsonl"
    first, again = made("wine", "a", 0, 0.5), made("wine", "a", 0, 0.7)
    assert load(path) == []
    append(path, first)
    append(path, again)
    assert load(path) == [first, again]
    assert list(latest(load(path)).values()) == [again]


def summary():
    """Errors of a: 0.1 and 0.2, then 3 and 3; of boosting: 0.2 and 0.2, then 2 and 2."""
    values = {
        ("wine", "a"): (0.9, 0.8), ("wine", "boosting"): (0.8, 0.8),
        ("diabetes", "a"): (3, 3), ("diabetes", "boosting"): (2, 2),
    }  # fmt: skip
    pairs = [(t, m, k, v) for (t, m), two in values.items() for k, v in enumerate(two)]
    return Summary([made(*pair) for pair in pairs], 2)


def test_ranks_wins_and_relative_errors():
    s = summary()
    assert s.ranks() == {"a": 1.5, "boosting": 1.5}
    assert s.wins("a", "boosting") == (1, 0, 1)
    assert s.mean_error("wine", "a") == pytest.approx(0.15)
    assert s.change("wine", "a", "boosting") == pytest.approx((-0.25, 0.25))
    assert s.change("diabetes", "a", "boosting") == pytest.approx((0.5, 0))
    assert s.mean_change("a", "boosting", ["wine", "diabetes"]) == pytest.approx(0.125)


def test_equal_means_share_a_rank():
    three = [made("wine", m, k, v) for m, v in (("a", 0.5), ("b", 0.5), ("c", 0.6)) for k in (0, 1)]
    assert Summary(three, 2).ranks() == {"a": 2.5, "b": 2.5, "c": 1}
    assert Summary(three, 2).wins("a", "b") == (0, 1, 0)


def test_what_is_not_complete_has_no_rank_and_is_named():
    s = Summary([*summary().results, made("wine", "c", 0, 0.9), made("diabetes", "c", 0, 1)], 2)
    text = show(s)
    assert s.ranks() == {}
    assert "0.9000 (1 of 2)" in text
    assert "not complete for all: wine, diabetes" in text
    one = Summary([made("wine", m, 0, v) for m, v in (("a", 0.8), ("b", 0.6))], 1)
    assert one.change("wine", "b", "a") == pytest.approx((1, np.nan), nan_ok=True)


def test_tables_show_spread_best_ranks_and_differences():
    text = show(summary())
    assert lines(text, "wine")[2:] == ["**0.8500 ± 0.0707**", "0.8000 ± 0.0000"]
    assert lines(text, "diabetes")[1:] == ["RMSE", "3.0000 ± 0.0000", "**2.0000 ± 0.0000**"]
    assert lines(text, "a") == ["a", "1.50", "1-0-1, +12.5%"]
    text = differences(summary(), "boosting")
    heads = ["error against boosting", "wine", "diabetes", "classification", "regression", "mean"]
    assert lines(text, "error") == heads
    means = ["-25.0% ± 25.0%", "+50.0% ± 0.0%", "+12.5% ± 12.5%"]
    assert lines(text, "a") == ["a", "-25.0%", "+50.0%", *means]


def test_seconds_of_a_busy_machine_are_marked():
    quiet, loud = made("wine", "a", 0, 0.5), made("wine", "a", 1, 0.5, busy=True)
    assert "~" not in show(Summary([quiet], 1))
    assert "~1.00" in show(Summary([quiet, loud], 2))


def test_a_model_of_two_sources_is_told():
    two = [made("wine", "a", k, 0.5, model="chainrule", code=str(k)) for k in (0, 1)]
    assert "2 different sources" in show(Summary(two, 2))
    assert "different" not in show(Summary([replace(r, code="same") for r in two], 2))
    plan = replace(two[0].plan, settings={"epochs": 1})
    assert "different arguments" in show(Summary([replace(two[0], plan=plan), two[1]], 2))


def test_the_page_counts_warnings():
    s = Summary([made("wine", "a", k, 0.5, warnings=["Warning:\n slow"]) for k in (0, 1)], 2)
    assert lines(page(s, "command"), "a") != []
    assert "| a     | wine  | Warning: slow |     2 |" in page(s, "command")


# ------------------------------------------------------------------ short form


def test_the_short_form_fits_stores_resumes_and_shows(tmp_path):
    store, written = tmp_path / "store.jsonl", tmp_path / "page.md"
    quick = ["--store", store, "--in-process", "--models", "dummy,linear,chainrule"]
    done = run(*SHORT, *quick, "--set", "epochs=30", "--page", written)
    assert done.exit_code == 0, done.stderr
    results = load(store)
    assert len(results) == len(latest(results)) == 3 * 3 * 2
    assert {r.plan.table for r in results} == set(SMALL)
    assert all(r.train_rows == 100 and r.fit_seconds > 0 for r in results)
    assert lines(done.stdout, "dummy")[1] == "3.00"
    for text in ("ROC AUC", "accuracy", "log loss", "R²", "scikit-learn", "at most 100", "epochs"):
        assert text.lower() in written.read_text().lower()

    before = store.read_text()
    again = run(*SHORT, *quick, "--set", "epochs=30")
    assert store.read_text() == before
    assert again.stdout == done.stdout
    chosen = ["--columns", "linear,dummy", "--against", "dummy"]
    shown = run("--show", *SHORT, "--store", store, *chosen)
    assert lines(shown.stdout, "wine")[2:] == lines(done.stdout, "wine")[2:4]
    assert lines(shown.stdout, "error against dummy")[-1] == "mean"
    other = run(*SHORT, *quick, "--set", "epochs=31")
    assert other.exit_code == 2
    assert "other arguments, {'epochs': 30}" in other.stderr


def test_again_fits_once_more_and_the_last_counts(tmp_path):
    arguments = ["--sets", "wine", "--models", "dummy", "--first", 1, "--in-process"]
    arguments += ["--store", tmp_path / "store.jsonl"]
    for _ in range(2):
        assert run(*arguments, "--again").exit_code == 0
    assert run(*arguments, "--first", 2).exit_code == 0
    assert [r.split for r in load(tmp_path / "store.jsonl")] == [0, 0, 1]


def test_variants_are_compared_on_the_same_splits(tmp_path):
    more = tmp_path / "more.json"
    more.write_text(json.dumps({"lines": {"hidden": [], "epochs": 1, "learning_rate": 1e-9}}))
    arguments = ["--ablate", "base=epochs=40", "--ablate", more, "--in-process"]
    done = run(*SHORT, "--sets", "diabetes", *arguments)
    assert done.exit_code == 0, done.stderr
    errors = done.stdout[done.stdout.index("| error against base") :]
    assert float(lines(errors, "lines")[1].strip("%")) > 10
    assert lines(done.stdout, "table")[2:] == ["base", "lines"]


def test_another_source_of_chainrule_is_told_and_its_results_stay(tmp_path):
    path = tmp_path / "store.jsonl"
    old = made("wine", "chainrule", 0, 0.5, model="chainrule", code="older")
    append(path, replace(old, plan=replace(old.plan, splits=5)))
    done = run("--sets", "wine", "--first", 1, "--store", path)
    assert done.exit_code == 0
    assert "another source" in done.stderr
    assert len(load(path)) == 1


def test_a_process_of_its_own_answers_and_one_that_fails_stops_nothing_else(tmp_path, monkeypatch):
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Haswell")
    assert "OPENBLAS_CORETYPE" not in environment()
    path, folder = tmp_path / "store.jsonl", tmp_path / "store.folds"
    folder.mkdir()
    np.save(folder / "diamonds-5-0.npy", np.arange(10) % 5)  # and there is no diamonds.parquet
    arguments = ["--sets", "diamonds,wine", "--models", "dummy", "--first", 1, "--data", tmp_path]
    done = run(*arguments, "--store", path)
    assert done.exit_code == 1
    assert "failed: dummy on diamonds." in done.stderr
    assert [r.plan.table for r in load(path)] == ["wine"]
    X, y = read("wine", None)
    test = folds("wine", X, y, 5, 0) == 0
    most = np.bincount(y[~test]).argmax()
    assert load(path)[0].scores["accuracy"] == np.mean(y[test] == most)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--show"], "--show needs --store"),
        (["--sets", "iris"], "'iris' is none of"),
        (["--sets", "adult", "--in-process"], "--data"),
        (["--first", 6, "--in-process"], "more than --splits 5"),
        (["--set", "epochs"], "key=value"),
        (["--models", "dummy", "--set", "epochs=3"], "not among the models"),
        (["--name", "mlp"], "another model"),
        (["--sets", "wine", "--models", "dummy", "--in-process", "--against", "a"], "'a' is not"),
        (["--show", "--store", "absent.jsonl"], "no results"),
    ],
)
def test_wrong_arguments_are_told(arguments, message):
    done = run(*arguments)
    assert done.exit_code == 2
    assert message in done.stderr
