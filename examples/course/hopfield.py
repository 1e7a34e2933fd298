"""
A memory of letters: the Hopfield network
=========================================

*Row A10, notes 000*

The notes name Hopfield's network of 1982 as one of the two works that brought neural networks
back, and put it off. Its units all read each other. Patterns ξ of ±1 are stored in the weights in
one go (Hebb's rule), and a unit then follows its weighted sum:

.. math::

   W = ∑_μ ξ^μ (ξ^μ)^T, w_{ii} = 0

.. math::

   s_i ← sgn(∑_j w_{ij} s_j)

No step raises the energy, so it comes to rest in a valley. The valleys are the memories.

.. math::

   E = -½ s^T W s
"""

import matplotlib.pyplot as plt
import numpy as np

from chainrule.estimators import Hopfield, capacity

FONT = {
    "A": ".###.#...##...#######...##...##...#",
    "J": "..###...#....#....#....#.#..#..##..",
    "X": "#...##...#.#.#...#...#.#.#...##...#",
    "T": "#####..#....#....#....#....#....#..",
}
letters = np.array([[1 if dot == "#" else -1 for dot in shape] for shape in FONT.values()])
memory = Hopfield(random_state=0).fit(letters)
print("stored letters at rest:", (memory.recall(letters) == letters).all(axis=1))
print("energy of each:", memory.energy(letters))
assert (memory.recall(letters) == letters).all()

# %%
# Seven of the 35 dots of each letter are turned round. Then every unit, one after the other in
# random order, looks at the others, until nothing changes:

rng = np.random.default_rng(3)
corrupted = letters.copy()
for row in corrupted:
    row[rng.choice(35, size=7, replace=False)] *= -1
recalled = memory.recall(corrupted)
for letter, row, stored in zip(FONT, recalled, letters, strict=True):
    print(f"{letter}: {(row != stored).sum()} of 35 dots wrong")


def descent(state):
    """The energy before each unit's turn, in order, until a whole round changes nothing."""
    state, energies, before = state.copy(), [], None
    while before is None or (state != before).any():
        before = state.copy()
        for unit in rng.permutation(35):
            energies.append(memory.energy(state[None]).item())
            state[unit] = 1 if memory.weights_[unit] @ state >= 0 else -1
    return energies


paths = {letter: descent(row) for letter, row in zip(FONT, corrupted, strict=True)}
print("largest rise of the energy in one step:", max(max(np.diff(path)) for path in paths.values()))
assert all((np.diff(path) <= 0).all() for path in paths.values())

# %%
# Stored, corrupted, recalled.

fig, axes = plt.subplots(3, 4, figsize=(6, 6.4), layout="constrained")
for row, (name, states) in zip(
    axes, {"stored": letters, "corrupted": corrupted, "recalled": recalled}.items(), strict=True
):
    row[0].set_ylabel(name)
    for ax, state in zip(row, states, strict=True):
        ax.imshow(state.reshape(7, 5), cmap="Greys")
        ax.set(xticks=[], yticks=[])

# %%
# How many patterns fit? Each adds a murmur to the sums of all others. The table says what share of
# random stored patterns is held: recall, started from the pattern itself, ends with at most 5 % of
# its dots turned round. In the limit of many units the memory collapses at 0.138 patterns a unit
# (Amit, Gutfreund and Sompolinsky 1985). Networks as small as these do not collapse there; they
# begin to forget, and the more units, the steeper the fall that follows.

loads = [0.05, 0.1, 0.138, 0.16, 0.2, 0.25, 0.3]
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
for letter, path in paths.items():
    left.plot(path, label=letter)
left.set(xlabel="units that have looked", ylabel="energy E")
left.legend()
print("share of the stored patterns that are held")
print("patterns per unit", *loads, sep="  ")
for n in (50, 100, 200):
    held = capacity(n, loads, repeats=3000 // n, random_state=0)
    right.plot(loads, held, "o-", ms=4, label=f"{n} units")
    print(f"{n:>4} units:", *(f"{share:>7.0%}" for share in held))
assert held[0] == 1
assert held[-1] < 0.1
right.axvline(0.138, color="0.6", ls=":", label="0.138")
right.set(xlabel="patterns per unit", ylabel="share of the patterns held")
right.legend()

# %%
# **What to try.** Recall the negative of a letter, ``memory.recall(-letters)``. Why is it a memory
# as well? Then store more letters: which is the first to be lost?
