"""Training: the loop, its history, callbacks, log, stopping, L-BFGS, learning-rate sweep."""

from chainrule.training.callbacks import Callback, ReduceOnPlateau, TrainingState
from chainrule.training.finder import RateSweep, learning_rate_finder
from chainrule.training.history import History
from chainrule.training.lbfgs import LBFGS
from chainrule.training.log import JSONLog, LoggedRun, read_log
from chainrule.training.loop import train
from chainrule.training.objective import Objective
from chainrule.training.stopping import Convergence

__all__ = [
    "LBFGS",
    "Callback",
    "Convergence",
    "History",
    "JSONLog",
    "LoggedRun",
    "Objective",
    "RateSweep",
    "ReduceOnPlateau",
    "TrainingState",
    "learning_rate_finder",
    "read_log",
    "train",
]
