"""
A ReLU network is linear, piece by piece
========================================

*Row A9, notes 002*

A ReLU either passes its sum on or is silent. As long as no unit changes its mind, the whole
network is one linear map:

.. math::

   h_L = A x + c

.. math::

   A = W_L D_{L-1} W_{L-1} ⋯ D_1 W_1, D_k = diag(0 or 1)

The D are those of the notes' backward pass: the slopes of the units. Where a unit switches, another
A begins: the plane is cut into regions.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import make_moons

import chainrule as cr
from chainrule.plots import LinearRegionsDisplay

X, d = make_moons(300, noise=0.15, random_state=0)
X = X - X.mean(axis=0)
layers = [cr.Dense(8, "relu"), cr.Dense(8, "relu"), cr.Dense(1)]
net = cr.Network(layers, "binary_cross_entropy", input_shape=2, dtype="float64", seed=0)
history = cr.train(net, X, d, optimizer=cr.Adam(0.01), epochs=60, seed=0)
print(f"accuracy {history.metric[-1]:.3f}")

# %%
# Of the first 40 rows we take the one that is farthest from the border of its region.

x = max(X[:40], key=lambda row: cr.local_linear_map(net, row).margin)
local = cr.local_linear_map(net, x)
print("A =", local.A.round(4), " c =", local.c.round(4), f" margin = {local.margin:.4f}")
print("A x + c =", local(x), " network:", net.predict(x[None])[0])

# %%
# By hand: put the units' slopes, 0 or 1, between the weight matrices. chainrule's weights are
# (inputs, units), the notes' W transposed, so the product is read from the other side.

W = [net.parameters[f"{k}.weight"] for k in range(3)]
b = [net.parameters[f"{k}.bias"] for k in range(3)]
D_1 = np.diag((x @ W[0] + b[0] > 0).astype(float))
D_2 = np.diag(((x @ W[0] + b[0]) @ D_1 @ W[1] + b[1] > 0).astype(float))
A = W[0] @ D_1 @ W[1] @ D_2 @ W[2]
print(f"{D_1.trace():.0f} and {D_2.trace():.0f} of 8 units are on; A by hand:", A.ravel().round(4))
assert np.allclose(A.T, local.A)

# %%
# This is no approximation. As far as ``margin`` in every direction the map is the network, but for
# rounding; a little farther and it need not be.

rng = np.random.default_rng(0)
directions = rng.normal(size=(5000, 2))
directions /= np.linalg.norm(directions, axis=1, keepdims=True)
for share in (0.5, 0.99, 1.5, 3):
    points = x + share * local.margin * directions
    error = np.abs(net.predict(points) - local(points)).max()
    print(f"{share:>4} margins away: largest difference {error:.1e}", end=", ")
    print(f"{local.contains(points).mean():.0%} of the points in the region")
    assert (error < 1e-12) == (share < 1)

# %%
# All regions, with the point and its circle. And a walk through the point from left to right: the
# network's score is a line with kinks, the local map one of its pieces made longer.

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
display = LinearRegionsDisplay.from_network(net, (-2, 2, -1.2, 1.2), x=x).plot(ax=left)
left.scatter(*X.T, c=d, cmap="coolwarm", s=6)
walk = np.c_[np.linspace(-2, 2, 600), np.full(600, x[1])]
right.plot(walk[:, 0], net.predict(walk), label="network")
right.plot(walk[:, 0], local(walk), "--", label="A x + c")
right.axvspan(x[0] - local.margin, x[0] + local.margin, color="0.85", label="within the margin")
right.plot(*x[:1], net.predict(x[None]).ravel(), "ko")
right.set(xlabel="$x_1$", ylabel="score", ylim=(-30, 20))
right.legend()
print("regions in the picture:", display.found.count)

# %%
# Depth can make many pieces out of few units. One hidden layer of n units on one input has at most
# n + 1 pieces. Two units fold the line between 0 and 1 in the middle and stretch it again; each
# further pair folds what is folded already:
#
# .. math::
#
#    t(x) = 2 max(0, x) - 4 max(0, x - ½)

grid = np.linspace(0, 1, 257)[:, None]  # the kinks are among these points
for folds in range(1, 7):
    layers = [*(cr.Dense(2, "relu") for _ in range(folds)), cr.Dense(1)]
    folded = cr.Network(layers, input_shape=1, dtype="float64", engine="reference")
    for k in range(folds + 1):
        first, last = k == 0, k == folds
        into = np.ones((1, 2)) if first else np.array([[2, 2], [-4, -4]])
        folded.parameters[f"{k}.weight"][:] = into[:, :1] if last else into
        folded.parameters[f"{k}.bias"][:] = 0 if last else (0, -0.5)
    slopes = np.diff(folded.predict(grid).ravel())
    pieces = 1 + np.count_nonzero(np.diff(slopes))
    units = 2 * folds
    print(f"{units:>2} units, in pairs: {pieces:>2} pieces; in one layer at most {units + 1}")
    assert pieces == 2**folds

# %%
# **What to try.** Use "tanh" in place of "relu" and ask for the map; then "hard_tanh".
