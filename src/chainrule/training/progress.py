"""Progress of long work: a bar on a terminal, a line now and then elsewhere, nothing for short work."""

from __future__ import annotations

import sys
import time
from types import TracebackType
from typing import Any, Protocol, Self

__all__ = ["Progress", "progress_for"]

_QUIET_SECONDS = 1.0  # shorter work shows nothing
_LINE_SECONDS = 5.0  # between plain lines


class Progress(Protocol):
    """Shows how far a training run is."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...

    def update(self, done: float, text: str) -> None:
        """Show that the share `done` (0 to 1) is complete."""
        ...


class _Silent:
    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def update(self, done: float, text: str) -> None:
        pass


class _Lines(_Silent):
    """Plain lines on standard error, at most one every few seconds."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.next = time.perf_counter() + _LINE_SECONDS

    def update(self, done: float, text: str) -> None:
        if time.perf_counter() >= self.next:
            self.next = time.perf_counter() + _LINE_SECONDS
            print(f"{self.title}: {done:4.0%}  {text}", file=sys.stderr, flush=True)


class _Bar(_Silent):
    """A bar that appears when the work has taken a second."""

    def __init__(self, title: str) -> None:
        self.title = title
        self.begin = time.perf_counter()
        self.bar: Any = None
        self.task: Any = None

    def update(self, done: float, text: str) -> None:
        if self.bar is None:
            if time.perf_counter() - self.begin < _QUIET_SECONDS:
                return
            self._show()
        self.bar.update(self.task, completed=done, status=text)

    def _show(self) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        self.bar = Progress(
            TextColumn(self.title),
            BarColumn(),
            TextColumn("{task.percentage:>3.0f}%"),
            TextColumn("{task.fields[status]}"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
        )
        self.bar.start()
        self.task = self.bar.add_task("", total=1.0, status="")

    def __exit__(self, *_: object) -> None:
        if self.bar is not None:
            self.bar.stop()


def progress_for(shown: bool, title: str) -> Progress:
    """The way to show progress here: nothing, a bar on a terminal, plain lines elsewhere."""
    if not shown or sys.stderr is None:
        return _Silent()
    return _Bar(title) if sys.stderr.isatty() else _Lines(title)
