"""Training: the loop, its history, callbacks, stopping, L-BFGS, the sweep of learning rates."""

from chainrule.training.callbacks import Callback, ReduceOnPlateau, TrainingState
from chainrule.training.finder import RateSweep, learning_rate_finder
from chainrule.training.history import History
from chainrule.training.lbfgs import LBFGS
from chainrule.training.loop import train
from chainrule.training.objective import Objective
from chainrule.training.stopping import Convergence

__all__ = [
    "LBFGS",
    "Callback",
    "Convergence",
    "History",
    "Objective",
    "RateSweep",
    "ReduceOnPlateau",
    "TrainingState",
    "learning_rate_finder",
    "train",
]
