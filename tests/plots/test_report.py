"""The report: its numbers are scikit-learn's; it is well-formed, accessible, asks for nothing."""

import re
import socket
import sys
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
from pages import Page
from sklearn import metrics
from sklearn.datasets import load_breast_cancer, load_diabetes
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.inspection import permutation_importance

import chainrule as cr
from chainrule.data.readers import load_penguins
from chainrule.errors import DataError, NetworkError
from chainrule.plots import report, reporting
from chainrule.plots.reporting import permutation
from chainrule.plots.reporting.sections import doctor

EVIL = "<script>alert('$1')</script>"
NAMES = {"island": EVIL, "bill_depth_mm": 'a"b&c</td>', "sex": "$x_1$"}
STYLE = Path(reporting.__file__).with_name("style.css").read_text(encoding="utf-8")


class Case:
    """A model, the rows it was trained and tested on, and its report."""

    def __init__(self, model, X, y, folder, cut):
        order = np.random.default_rng(0).permutation(len(y))
        self.rows, self.path = order[cut:], folder / "report.html"
        self.X, self.y = X.iloc[order[cut:]], y.iloc[order[cut:]]
        self.training = X.iloc[order[:cut]], y.iloc[order[:cut]]
        self.model = model.fit(*self.training)
        more = {"row_numbers": self.rows, "left_out": 3, "source": "data & more.csv"}
        report(model, self.X, self.y, self.path, training=self.training, **more)
        self.text = self.path.read_text(encoding="utf-8")
        self.page = Page(self.text)


def penguins(folder):
    """Three classes, texts and gaps, names that want to be markup."""
    table = load_penguins().to_pandas().rename(columns=NAMES)
    y = table.pop("species").replace({"Gentoo": "<b>企鹅</b>"}).rename("<i>species</i>")
    return Case(cr.NetworkClassifier((16,), epochs=8, random_state=0), table, y, folder, 250)


def diabetes(folder):
    X, y = load_diabetes(return_X_y=True, as_frame=True)
    return Case(cr.NetworkRegressor((16,), epochs=10, random_state=0), X, y, folder, 350)


def cancer(folder):
    """Two classes."""
    X, y = load_breast_cancer(return_X_y=True, as_frame=True)
    y = y.map({0: "malignant", 1: "benign"}).rename("diagnosis")
    model = cr.NetworkClassifier((8,), epochs=4, random_state=0)
    return Case(model, X.iloc[:, :4], y, folder, 400)


MADE = {}


@pytest.fixture(params=[penguins, diabetes, cancer])
def case(request, tmp_path_factory):
    return made(request.param, tmp_path_factory)


def made(build, tmp_path_factory):
    if build not in MADE:
        MADE[build] = build(tmp_path_factory.mktemp(build.__name__))
    return MADE[build]


@pytest.fixture
def classes(tmp_path_factory):
    return made(penguins, tmp_path_factory)


@pytest.fixture
def two(tmp_path_factory):
    return made(cancer, tmp_path_factory)


@pytest.fixture
def numbers(tmp_path_factory):
    return made(diabetes, tmp_path_factory)


# ------------------------------------------------------------------- the page


def test_it_asks_nothing_of_the_network_and_runs_nothing(case):
    assert "http" not in case.text
    assert "@import" not in case.text
    for target in re.findall(r"url\(([^)]*)\)", case.text):
        assert target.startswith("#")
    for node in case.page.root.walk():
        assert node.name not in ("script", "link", "img", "iframe", "object", "base")
        for name, value in node.attributes.items():
            assert not name.startswith("on")
            if name in ("src", "href", "xlink:href"):
                assert value.startswith("#")


def test_it_is_one_small_file(case):
    assert case.path.stat().st_size < 1_000_000
    assert case.text.startswith('<!DOCTYPE html>\n<html lang="en">')


def test_identifiers_are_unique_and_every_reference_leads_somewhere(case):
    ids = [node.attributes["id"] for node in case.page.root.walk() if "id" in node.attributes]
    assert len(ids) == len(set(ids))
    asked = set(re.findall(r"url\(#([^)]*)\)", case.text))
    for node in case.page.root.walk():
        asked |= {v[1:] for k, v in node.attributes.items() if k == "href"}
        asked |= {v for k, v in node.attributes.items() if k == "aria-labelledby"}
    assert asked <= set(ids)


