"""
The adaptive rules as the notes print them
==========================================

*Row E4 · E5 · E6, notes 002, 003*

Text 002 puts ε under the root, text 003 beside it (but for AdaGrad):

.. math::

   θ ← θ - η g / √(G + ε) or θ ← θ - η g / (√G + ε)

And there are three Adams. Published, with powers; 002, whose powers got lost; 003, without any
correction:

.. math::

   m̂ = m/(1 - β_1^t), v̂ = v/(1 - β_2^t)

.. math::

   m̂ = m/(1 - β_1), v̂ = v/(1 - β_2)

.. math::

   m̂ = m, v̂ = v

All of them are options of chainrule, so we can see what the difference is.
"""

from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.plots import optimizer_path

forms = {
    "published": cr.Adam(0.01),
    "003, no correction": cr.Adam(0.01, bias_correction="none"),
    "002, as printed": cr.Adam(0.01, bias_correction="as printed", epsilon_place="inside"),
}
for name, rule in forms.items():
    print(f"{name:<19} {rule.equation}")

# %%
# A gradient that never changes, g = 1, shows how long each step is. Published, every step is η: m̂
# and √v̂ are both 1 from the first. Without correction m starts at 1 - β₁ and √v at √(1 - β₂);
# their quotient is 0.1/√0.001 = 3.16, and it takes thousands of steps to become 1. The form of 002
# divides all this by 3.16, for ever: it begins at η, doubles, and ends at a third of it.

steps = {
    name: -np.diff(optimizer_path(rule, np.ones_like, [0.0], 4000).ravel()) / 0.01
    for name, rule in forms.items()
}
shown = (1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 100, 1000, 4000)
print("step                " + "".join(f"{t:>6}" for t in shown))
for name, lengths in steps.items():
    print(f"{name:<20}" + "".join(f"{lengths[t - 1]:>6.2f}" for t in shown))
assert np.allclose(steps["published"], 1, atol=1e-6)
assert np.allclose(steps["003, no correction"][0], 0.1 / 0.001**0.5, rtol=1e-5)

# %%
# Where ε stands matters when gradients are small. Here ε = 1e-8. Beside the root it is compared
# with g itself; under the root √ε = 1e-4 is, and what is smaller hardly moves. The first step of
# rate 1:

print("g        AdaGrad beside   under   RMSprop beside   under")
for g in (1e-2, 1e-4, 1e-6):
    print(f"{g:<8g}", end="")
    for kind in (cr.AdaGrad, cr.RMSprop):
        for place, width in (("outside", 15), ("inside", 8)):
            rule = kind(1.0, epsilon=1e-8, epsilon_place=place)
            path = optimizer_path(rule, lambda w, g=g: np.full_like(w, g), [0.0], 1)
            print(f"{-path[1, 0]:>{width}.4f}", end="")
    print()

# %%
# Momentum as 003 writes it, v ← μv - αg and x ← x + v, only has the sign of v turned round. The
# same ten steps in the valley ½(a² + 25 b²):


def walk(rule, steps):
    return optimizer_path(rule, lambda w: np.array([1, 25]) * w, [4.0, 1.0], steps)


turned = walk(cr.Momentum(0.03, momentum=0.6, velocity="added"), 10)
print("largest difference:", np.abs(turned - walk(cr.Momentum(0.03, momentum=0.6), 10)).max())
assert np.allclose(turned, walk(cr.Momentum(0.03, momentum=0.6), 10), rtol=1e-12)

# %%
# Left, the lengths of Adam's steps under the constant gradient. Right, its three forms in the
# valley, the first ten steps marked: without correction they soon leap over the bottom.

fig, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained")
for name, lengths in steps.items():
    left.loglog(np.arange(1, 4001), lengths, label=name)
left.set(xlabel="step", ylabel="length of the step / η")
left.legend()
a, b = np.meshgrid(np.linspace(-1.5, 4.5, 150), np.linspace(-1.2, 1.2, 100))
right.contour(a, b, 0.5 * (a**2 + 25 * b**2), levels=np.geomspace(0.05, 20, 10), cmap="Greys_r")
for name, rule in forms.items():
    path = walk(replace(rule, learning_rate=0.1), 60)
    (line,) = right.plot(*path.T, lw=1, label=name)
    right.plot(*path[:11].T, "o", color=line.get_color(), ms=4)
right.set(xlabel="a", ylabel="b")
right.legend()

# %%
# **What to try.** β₂ = 0.99. How far off are the two other forms now, and for how long?
