"""
A rate for each weight: AdaGrad, RMSprop, Adam
==============================================

*Row E4 · E5 · E6, notes 002, 003*

In a narrow valley one rate is too large for one weight and too small for the other. Adaptive
methods divide each weight's step by the size of its own past gradients. AdaGrad sums their
squares, so its steps only get shorter:

.. math::

   G ← G + g^2, θ ← θ - η g / (√G + ε)

RMSprop forgets:

.. math::

   G ← β G + (1 - β) g^2, θ ← θ - η g / (√G + ε)

Adam adds momentum, and corrects both means for having started at zero (Kingma and Ba; with powers
of β, see the errata):

.. math::

   m̂ = m / (1 - β_1^t), v̂ = v / (1 - β_2^t), θ ← θ - η m̂ / (√v̂ + ε)
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.plots import optimizer_path


def gradient(w):
    return np.array([1, 25]) * w  # of the valley ½(a² + 25 b²)


optimizers = {
    "SGD": cr.SGD(0.07),
    "AdaGrad": cr.AdaGrad(0.5),
    "RMSprop": cr.RMSprop(0.1),
    "Adam": cr.Adam(0.2),
}
paths = {
    name: optimizer_path(optimizer, gradient, [4.0, 1.0], 80)
    for name, optimizer in optimizers.items()
}
for name, path in paths.items():
    print(f"{name:>8}: first step {path[1] - path[0]}, after 80 steps {path[-1].round(4)}")

# %%
# Look at the first step. For SGD it is 25/4 times as long in b as in a, as is the gradient. For
# AdaGrad, RMSprop and Adam both parts are equally long: only the sign of the gradient is left.

for name in ("AdaGrad", "RMSprop", "Adam"):
    first = paths[name][1] - paths[name][0]
    assert np.isclose(first[0], first[1], rtol=1e-5)

# %%
# Adam written out once more, to see that nothing is hidden:

w, m, v = np.array([4.0, 1.0]), 0.0, 0.0
for t in range(1, 81):
    g = np.array([1, 25]) * w
    m, v = 0.9 * m + 0.1 * g, 0.999 * v + 0.001 * g**2
    w = w - 0.2 * (m / (1 - 0.9**t)) / (np.sqrt(v / (1 - 0.999**t)) + 1e-8)
print("written out", w, " chainrule", paths["Adam"][-1])
assert np.allclose(w, paths["Adam"][-1], rtol=1e-9)

# %%
# The walks, and the loss along them. None is the best everywhere. SGD with a well-chosen rate
# swings in b but gets along; RMSprop and Adam are fast at first and then tremble near the bottom,
# because their steps do not shrink with the gradient.

fig, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
a, b = np.meshgrid(np.linspace(-1, 4.3, 150), np.linspace(-0.8, 1.2, 100))
levels = np.geomspace(0.02, 20, 12)
axes[0].contour(a, b, 0.5 * (a**2 + 25 * b**2), levels=levels, cmap="Greys_r", alpha=0.5)
for name, path in paths.items():
    axes[0].plot(*path.T, ".-", ms=4, label=name)
    axes[1].semilogy(0.5 * (path**2 @ [1, 25]), label=name)
axes[0].set(xlabel="a", ylabel="b")
axes[1].set(xlabel="step", ylabel="loss", ylim=(1e-7, 40))
axes[1].legend()

# %%
# **What to try.** Start Adam without the correction, as text 003 prints it: replace both
# divisions by 1. How long is its first step now?
