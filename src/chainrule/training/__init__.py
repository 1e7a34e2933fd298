"""Training: the loop, its history, callbacks and early stopping."""

from chainrule.training.callbacks import Callback, ReduceOnPlateau, TrainingState
from chainrule.training.history import History
from chainrule.training.loop import train

__all__ = ["Callback", "History", "ReduceOnPlateau", "TrainingState", "train"]
