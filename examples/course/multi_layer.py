"""
Layers, and a network drawn as a graph
======================================

*Row A6, notes 000, 001, 003*

Several neurons that read the same inputs are a **layer**; a layer that reads another layer's
outputs makes the network deep. In matrix form each layer is two lines:

.. math::

   z^k = W^k y^{k-1} + b^k

.. math::

   y^k = f(z^k)

Signals go one way, from the inputs to the outputs: a directed graph without cycles. The data say
how wide its ends are: as many inputs as features, as many outputs as classes.
"""

from itertools import pairwise

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris

import chainrule as cr

iris = load_iris()
X = (iris.data - iris.data.mean(0)) / iris.data.std(0)
widths = [X.shape[1], 5, 4, len(iris.target_names)]
print("widths:", widths)

net = cr.Network(
    [*(cr.Dense(units, "tanh") for units in widths[1:-1]), cr.Dense(widths[-1])],
    "cross_entropy",
    input_shape=widths[0],
)
for name, values in net.parameters.items():
    print(f"{name:>9} {values.shape!s:>7}  {values.size:>3} numbers")
print("together", net.n_parameters)
assert net.n_parameters == sum((a + 1) * b for a, b in pairwise(widths))

# %%
# Each width adds (inputs + 1) × units numbers, the 1 being the **bias node** that always puts out
# 1. What the network computes, layer by layer:

print(net.explain().split("     Err")[0])
history = cr.train(net, X, iris.target, optimizer=cr.Adam(0.02), epochs=60)
print(history)
assert history.metric[-1] > 0.95

# %%
# The trained network as a graph. Red weights are positive, blue ones negative, thick ones large.

fig, ax = plt.subplots(figsize=(9, 4.5), layout="constrained")
places = [[(k, (n - 1) / 2 - i) for i in range(n)] for k, n in enumerate(widths)]
for k, (left, right) in enumerate(pairwise(places)):
    weight = net.parameters[f"{k}.weight"]
    scale = np.abs(weight).max()
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            strength = weight[i, j] / scale
            color = "C3" if strength > 0 else "C0"
            ax.plot(*zip(a, b, strict=True), color=color, lw=4 * abs(strength), zorder=1)
for k, layer in enumerate(places):
    ax.scatter(*zip(*layer, strict=True), s=500, c="white", edgecolors="k", zorder=2)
    for i, place in enumerate(layer):
        ax.annotate(f"$y^{k}_{i + 1}$", place, ha="center", va="center")
for place, name in zip(places[0], iris.feature_names, strict=True):
    ax.annotate(name, place, xytext=(-18, 0), textcoords="offset points", ha="right", va="center")
for place, name in zip(places[-1], iris.target_names, strict=True):
    ax.annotate(name, place, xytext=(18, 0), textcoords="offset points", va="center")
ax.set(xlim=(-0.8, len(widths) - 0.5), xticks=range(len(widths)), xlabel="layer k", yticks=[])
ax.spines[:].set_visible(False)

# %%
# **What to try.** Put 50 and 40 in place of 5 and 4: how many parameters now, and where are most of
# them?
