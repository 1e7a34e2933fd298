"""Text as tokens: characters as whole numbers, and windows that continue each other."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from chainrule.errors import DataError

__all__ = ["Alphabet", "Windows", "windows"]


@dataclass(frozen=True)
class Alphabet:
    """The characters of a language, each with its number.

    Parameters
    ----------
    symbols : str
        Each character once.

    Examples
    --------
    >>> letters = Alphabet.of("banana")
    >>> letters.symbols, letters.encode("nab").tolist()
    ('abn', [2, 0, 1])
    """

    symbols: str

    def __post_init__(self) -> None:
        if not self.symbols or len(set(self.symbols)) != len(self.symbols):
            raise DataError(f"alphabet {self.symbols!r}: give each character once, at least one.")

    @classmethod
    def of(cls, text: str) -> Alphabet:
        """The characters of a text, in the order of their code points."""
        return cls("".join(sorted(set(text))))

    def __len__(self) -> int:
        return len(self.symbols)

    @cached_property
    def _table(self) -> np.ndarray:
        """Code point -> number, −1 where there is none."""
        codes = np.array([ord(s) for s in self.symbols])
        table = np.full(int(codes.max()) + 1, -1, np.int64)
        table[codes] = np.arange(len(codes))
        return table

    def encode(self, text: str) -> np.ndarray:
        """Tokens of a text, (characters,) int64.

        Raises
        ------
        DataError
            Naming the first character that is outside the alphabet, and its place.
        """
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32).astype(np.int64)
        known = codes < len(self._table)
        tokens = np.where(known, self._table[np.where(known, codes, 0)], -1)
        if (tokens < 0).any():
            place = int(np.argmax(tokens < 0))
            raise DataError(
                f"character {text[place]!r} at place {place} is not among the {len(self)} that the "
                f"model knows: leave it out, or fit with alphabet= that has it."
            )
        return tokens

    def decode(self, tokens: np.ndarray) -> str:
        """The text of tokens (n,)."""
        return "".join(self.symbols[int(token)] for token in tokens)


@dataclass(frozen=True)
class Windows:
    """A text cut for truncated back-propagation through time.

    Attributes
    ----------
    inputs, targets : ndarray of int64, (batches · streams, steps)
        Row k of a batch continues row k of the batch before; a target is the next character.
    streams : int
        Rows of a batch.
    """

    inputs: np.ndarray
    targets: np.ndarray
    streams: int


def windows(tokens: np.ndarray, steps: int, streams: int) -> Windows:
    """Cut tokens (n,) into parallel streams, and each stream into windows of so many steps.

    What does not fill a last window of every stream is left out.

    Raises
    ------
    DataError
        If the text is too short for one batch.

    Examples
    --------
    >>> import numpy as np
    >>> cut = windows(np.arange(9), steps=2, streams=2)
    >>> cut.inputs.tolist(), cut.targets.tolist()
    ([[0, 1], [4, 5], [2, 3], [6, 7]], [[1, 2], [5, 6], [3, 4], [7, 8]])
    """
    batches = (len(tokens) - 1) // (steps * streams)
    if batches < 1:
        raise DataError(
            f"the text has {len(tokens)} characters, one batch of {streams} streams with {steps} "
            f"steps needs {steps * streams + 1}: give more text, or fewer streams or steps."
        )
    length = batches * steps

    def cut(first: int) -> np.ndarray:
        whole = tokens[first : first + length * streams].reshape(streams, batches, steps)
        return np.ascontiguousarray(whole.swapaxes(0, 1)).reshape(batches * streams, steps)

    return Windows(cut(0), cut(1), streams)
