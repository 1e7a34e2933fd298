"""Which fits are asked for, which of them are there already, and doing the others."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.tables.peers import MODELS, OWN
from benchmarks.tables.scores import METRICS
from benchmarks.tables.sets import SETS, folds, read
from benchmarks.tables.store import Plan, Result, append, latest
from benchmarks.tables.worker import Job, fingerprint

__all__ = ["Protocol", "check", "labels", "run"]


@dataclass(frozen=True)
class Protocol:
    """How everything is measured.

    Attributes
    ----------
    splits, seed : int
        Of the folds.
    rows : int, optional
        At most so many training rows.
    first : int
        How many of the splits are used.
    """

    splits: int
    seed: int
    rows: int | None
    first: int

    def plans(
        self, tables: Sequence[str], labelled: Mapping[str, tuple[str, dict[str, Any]]]
    ) -> list[Plan]:
        """All models on the first table, on the second, …"""
        return [
            Plan(table, model, label, given, self.splits, self.seed, self.rows)
            for table in tables
            for label, (model, given) in labelled.items()
        ]

    def covers(self, found: Result) -> bool:
        """Whether a result was measured so."""
        plan = found.plan
        same = (plan.splits, plan.seed, plan.rows) == (self.splits, self.seed, self.rows)
        return same and found.split < self.first


def labels(
    own: Mapping[str, dict[str, Any]], models: Sequence[str], variants: bool
) -> dict[str, tuple[str, dict[str, Any]]]:
    """Model and arguments by label: those of chainrule's variants first, if there are several."""
    for label in own:
        if label in MODELS and label != OWN:
            raise ValueError(f"a variant cannot be called {label!r}: that is another model.")
    mine = {label: (OWN, given) for label, given in own.items()}
    result: dict[str, tuple[str, dict[str, Any]]] = dict(mine) if variants else {}
    for model in models:
        if model != OWN:
            result[model] = (model, {})
        elif not variants:
            result |= mine
    if any(own.values()) and not mine.keys() <= result.keys():
        raise ValueError(f"the arguments are {OWN}'s, which is not among the models.")
    return result


def check(plans: Sequence[Plan], done: Sequence[Result]) -> list[str]:
    """Refuse one label for different arguments; tell where chainrule's source has changed."""
    wanted, changed, now = {plan.label: plan for plan in plans}, [], fingerprint()
    for old in latest(done).values():
        plan = wanted.get(old.plan.label)
        if plan is None:
            continue
        if (old.plan.model, old.plan.settings) != (plan.model, plan.settings):
            raise ValueError(
                f"the store has {plan.label!r} with other arguments, {old.plan.settings}: give "
                "another --name, or --again."
            )
        if plan.model == OWN and old.code != now:
            changed.append(plan.label)
    return [
        f"{label}: results in the store are of another source of {OWN} and stay; give another "
        "--name or --again to fit it as it is now."
        for label in dict.fromkeys(changed)
    ]


def run(
    plans: Sequence[Plan],
    protocol: Protocol,
    done: list[Result],
    data: Path | None,
    store: Path | None,
    again: bool,
    fit: Callable[[Job], Iterator[Result]],
    say: Callable[[str], None],
) -> tuple[list[Result], list[str]]:
    """Fit what is missing; all results, and which models failed on which tables."""
    results, failed, there = list(done), [], {} if again else latest(done)
    with _folder(store) as folder:
        for k, plan in enumerate(plans):
            wanted = [s for s in range(protocol.first) if plan.key(s) not in there]
            if not wanted:
                continue
            job = Job(plan, wanted, str(data) if data else None, str(_folds(plan, data, folder)))
            try:
                for new in fit(job):
                    results.append(new)
                    if store:
                        append(store, new)
                    say(f"{k + 1}/{len(plans)} {_line(new)}")
            except RuntimeError as error:
                failed.append(f"{plan.label} on {plan.table}")
                say(str(error))
    return results, failed


@contextmanager
def _folder(store: Path | None) -> Iterator[Path]:
    """Where folds are kept: beside the store, as stratified ones take their time."""
    if store is None:
        with tempfile.TemporaryDirectory() as name:
            yield Path(name)
    else:
        folder = store.with_suffix(".folds")
        folder.mkdir(parents=True, exist_ok=True)
        yield folder


def _folds(plan: Plan, data: Path | None, folder: Path) -> Path:
    path = folder / f"{plan.table}-{plan.splits}-{plan.seed}.npy"
    if not path.exists():
        np.save(path, folds(plan.table, *read(plan.table, data), plan.splits, plan.seed))
    return path


def _line(new: Result) -> str:
    """One result in one line."""
    metric = SETS[new.plan.table].primary
    return (
        f"{new.plan.table} {new.plan.label} split {new.split + 1}: "
        f"{METRICS[metric]} {new.scores[metric]:.4f}, {new.fit_seconds:.1f} s"
        + "".join(f"; {text}" for text in new.warnings)
    )
