"""
Neurons as logic gates
======================

*Row A3, notes 000*

McCulloch and Pitts (1943): a neuron adds up its weighted inputs and fires when the sum reaches
zero.

.. math::

   v = ∑_j w_j x_j + b = w^T x + b

.. math::

   y = 1 if v ≥ 0, else -1

Nobody trains it here. The weights are set by hand, and out come the gates of logic.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.estimators import McCullochPitts, threshold_network

inputs = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
gates = {
    "AND": McCullochPitts([1, 1], -1.5),
    "OR": McCullochPitts([1, 1], -0.5),
    "NAND": McCullochPitts([-1, -1], 1.5),
}
print("x_1 x_2   " + "  ".join(f"{name:>4}" for name in gates))
for row in inputs:
    outputs = [neuron([row]).item() for neuron in gates.values()]
    print(f" {row[0]}   {row[1]}    " + "  ".join(f"{y:>4}" for y in outputs))
print("NOT 0, NOT 1:", McCullochPitts([-1], 0.5)([[0], [1]]))
assert (gates["AND"](inputs) == [-1, -1, -1, 1]).all()

# %%
# Each gate is a line that cuts the plane in two. No single line puts (0, 1) and (1, 0) on one
# side and the other two on the other: XOR needs a second layer. "OR and NAND" does it.

# The second layer reads -1 and 1, so its AND has another bias.

xor = threshold_network([[gates["OR"], gates["NAND"]], [McCullochPitts([1, 1], -1.5)]])
print("XOR:", xor.predict(inputs).ravel())
assert (xor.predict(inputs).ravel() == [-1, 1, 1, -1]).all()

# %%
# Can gradients find such weights? The step is flat on both sides, its slope says nothing. chainrule
# refuses instead of training in vain:

try:
    cr.train(xor, inputs, [-1, 1, 1, -1])
except cr.errors.NetworkError as error:
    print(error)

# %%
# White dots are −1, black dots 1; the shaded side fires.

side = np.linspace(-0.5, 1.5, 201)
plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
fig, axes = plt.subplots(1, 4, figsize=(12, 3.2), layout="constrained", sharey=True)
for ax, (name, net) in zip(
    axes, {**{k: n.network for k, n in gates.items()}, "XOR": xor}.items(), strict=True
):
    fires = net.predict(plane).reshape(201, 201)
    ax.contourf(side, side, fires, levels=[-2, 0, 2], colors=["white", "#f4b860"])
    ax.scatter(*inputs.T, c=net.predict(inputs).ravel(), cmap="Greys", edgecolors="k", s=80)
    ax.set(title=name, xlabel="$x_1$")
axes[0].set_ylabel("$x_2$")

# %%
# **What to try.** Find weights for "x₁ and not x₂". Three inputs: fire when at least two of them
# are 1.
