"""What all displays share: labels, style, axes that are given, life without matplotlib."""

import subprocess
import sys
from itertools import combinations
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.colors import to_rgb

import chainrule as cr
from chainrule import plots
from chainrule.errors import DataError
from chainrule.estimators import Importance
from chainrule.plots.style import GREY, PALETTE, STYLE

X = np.random.default_rng(0).normal(size=(30, 2))
Y = (X[:, 0] > 0).astype(int)


def network():
    return cr.Network(
        [cr.Dense(3, "relu"), cr.Dense(2)], "cross_entropy", input_shape=(2,), engine="reference"
    )


def displays():
    """One of each; every name that the package offers is here."""
    history = cr.History("accuracy", [2, 1], [0.5, 0.9], [2.5, 2], [0.4, 0.8], best_epoch=2)
    found = SimpleNamespace(rates=[0.1, 1.0], losses=[2.0, 1.0], suggestion=0.3)
    net, bowl = network(), lambda w: w[0] ** 2 + 3 * w[1] ** 2
    return {
        "ActivationsDisplay": plots.ActivationsDisplay.from_names(["relu"]),
        "DecisionRegionsDisplay": plots.DecisionRegionsDisplay.from_model(net, X, Y, points=20),
        "FiltersDisplay": plots.FiltersDisplay.from_weights(np.ones((3, 3, 2, 4))),
        "FittingDisplay": plots.FittingDisplay.from_scores([1, 2], [3, 2], [4, 5]),
        "GradientSizesDisplay": plots.GradientSizesDisplay.from_networks(net, X, Y),
        "ImportancesDisplay": plots.ImportancesDisplay.from_importance(
            Importance(("long name", "b"), np.array([[0.3, 0.5], [0.0, -0.1]]), 0.9, "accuracy")
        ),
        "LayerHistogramsDisplay": plots.LayerHistogramsDisplay.from_weights(net),
        "LearningRateDisplay": plots.LearningRateDisplay.from_finder(found),
        "LinearRegionsDisplay": plots.LinearRegionsDisplay.from_network(
            net, points=20, x=[0.1, 0.2]
        ),
        "LossCurvesDisplay": plots.LossCurvesDisplay.from_history(history),
        "OptimizerPathsDisplay": plots.OptimizerPathsDisplay.from_optimizers(
            {"SGD": "sgd"}, bowl, lambda w: w, [1, 1], 3
        ),
    }


NAMES = [name for name in plots.__all__ if name.endswith("Display")]


@pytest.mark.parametrize("name", NAMES)
def test_every_display_is_labelled_and_inside_its_figure(name):
    display = displays()[name].plot()
    figure = display.figure_
    figure.canvas.draw()
    for axes in np.ravel(display.ax_):
        assert axes.get_xlabel()
        assert axes.get_title(loc="left")
        assert axes.get_ylabel() or name in ("ActivationsDisplay", "LayerHistogramsDisplay")
        box = axes.get_tightbbox()
        width, height = figure.canvas.get_width_height()
        assert box.x0 >= -1
        assert box.y0 >= -1
        assert box.x1 <= width + 1
        assert box.y1 <= height + 1
    assert np.ravel(display.ax_)[0].get_ylabel() or name == "ActivationsDisplay"


@pytest.mark.parametrize("name", NAMES)
def test_every_display_draws_on_axes_that_are_given_and_leaves_the_style_alone(name):
    before = dict(plt.rcParams)
    display = displays()[name]
    count = len(getattr(display, "values", [0]))
    _, axes = plt.subplots(1, count)
    assert display.plot(ax=axes) is display
    assert list(np.ravel(display.ax_)) == list(np.ravel(axes))
    assert display.figure_ is np.ravel(axes)[0].figure
    assert dict(plt.rcParams) == before


def test_another_number_of_axes_than_panels_is_refused():
    _, axes = plt.subplots(1, 3)
    with pytest.raises(DataError, match="3 axes, this display has 2 panels"):
        displays()["LayerHistogramsDisplay"].plot(ax=axes)


def luminance(colour):
    """Relative luminance by the Web Content Accessibility Guidelines."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return float(np.dot([0.2126, 0.7152, 0.0722], linear))


def test_text_is_readable_on_white_and_on_black_and_the_background_is_transparent():
    grey = luminance(GREY)
    assert 1.05 / (grey + 0.05) >= 4.5
    assert (grey + 0.05) / 0.05 >= 4.5
    assert STYLE["figure.facecolor"] == STYLE["axes.facecolor"] == "none"


def test_the_colours_stay_apart_for_red_and_green_blind_eyes():
    """Deuteranopia and protanopia, simulated by Viénot, Brettel & Mollon (1999)."""
    to_lms = np.array(
        [[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]]
    )
    blind = {
        "deuteranopia": np.array([[1, 0, 0], [0.494207, 0, 1.24827], [0, 0, 1]]),
        "protanopia": np.array([[0, 2.02344, -2.52581], [0, 1, 0], [0, 0, 1]]),
    }
    for matrix in blind.values():
        seen = [np.linalg.solve(to_lms, matrix @ to_lms @ to_rgb(c)) for c in PALETTE]
        assert min(np.linalg.norm(a - b) for a, b in combinations(seen, 2)) > 0.15


def test_without_matplotlib_one_line_says_how_to_install_it():
    code = (
        "import sys; sys.modules['matplotlib'] = None\n"
        "from chainrule.plots import FittingDisplay\n"
        "FittingDisplay.from_scores([1], [1], [1]).plot()"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    last = done.stderr.strip().splitlines()[-1]
    assert last.startswith("ImportError: ")
    assert "pip install chainrule[plot]" in last


def test_the_package_loads_without_matplotlib():
    code = "import sys, chainrule.plots; assert 'matplotlib' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
