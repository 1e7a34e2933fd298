"""What a network has to beat: the usual models, each with the preprocessing that it needs."""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, MetaEstimatorMixin, TransformerMixin, clone, is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OrdinalEncoder, StandardScaler
from sklearn.utils.validation import check_is_fitted

from chainrule.data.cells import Cells, Instants, Texts, plain
from chainrule.data.frames import Table
from chainrule.data.tables import TableEncoder
from chainrule.errors import DataError, unknown_name

__all__ = ["SIMPLEST_FIRST", "BoostedTrees", "OneHot", "baselines"]

SIMPLEST_FIRST = (
    "dummy", "linear", "random forest", "gradient boosting", "network", "scikit-learn MLP",
)  # fmt: skip
_TASKS = ("classification", "regression")
_MOST_LEVELS = 255  # that scikit-learn's boosted trees take in one column
_STEPS = 1000  # enough for scaled columns


def baselines(task: str, seed: int = 0) -> dict[str, Any]:
    """The models that a network is compared with, not yet trained.

    Parameters
    ----------
    task : {"classification", "regression"}
    seed : int
        Of those that draw random numbers.

    Returns
    -------
    dict of str to scikit-learn estimator
        "dummy" (the commonest class, the mean), "linear" (logistic regression, ridge), "random
        forest", "gradient boosting" (HistGradientBoosting, told which columns are categories),
        "scikit-learn MLP" (with early stopping, the target scaled). All take data frames with
        texts and gaps; but for boosted trees, gaps are filled in and marked, texts are one column
        a level, numbers are standardised. scikit-learn's defaults elsewhere.

    Raises
    ------
    UnknownNameError
        For another task.

    Examples
    --------
    >>> from chainrule.data.readers import load_penguins, split_target
    >>> from chainrule.estimators import compare
    >>> X, y, _ = split_target(load_penguins(), "species")
    >>> models = baselines("classification")
    >>> few = {name: models[name] for name in ("dummy", "linear")}
    >>> compare(few, X, y, folds=3).ranking
    ['linear', 'dummy']
    """
    if task not in _TASKS:
        raise unknown_name("task", task, _TASKS)
    if task == "classification":
        return {
            "dummy": DummyClassifier(strategy="prior"),
            "linear": make_pipeline(OneHot(), LogisticRegression(max_iter=_STEPS)),
            "random forest": make_pipeline(OneHot(), RandomForestClassifier(random_state=seed)),
            "gradient boosting": BoostedTrees(HistGradientBoostingClassifier(random_state=seed)),
            "scikit-learn MLP": make_pipeline(
                OneHot(), MLPClassifier(early_stopping=True, random_state=seed)
            ),
        }
    mlp = MLPRegressor(early_stopping=True, random_state=seed)
    return {
        "dummy": DummyRegressor(),
        "linear": make_pipeline(OneHot(), Ridge()),
        "random forest": make_pipeline(OneHot(), RandomForestRegressor(random_state=seed)),
        "gradient boosting": BoostedTrees(HistGradientBoostingRegressor(random_state=seed)),
        "scikit-learn MLP": make_pipeline(
            OneHot(), TransformedTargetRegressor(mlp, transformer=StandardScaler())
        ),
    }


