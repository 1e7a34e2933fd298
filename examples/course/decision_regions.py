"""
What each hidden layer adds
===========================

*Row A7, notes 000*

The notes compare networks by the regions they can cut out of the plane:

- no hidden layer: one line, two half-planes;
- one hidden layer: each hidden unit is a line, together they bound convex regions;
- two hidden layers: regions of regions, any shape.

.. math::

   y = f(W^3 f(W^2 f(W^1 x + b^1) + b^2) + b^3)

We give all three the same two problems: the clouds of XOR, and two spirals wound into each other.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.plots import DecisionRegionsDisplay

rng = np.random.default_rng(0)
corners = np.array([[0, 0], [1, 1], [0, 1], [1, 0]])
clouds = np.repeat(corners, 60, axis=0) + rng.normal(0, 0.14, size=(240, 2))
t = rng.uniform(size=240)
angle = 2.6 * np.pi * t + np.repeat([0, np.pi], 120)
spirals = (0.4 + 2 * t[:, None]) * np.c_[np.cos(angle), np.sin(angle)]
problems = {"XOR": clouds, "spirals": spirals + rng.normal(0, 0.06, size=(240, 2))}
labels = np.repeat([0, 1], 120)
nets = {"no hidden layer": [], "one hidden layer": [4], "two hidden layers": [16, 16]}

# %%
# Every network is trained in the same way. The share of points on the right side:

trained = {}
for problem, X in problems.items():
    for depth, hidden in nets.items():
        layers = [*(cr.Dense(units, "tanh") for units in hidden), cr.Dense(2)]
        net = cr.Network(layers, "cross_entropy", input_shape=2, seed=1)
        cr.train(net, X, labels, optimizer=cr.Adam(0.02), batch_size=60, epochs=500)
        accuracy = net.evaluate(X, labels)["accuracy"]
        print(f"{problem:>7}, {depth:<17} {accuracy:.3f}")
        trained[problem, depth] = net, accuracy

# %%
# Without a hidden layer XOR is hopeless. Four hidden units solve it but cannot follow the spirals;
# two hidden layers can.

assert trained["XOR", "no hidden layer"][1] < 0.8
assert trained["XOR", "one hidden layer"][1] > 0.98
assert trained["spirals", "two hidden layers"][1] > 0.98
fig, axes = plt.subplots(2, 3, figsize=(10, 6.4), layout="constrained")
for ax, ((problem, depth), (net, accuracy)) in zip(axes.flat, trained.items(), strict=True):
    DecisionRegionsDisplay.from_model(net, problems[problem], labels).plot(ax)
    ax.set_title(f"{depth}: {accuracy:.0%}", loc="left")
    ax.set(xlabel="$x_1$", ylabel="$x_2$")
    ax.get_legend().remove()

# %%
# **What to try.** Give the single hidden layer 40 units. It follows the spirals too: enough units
# make up for a missing layer. How few will do?
