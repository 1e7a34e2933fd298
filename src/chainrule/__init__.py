"""chainrule: neural networks you can read, on the computer you have.

Every network is a tape of equations that can be printed, stepped through and checked by hand; the
same tape trains as machine code. `import chainrule` loads nothing heavy: each name below is loaded
when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from chainrule import ops
    from chainrule.layers import Activation, Dense, Dropout
    from chainrule.network import Network
    from chainrule.ops.optimizers import SGD, AdaGrad, Adam, AdamW, Momentum, Nesterov, RMSprop
    from chainrule.training import Callback, History, train

__version__ = "0.1.0"

_HOME = {
    "Activation": "layers",
    "AdaGrad": "ops.optimizers",
    "Adam": "ops.optimizers",
    "AdamW": "ops.optimizers",
    "Callback": "training",
    "Dense": "layers",
    "Dropout": "layers",
    "History": "training",
    "Momentum": "ops.optimizers",
    "Nesterov": "ops.optimizers",
    "Network": "network",
    "NetworkClassifier": "estimators",
    "NetworkRegressor": "estimators",
    "Perceptron": "estimators",
    "RMSprop": "ops.optimizers",
    "SGD": "ops.optimizers",
    "check_gradients": "gradient_check",
    "load": "loading",
    "local_linear_map": "piecewise",
    "ops": "",
    "train": "training",
}

__all__ = [*_HOME, "__version__"]  # noqa: PLE0604


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'chainrule' has no attribute {name!r}")
    if not _HOME[name]:
        return import_module(f"chainrule.{name}")
    value = getattr(import_module(f"chainrule.{_HOME[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
