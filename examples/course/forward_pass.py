"""
The forward pass, step by step
==============================

*Row D1, notes 000, 002, 003*

From the inputs to the outputs, layer by layer. Set :math:`y^0 = x`, then for k = 1 … N:

.. math::

   z_j^{(k)} = ∑_i w_{ij}^{(k)} y_i^{(k-1)} + b_j^{(k)}

.. math::

   y_j^{(k)} = f(z_j^{(k)})

All numbers below are small enough to be checked with a pencil.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

net = cr.Network(
    [cr.Dense(3, "relu"), cr.Dense(2, "tanh"), cr.Dense(1)], input_shape=2, engine="reference"
)
parameters = {
    "0.weight": [[1, -1, 2], [0, 1, -1]],
    "0.bias": [0, 1, 0],
    "1.weight": [[1, 0], [-1, 1], [0, 0.5]],
    "1.bias": [0, -1],
    "2.weight": [[2], [-1]],
    "2.bias": [0.5],
}
for name, values in parameters.items():
    net.parameters[name][:] = values

# %%
# The loops of the notes, unit by unit. chainrule keeps weights as (inputs, units), so ``W[i, j]``
# is the weight from unit i to unit j, the notes' :math:`w_{ij}`.

x = [1.0, 2.0]
f = {1: lambda z: max(0.0, z), 2: np.tanh, 3: lambda z: z}
y = {0: x}
for k in (1, 2, 3):
    W, b = net.parameters[f"{k - 1}.weight"], net.parameters[f"{k - 1}.bias"]
    z = [sum(W[i, j] * y[k - 1][i] for i in range(len(W))) + b[j] for j in range(len(b))]
    y[k] = [f[k](v) for v in z]
    print(f"k = {k}:  z = {np.round(z, 4)}   y = {np.round(y[k], 4)}")

# %%
# The same in one call. And as matrices, which is how it is computed: all rows of a batch in one
# product.

print("predict:", net.predict([x]))
print(net.explain().split("    Err")[0])
assert np.isclose(net.predict([x]).item(), y[3][0])

# %%
# chainrule writes these steps down as a list of instructions, the **tape**. Its first half is the
# forward pass. A number k after a name is the layer, n the number of rows.

print("\n".join(str(net.tape()).splitlines()[:10]))

# %%
# What each unit puts out while x turns once round the circle. The first layer bends the input,
# the second squeezes it, the last adds up.

angle = np.linspace(0, 2 * np.pi, 200)
circle = 2 * np.c_[np.cos(angle), np.sin(angle)]
fig, axes = plt.subplots(1, 4, figsize=(13, 3.2), layout="constrained")
axes[0].plot(angle, circle)
for k in (1, 2, 3):
    axes[k].plot(angle, net.sharing(k).predict(circle))
for k, ax in enumerate(axes):
    ax.set(title=f"layer {k}", xlabel="direction of x", ylabel=f"$y^{k}$")

# %%
# **What to try.** Choose x so that all three units of the first layer put out 0. What does the
# network say then, and for which other x does it say the same?
