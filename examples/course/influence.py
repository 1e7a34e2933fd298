"""
Influence: the paths of the chain rule
======================================

*Row D4, notes 000*

x acts on y through each of :math:`g_1, …, g_m`. A small change of x changes all of them a little,
and each passes its share on. The distributed chain rule adds the shares up:

.. math::

   dy/dx = ∑_{i=1}^{m} ∂y/∂g_i · dg_i/dx

Do this again for each :math:`g_i`, and what is left is one product of slopes for each path through
the **influence diagram**, and the sum of these products. Back-propagation computes this sum without
ever listing the paths.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.influence import influence_paths

layers = [cr.Dense(2, "sigmoid"), cr.Dense(2, "sigmoid"), cr.Dense(1, "sigmoid")]
net = cr.Network(layers, input_shape=2, seed=3, engine="reference")
x, d = [1.0, -2.0], [1.0]

# %%
# From a weight of the first layer to the loss. The names are those of the tape, counted from 0:
# ``W1[0,1]`` is the weight from input 0 to unit 1 of layer 1. It acts on that unit alone, which
# acts on both units of layer 2: two paths.

found = influence_paths(net, x, "W1[0,1]", "L", y=d)
print(found)

# %%
# The sum is the derivative that back-propagation finds.

_, gradients = net.loss_and_gradients([x], [d])
print("back-propagation:", gradients["0.weight"][0, 1])
assert len(found.paths) == 2
assert np.isclose(found.derivative, gradients["0.weight"][0, 1], rtol=1e-12)

# %%
# An input acts through everything. Each factor :math:`∂y_j/∂z_j = σ'(z_j)` is at most 1/4: where
# the weight does not make up for it, a path grows weaker from layer to layer.

everything = influence_paths(net, x, "x[0]", "L", y=d)
print(everything)

# %%
# How many paths? One for each choice of a unit in each layer: the number grows with the product of
# the widths, while back-propagation visits every weight once.

for width, depth in ((2, 2), (5, 3), (10, 4), (100, 5)):
    weights = 2 * width + (depth - 1) * width**2 + width
    print(f"{depth} layers of {width:>3} units: {width**depth:>14,} paths, {weights:>6,} weights")

# %%
# The diagram of all paths from the first input. The thicker a line, the larger the share of the
# paths through it; blue raises the loss, red lowers it.

columns = ["x", "z1", "y1", "z2", "y2", "z3", "y3", "L"]
share: dict = {}
for path in everything.paths:
    for edge in zip(path.nodes, path.nodes[1:], strict=False):
        share[edge] = share.get(edge, 0) + path.product
fig, ax = plt.subplots(figsize=(13, 3.6), layout="constrained")


def place(node):
    name, _, index = node.partition("[")
    height = 0.5 if name in ("x", "z3", "y3", "L") else 1 - int(index.rstrip("]"))
    return columns.index(name), height


label = {"fc": "w", "ec": "none", "pad": 1}
largest = max(map(abs, share.values()))
for (start, end), value in share.items():
    (a, b), (c, e) = place(start), place(end)
    ax.plot([a, c], [b, e], "C0" if value > 0 else "C3", lw=1 + 8 * abs(value) / largest, zorder=1)
    part = 0.5 if b == e or a != 2 else 0.35
    at = a + part * (c - a), b + part * (e - b)
    ax.text(*at, f"{value:.1e}", fontsize=7, ha="center", va="center", bbox=label)
for node in {node for edge in share for node in edge}:
    ax.text(*place(node), node, ha="center", va="center", bbox={"boxstyle": "circle", "fc": "w"})
ax.set(xlim=(-0.4, 7.4), ylim=(-0.35, 1.35))
ax.set_axis_off()

# %%
# **What to try.** Take "relu" in place of "sigmoid". A unit that is off keeps its paths, but all
# their products are 0. For which x is :math:`∂L/∂x_0` carried by a single path?
