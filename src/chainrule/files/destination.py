"""Where a file is to be written: refused before any work is done, not after it."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from chainrule.errors import DataError

__all__ = ["check_destination"]


def check_destination(path: Path, ours: Callable[[Path], bool], kind: str) -> None:
    """Refuse a path that cannot be written, or that holds what is not ours.

    Parameters
    ----------
    path : Path
    ours : callable
        Whether the file that is there is of this kind, so that it may be changed.
    kind : str
        What the file should be, such as "a chainrule report".

    Raises
    ------
    DataError
        Saying which, and to choose another name.

    Examples
    --------
    >>> check_destination(Path("missing/report.html"), lambda path: True, "a report")
    Traceback (most recent call last):
    ...
    chainrule.errors.DataError: cannot write missing/report.html: there is no folder missing.
    """
    if not path.parent.is_dir():
        raise DataError(f"cannot write {path}: there is no folder {path.parent}.")
    if not path.exists():
        if not os.access(path.parent, os.W_OK):
            raise DataError(f"cannot write {path}: {path.parent} is not yours to write to.")
        return
    if not path.is_file():
        raise DataError(f"cannot write {path}: it exists and is no file.")
    if not os.access(path, os.R_OK | os.W_OK):
        raise DataError(f"cannot write {path}: it is not yours to write to.")
    if path.stat().st_size and not ours(path):
        raise DataError(f"{path} exists and is not {kind}: choose another name.")
