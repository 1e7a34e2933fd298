"""scikit-learn estimators: a table in, a trained network out. Loaded when they are first used."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule.estimators.classifier import NetworkClassifier
    from chainrule.estimators.linear_classifier import GeneralizedLinearClassifier
    from chainrule.estimators.linear_regressor import GeneralizedLinearRegressor
    from chainrule.estimators.regressor import NetworkRegressor

__all__ = [
    "GeneralizedLinearClassifier",
    "GeneralizedLinearRegressor",
    "NetworkClassifier",
    "NetworkRegressor",
]

_HOME = {
    "GeneralizedLinearClassifier": "linear_classifier",
    "GeneralizedLinearRegressor": "linear_regressor",
    "NetworkClassifier": "classifier",
    "NetworkRegressor": "regressor",
}


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'chainrule.estimators' has no attribute {name!r}")
    return getattr(import_module(f"chainrule.estimators.{_HOME[name]}"), name)
