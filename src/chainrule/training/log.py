"""The log of training runs: a file of JSON lines that grows with every epoch."""

from __future__ import annotations

import json
import os
import platform
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from chainrule.errors import DataError
from chainrule.files.destination import check_destination
from chainrule.training.callbacks import Callback, TrainingState
from chainrule.training.history import History

__all__ = ["JSONLog", "LoggedRun", "read_log", "versions"]

_PACKAGES = "numpy", "scipy", "scikit-learn", "numba"
_OF_AN_EPOCH = "loss", "metric", "validation_loss", "validation_metric", "learning_rate", "seconds"


def versions() -> dict[str, str]:
    """Versions of what a result depends on, by name.

    Examples
    --------
    >>> list(versions())[:3]
    ['chainrule', 'Python', 'numpy']
    """
    from chainrule import __version__

    own = {"chainrule": __version__, "Python": platform.python_version()}
    return own | {name: version(name) for name in _PACKAGES}


class JSONLog(Callback):
    """Write a line of JSON at the start, after each epoch and at the end of a training run.

    Each line is on the disk before training goes on, so ``tail -f`` follows it and a run that is
    killed keeps its lines. A log that exists is continued: the new run comes after the others.

    ==========  =======================================================================
    "event"     what else the line holds
    ==========  =======================================================================
    "start"     time, versions, settings, layers, loss, shapes, parameters, epochs
    "epoch"     epoch, loss, metric, validation_loss, validation_metric, learning_rate,
                seconds, gradient_norm
    "end"       stopped (why), best_epoch, epochs, seconds
    ==========  =======================================================================

    "run" names the run in each line, since runs of several threads may share a file. What is no
    finite number is null, as is the validation where there is none. "gradient_norm" is √Σ g² over
    all parameters, of the epoch's last minibatch.

    Parameters
    ----------
    path : str or Path
    settings : mapping, optional
        Written into the first line: what you want to remember of this run. What JSON cannot hold
        becomes text.

    Raises
    ------
    DataError
        If the file cannot be written, or exists and is no such log.

    Examples
    --------
    >>> import chainrule as cr, numpy as np, tempfile
    >>> path = Path(tempfile.mkdtemp()) / "run.jsonl"
    >>> net = cr.Network([cr.Dense(1)], input_shape=(1,))
    >>> X = np.linspace(-1, 1, 8)[:, None]
    >>> history = cr.train(net, X, 2 * X, epochs=3, callbacks=[JSONLog(path)])
    >>> run = read_log(path)[0]
    >>> run.history.loss == history.loss, run.end["stopped"]
    (True, 'all epochs done')
    """

    def __init__(self, path: str | Path, settings: Mapping[str, Any] | None = None) -> None:
        self.path, self.settings = Path(path), dict(settings or {})
        check_destination(self.path, _is_log, "a log of training runs")
        self._runs: dict[int, tuple[str, float]] = {}  # by state: name, and when it began

    def on_train_start(self, state: TrainingState) -> None:
        """Write what is known beforehand."""
        check_destination(self.path, _is_log, "a log of training runs")
        self._runs[id(state)] = secrets.token_hex(4), time.perf_counter()
        network = state.network
        self._write(
            state,
            "start",
            time=datetime.now(UTC).isoformat(timespec="seconds"),
            versions=versions(),
            settings=self.settings,
            layers=[repr(layer) for layer in network.layers],
            loss=[record.name for record in network.losses.values()],
            metric=state.history.metric_name,
            seed=network.seed,
            engine=network.engine.name,
            dtype=network.engine.dtype.name,
            input_shape=network.input_shape,
            output_shape=network.output_shape,
            parameters={name: p.shape for name, p in network.parameters.items()},
            n_parameters=network.n_parameters,
            epochs=state.epochs,
            minibatches=state.minibatches,
        )

    def on_epoch_end(self, state: TrainingState) -> None:
        """Write the epoch's numbers."""
        last = {name: (getattr(state.history, name) or [None])[-1] for name in _OF_AN_EPOCH}
        norm = _norm(state.gradients) if state.gradients else None
        self._write(state, "epoch", epoch=state.epoch, **last, gradient_norm=norm)

    def on_train_end(self, state: TrainingState) -> None:
        """Write how it ended; "error" where nothing but an exception ended it."""
        _, begin = self._runs[id(state)]
        history = state.history
        self._write(
            state,
            "end",
            stopped=history.stopped or "error",
            best_epoch=history.best_epoch,
            epochs=len(history),
            seconds=time.perf_counter() - begin,
        )
        del self._runs[id(state)]

    def _write(self, state: TrainingState, event: str, **content: Any) -> None:
        """Append a line in a single write, after whatever a killed run left unfinished."""
        record = {"event": event, "run": self._runs[id(state)][0], **content}
        line = json.dumps(_plain(record), ensure_ascii=False, allow_nan=False) + "\n"
        with self.path.open("ab+") as file:
            size = file.seek(0, os.SEEK_END)
            file.seek(max(0, size - 1))
            torn = size and file.read() != b"\n"
            file.write(("\n" + line if torn else line).encode())


