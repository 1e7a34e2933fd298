"""Fits of one model to one table, in a process of their own.

As a program, ``python -m benchmarks.tables.worker``, it reads one job and writes one result a line.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.machine import machine, package_versions, processor_seconds
from benchmarks.process import cores, environment
from benchmarks.tables.peers import build, dressed
from benchmarks.tables.scores import class_scores, number_scores
from benchmarks.tables.sets import SETS, read
from benchmarks.tables.store import Plan, Result, result

__all__ = ["Job", "apart", "fingerprint", "here"]

SPARE = 0.5  # load beside a fit on all cores that is not worth telling


@dataclass(frozen=True)
class Job:
    """A plan, the splits that are wanted, and where the data and the folds are."""

    plan: Plan
    wanted: list[int]
    folder: str | None
    folds: str


def fingerprint() -> str:
    """Short hash of the source of chainrule that would be imported."""
    spec = find_spec("chainrule")
    assert spec is not None
    assert spec.origin is not None
    total = hashlib.sha256()
    for path in sorted(Path(spec.origin).parent.rglob("*.py")):
        total.update(path.read_bytes())
    return total.hexdigest()[:10]


def busy() -> bool:
    """Whether seconds are not this process's own, as it gives way or others load the machine."""
    if hasattr(os, "nice") and os.nice(0) > 0:
        return True
    return hasattr(os, "getloadavg") and os.getloadavg()[0] > cores() + SPARE


def apart(job: Job) -> Iterator[Result]:
    """Results of a process that starts with a clean environment and leaves no memory behind."""
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.tables.worker"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=environment(),
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process:
        process.stdin.write(json.dumps(asdict(job)))
        process.stdin.close()
        for line in process.stdout:
            yield result(json.loads(line))
    if process.returncode:
        raise RuntimeError(f"{job.plan.label} on {job.plan.table} failed, its message is above.")


def here(job: Job) -> Iterator[Result]:
    """Results of this process."""
    plan, folder = job.plan, Path(job.folder) if job.folder else None
    X, y = read(plan.table, folder)
    X, fold, code = dressed(plan.model, X), np.load(job.folds), fingerprint()
    if len(fold) != len(y):
        raise ValueError(
            f"{job.folds} are folds of {len(fold)} rows, and {plan.table} has {len(y)}."
        )
    for split in job.wanted:
        train, test = np.flatnonzero(fold != split), np.flatnonzero(fold == split)
        if plan.rows and plan.rows < len(train):
            rng = np.random.default_rng([plan.seed, split])
            train = np.sort(rng.choice(train, plan.rows, replace=False))
        yield _fit(plan, split, X, y, train, test, code)


def _fit(
    plan: Plan, split: int, X: Any, y: np.ndarray, train: np.ndarray, test: np.ndarray, code: str
) -> Result:
    classes = SETS[plan.table].classes
    model = build(plan.model, classes, plan.seed, plan.settings)
    shared = busy()
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        begin, used = time.perf_counter(), processor_seconds()
        model.fit(X.iloc[train], y[train])
        fitted, used = time.perf_counter(), processor_seconds() - used
        guess = model.predict_proba(X.iloc[test]) if classes else model.predict(X.iloc[test])
        predicted = time.perf_counter()
    if classes:
        scores = class_scores(y[test], guess, model.classes_, np.unique(y))
    else:
        scores = number_scores(y[test], guess)
    return Result(
        plan,
        split,
        scores,
        fit_seconds=fitted - begin,
        predict_seconds=predicted - fitted,
        processor_seconds=used,
        train_rows=len(train),
        test_rows=len(test),
        busy=shared or busy(),
        code=code,
        date=time.strftime("%Y-%m-%d", time.gmtime()),
        versions=package_versions(("pandas",)),
        machine=machine(),
        warnings=list(dict.fromkeys(f"{w.category.__name__}: {w.message}" for w in said)),
    )


def _serve() -> None:
    fields = json.loads(sys.stdin.read())
    job = Job(**{**fields, "plan": Plan(**fields["plan"])})
    answers, sys.stdout = sys.stdout, sys.stderr  # what a model prints is no answer
    for new in here(job):
        print(json.dumps(asdict(new)), file=answers, flush=True)


if __name__ == "__main__":
    _serve()
