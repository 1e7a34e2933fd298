"""Every error that chainrule raises on purpose: what was given, what is expected, what to do."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "ChainruleError",
    "DataError",
    "HyperparameterError",
    "LeftOutWarning",
    "ModelFileError",
    "NetworkError",
    "NonFiniteLossWarning",
    "NotSeparableWarning",
    "UnknownNameError",
]

_PASSED_OVER = "chainrule", "sklearn", "joblib"  # packages whose lines are not the user's


class ChainruleError(ValueError):
    """Base of all errors about what a user gave; the command line prints it as one line."""


class DataError(ChainruleError):
    """The data cannot be used as given: shape, missing or infinite values, names of columns."""


class HyperparameterError(ChainruleError):
    """A hyper-parameter lies outside its interval."""


class ModelFileError(ChainruleError):
    """A file is not a model, or a model that was truncated or altered."""


class NetworkError(ChainruleError):
    """Layers, loss and data do not fit together, or cannot be trained by gradients."""


class UnknownNameError(ChainruleError):
    """A name that no registry or table holds; the message lists or suggests those that exist."""


class LeftOutWarning(UserWarning):
    """Columns or rows of a table were left out; the message names them."""


class NonFiniteLossWarning(UserWarning):
    """Training stopped because the loss was no longer a finite number."""


class NotSeparableWarning(UserWarning):
    """No hyperplane separates the classes; a certificate proves it."""


def closest(name: str, known: Iterable[str]) -> str:
    """``" Did you mean 'x'?"`` for the known name nearest to `name`, or an empty string."""
    matches = get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f" Did you mean '{matches[0]}'?" if matches else ""


def unknown_name(kind: str, name: object, known: Iterable[str]) -> UnknownNameError:
    """The error for a `kind` (say, "activation") that is not called `name`.

    Examples
    --------
    >>> print(unknown_name("activation", "rellu", ["relu", "tanh"]))
    unknown activation 'rellu'. Did you mean 'relu'? There are: relu, tanh.
    """
    names = sorted(known)
    there_are = f"There are: {', '.join(names)}." if names else "There are none."
    return UnknownNameError(f"unknown {kind} {name!r}.{closest(str(name), names)} {there_are}")


def warn(message: str, category: type[Warning] = UserWarning) -> None:
    """Warn at the line that led here: the nearest one outside this package and scikit-learn.

    In a thread of a pool there is no such line: it points to where the thread began.
    """
    level, frame = 1, sys._getframe()
    while frame.f_back and str(frame.f_globals.get("__name__")).split(".")[0] in _PASSED_OVER:
        level, frame = level + 1, frame.f_back
    warnings.warn(message, category, stacklevel=level)
