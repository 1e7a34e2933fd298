"""Columns of a sparse matrix, each made dense when it is asked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from typing import Any, Self

import numpy as np
from scipy.sparse import issparse

from chainrule.errors import DataError

__all__ = ["SparseColumns", "is_sparse", "refuse_if_too_large"]


def is_sparse(X: Any) -> bool:
    """Whether `X` is a sparse matrix or array of SciPy's, of any format."""
    return bool(issparse(X))


class SparseColumns(Mapping[str, np.ndarray]):
    """Columns "0", "1" … of a sparse matrix, (rows,) each; only one need be dense at a time.

    Parameters
    ----------
    matrix : scipy.sparse.csc_array of shape (rows, columns)

    Attributes
    ----------
    rows : int

    Examples
    --------
    >>> from scipy.sparse import csr_array
    >>> SparseColumns.read(csr_array([[0, 2], [3, 0]]))["1"].tolist()
    [2, 0]
    """

    def __init__(self, matrix: Any) -> None:
        self._matrix = matrix
        self.rows, self._count = matrix.shape

    @classmethod
    def read(cls, X: Any) -> Self:
        """The columns of a sparse matrix in any of SciPy's formats.

        Raises
        ------
        DataError
            If it has no rows or columns, or an entry is infinite or no number.
        """
        if X.ndim != 2 or not X.shape[0] or not X.shape[1]:
            raise DataError(f"X has shape {X.shape}: expected a table, (rows, columns).")
        if X.dtype.kind == "c":
            raise DataError(
                f"Complex data not supported: X has type {X.dtype}, give real and imaginary parts."
            )
        if X.dtype.kind not in "fiub":
            raise DataError(f"X has type {X.dtype}: expected numbers.")
        matrix = X.tocsc()
        infinite = np.flatnonzero(np.isinf(matrix.data))
        if len(infinite):
            column = int(np.searchsorted(matrix.indptr, infinite[0], side="right")) - 1
            raise DataError(
                f"column '{column}' is infinite in row {matrix.indices[infinite[0]]} (counted from "
                f"0): give a number or leave it empty."
            )
        return cls(matrix)

    def __getitem__(self, name: str) -> np.ndarray:
        return self._matrix[:, [int(name)]].toarray()[:, 0]

    def __iter__(self) -> Iterator[str]:
        return map(str, range(self._count))

    def __len__(self) -> int:
        return self._count


def refuse_if_too_large(rows: int, width: int, columns: Mapping[str, Any]) -> None:
    """Refuse a sparse table whose encoding, (rows, width) float32, exceeds the memory there is.

    Raises
    ------
    DataError
        Naming both sizes.
    """
    if isinstance(columns, SparseColumns) and 4 * rows * width > memory():
        raise DataError(
            f"X is sparse, and networks read dense rows: {rows} rows of {width} numbers take "
            f"{4 * rows * width / 2**30:.3g} GiB, this computer has {memory() / 2**30:.3g} GiB. "
            f"Give fewer rows, or fewer columns by TruncatedSVD or SelectKBest of scikit-learn."
        )


def memory() -> float:
    """Bytes of this computer's memory; infinity where the system does not say."""
    try:
        return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, ValueError, OSError):  # Windows has no sysconf
        return float("inf")
