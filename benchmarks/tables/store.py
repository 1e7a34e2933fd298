"""Results as lines of JSON: what is there is not computed again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Key", "Plan", "Result", "append", "latest", "load"]

Key = tuple[str, str, int, int, int, int | None]


@dataclass(frozen=True)
class Plan:
    """What is asked of a model on a table.

    Attributes
    ----------
    table, model : str
    label : str
        Name of the variant.
    settings : dict
        Arguments beside the defaults.
    splits, seed : int
    rows : int, optional
        At most so many training rows, drawn at random.
    """

    table: str
    model: str
    label: str
    settings: dict[str, Any] = field(default_factory=dict)
    splits: int = 5
    seed: int = 0
    rows: int | None = None

    def key(self, split: int) -> Key:
        """What tells one result from another."""
        return self.table, self.label, split, self.splits, self.seed, self.rows


@dataclass(frozen=True)
class Result:
    """One fit on one split.

    Attributes
    ----------
    plan : Plan
    split : int
    scores : dict of str to float
    fit_seconds, predict_seconds, processor_seconds : float
        Processor seconds are those of the fit, of all threads.
    train_rows, test_rows : int
    busy : bool
        Whether others may have had the machine, so that seconds mean little.
    code : str
        Fingerprint of chainrule's source.
    date : str
    versions, machine : dict of str to str
    warnings : list of str
        What the model complained of.
    """

    plan: Plan
    split: int
    scores: dict[str, float]
    fit_seconds: float
    predict_seconds: float
    processor_seconds: float
    train_rows: int
    test_rows: int
    busy: bool
    code: str
    date: str
    versions: dict[str, str]
    machine: dict[str, str]
    warnings: list[str]

    @property
    def key(self) -> Key:
        """What tells it from another."""
        return self.plan.key(self.split)


def result(fields: dict[str, Any]) -> Result:
    """A result from what JSON made of it."""
    return Result(**{**fields, "plan": Plan(**fields["plan"])})


def load(path: Path) -> list[Result]:
    """All results of a store, in their order; none if there is no such file."""
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [result(json.loads(line)) for line in lines if line.strip()]


def latest(results: Iterable[Result]) -> dict[Key, Result]:
    """The last result of each key."""
    return {r.key: r for r in results}


def append(path: Path, new: Result) -> None:
    """Add a line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(asdict(new), ensure_ascii=False) + "\n")
