"""The constructor's arguments: defaults, which are scikit-learn's, and what each may be."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from chainrule.errors import HyperparameterError
from chainrule.ops.hyperparameters import Choice, Hyperparameter, Interval, hyperparameter

__all__ = ["ARGUMENTS", "HIDDEN", "check_arguments", "default", "hidden_sizes"]

HIDDEN = (100,)
_FLAGS = ("shuffle", "warm_start", "nesterovs_momentum", "early_stopping")


def _record(name: str, default: Any, interval: str, meaning: str, **more: Any) -> Hyperparameter:
    return Hyperparameter(name, default, Interval(interval), meaning, **more)


ARGUMENTS: dict[str, Hyperparameter | Choice] = {
    record.name: record
    for record in (
        Choice("activation", "relu", ("identity", "logistic", "tanh", "relu"),
               "of the hidden layers"),
        Choice("solver", "adam", ("lbfgs", "sgd", "adam"), "how the loss is minimised"),
        Choice("learning_rate", "constant", ("constant", "invscaling", "adaptive"),
               "how sgd changes its learning rate"),
        Choice("loss", "squared_error", ("squared_error", "poisson"), "what is minimised"),
        _record("alpha", 1e-4, "[0, inf)", "strength of the L2 penalty, shared by a batch's rows"),
        hyperparameter("learning_rate", name="learning_rate_init"),
        _record("power_t", 0.5, "[0, inf)", "exponent of 'invscaling'"),
        hyperparameter("epochs", name="max_iter", default=200),
        _record("tol", 1e-4, "[0, inf)", "smallest improvement that counts"),
        hyperparameter("momentum"),
        hyperparameter("validation_fraction", interval=Interval("[0, 1)")),
        hyperparameter("beta1", name="beta_1"),
        hyperparameter("beta2", name="beta_2"),
        hyperparameter("epsilon"),
        hyperparameter("patience", name="n_iter_no_change",
                       meaning="epochs without an improvement before stopping"),
        _record("max_fun", 15000, "[1, inf)", "most evaluations of lbfgs", whole=True),
    )
}  # fmt: skip
_BATCH_SIZE = hyperparameter("batch_size", default="auto")


def default(name: str) -> Any:
    """The default of an argument."""
    return ARGUMENTS[name].default


def check_arguments(arguments: Mapping[str, Any]) -> None:
    """Refuse what cannot be.

    Raises
    ------
    HyperparameterError
        Naming the argument, and what it may be.
    """
    for name, value in arguments.items():
        if name in ARGUMENTS and not (name == "n_iter_no_change" and value == np.inf):
            ARGUMENTS[name].check(value)
        elif name in _FLAGS and not isinstance(value, bool | np.bool_):
            raise HyperparameterError(f"{name} = {value!r} is not possible: give True or False.")
        elif name == "batch_size" and not (isinstance(value, str) and value == "auto"):
            _BATCH_SIZE.check(value)


def hidden_sizes(given: Any) -> list[int]:
    """Widths of the hidden layers, from one number or several.

    Raises
    ------
    ValueError
        If a width is not positive; the words are scikit-learn's.

    Examples
    --------
    >>> hidden_sizes(5), hidden_sizes((4, 3))
    ([5], [4, 3])
    """
    widths = list(given) if hasattr(given, "__iter__") else [given]
    for width in widths:
        if width <= 0:
            raise ValueError(f"hidden_layer_sizes must be > 0, got {widths}.")
        hyperparameter("units", name="hidden_layer_sizes").check(width)
    return [int(width) for width in widths]
