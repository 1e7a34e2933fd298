"""
The backward pass: the same list, walked backwards
==================================================

*Row D2, notes 000, 002*

How does the error change when one weight changes? Starting from the output, the chain rule
carries the error term δ from layer to layer, for k = N … 1:

.. math::

   δ^k = f'(z^k) ⊙ ((W^{k+1})^T δ^{k+1})

.. math::

   ∂Err/∂W^k = δ^k (y^{k-1})^T

.. math::

   ∂Err/∂b^k = δ^k
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

net = cr.Network(
    [cr.Dense(4, "sigmoid"), cr.Dense(3, "tanh"), cr.Dense(1)],
    "squared_error",
    input_shape=2,
    seed=3,
    engine="reference",
)
print(net.tape())

# %%
# The list begins at the inputs; from ``dz3`` on it runs backwards: what was computed last gets
# its gradient first. Each line of the second half belongs to one line of the first and reads what
# that line left behind.
#
# Now by hand, in NumPy. Samples are rows here, so the products are turned round.

x, d = np.array([[0.5, -1.0]]), np.array([[1.0]])
W = [net.parameters[f"{k}.weight"] for k in range(3)]
b = [net.parameters[f"{k}.bias"] for k in range(3)]

y0 = x
y1 = 1 / (1 + np.exp(-(y0 @ W[0] + b[0])))
y2 = np.tanh(y1 @ W[1] + b[1])
z3 = y2 @ W[2] + b[2]

delta3 = z3 - d
delta2 = delta3 @ W[2].T * (1 - y2**2)
delta1 = delta2 @ W[1].T * y1 * (1 - y1)
by_hand = [y0.T @ delta1, y1.T @ delta2, y2.T @ delta3]

# %%
# chainrule gets the second half from the first by itself. The numbers agree:

_, gradients = net.loss_and_gradients(x, d)
for k in range(3):
    written = gradients[f"{k}.weight"]
    print(f"layer {k + 1}: largest difference {np.abs(written - by_hand[k]).max():.1e}")
    assert np.allclose(written, by_hand[k], rtol=1e-12)
assert np.allclose(gradients["0.bias"], delta1)

# %%
# And they mean what they should. Move one weight a little; the error moves by the gradient times
# that:

loss, _ = net.loss_and_gradients(x, d)
for move in (0.1, 0.01, 0.001):
    net.parameters["0.weight"][1, 2] += move
    change = net.loss_and_gradients(x, d)[0] - loss
    net.parameters["0.weight"][1, 2] -= move
    print(f"weight + {move:<6g} error {change:+.8f}   foretold {move * by_hand[0][1, 2]:+.8f}")
assert np.isclose(change, 0.001 * by_hand[0][1, 2], rtol=1e-2)

# %%
# The gradients of the three layers as pictures: row i, column j is the weight from unit i to unit
# j.

fig, axes = plt.subplots(1, 3, figsize=(11, 3.2), layout="constrained")
for k, ax in enumerate(axes):
    size = np.abs(by_hand[k]).max()
    shades = ax.imshow(by_hand[k], cmap="RdBu_r", vmin=-size, vmax=size, aspect="auto")
    ax.set(title=f"∂Err/∂W$^{k + 1}$", xlabel="to unit j", ylabel="from unit i")
    ax.set(xticks=range(by_hand[k].shape[1]), yticks=range(by_hand[k].shape[0]))
    fig.colorbar(shades, ax=ax)

# %%
# **What to try.** Set the weights of the last layer to 0. Which gradients vanish, which one does
# not, and can this network still learn?