def test_headings_are_in_order(case):
    levels = [int(n.name[1]) for n in case.page.root.walk() if re.fullmatch(r"h[1-6]", n.name)]
    assert levels.count(1) == 1
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_every_picture_says_what_it_shows_and_has_real_text(case):
    pictures = case.page.root.find("svg")
    assert len(pictures) > 5
    for picture in pictures:
        assert picture.attributes["role"] == "img"
        assert len(picture.attributes["aria-label"]) > 10
    for figure in case.page.root.find("figure"):
        assert figure.find("text")
        assert figure.find("figcaption")[0].text.strip()


def test_tables_have_captions_and_headers_with_a_scope(case):
    for table in case.page.root.find("table"):
        assert table.find("caption")[0].text
        assert {th.attributes["scope"] for th in table.find("th")} == {"col", "row"}
        widths = {len(row.find("th") + row.find("td")) for row in table.find("tr")}
        assert len(widths) == 1


def test_landmarks_and_the_keyboards_way_in(case):
    body = case.page.root.find("body")[0]
    for name in ("header", "nav", "main", "footer"):
        assert len(body.find(name)) == 1
    first = next(n for n in body.walk() if n.name == "a")
    assert first.attributes["href"] == f"#{body.find('main')[0].attributes['id']}"
    for scrolling in body.find("div", class_="scroll") + body.find("pre"):
        assert scrolling.attributes["tabindex"] == "0"
        assert scrolling.attributes["aria-label"]
    links = [a.attributes["href"][1:] for a in body.find("nav")[0].find("a")]
    assert links == [s.attributes["id"] for s in body.find("section")]


def test_names_are_text_and_never_markup(classes):
    page = classes.page
    assert EVIL in [row[0].text for row in page.table("Each column")]
    assert page.root.find("title")[0].text.startswith("<i>species</i>: ")
    headers = [th.text for th in page.section("worst").find("th", scope="col")]
    assert set(NAMES.values()) <= set(headers)
    inside = {node.text for name in "bi" for node in page.root.find(name)}
    assert not {"企鹅", "species"} & inside
    drawn = [text.text for text in page.section("importance").find("text")]
    assert "$x_1$" in drawn
    assert any(name.startswith("<script>") for name in drawn)
    assert "<i>species</i>" in page.root.find("h1")[0].text
    assert "<b>企鹅</b>" in [row[0].text for row in page.table("Test rows by")]


def test_no_machine_and_no_folder_is_named(case):
    assert str(case.path.parent) not in case.text
    assert str(Path.home()) not in case.text
    assert socket.gethostname() not in case.page.section("reproduce").text


# ----------------------------------------------------------------- the colours


def colours(text):
    return {
        name: tuple(int(value[k : k + 2], 16) / 255 for k in (0, 2, 4))
        for name, value in re.findall(r"--([\w-]+): #([0-9a-f]{6});", text)
    } | {
        name: tuple(int(part) / 255 for part in value.split())
        for name, value in re.findall(r"--(right|wrong): ([\d ]+);", text)
    }


