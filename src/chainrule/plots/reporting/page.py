"""`report`: one page of HTML about a model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from chainrule.errors import DataError
from chainrule.files.atomic import write_atomically
from chainrule.files.destination import check_destination
from chainrule.plots.reporting.evidence import Evidence
from chainrule.plots.reporting.markup import Markup, element, join
from chainrule.plots.style import pyplot

__all__ = ["check_report", "report"]

_GENERATOR = "chainrule report"
_STYLE = Path(__file__).with_name("style.css")


def report(
    model: Any,
    X_test: Any,
    y_test: Any,
    path: str | Path,
    *,
    training: tuple[Any, Any] | None = None,
    row_numbers: Any = None,
    left_out: int = 0,
    source: str = "",
    command: str = "",
) -> None:
    """Write a page of HTML about a model: one file, which asks nothing of the network.

    Scores next to a dummy's, the data, the network and its equations, learning curves, confusion
    and calibration or residuals, permutation importance, the worst predictions, and how to
    reproduce all of it.

    Parameters
    ----------
    model : NetworkClassifier or NetworkRegressor
        Fitted, with one target. A model from a file has no learning curves.
    X_test : data frame, array-like or sparse matrix of shape (n, columns)
        Rows that the model has not seen.
    y_test : array-like of shape (n,)
    path : str or Path
        A report that is there is replaced, in one step.
    training : (X, y), optional
        What the model was trained on: the dummy learns from it, the data are described by it.
    row_numbers : sequence of int, optional
        What to call the test rows, (n,); their places by default.
    left_out : int
        How many rows were not used, having no target.
    source : str
        Name of the data, such as "penguins.csv".
    command : str
        What was typed to get here.

    Raises
    ------
    ImportError
        If matplotlib is not installed: it says how to install it.
    DataError
        If rows and targets do not fit, or `path` cannot be written or is no report.
    NetworkError
        If the model is none that a report can be about.

    Examples
    --------
    >>> import chainrule as cr, tempfile
    >>> from sklearn.datasets import load_iris
    >>> X, y = load_iris(return_X_y=True, as_frame=True)
    >>> model = cr.NetworkClassifier((8,), epochs=5, random_state=0).fit(X[::2], y[::2])
    >>> path = Path(tempfile.mkdtemp()) / "iris.html"
    >>> report(model, X[1::2], y[1::2], path, training=(X[::2], y[::2]))
    >>> path.read_text(encoding="utf-8")[:15]
    '<!DOCTYPE html>'
    """
    path = Path(path)
    pyplot()
    check_report(path)
    evidence = Evidence.read(
        model, X_test, y_test, training,
        numbers=row_numbers, left_out=left_out, source=source, command=command,
    )  # fmt: skip
    content = _page(evidence).encode()
    try:
        write_atomically(path, content)
    except OSError as error:
        raise DataError(f"cannot write {path}: {error.strerror or error}.") from None


def check_report(path: Path) -> None:
    """Refuse a path where no report can be written, and a file that is no report.

    Raises
    ------
    DataError
        Saying which, and to choose another name.
    """
    check_destination(path, _is_report, "a chainrule report")


def _is_report(path: Path) -> bool:
    with path.open("rb") as file:
        return f'content="{_GENERATOR}"'.encode() in file.read(1000)


# ------------------------------------------------------------------------ page


def _page(evidence: Evidence) -> str:
    from chainrule.plots.reporting.sections import SECTIONS
    from chainrule.plots.reporting.sections.scores import headline

    made = [(name, title, make(evidence)) for name, title, make in SECTIONS]
    there = [(name, title, content) for name, title, content in made if content is not None]
    body = element(
        "body",
        element("a", "Skip to the content", class_="skip", href="#content"),
        element("header", element("p", "chainrule report", class_="kicker"), _title(evidence),
                headline(evidence)),
        _contents(there),
        element("main", [_section(*part) for part in there], id="content", tabindex=-1),
        element("footer", element("p", "Written by chainrule. This page asks nothing of the "
                                  "network and runs no scripts.")),
    )  # fmt: skip
    return f"<!DOCTYPE html>\n{element('html', _head(evidence), body, lang='en')}\n"


def _head(evidence: Evidence) -> Markup:
    first = evidence.scores[0]
    title = f"{evidence.target}: {first.name} {first.model:.3f}, dummy {first.dummy:.3f}"
    style = Markup(_STYLE.read_text(encoding="utf-8"))
    return element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="generator", content=_GENERATOR),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title.replace("-", "−")),
        element("style", style),
    )


def _title(evidence: Evidence) -> Markup:
    source = f" from {evidence.source}" if evidence.source else ""
    return element("h1", "Predicting ", element("em", evidence.target), source)


def _contents(parts: list[tuple[str, str, Markup]]) -> Markup:
    links = [element("li", element("a", title, href=f"#{name}")) for name, title, _ in parts]
    return element("nav", element("ul", links), aria_label="Contents")


def _section(name: str, title: str, content: Markup) -> Markup:
    heading = element("h2", title, id=f"{name}-title")
    return element("section", join(heading, content), id=name, aria_labelledby=f"{name}-title")
