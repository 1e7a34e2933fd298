"""Defaults of the estimators and of ``chainrule train``: one table, read by both.

They suit tables of a few hundred to a few hundred thousand rows: two layers of 64 rectifiers, Adam,
and as many epochs as the validation rows ask for.
"""

from __future__ import annotations

from typing import Any

from chainrule.ops.hyperparameters import Hyperparameter, hyperparameter

__all__ = ["DEFAULTS", "default"]

DEFAULTS: dict[str, Hyperparameter] = {
    record.name: record
    for record in (
        hyperparameter("learning_rate", default=None),
        hyperparameter("keep", default=1.0),
        hyperparameter("batch_size"),
        hyperparameter("epochs", default=200),
        hyperparameter("validation_fraction"),
        hyperparameter("patience", default=20),
        hyperparameter("time_limit"),
        hyperparameter("max_levels"),
        hyperparameter("threads"),
    )
}
HIDDEN = (64, 64)
ACTIVATION = "relu"
OPTIMIZER = "adam"


def default(name: str) -> Any:
    """The default of a hyper-parameter as estimators use it."""
    return DEFAULTS[name].default
