"""Constructor arguments of the estimators: checked, and as data for files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from inspect import Parameter, signature
from typing import Any

import numpy as np

from chainrule.errors import HyperparameterError
from chainrule.estimators.defaults import DEFAULTS
from chainrule.estimators.heads import QUANTILES, regression_loss
from chainrule.estimators.presets import preset_of
from chainrule.layers import config, from_config
from chainrule.ops.activations import ActivationFunction, activation
from chainrule.ops.hyperparameters import HYPERPARAMETERS, hyperparameter
from chainrule.ops.losses import Loss
from chainrule.ops.optimizers import OPTIMIZERS, as_data, optimizer
from chainrule.training import LBFGS, Callback
from chainrule.training.lbfgs import refuse_name
from chainrule.training.parallel import workers

__all__ = [
    "check_arguments", "from_data", "full_signature", "join_parameters", "parameters_of", "to_data",
]  # fmt: skip


def check_arguments(arguments: Mapping[str, Any]) -> None:
    """Refuse what cannot be, before any work is done; some of the arguments or all.

    Raises
    ------
    HyperparameterError, UnknownNameError
        Naming the argument, and what it may be.
    """
    for name, value in arguments.items():
        if name in DEFAULTS and (value is not None or DEFAULTS[name].default is not None):
            DEFAULTS[name].check(value)
        elif name in _CHECKS:
            _CHECKS[name](value)
    rule = arguments.get("optimizer")
    if arguments.get("learning_rate") and not isinstance(rule, str | None):
        raise HyperparameterError(
            "learning_rate and an optimizer object were both given: put the rate into the object, "
            "such as optimizer=Adam(1e-3)."
        )


def full_signature(base: type, estimator: type) -> Any:
    """All arguments by name, the shared ones too: what help and scikit-learn's get_params read."""
    shared = signature(base.__init__)
    own = [
        argument
        for argument in signature(estimator.__init__).parameters.values()
        if argument.name not in shared.parameters and argument.kind is Parameter.KEYWORD_ONLY
    ]
    return shared.replace(parameters=[*shared.parameters.values(), *own])


def _impossible(name: str, value: Any, expected: str) -> HyperparameterError:
    return HyperparameterError(f"{name} = {value!r} is not possible: give {expected}.")


def _check_hidden(hidden: Any) -> None:
    units = HYPERPARAMETERS["units"]
    if hidden is None:
        return
    try:
        for width in hidden:
            units.check(width)
    except (TypeError, HyperparameterError):
        widths = f"the widths of the hidden layers, whole numbers in {units.interval}, such as"
        raise _impossible("hidden", hidden, f"{widths} (64, 64)") from None


def _check_activation(given: Any) -> None:
    if not isinstance(given, str | Mapping | ActivationFunction | None):
        raise _impossible("activation", given, "a name, such as 'relu'")
    if given is not None:
        activation(given)


def _check_optimizer(given: Any) -> None:
    refuse_name(given)
    if isinstance(given, str):
        optimizer(given)
    elif given is not None and not hasattr(type(given), "rule") and not isinstance(given, LBFGS):
        raise _impossible("optimizer", given, "a name, such as 'adam', or Adam(1e-3)")


def _check_network(given: Any) -> None:
    if not isinstance(given, Sequence | None):
        raise _impossible("network", given, "a list of layers, such as [Dense(64, 'relu')]")


def _check_class_weight(given: Any) -> None:
    if not (given is None or isinstance(given, Mapping) or given == "balanced"):
        raise _impossible(
            "class_weight", given, "'balanced', None, or a weight for each class, {label: weight}"
        )


def _check_switch(name: str) -> Callable[[Any], None]:
    def check(given: Any) -> None:
        if not isinstance(given, bool | np.bool_):
            raise _impossible(name, given, "True or False")

    return check


def _check_cv(given: Any) -> None:
    splits = hasattr(given, "split") or isinstance(given, Sequence)
    if given is not None and (isinstance(given, str) or not splits):
        record = hyperparameter("folds", name="cv", default=None)
        replace(record, meaning="folds; or a splitter such as KFold(5)").check(given)
    if isinstance(given, Sequence) and not (
        len(given) and all(isinstance(pair, Sequence) and len(pair) == 2 for pair in given)
    ):
        raise _impossible("cv", given, "pairs of row numbers, (to train on, to hold out)")


