"""Random numbers as a function of (seed, step, place): every engine draws the same ones.

A counter-based generator needs no state, so dropout keeps no mask (the backward pass draws it
again), epochs can be repeated one by one, and threads may share the work. `mix` is a bijection
of 32 bits with low bias (constants by C. Wellons, "hash prospector", 2018).
"""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["MULTIPLIERS", "SHIFTS", "SHUFFLE_SALT", "bits", "key", "mix", "shuffled"]

MULTIPLIERS = (0x7FEB352D, 0x846CA68B)
SHIFTS = (16, 15, 16)
SHUFFLE_SALT = 0x5EED
_MASK = 0xFFFFFFFF


def mix(x: Any) -> Any:
    """Scramble whole numbers of 32 bits: int, or uint32 array of any shape."""
    x = x ^ (x >> SHIFTS[0])
    x = (x * MULTIPLIERS[0]) & _MASK
    x = x ^ (x >> SHIFTS[1])
    x = (x * MULTIPLIERS[1]) & _MASK
    return x ^ (x >> SHIFTS[2])


def key(seed: int, step: int, salt: int) -> int:
    """One 32-bit key for the draws of one purpose (`salt`) in one step."""
    return mix(mix(mix(seed & _MASK) ^ (step & _MASK)) ^ salt)


def bits(count: int, key: int) -> np.ndarray:
    """`count` random whole numbers of 32 bits, (count,) uint64 so that products stay exact."""
    return mix(mix(np.arange(count, dtype=np.uint64)) ^ np.uint64(key))


def shuffled(base: np.ndarray, key: int) -> np.ndarray:
    """A random permutation of `base`, (n,): Fisher and Yates, from the last place down."""
    order = base.copy()
    places = (bits(len(base), key) * np.arange(1, len(base) + 1, dtype=np.uint64)) >> np.uint64(32)
    for last in range(len(base) - 1, 0, -1):
        other = int(places[last])
        order[last], order[other] = order[other], order[last]
    return order
