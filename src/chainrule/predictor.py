"""`Predictor`: one row at a time, with nothing between the caller and the program."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from math import prod
from typing import Any

import numpy as np

from chainrule.data.matrices import as_tokens
from chainrule.engines import Session
from chainrule.errors import DataError

__all__ = ["Predictor"]


class Predictor:
    """Scores of single rows; made by `Network.predictor`.

    It may be called from several threads at once: each has memory of its own, and a call releases
    Python's lock while the program runs. With `out` a call allocates nothing. It follows the
    network's parameters as they change.

    Numbers are not checked: where an input is missing or infinite, so are scores. Tokens are.

    Parameters
    ----------
    session : callable
        From two matrices, (1, inputs) and (1, outputs), to a session that reads and writes them.
    input_shape, output_shape : tuple of int
    tokens : mapping of int to int
        Inputs that are tokens, and how many different ones there are.
    dtype : dtype

    Examples
    --------
    >>> import chainrule as cr, numpy as np
    >>> net = cr.Network([cr.Dense(2)], input_shape=(3,))
    >>> predict, scores = net.predictor(), np.empty(2, np.float32)
    >>> predict(np.array([0.0, 1.0, 2.0]), out=scores) is scores
    True
    """

    def __init__(
        self,
        session: Callable[[np.ndarray, np.ndarray], Session],
        input_shape: tuple[int, ...],
        output_shape: tuple[int, ...],
        tokens: Mapping[int, int],
        dtype: Any,
    ) -> None:
        self.input_shape, self.output_shape = input_shape, output_shape
        self._session, self._tokens, self._dtype = session, tokens, dtype
        self._thread = threading.local()

    def __call__(self, x: Any, out: np.ndarray | None = None) -> np.ndarray:
        """Scores of one row.

        Parameters
        ----------
        x : array-like of shape (inputs,) or input_shape
        out : ndarray of shape output_shape, optional
            Where to write the scores.

        Returns
        -------
        ndarray of shape output_shape
            `out` if given. Logits for the cross entropies, as those of `Network.predict`.

        Raises
        ------
        DataError
            If x has another shape, or a token is not in the vocabulary.
        """
        try:
            row, scores, again = self._thread.own
        except AttributeError:
            row, scores, again = self._thread.own = self._prepare()
        if self._tokens:
            x = as_tokens(np.reshape(x, (1, -1)), row.size, dict(self._tokens))[0]
        try:
            if x.shape != row.shape:
                x = self._flat(x)
        except AttributeError:
            x = self._flat(x)
        row[:] = x
        again()
        if out is None:
            return scores.copy()
        out[...] = scores
        return out

    def _prepare(self) -> tuple[np.ndarray, np.ndarray, Callable[[], None]]:
        """For the calling thread: a row (inputs,), its scores, and what makes them of it."""
        inputs = np.zeros((1, prod(self.input_shape)), self._dtype)
        scores = np.zeros((1, prod(self.output_shape)), self._dtype)
        session = self._session(inputs, scores)
        return inputs[0], scores.reshape(self.output_shape), session.again

    def _flat(self, x: Any) -> np.ndarray:
        """A row in another form, (inputs,)."""
        array = np.asarray(x)
        if array.shape not in (self.input_shape, (prod(self.input_shape),)):
            raise DataError(
                f"x has shape {array.shape}: expected one row of shape {self.input_shape}."
            )
        return array.reshape(-1)

    def __getstate__(self) -> dict[str, Any]:
        """Memory of threads stays behind."""
        return {name: value for name, value in self.__dict__.items() if name != "_thread"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.__dict__.update(state)
        self._thread = threading.local()
