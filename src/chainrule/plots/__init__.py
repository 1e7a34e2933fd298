"""Pictures, drawn by matplotlib: ``pip install chainrule[plot]``.

Each is a display in scikit-learn's manner: a ``from_…`` constructor computes the data, which stay
readable as attributes; ``plot(ax=None)`` draws them and leaves `ax_` and `figure_`. `report` puts
the pictures of a model on one page of HTML.
"""

from chainrule.plots.curves import FittingDisplay, LossCurvesDisplay
from chainrule.plots.filters import FiltersDisplay
from chainrule.plots.functions import ActivationsDisplay
from chainrule.plots.importances import ImportancesDisplay
from chainrule.plots.layers import GradientSizesDisplay, LayerHistogramsDisplay
from chainrule.plots.paths import OptimizerPathsDisplay, optimizer_path
from chainrule.plots.rates import LearningRateDisplay
from chainrule.plots.regions import DecisionRegionsDisplay, LinearRegionsDisplay
from chainrule.plots.reporting import report

__all__ = [
    "ActivationsDisplay",
    "DecisionRegionsDisplay",
    "FiltersDisplay",
    "FittingDisplay",
    "GradientSizesDisplay",
    "ImportancesDisplay",
    "LayerHistogramsDisplay",
    "LearningRateDisplay",
    "LinearRegionsDisplay",
    "LossCurvesDisplay",
    "OptimizerPathsDisplay",
    "optimizer_path",
    "report",
]
