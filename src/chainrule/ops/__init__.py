"""The mathematics: activations, losses, optimizers, initial weights; each formula once."""

from chainrule.ops.activations import (
    ACTIVATIONS,
    ActivationFunction,
    activation,
    sigmoid,
    softplus,
)
from chainrule.ops.expression import (
    absolute,
    erfc,
    exp,
    expm1,
    log,
    log1p,
    maximum,
    minimum,
    row_max,
    row_sum,
    sqrt,
    tanh,
    where,
)
from chainrule.ops.hyperparameters import HYPERPARAMETERS
from chainrule.ops.initializers import INITIALIZERS, initializer
from chainrule.ops.losses import LOSSES, Loss, loss, softmax
from chainrule.ops.optimizers import OPTIMIZERS, Lion, optimizer
from chainrule.ops.register import register_activation, register_loss
from chainrule.ops.schedules import SCHEDULES, schedule

__all__ = [
    "ACTIVATIONS",
    "HYPERPARAMETERS",
    "INITIALIZERS",
    "LOSSES",
    "OPTIMIZERS",
    "SCHEDULES",
    "ActivationFunction",
    "Lion",
    "Loss",
    "absolute",
    "activation",
    "erfc",
    "exp",
    "expm1",
    "initializer",
    "log",
    "log1p",
    "loss",
    "maximum",
    "minimum",
    "optimizer",
    "register_activation",
    "register_loss",
    "row_max",
    "row_sum",
    "schedule",
    "sigmoid",
    "softmax",
    "softplus",
    "sqrt",
    "tanh",
    "where",
]
