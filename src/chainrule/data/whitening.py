"""Preparing columns: zero means, and whitening, as scikit-learn transformers.

Each learns from the rows it is fitted on and treats every other row alike, so a pipeline inside
cross-validation lets nothing of the test rows leak (003). Between the two stands standardisation,
which scikit-learn's ``StandardScaler`` does: a constant column becomes 0, up to the rounding of
its mean.
"""

from __future__ import annotations

from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler
from sklearn.utils.validation import (
    check_array,
    check_is_fitted,
    validate_data,  # type: ignore[missing-module-attribute]  (scikit-learn ≥ 1.6)
)

from chainrule.errors import DataError
from chainrule.ops.hyperparameters import hyperparameter

__all__ = ["MeanSubtraction", "Whitening"]

_RANK = hyperparameter("rank")
_TOLERANCE = hyperparameter("singular_tolerance", name="tolerance")


class MeanSubtraction(StandardScaler):
    """x − x̄ with the mean x̄ of the training rows (003).

    scikit-learn's `StandardScaler` without its division.

    Parameters
    ----------
    copy : bool
        Whether to leave the given array as it is.

    Attributes
    ----------
    mean_ : ndarray of shape (columns,)
    n_features_in_ : int

    Examples
    --------
    >>> subtraction = MeanSubtraction().fit([[1.0, 10.0], [3.0, 10.0]])
    >>> subtraction.transform([[2.0, 10.0], [5.0, 11.0]]).tolist()
    [[0.0, 0.0], [3.0, 1.0]]
    """

    def __init__(self, *, copy: bool = True) -> None:
        super().__init__(copy=copy, with_std=False)


class Whitening(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Rotate to the principal directions and divide each by its spread: covariance the identity.

    With X − x̄ = U S Vᵀ of n training rows, y = √(n − 1) S⁻¹ Vᵀ(x − x̄) (003).

    A direction in which the training rows do not vary (a constant or a repeated column) has a
    singular value of 0, up to rounding. Its output is 0 for every row: dividing by a small number
    instead, as 003 has it, would magnify rounding errors to the size of the other columns.

    Parameters
    ----------
    rank : int, optional
        How many directions to keep, the ones of largest spread first; all of them by default, which
        takes more rows than columns.
    tolerance : float
        Singular values of at most this share of the largest count as 0. Rounding errors are
        magnified by the inverse of that share. Columns in different units: standardise first.

    Attributes
    ----------
    mean_ : ndarray of shape (columns,)
    components_ : ndarray of shape (rank, columns)
        Rows of Vᵀ.
    spread_ : ndarray of shape (rank,)
        Standard deviation along each direction, S/√(n − 1); 0 where the output is 0.
    n_features_in_ : int
    feature_names_in_ : ndarray of str
        Only if X had names.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.random.default_rng(0).normal(size=(50, 2)) @ [[3.0, 1.0], [0.0, 0.1]]
    >>> np.cov(Whitening().fit_transform(X).T).round(6) + 0
    array([[1., 0.],
           [0., 1.]])
    """

    def __init__(
        self, *, rank: int | None = _RANK.default, tolerance: float = _TOLERANCE.default
    ) -> None:
        self.rank = rank
        self.tolerance = tolerance

    def fit(self, X: Any, y: Any = None) -> Self:
        """Learn mean, directions and spreads.

        Parameters
        ----------
        X : array-like of shape (n, columns)
        y : None
            Not used.

        Returns
        -------
        self

        Raises
        ------
        DataError
            If there are not more rows than directions to keep, or fewer columns.
        HyperparameterError
            Naming the argument and its interval.
        """
        _TOLERANCE.check(self.tolerance)
        if self.rank is not None:
            _RANK.check(self.rank)
        X = validate_data(self, X, dtype=np.float64, ensure_min_samples=2)
        rank = _possible(len(X), X.shape[1], self.rank)
        # Seen from the first row a constant column is exactly 0, which x − x̄ is only nearly.
        with np.errstate(invalid="ignore"):  # rows all alike: PCA divides 0 by 0 for its ratios
            pca = PCA(n_components=rank, svd_solver="full").fit(X - X[0])
        spread = np.sqrt(pca.explained_variance_)
        self.mean_, self.components_ = X[0] + pca.mean_, pca.components_
        self.spread_ = np.where(spread > self.tolerance * spread[0], spread, 0.0)
        return self

    @property
    def _n_features_out(self) -> int:
        return len(self.spread_)

    def transform(self, X: Any) -> np.ndarray:
        """Whiten rows with what was learnt from the training rows.

        Parameters
        ----------
        X : array-like of shape (n, columns)

        Returns
        -------
        ndarray of shape (n, rank)
        """
        check_is_fitted(self, "spread_")
        X = validate_data(self, X, dtype=np.float64, reset=False)
        along = (X - self.mean_) @ self.components_.T
        return np.divide(along, self.spread_, out=np.zeros_like(along), where=self.spread_ > 0)

    def inverse_transform(self, X: Any) -> np.ndarray:
        """Back to the columns of the training table.

        Parameters
        ----------
        X : array-like of shape (n, rank)

        Returns
        -------
        ndarray of shape (n, columns)
            Directions of spread 0, or that `rank` left out, are at their mean.
        """
        check_is_fitted(self, "spread_")
        X = check_array(X, dtype=np.float64)
        if X.shape[1] != len(self.spread_):
            raise DataError(f"X has {X.shape[1]} columns, whitened rows have {len(self.spread_)}.")
        return X * self.spread_ @ self.components_ + self.mean_


def _possible(rows: int, columns: int, rank: int | None) -> int:
    """The rank asked for, all columns by default, if the rows allow it."""
    wanted = columns if rank is None else int(rank)
    if wanted > columns:
        raise DataError(
            f"rank = {wanted}, but X has {columns} columns: give rank={columns} or less."
        )
    if wanted >= rows:
        raise DataError(
            f"X has {rows} rows, too few to whiten {wanted} directions ({columns} columns): they "
            f"vary in {rows - 1} directions at most. Give more rows, fewer columns, or "
            f"rank={rows - 1} or less."
        )
    return wanted
