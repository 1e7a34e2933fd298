"""What a training run leaves behind: one number an epoch for loss, metric, validation and time."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from chainrule.errors import unknown_name

__all__ = ["History"]


@dataclass
class History:
    """The course of a training run; every list has one entry for each epoch.

    Attributes
    ----------
    loss : list of float
        Mean training loss over the epoch's minibatches, dropout included.
    metric : list of float
        Mean training metric; `metric_name` says which.
    validation_loss, validation_metric : list of float
        The same on the validation rows at the end of the epoch, without dropout; empty without
        validation.
    learning_rate : list of float
        Of the epoch's last update.
    seconds : list of float
        Time of the epoch, validation included; short epochs that ran by one call share its time.
    metric_name : str
    best_epoch : int or None
        Number (from 1) of the epoch whose weights the network has; None before the first one.
    stopped : str
        Why training ended: "all epochs done", "no improvement", "time limit", "interrupted",
        "loss not finite", "converged: …" and by which criterion, or what a callback said.
    """

    metric_name: str = "metric"
    loss: list[float] = field(default_factory=list)
    metric: list[float] = field(default_factory=list)
    validation_loss: list[float] = field(default_factory=list)
    validation_metric: list[float] = field(default_factory=list)
    learning_rate: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)
    best_epoch: int | None = None
    stopped: str = ""

    def __len__(self) -> int:
        return len(self.loss)

    def to_dict(self) -> dict[str, list[Any]]:
        """Columns by name, "epoch" first."""
        columns: dict[str, list[Any]] = {
            "epoch": list(range(1, len(self) + 1)),
            "loss": list(self.loss),
            self.metric_name: list(self.metric),
        }
        if self.validation_loss:
            columns["validation loss"] = list(self.validation_loss)
            columns[f"validation {self.metric_name}"] = list(self.validation_metric)
        last = {"learning rate": list(self.learning_rate), "seconds": list(self.seconds)}
        return columns | last

    def to_frame(self, backend: str | None = None) -> Any:
        """The history as a data frame, one row an epoch.

        Parameters
        ----------
        backend : {"pandas", "polars", "pyarrow"}, optional
            By default the first of these that is installed.

        Raises
        ------
        UnknownNameError
            For another backend.
        """
        from importlib.util import find_spec

        import narwhals as nw

        known = ("pandas", "polars", "pyarrow")
        if backend is None:
            backend = next(name for name in known if find_spec(name))
        if backend not in known:
            raise unknown_name("data frame library", backend, known)
        return nw.from_dict(self.to_dict(), backend=backend).to_native()

    def __str__(self) -> str:
        if not self.loss:
            return "History(no epoch yet)"
        last = f"loss {self.loss[-1]:.4g}, {self.metric_name} {self.metric[-1]:.4g}"
        if self.validation_loss:
            last += f", validation loss {self.validation_loss[-1]:.4g}"
        return f"History({len(self)} epochs, {sum(self.seconds):.3g} s, {last}; {self.stopped})"
