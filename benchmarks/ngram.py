"""The n-gram model: what a recurrent network has to beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np

__all__ = ["NGram"]


@dataclass(frozen=True)
class _Level:
    """Counts of the grams of one length, and what its contexts give to the next shorter one.

    A gram is a whole number, its tokens the digits; its context is the number without the last.
    """

    grams: np.ndarray
    discounted: np.ndarray
    contexts: np.ndarray
    totals: np.ndarray
    shares: np.ndarray

    def interpolate(self, grams: np.ndarray, words: int, shorter: np.ndarray) -> np.ndarray:
        """(c − D)/total + share · shorter for each gram, (n,); `shorter` where nothing is known."""
        context, known = _find(self.contexts, grams // words)
        place, seen = _find(self.grams, grams)
        own = np.where(seen, self.discounted[place], 0) / self.totals[context]
        return np.where(known, own + self.shares[context] * shorter, shorter)


class NGram:
    """An interpolated Kneser-Ney model with three discounts (Chen & Goodman 1998).

    P(w | h) = (c(hw) − D)/c(h) + γ(h) P(w | h without its first token). D depends on whether c is
    1, 2 or more and comes from how many grams occur once, twice, … . The shorter grams are counted
    by how many different tokens precede them, not by how often they occur. At the bottom every
    token has the same probability, so none has probability 0.

    Parameters
    ----------
    order : int
        Tokens of a gram: 3 for a trigram model.
    words : int
        Size of the vocabulary; tokens are whole numbers from 0 to words − 1.

    Examples
    --------
    >>> model = NGram(order=2, words=2).fit(np.array([0, 1, 0, 1, 0, 1, 0, 1]))
    >>> model.next(np.array([0])).round(2).tolist()
    [0.06, 0.94]
    """

    def __init__(self, order: int, words: int) -> None:
        if order < 1 or words**order >= 2**62:
            raise ValueError(
                f"order = {order} with {words} words: expected 1 or more, and a gram in 62 bits."
            )
        self.order, self.words = order, words
        self._levels: list[_Level] = []

    def fit(self, tokens: np.ndarray) -> Self:
        """Count the grams of a text, (n,)."""
        grams, counts = np.unique(self._grams(tokens), return_counts=True)
        levels = [_level(grams, counts, self.words)]
        for length in range(self.order - 1, 0, -1):
            grams, counts = np.unique(grams % self.words**length, return_counts=True)
            levels.append(_level(grams, counts, self.words))
        self._levels = levels[::-1]
        return self

    def probabilities(self, tokens: np.ndarray) -> np.ndarray:
        """P of each token after the `order` − 1 before it: (n,) to (n − order + 1,)."""
        return self._of(self._grams(tokens))

    def perplexity(self, tokens: np.ndarray) -> float:
        """The exponential of the mean of −log P over a text, (n,)."""
        return float(np.exp(-np.log(self.probabilities(tokens)).mean()))

    def next(self, context: np.ndarray) -> np.ndarray:
        """The distribution of the token after a context of `order` − 1 tokens or more, (words,)."""
        if len(context) < self.order - 1:
            raise ValueError(f"context has {len(context)} tokens: give {self.order - 1} or more.")
        context = np.asarray(context, np.int64)[len(context) - self.order + 1 :]
        start = int(context @ self.words ** np.arange(len(context))[::-1]) * self.words
        return self._of(start + np.arange(self.words))

    def _grams(self, tokens: np.ndarray) -> np.ndarray:
        windows = np.lib.stride_tricks.sliding_window_view(tokens.astype(np.int64), self.order)
        return windows @ self.words ** np.arange(self.order)[::-1]

    def _of(self, grams: np.ndarray) -> np.ndarray:
        p = np.full(len(grams), 1 / self.words)
        for length, level in enumerate(self._levels, 1):
            p = level.interpolate(grams % self.words**length, self.words, p)
        return p


def _level(grams: np.ndarray, counts: np.ndarray, words: int) -> _Level:
    cut = np.concatenate([[0.0], _discounts(counts)])[np.minimum(counts, 3)]
    contexts, where = np.unique(grams // words, return_inverse=True)
    totals, lost = np.bincount(where, counts), np.bincount(where, cut)
    return _Level(grams, counts - cut, contexts, totals, lost / totals)


def _discounts(counts: np.ndarray) -> np.ndarray:
    """D for counts of 1, 2 and more, (3,); a half where too few grams are rare to tell."""
    rare = np.bincount(np.minimum(counts, 5), minlength=6)[1:5].astype(float)
    if not rare.all():
        return np.full(3, 0.5)
    y = rare[0] / (rare[0] + 2 * rare[1])
    k = np.arange(1, 4)
    return np.clip(k - (k + 1) * y * rare[1:] / rare[:-1], 0, k)


def _find(known: np.ndarray, wanted: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Place of each number in a sorted array, and whether it is there."""
    place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
    return place, known[place] == wanted
