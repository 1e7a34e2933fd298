"""scikit-learn estimators: a table in, a trained network out. Loaded when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.estimators.classifier import NetworkClassifier
    from chainrule.estimators.hopfield import Hopfield, capacity
    from chainrule.estimators.linear_classifier import GeneralizedLinearClassifier
    from chainrule.estimators.linear_regressor import GeneralizedLinearRegressor
    from chainrule.estimators.neuron import McCullochPitts, threshold_network
    from chainrule.estimators.perceptron import Perceptron
    from chainrule.estimators.regressor import NetworkRegressor

__all__ = [
    "GeneralizedLinearClassifier",
    "GeneralizedLinearRegressor",
    "Hopfield",
    "McCullochPitts",
    "NetworkClassifier",
    "NetworkRegressor",
    "Perceptron",
    "capacity",
    "threshold_network",
]

_HOME = {
    "GeneralizedLinearClassifier": "linear_classifier",
    "GeneralizedLinearRegressor": "linear_regressor",
    "Hopfield": "hopfield",
    "McCullochPitts": "neuron",
    "NetworkClassifier": "classifier",
    "NetworkRegressor": "regressor",
    "Perceptron": "perceptron",
    "capacity": "hopfield",
    "threshold_network": "neuron",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'chainrule.estimators' has no attribute {name!r}")
    return getattr(import_module(f"chainrule.estimators.{_HOME[name]}"), name)
