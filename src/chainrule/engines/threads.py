"""How many threads at most: the variable CHAINRULE_THREADS of the environment."""

from __future__ import annotations

import os

from chainrule.errors import HyperparameterError

__all__ = ["VARIABLE", "thread_limit"]

VARIABLE = "CHAINRULE_THREADS"


def thread_limit() -> int | None:
    """The number in CHAINRULE_THREADS, by which nothing takes more threads unless it is told to.

    It holds for matrix products and for trainings side by side. Arguments such as ``threads=4`` and
    ``n_jobs=4`` count more; ``n_jobs=-1`` and what is not given do not.

    Returns
    -------
    int or None
        The cores there are, if those are fewer; None if the variable is not set, or empty.

    Raises
    ------
    HyperparameterError
        If it is no whole number from 1.
    """
    text = os.environ.get(VARIABLE, "")
    if not text:
        return None
    if not text.isdecimal() or int(text) < 1:
        raise HyperparameterError(
            f"the environment variable {VARIABLE} = {text!r} is not possible: give a whole number "
            f"of threads from 1, or unset it."
        )
    return min(int(text), os.cpu_count() or 1)