def luminance(colour):
    """Relative luminance by the Web Content Accessibility Guidelines."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def contrast(one, other):
    low, high = sorted((luminance(one), luminance(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark", "print"])
def test_letters_and_lines_are_seen_on_their_background(scheme):
    blocks = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    assert len(blocks) == 3
    known = colours(blocks[0]) | colours(blocks[["light", "dark", "print"].index(scheme)])
    for background in ("page", "panel"):
        for ink in ("ink", "muted", "link"):
            assert contrast(known[ink], known[background]) >= 4.5, (ink, background)
    for line in (name for name in known if name.startswith("line-")):
        assert contrast(known[line], known["page"]) >= 3, line
    strongest = float(re.search(r"var\(--share\) \* ([\d.]+)", STYLE)[1])
    for tint in ("right", "wrong"):
        mixed = np.array(known[tint]) * strongest + np.array(known["page"]) * (1 - strongest)
        assert contrast(known["ink"], mixed) >= 4.5, tint


# ----------------------------------------------------------------- the numbers


def test_the_title_has_the_score_next_to_the_dummys(case):
    first = case.page.table("Scores on the test rows")[0]
    score, dummy = case.page.root.find("header")[0].values
    assert [score, dummy] == [first[1].values[0], first[2].values[0]]
    assert score == pytest.approx(case.model.score(case.X, case.y), rel=1e-12)
    made = DummyRegressor() if case.y.dtype.kind == "f" else DummyClassifier()
    made.fit(*case.training)
    assert dummy == pytest.approx(made.score(case.X, case.y), rel=1e-12)
    title = case.page.root.find("title")[0].text
    assert f"{score:.3f}" in title
    assert f"{dummy:.3f}".replace("-", "−") in title


def test_scores_of_classes_are_scikit_learns(classes):
    predicted, chances = classes.model.predict(classes.X), classes.model.predict_proba(classes.X)
    scores = [row[1].values[0] for row in classes.page.table("Scores on the test rows")]
    np.testing.assert_allclose(
        scores,
        [
            metrics.accuracy_score(classes.y, predicted),
            metrics.balanced_accuracy_score(classes.y, predicted),
            metrics.log_loss(classes.y, chances),
        ],
        rtol=1e-12,
    )


def test_confusion_and_the_table_of_classes_are_scikit_learns(classes):
    predicted = classes.model.predict(classes.X)
    matrix = [[cell.values[0] for cell in row[1:]] for row in classes.page.table("Test rows by")]
    np.testing.assert_array_equal(matrix, metrics.confusion_matrix(classes.y, predicted))
    found = classes.page.table("Precision:")
    expected = metrics.precision_recall_fscore_support(classes.y, predicted, zero_division=0)
    for k in range(3):
        np.testing.assert_allclose([row[k + 1].values[0] for row in found], expected[k])
    assert [int(row[4].text) for row in found] == expected[3].tolist()


def test_calibration_counts_every_row_and_its_error_is_the_definitions(two):
    p, right = two.model.predict_proba(two.X)[:, 1], two.y == two.model.classes_[1]
    rows = two.page.table("Calibration:")
    assert sum(int(row[3].text) for row in rows) == len(two.y)
    places = np.digitize(p, np.linspace(0, 1, 11)[1:-1])
    expected = sum(
        abs(p[own].mean() - right[own].mean()) * own.mean()
        for own in (places == k for k in range(10))
        if own.any()
    )
    figure = next(f for f in two.page.root.find("figure") if "bins" in f.text)
    assert figure.find("figcaption")[0].values[0] == pytest.approx(expected, abs=1e-6)


def test_areas_of_two_classes_are_scikit_learns(two):
    p, positive = two.model.predict_proba(two.X)[:, 1], two.y == two.model.classes_[1]
    captions = {
        figure.find("svg")[0].attributes["aria-label"].split(" of ")[0]: figure
        for figure in two.page.section("classes").find("figure")
    }
    area = captions["ROC curve"].find("figcaption")[0].values[0]
    assert area == pytest.approx(metrics.roc_auc_score(positive, p))
    average = captions["Precision against recall"].find("figcaption")[0].values[0]
    assert average == pytest.approx(metrics.average_precision_score(positive, p))


def test_scores_and_quantiles_of_numbers_are_scikit_learns(numbers):
    predicted = numbers.model.predict(numbers.X)
    scores = [row[1].values[0] for row in numbers.page.table("Scores on the test rows")]
    expected = [
        metrics.r2_score(numbers.y, predicted),
        metrics.root_mean_squared_error(numbers.y, predicted),
        metrics.mean_absolute_error(numbers.y, predicted),
    ]
    np.testing.assert_allclose(scores, expected, rtol=1e-12)
    error = predicted - numbers.y
    rows = [[cell.values[0] for cell in row[1:]] for row in numbers.page.table("Quantiles")]
    asked = [0.05, 0.25, 0.5, 0.75, 0.95]
    expected = [np.quantile(error, asked), np.quantile(np.abs(error), asked)]
    np.testing.assert_allclose(rows, np.transpose(expected), rtol=1e-9)


def test_importance_is_scikit_learns_on_the_frame_itself(classes):
    found = permutation_importance(
        classes.model, classes.X, classes.y, n_repeats=permutation.REPEATS, random_state=0
    )
    rows = classes.page.table("Permutation importance")
    by_name = {row[0].text: [cell.values[0] for cell in row[1:]] for row in rows}
    for k, name in enumerate(classes.X.columns):
        expected = [found.importances_mean[k], found.importances_std[k]]
        np.testing.assert_allclose(by_name[name], expected, atol=1e-12)
    means = [row[1].values[0] for row in rows]
    assert means == sorted(means, reverse=True)


def test_many_rows_are_sampled_and_the_page_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(permutation, "_MOST_ROWS", 50)
    X = pd.DataFrame({"a": np.arange(300.0), "b": np.tile([0.0, 1.0], 150)})
    model = cr.NetworkRegressor((4,), epochs=3, random_state=0).fit(X, X["a"])
    monkeypatch.setattr("chainrule.plots.reporting.permutation._FEWEST_ROWS", 10)
    report(model, X, X["a"], tmp_path / "r.html")
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert "50 of them drawn at random" in page.section("importance").text
    assert "the dummy learnt from the test rows" in page.section("scores").text.lower()


def test_the_worst_predictions_are_the_rows_with_the_largest_loss(classes, numbers):
    places = {label: k for k, label in enumerate(classes.model.classes_)}
    chances = classes.model.predict_proba(classes.X)
    true = chances[np.arange(len(classes.y)), [places[label] for label in classes.y]]
    rows = classes.page.table("The 10 worst predictions")
    assert [int(row[0].text) for row in rows] == classes.rows[np.argsort(true)[:10]].tolist()
    np.testing.assert_allclose([row[3].values[0] for row in rows], np.sort(true)[:10], rtol=1e-6)
    assert [row[1].text for row in rows] == classes.y.iloc[np.argsort(true)[:10]].tolist()
    error = np.abs(numbers.model.predict(numbers.X) - numbers.y.to_numpy())
    rows = numbers.page.table("The 10 worst predictions")
    assert [int(row[0].text) for row in rows] == numbers.rows[np.argsort(-error)[:10]].tolist()
    assert rows[0][4].values[0] == numbers.X.iloc[np.argmax(error), 0]


def test_the_data_are_counted(classes):
    whole = pd.concat([classes.training[0], classes.X])
    rows = {row[0].text: row for row in classes.page.table("Each column")}
    assert list(rows) == list(whole.columns)
    for name, row in rows.items():
        assert int(row[2].text.split(" ")[0]) == whole[name].isna().sum()
    low, high, median = rows["body_mass_g"][3].values
    assert [low, high, median] == [2700, 6300, whole["body_mass_g"].median()]
    count = whole[EVIL].value_counts()
    assert rows[EVIL][3].text == ", ".join(f"{level} {n}" for level, n in count.items())
    assert "3 left out for having no target" in classes.page.section("data").text


def test_layers_are_those_of_the_network(classes):
    network = classes.model.network_
    rows = classes.page.table("Layers")
    assert [int(row[-1].text) for row in rows[1:]] == [
        sum(p.size for name, p in network.parameters.items() if name.startswith(f"{k}."))
        for k in range(2)
    ]
    assert [row[-2].text for row in rows] == [str(network.input_shape[0]), "16", "3"]
    assert network.explain().split("\n")[0] in classes.page.section("network").text


def test_learning_curves_have_every_epoch(classes):
    history = classes.model.history_
    rows = classes.page.table("Epochs")
    assert [row[1].values[0] for row in rows] == history.loss
    marked = [k for k, row in enumerate(rows, 1) if "best" in row[0].text]
    assert marked == [history.best_epoch]


# ------------------------------------------------------- models of other kinds


def test_a_model_from_a_file_has_no_learning_curves(numbers, tmp_path):
    numbers.model.save(tmp_path / "m.safetensors")
    loaded = cr.load(tmp_path / "m.safetensors")
    X = numbers.X.iloc[:, :].to_numpy()
    report(loaded, X, numbers.y, tmp_path / "r.html")
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert page.section("learning") is None
    assert page.table("Each column")[0][0].text == "column 0"


def test_a_class_that_only_test_rows_have_counts_as_wrong(classes, tmp_path):
    y = np.append(classes.y.iloc[:19], "Bogus")  # in the middle of the order
    report(classes.model, classes.X.iloc[:20], y, tmp_path / "r.html")
    page = Page((tmp_path / "r.html").read_text(encoding="utf-8"))
    assert [row[0].text for row in page.table("Test rows by")] == sorted({*classes.y, "Bogus"})
    chances = dict(
        zip(classes.model.classes_, classes.model.predict_proba(classes.X).T, strict=True)
    )
    given = [chances[label][k] for k, label in enumerate(y[:19])]
    least = np.finfo(chances["Adelie"].dtype).eps  # what scikit-learn makes of 0
    loss = page.table("Scores on the test rows")[2][1].values[0]
    assert loss == pytest.approx(-np.log(np.maximum([*given, 0], least)).mean(), rel=1e-6)
    right = classes.model.predict(classes.X.iloc[:20]) == y
    assert page.root.find("header")[0].values[0] == right.mean()
    assert page.table("The 10 worst")[0][1].text == "Bogus"


def test_the_doctors_findings_are_there_when_there_is_a_doctor(monkeypatch, numbers, tmp_path):
    monkeypatch.setitem(sys.modules, "chainrule.doctor", None)  # as if there were none
    assert doctor.section(SimpleNamespace()) is None
    seen = []

    def diagnose(model, X, y):
        seen.append((model, len(y)))
        finding = SimpleNamespace(
            code="dead-units", severity="warning", where="layer 1", evidence="12 of 16 <units>",
            explanation="They never fire.", remedy="Lower the learning rate.",
        )  # fmt: skip
        return SimpleNamespace(findings=[finding])

    monkeypatch.setitem(sys.modules, "chainrule.doctor", SimpleNamespace(diagnose=diagnose))
    report(numbers.model, numbers.X, numbers.y, tmp_path / "r.html", training=numbers.training)
    section = Page((tmp_path / "r.html").read_text(encoding="utf-8")).section("doctor")
    assert seen == [(numbers.model, 350)]
    for part in ("dead-units", "12 of 16 <units>", "They never fire.", "Lower the learning rate."):
        assert part in section.text


# -------------------------------------------------------------------- refusals


def test_a_file_that_is_no_report_stays_and_a_report_is_replaced(numbers, tmp_path):
    other = tmp_path / "thesis.html"
    other.write_text("<!DOCTYPE html><title>My thesis</title>")
    with pytest.raises(DataError, match="not a chainrule report: choose another name"):
        report(numbers.model, numbers.X, numbers.y, other)
    assert "thesis" in other.read_text()
    before = numbers.path.read_bytes()
    reporting.check_report(numbers.path)
    assert numbers.path.read_bytes() == before
    with pytest.raises(DataError, match="no folder"):
        report(numbers.model, numbers.X, numbers.y, tmp_path / "missing" / "r.html")


def test_what_no_report_can_be_about_is_refused(classes, numbers, tmp_path):
    path = tmp_path / "r.html"
    with pytest.raises(NetworkError, match="not about a DummyRegressor"):
        report(DummyRegressor(), numbers.X, numbers.y, path)
    with pytest.raises(DataError, match="92 in X and 91 in y"):
        report(numbers.model, numbers.X, numbers.y[1:], path)
    with pytest.raises(DataError, match="two rows"):
        report(numbers.model, numbers.X[:1], numbers.y[:1], path)
    with pytest.raises(DataError, match="one target"):
        report(numbers.model, numbers.X, np.ones((92, 2)), path)
    with pytest.raises(DataError, match="trained on texts"):
        report(classes.model, classes.X, np.arange(len(classes.y)), path)
    with pytest.raises(DataError, match="2 numbers for 92 rows"):
        report(numbers.model, numbers.X, numbers.y, path, row_numbers=[1, 2])
    assert not path.exists()
