"""Several short epochs in one call.

Where an epoch takes tens of microseconds, returning to Python after each would take longer, and
threads that train side by side would wait for Python's lock. So the machine goes on to the next
epoch itself. What Python has to know, it finds afterwards: the sums of each epoch, and copies of
the parameters as each has left them.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from chainrule.engines.base import Epochs, Totals, aligned
from chainrule.engines.compiled import control as word
from chainrule.engines.compiled.lowering.binding import first_byte
from chainrule.engines.compiled.store import KernelKey, addresses
from chainrule.engines.compiled.team import CALL

if TYPE_CHECKING:
    from chainrule.engines.compiled.session import CompiledSession

__all__ = ["Series", "most_epochs"]

_MOST_EPOCHS = 512
_MOST_BYTES = 1 << 20  # of copies: what is written there should not push all else from the caches


def most_epochs(watched: Sequence[np.ndarray]) -> int:
    """How many may run in a row: that many copies of the parameters are made."""
    return min(_MOST_EPOCHS, _MOST_BYTES // max(1, sum(array.nbytes for array in watched)))


class Series:
    """Epochs of a session in a row, on one core.

    Parameters
    ----------
    session : CompiledSession
    held_out : CompiledSession, optional
        Validates after each epoch.
    watched : sequence of ndarray
        Parameters to copy after each epoch, contiguous each.
    """

    def __init__(
        self,
        session: CompiledSession,
        held_out: CompiledSession | None,
        watched: Sequence[np.ndarray],
    ) -> None:
        self._session, self._held_out, self._watched = session, held_out, watched
        self.most = most_epochs(watched)
        self._results = np.empty((0, 2, word.SUMS))
        names = ("epochs", "machine", "shuffle")
        epochs, machine, shuffle = addresses(KernelKey(name, "") for name in names).values()
        self._run = CALL(epochs)
        self._series = aligned(word.SERIES, np.int64)
        self._series[word.MACHINE], self._series[word.SHUFFLE] = machine, shuffle
        self._series[word.COPIED] = len(watched)
        self._series[word.MINIBATCHES] = session.batches.per_epoch

    def run(self, first: int, shuffle: bool, rates: np.ndarray, strengths: np.ndarray) -> Epochs:
        """Epochs from number `first` on; one whose loss is not finite ends them.

        Parameters
        ----------
        first : int
        shuffle : bool
        rates, strengths : ndarray of float64, (epochs, minibatches)
        """
        count, batches = len(rates), self._session.batches
        if count > len(self._results):
            self._make_room(count)
        series = self._series
        rates, strengths = (np.ascontiguousarray(x, np.float64) for x in (rates, strengths))
        keys = np.array([batches.shuffle_key(first + k) for k in range(count)], np.int64)
        series[word.EPOCHS] = count
        series[word.KEYS] = first_byte(keys) if shuffle else 0
        series[word.FIRST_RATES], series[word.FIRST_STRENGTHS] = map(first_byte, (rates, strengths))
        series[word.TRAINING] = self._session.ready(shuffle)
        series[word.HELD_OUT] = self._held_out.ready(shuffle=False) if self._held_out else 0
        self._run(first_byte(series))
        made = int(series[word.MADE])
        training, held_out = self._results[:made].transpose(1, 0, 2).tolist()
        return Epochs(
            [_totals(self._session, sums) for sums in training],
            [_totals(self._held_out, sums) for sums in held_out] if self._held_out else [],
            [copies[:made] for copies in self._copies],
            self._session.totals.batches if made < count else None,
        )

    def _make_room(self, epochs: int) -> None:
        """For what so many epochs leave."""
        self._results = np.empty((epochs, 2, word.SUMS))
        self._copies = [np.empty((epochs, *array.shape), array.dtype) for array in self._watched]
        pairs = zip(self._watched, self._copies, strict=True)
        table = [(first_byte(a), first_byte(copy), a.nbytes // 4) for a, copy in pairs]
        self._table = np.array(table, np.int64)
        self._series[word.RESULTS] = first_byte(self._results)
        self._series[word.COPIES] = first_byte(self._table)


def _totals(session: CompiledSession, sums: Sequence[float]) -> Totals:
    loss, weight, metric, penalty, *_ = sums
    return Totals(loss, weight, metric, penalty, session.batches.per_epoch)
