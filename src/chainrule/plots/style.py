"""How every picture looks, and the one place that imports matplotlib.

The background is transparent and text is a grey that reads well on white and on black, so a picture
fits light and dark pages. Colours are Okabe & Ito's, which stay apart for colour-blind readers;
lines differ in their dashes, points in their markers as well.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from chainrule.errors import DataError

__all__ = [
    "DASHES",
    "GREY",
    "MARKERS",
    "PALETTE",
    "STYLE",
    "Display",
    "drawing",
    "look",
    "panels",
    "pyplot",
]

PALETTE = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")
DASHES = ("-", "--", "-.", ":")
MARKERS = ("o", "s", "^", "D", "v", "P", "X")
GREY = "#767676"
PANEL = (3.2, 2.4)  # inches
STYLE: dict[str, Any] = {
    "figure.facecolor": "none",
    "figure.constrained_layout.use": True,
    "axes.facecolor": "none",
    "axes.edgecolor": GREY,
    "axes.labelcolor": GREY,
    "axes.titlelocation": "left",
    "axes.titlesize": "medium",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GREY,
    "grid.alpha": 0.25,
    "text.color": GREY,
    "xtick.color": GREY,
    "ytick.color": GREY,
    "legend.frameon": False,
    "lines.linewidth": 1.8,
    "savefig.dpi": 150,
}


class Display:
    """Base of the displays: what `plot` leaves behind.

    Attributes
    ----------
    ax_ : matplotlib Axes, or ndarray of Axes where there are several panels
    figure_ : matplotlib Figure
    """

    ax_: Any
    figure_: Any


def pyplot() -> Any:
    """``matplotlib.pyplot``.

    Raises
    ------
    ImportError
        Saying how to install matplotlib.
    """
    try:
        import matplotlib.pyplot as plt
    except ImportError as error:
        raise ImportError(
            "pictures need matplotlib, which is not installed: pip install chainrule[plot]"
        ) from error
    return plt


def look(number: int) -> dict[str, Any]:
    """Colour and dashes of the line of that number, from 0."""
    return {
        "color": PALETTE[number % len(PALETTE)],
        "linestyle": DASHES[number // len(PALETTE) % len(DASHES)],
    }


@contextmanager
def drawing(display: Display, ax: Any, size: tuple[float, float] = (6.0, 3.8)) -> Iterator[Any]:
    """The axes to draw on, in the package's style when they are made here."""
    plt = pyplot()
    with plt.rc_context(STYLE):
        if ax is None:
            _, ax = plt.subplots(figsize=size)
        yield ax
    display.ax_, display.figure_ = ax, ax.figure


@contextmanager
def panels(display: Display, ax: Any, count: int, most_columns: int = 4) -> Iterator[np.ndarray]:
    """`count` axes side by side, `most_columns` in a row, or those that were given.

    Raises
    ------
    DataError
        If another number of axes was given.
    """
    plt = pyplot()
    with plt.rc_context(STYLE):
        if ax is None:
            columns = min(count, most_columns)
            rows = -(-count // columns)
            size = (PANEL[0] * columns, PANEL[1] * rows)
            figure, grid = plt.subplots(rows, columns, figsize=size, squeeze=False)
            for unused in grid.flat[count:]:
                figure.delaxes(unused)
            ax = grid.flat[:count]
        axes = np.array([ax] if count == 1 and not np.ndim(ax) else ax, object).reshape(-1)
        if len(axes) != count:
            raise DataError(f"ax has {len(axes)} axes, this display has {count} panels.")
        yield axes
    display.ax_, display.figure_ = axes, axes[0].figure
