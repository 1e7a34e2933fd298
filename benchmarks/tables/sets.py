"""The tables, their folds and what counts on each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["NINE", "SETS", "SMALL", "TableSet", "folds", "read"]


@dataclass(frozen=True)
class TableSet:
    """One table.

    Attributes
    ----------
    target : str
        Its column; empty for a table that scikit-learn brings.
    primary : {"auc", "accuracy", "rmse"}
        The metric that decides.
    logarithm : bool
        Whether the logarithm of the target is learnt and scored.
    """

    target: str
    primary: str
    logarithm: bool = False

    @property
    def classes(self) -> bool:
        """Whether the target is a class."""
        return self.primary != "rmse"


NINE = {
    "german_credit": TableSet("credit_risk", "auc"),
    "satimage": TableSet("class", "accuracy"),
    "magic": TableSet("Class", "auc"),
    "letter": TableSet("lettr", "accuracy"),
    "adult": TableSet("income", "auc"),
    "concrete": TableSet("compressive_strength", "rmse"),
    "california_housing": TableSet("MedHouseVal", "rmse"),
    "diamonds": TableSet("price", "rmse", logarithm=True),
    "nycflights13": TableSet("arr_delay", "rmse"),
}
SMALL = {
    "breast_cancer": TableSet("", "auc"),
    "wine": TableSet("", "accuracy"),
    "diabetes": TableSet("", "rmse"),
}
SETS = NINE | SMALL


def read(name: str, folder: Path | None) -> tuple[pd.DataFrame, np.ndarray]:
    """Features as a data frame and targets, (n,); NINE are read from Parquet files of a folder."""
    record = SETS[name]
    if not record.target:
        from sklearn import datasets

        load: Callable[..., Any] = getattr(datasets, f"load_{name}")
        X, y = load(return_X_y=True, as_frame=True)
        return X, y.to_numpy()
    if folder is None:
        raise ValueError(f"{name} is read from a file: say with --data where {name}.parquet is.")
    import pandas as pd

    frame = pd.read_parquet(folder / f"{name}.parquet")
    y = frame.pop(record.target).to_numpy()
    return frame, np.log(y) if record.logarithm else y


def folds(name: str, X: pd.DataFrame, y: np.ndarray, splits: int, seed: int) -> np.ndarray:
    """Number of the fold that tests each row, (n,).

    Rows with the same features are in one fold, so that no row is tested that was trained on; each
    fold has the same share of every class, nearly.
    """
    from sklearn.model_selection import GroupKFold, StratifiedGroupKFold

    groups = X.groupby(list(X.columns), dropna=False, sort=False).ngroup().to_numpy()
    kind = StratifiedGroupKFold if SETS[name].classes else GroupKFold
    result = np.empty(len(y), dtype=np.int8)
    for k, (_, test) in enumerate(
        kind(splits, shuffle=True, random_state=seed).split(X, y, groups)
    ):
        result[test] = k
    return result
