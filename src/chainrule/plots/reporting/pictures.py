"""Pictures inside the page: drawn by matplotlib, coloured and labelled by the page."""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable, Sequence
from typing import Any
from xml.etree import ElementTree

import numpy as np

from chainrule.plots.reporting.markup import Markup, details, element, table
from chainrule.plots.style import GREY, PALETTE, STYLE, pyplot

__all__ = ["BLACK", "MOST_POINTS", "SIZE", "figure", "sparkline"]

BLACK = "#000000"  # the page's colour of letters, whatever it is
SIZE = 4.4, 2.9  # inches; as wide as a telephone at the size of the page's text
MOST_POINTS = 600  # in a cloud of points: more make the page heavy and the cloud no clearer
_LETTERS = {
    "font.size": 10,
    "legend.fontsize": 9,
    "svg.fonttype": "none",  # letters stay letters
    "svg.hashsalt": "chainrule",
    "text.parse_math": False,  # a $ in a name is a $
}
_COLOURS = {GREY: "var(--muted)", BLACK: "var(--ink)"} | {
    colour: f"var(--line-{k})" for k, colour in enumerate(PALETTE, 1)
}
_FONT = re.compile(r"font-family: [^;]*;? ?")
_STILL = re.compile(r"rotate\(-?0 ")  # turned by nothing
_DATES = "Date", "Creator", "Format", "Type"
_SVG = "{http://www.w3.org/2000/svg}"


def figure(
    name: str,
    label: str,
    draw: Callable[[Any], Any],
    caption: Any,
    *,
    size: tuple[float, float] = SIZE,
    data: tuple[Sequence[str], Sequence[Sequence[Any]]] | None = None,
) -> Markup:
    """A picture with its label, a caption that says what is to be seen, and its numbers as a table.

    Parameters
    ----------
    name : str
        Sets the identifiers inside this picture apart from those of others.
    label : str
        What a reader who does not see it is told.
    draw : callable
        Draws on the axes it is given.
    caption : text or Markup
    size : tuple of float
        Inches.
    data : (names, rows), optional
    """
    numbers = details("Numbers", table(label, *data, hidden=True)) if data else None
    return element("figure", _picture(name, label, draw, size), _caption(caption), numbers)


def _caption(text: Any) -> Markup:
    return element("figcaption", text)


def _picture(
    name: str, label: str, draw: Callable[[Any], Any], size: tuple[float, float]
) -> Markup:
    plt = pyplot()
    from matplotlib.figure import Figure

    content = io.StringIO()
    with plt.rc_context(STYLE | _LETTERS), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph .* missing", UserWarning)  # the browser has it
        warnings.filterwarnings("ignore", "Creating legend", UserWarning)  # the machine is busy
        made = Figure(figsize=size)
        draw(made.subplots())
        made.savefig(content, format="svg", metadata=dict.fromkeys(_DATES))
    return _for_the_page(name, label, content.getvalue())


def _for_the_page(name: str, label: str, svg: str) -> Markup:
    """The picture as an element of the page: own identifiers, the page's colours and letters."""
    root = ElementTree.fromstring(svg)
    for part in list(root):
        style = part.find(f"{_SVG}style")  # which would hold for the whole page
        if part.tag == f"{_SVG}metadata" or style is not None:
            root.remove(part)
    used = set(re.findall(r"""(?:url\(#|href="#)([^)"]+)""", svg))
    for part in root.iter():
        part.tag = part.tag.removeprefix(_SVG)
        part.attrib = dict(_attributes(name, part.attrib, used))
    box = root.attrib["viewBox"]
    root.attrib = {"class": "plot", "role": "img", "aria-label": label, "viewBox": box}
    text = ElementTree.tostring(root, encoding="unicode")
    for colour, variable in _COLOURS.items():
        text = text.replace(colour.lower(), variable)
    return Markup(re.sub(r">\s+<", "><", re.sub(r" *\n", " ", text)))


def _attributes(name: str, given: dict[str, str], used: set[str]) -> Any:
    for full, value in given.items():
        key = full.rpartition("}")[2]
        if key == "id":
            if value in used:
                yield key, f"{name}-{value}"
        elif key == "href":
            yield key, f"#{name}-{value[1:]}"
        elif not (key == "transform" and _STILL.match(value)):
            own = value.replace("url(#", f"url(#{name}-")
            yield key, _FONT.sub("", own) if key == "style" else own


def sparkline(label: str, heights: np.ndarray) -> Markup:
    """A histogram as small as a word; heights (bins,) of 0 or more."""
    tall = 20 * np.asarray(heights, float) / max(float(np.max(heights, initial=0)), 1e-300)
    step = 96 / len(tall)
    bars = "".join(
        f"M{k * step:.4g} 20v-{height:.3g}h{step - 1:.4g}v{height:.3g}z"
        for k, height in enumerate(tall)
        if height
    )
    path = element("path", d=bars)
    return element("svg", path, class_="spark", role="img", aria_label=label, viewBox="0 0 96 20")
