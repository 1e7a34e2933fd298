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
from chainrule.ops.losses import LOSSES, Loss, loss, quantiles, softmax
from chainrule.ops.optimizers import (
    OPTIMIZERS,
    SGD,
    AdaGrad,
    Adam,
    AdamW,
    Lion,
    Momentum,
    Nesterov,
    RMSprop,
    optimizer,
)
from chainrule.ops.penalties import L1, L2, PENALTIES
from chainrule.ops.register import register_activation, register_loss
from chainrule.ops.schedules import SCHEDULES, schedule

__all__ = [
    "ACTIVATIONS",
    "HYPERPARAMETERS",
    "INITIALIZERS",
    "L1",
    "L2",
    "LOSSES",
    "OPTIMIZERS",
    "PENALTIES",
    "SCHEDULES",
    "SGD",
    "ActivationFunction",
    "AdaGrad",
    "Adam",
    "AdamW",
    "Lion",
    "Loss",
    "Momentum",
    "Nesterov",
    "RMSprop",
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
    "quantiles",
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
