"""scikit-learn estimators: a table in, a trained network out. Loaded when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.estimators.attribution import Attributions, attribute
    from chainrule.estimators.bagging import BaggingClassifier, BaggingRegressor, bag
    from chainrule.estimators.baseline_models import baselines
    from chainrule.estimators.classifier import NetworkClassifier
    from chainrule.estimators.heads import Distribution
    from chainrule.estimators.hopfield import Hopfield, capacity
    from chainrule.estimators.language import LanguageModel
    from chainrule.estimators.linear_classifier import GeneralizedLinearClassifier
    from chainrule.estimators.linear_regressor import GeneralizedLinearRegressor
    from chainrule.estimators.neuron import McCullochPitts, threshold_network
    from chainrule.estimators.perceptron import Perceptron
    from chainrule.estimators.permutation import Importance, importance
    from chainrule.estimators.regressor import NetworkRegressor
    from chainrule.estimators.topology import Topology, propose_layers
    from chainrule.estimators.validation import compare, hold_out, k_fold, leave_one_out

__all__ = [
    "Attributions",
    "BaggingClassifier",
    "BaggingRegressor",
    "Distribution",
    "GeneralizedLinearClassifier",
    "GeneralizedLinearRegressor",
    "Hopfield",
    "Importance",
    "LanguageModel",
    "McCullochPitts",
    "NetworkClassifier",
    "NetworkRegressor",
    "Perceptron",
    "Topology",
    "attribute",
    "bag",
    "baselines",
    "capacity",
    "compare",
    "hold_out",
    "importance",
    "k_fold",
    "leave_one_out",
    "propose_layers",
    "threshold_network",
]

_HOME = {
    "Attributions": "attribution",
    "BaggingClassifier": "bagging",
    "BaggingRegressor": "bagging",
    "Distribution": "heads",
    "GeneralizedLinearClassifier": "linear_classifier",
    "GeneralizedLinearRegressor": "linear_regressor",
    "Hopfield": "hopfield",
    "Importance": "permutation",
    "LanguageModel": "language",
    "McCullochPitts": "neuron",
    "NetworkClassifier": "classifier",
    "NetworkRegressor": "regressor",
    "Perceptron": "perceptron",
    "Topology": "topology",
    "attribute": "attribution",
    "bag": "bagging",
    "baselines": "baseline_models",
    "capacity": "hopfield",
    "compare": "validation",
    "hold_out": "validation",
    "importance": "permutation",
    "k_fold": "validation",
    "leave_one_out": "validation",
    "propose_layers": "topology",
    "threshold_network": "neuron",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'chainrule.estimators' has no attribute {name!r}")
    return getattr(import_module(f"chainrule.estimators.{_HOME[name]}"), name)