def _norm(gradients: Mapping[str, np.ndarray]) -> float:
    return float(np.sqrt(sum(np.sum(np.square(g, dtype=np.float64)) for g in gradients.values())))


def _plain(value: Any) -> Any:
    """The value as JSON can hold it."""
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float):
        return value if np.isfinite(value) else None
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(name): _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    return str(value)


def _is_log(path: Path) -> bool:
    with path.open("rb") as file:
        return _record(file.readline(), "start") is not None


def _record(line: bytes, *events: str) -> dict[str, Any] | None:
    """The line as one of those records, or None."""
    try:
        record = json.loads(line)
    except ValueError:
        return None
    ours = isinstance(record, dict) and record.get("event") in events and "run" in record
    return record if ours else None


# -------------------------------------------------------------------- reading


@dataclass
class LoggedRun:
    """A training run as its log has it.

    Attributes
    ----------
    start : dict
        The first line.
    epochs : list of dict
        One for each epoch; null is None.
    end : dict or None
        The last line; None where the run was killed or still goes on.
    """

    start: dict[str, Any]
    epochs: list[dict[str, Any]] = field(default_factory=list)
    end: dict[str, Any] | None = None

    @property
    def history(self) -> History:
        """The epochs as a `History`; what was no finite number is NaN."""
        end = self.end or {"stopped": "", "best_epoch": None}
        made = History(self.start["metric"], best_epoch=end["best_epoch"], stopped=end["stopped"])
        validated = any(epoch["validation_loss"] is not None for epoch in self.epochs)
        for name in _OF_AN_EPOCH:
            if validated or not name.startswith("validation"):
                column = [epoch[name] for epoch in self.epochs]
                getattr(made, name).extend(np.nan if x is None else x for x in column)
        return made


def read_log(path: str | Path) -> list[LoggedRun]:
    """The runs of a log that `JSONLog` wrote, in the order in which they began.

    A line that a killed run left unfinished is passed over: it is the last of all, or the next one
    starts a run.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    list of LoggedRun

    Raises
    ------
    DataError
        If there is no such file, or naming the line that is no record.
    """
    path = Path(path)
    try:
        lines = path.read_bytes().splitlines()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}.") from None
    runs: dict[str, LoggedRun] = {}
    for number, line in enumerate(lines):
        record = _record(line, "start", "epoch", "end")
        if record is not None and record["event"] == "start":
            runs[record["run"]] = LoggedRun(record)
        elif record is not None and record["run"] in runs:
            _enter(runs[record["run"]], record)
        elif not number or record is not None or not _torn(lines, number):
            raise DataError(
                f"{path}, line {number + 1} is no line of a log of training runs: remove it."
            )
    return list(runs.values())


def _enter(run: LoggedRun, record: dict[str, Any]) -> None:
    if record["event"] == "epoch":
        run.epochs.append(record)
    else:
        run.end = record


def _torn(lines: list[bytes], number: int) -> bool:
    last = number == len(lines) - 1
    return lines[number].startswith(b'{"') and (
        last or _record(lines[number + 1], "start") is not None
    )