def _check_dtype(given: Any) -> None:
    if given not in (None, "float32", "float64"):
        raise _impossible("dtype", given, "'float32', 'float64', or None to let the size decide")


def _check_callbacks(given: Any) -> None:
    if not isinstance(given, Sequence) or not all(isinstance(item, Callback) for item in given):
        raise _impossible("callbacks", given, "a list of objects of type Callback")


def _check_loss(given: Any) -> None:
    if not isinstance(given, str | Mapping | Loss):
        raise _impossible("loss", given, "a name, such as 'squared_error', or a Loss")
    regression_loss(given)


def _check_quantiles(given: Any) -> None:
    if not isinstance(given, Sequence | np.ndarray) or isinstance(given, str) or not len(given):
        raise _impossible("quantiles", given, f"numbers in (0, 1), such as {QUANTILES}")
    regression_loss("quantile", [*given])


_CHECKS = {
    "hidden": _check_hidden,
    "activation": _check_activation,
    "optimizer": _check_optimizer,
    "network": _check_network,
    "preset": lambda given: preset_of({"preset": given}),
    "callbacks": _check_callbacks,
    "class_weight": _check_class_weight,
    "dtype": _check_dtype,
    "warm_start": _check_switch("warm_start"),
    "calibrate": _check_switch("calibrate"),
    "loss": _check_loss,
    "quantiles": _check_quantiles,
    "cv": _check_cv,
    "refit": _check_switch("refit"),
    "n_jobs": workers,
}


# ---------------------------------------------------------------------- files


def to_data(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as JSON can hold them; what it cannot hold is left out.

    Left out are callbacks, optimizers and engines of one's own, and generators of random numbers.
    """
    described = {name: _describe(name, value) for name, value in arguments.items()}
    return {name: value for name, value in described.items() if value is not NotImplemented}


def _describe(name: str, value: Any) -> Any:
    if isinstance(value, np.generic):
        return value.item()
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if name == "hidden":
        return [int(units) for units in value]
    if name == "network":
        return [config(layer) for layer in value]
    if isinstance(value, ActivationFunction | Loss):
        return value.config()
    if name in ("activation", "loss"):
        return dict(value)
    if name == "quantiles":
        return [float(level) for level in value]
    if name == "class_weight":  # pairs, for the names of JSON's objects are texts
        return [[_describe("", label), float(weight)] for label, weight in value.items()]
    for known, made in OPTIMIZERS.items():
        if type(value) is made:
            return {"name": known, **as_data(value)}
    return NotImplemented


def from_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments that `to_data` described."""
    arguments = dict(data)
    if arguments.get("hidden") is not None:
        arguments["hidden"] = tuple(arguments["hidden"])
    if "quantiles" in arguments:
        arguments["quantiles"] = tuple(arguments["quantiles"])
    if arguments.get("network") is not None:
        arguments["network"] = [from_config(layer) for layer in arguments["network"]]
    if isinstance(arguments.get("class_weight"), list):
        arguments["class_weight"] = dict(arguments["class_weight"])
    if isinstance(arguments.get("optimizer"), Mapping):
        rest = dict(arguments["optimizer"])
        arguments["optimizer"] = optimizer(rest.pop("name"), **rest)
    return arguments


def _prefix(number: int) -> str:
    """Of the names of a member's parameters in a file; the first one's have none."""
    return f"members.{number}." if number else ""


def join_parameters(networks: Sequence[Mapping[str, np.ndarray]]) -> dict[str, np.ndarray]:
    """Parameters of several networks under one roof.

    Examples
    --------
    >>> list(join_parameters([{"0.weight": np.zeros(1)}, {"0.weight": np.ones(1)}]))
    ['0.weight', 'members.1.0.weight']
    """
    pairs = enumerate(networks)
    return {f"{_prefix(k)}{name}": p for k, each in pairs for name, p in each.items()}


def parameters_of(number: int, joined: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Those of one network, by their own names."""
    prefix = _prefix(number)
    return {k.removeprefix(prefix): p for k, p in joined.items() if k.startswith(prefix)}