class OneHot(TransformerMixin, BaseEstimator):
    """`TableEncoder` as a scikit-learn transformer: what the networks read, for other models.

    Attributes
    ----------
    encoder_ : TableEncoder

    Examples
    --------
    >>> import numpy as np
    >>> OneHot().fit_transform(np.array([[1.0], [3.0]])).tolist()
    [[-1.0], [1.0]]
    """

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn medians, means, scales and levels from a table X, (n, columns)."""
        self.encoder_ = TableEncoder().fit(X)
        return self

    def transform(self, X: Any) -> np.ndarray:
        """A table (n, columns) as numbers, (n, encoded columns)."""
        check_is_fitted(self, "encoder_")
        return self.encoder_.transform(X)


class BoostedTrees(MetaEstimatorMixin, BaseEstimator):
    """HistGradientBoosting on a table: texts are its categories, gaps its missing values.

    Parameters
    ----------
    trees : HistGradientBoostingClassifier or HistGradientBoostingRegressor

    Attributes
    ----------
    trees_ : estimator
        Fitted.
    codes_ : OrdinalEncoder or None
        Of the columns of texts; rare levels share a code where there are more than 255.
    names_ : list of str

    Examples
    --------
    >>> from chainrule.data.readers import load_penguins, split_target
    >>> X, y, _ = split_target(load_penguins(), "species")
    >>> bool(BoostedTrees(HistGradientBoostingClassifier()).fit(X, y).score(X, y) > 0.95)
    True
    """

    def __init__(self, trees: Any) -> None:
        self.trees = trees

    def fit(self, X: Any, y: Any) -> Self:
        """Train on a table X, (n, columns), and targets y, (n,)."""
        table = Table.read(X)
        self.names_ = table.names
        self.texts_ = [name for name, v in table.columns.items() if isinstance(v, Texts)]
        self.codes_ = None
        if self.texts_:
            made: Any = OrdinalEncoder  # stubs lag behind scikit-learn
            self.codes_ = made(
                handle_unknown="use_encoded_value", unknown_value=np.nan,
                encoded_missing_value=np.nan, max_categories=_MOST_LEVELS,
            ).fit(_texts(table, self.texts_))  # fmt: skip
        mask = [name in self.texts_ for name in self.names_]
        trees = clone(self.trees).set_params(categorical_features=mask)
        self.trees_ = trees.fit(self._numbers(table), np.asarray(y))
        if is_classifier(self):
            self.classes_ = self.trees_.classes_
        return self

    def _numbers(self, table: Table) -> np.ndarray:
        """The table, (n, columns), with codes instead of texts."""
        result = np.empty((table.rows, len(self.names_)))
        codes = None if self.codes_ is None else self.codes_.transform(_texts(table, self.texts_))
        for k, name in enumerate(self.names_):
            if codes is not None and name in self.texts_:
                result[:, k] = codes[:, self.texts_.index(name)]
            else:
                result[:, k] = _as_numbers(table.columns[name])
        return result

    def predict(self, X: Any) -> np.ndarray:
        """Predictions, (n,), for a table."""
        check_is_fitted(self, "trees_")
        return self.trees_.predict(self._numbers(Table.read(X)))

    def predict_proba(self, X: Any) -> np.ndarray:
        """Probabilities of the classes, (n, n_classes)."""
        check_is_fitted(self, "trees_")
        return self.trees_.predict_proba(self._numbers(Table.read(X)))

    def score(self, X: Any, y: Any) -> float:
        """What the trees call their score: accuracy or R²."""
        check_is_fitted(self, "trees_")
        return float(self.trees_.score(self._numbers(Table.read(X)), np.asarray(y)))

    def __sklearn_tags__(self) -> Any:
        """A classifier or a regressor, as the trees are."""
        tags, own = super().__sklearn_tags__(), self.trees.__sklearn_tags__()  # type: ignore[missing-attribute]  (scikit-learn ≥ 1.6)
        tags.estimator_type = own.estimator_type
        tags.classifier_tags, tags.regressor_tags = own.classifier_tags, own.regressor_tags
        return tags


def _as_numbers(cells: Cells) -> np.ndarray:
    """A column, (n,), as numbers: instants in microseconds, texts by the numbers they spell."""
    if isinstance(cells, Instants):
        return np.where(np.isnat(cells.values), np.nan, cells.values.astype(np.int64))
    if isinstance(cells, Texts):
        raise DataError("a column holds texts where numbers were trained on.")
    return cells.astype(np.float64)


def _texts(table: Table, names: list[str]) -> np.ndarray:
    """Columns of texts, (n, texts), None for gaps; a number seen later counts as its text."""
    result = np.empty((table.rows, len(names)), dtype=object)
    for k, name in enumerate(names):
        cells = table.columns[name]
        texts = cells if isinstance(cells, Texts) else Texts.of_numbers(_as_numbers(cells))
        result[:, k] = plain(texts)
    return result
