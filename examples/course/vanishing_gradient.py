"""
The vanishing gradient
======================

*Row D6 · H, notes 000*

On its way back the error term is multiplied by the slope of the activation once a layer:

.. math::

   δ^k = f'(z^k) ⊙ ((W^{k+1})^T δ^{k+1})

The slope of the sigmoid is never above 1/4. After ten layers little is left, and the first layers
do not learn. Units with slope 1, or nearly, let the error through.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

rng = np.random.default_rng(0)
X, y = rng.normal(size=(64, 16)), rng.integers(2, size=64)


def sizes(activation, depth):
    """Mean size of the gradient of each layer's weights, from the first to the last."""
    layers = [cr.Dense(16, activation) for _ in range(depth)]
    net = cr.Network([*layers, cr.Dense(2)], "cross_entropy", input_shape=16, engine="reference")
    _, gradients = net.loss_and_gradients(X, y)
    return [np.abs(gradients[f"{k}.weight"]).mean() for k in range(depth)]


activations = ("sigmoid", "tanh", "softplus", "relu")
print("gradient of the first hidden layer / of the last, in a network of so many hidden layers")
print("layers  " + "".join(f"{name:>10}" for name in activations))
for depth in (2, 5, 10, 20):
    ratios = [sizes(name, depth) for name in activations]
    print(f"{depth:>6}  " + "".join(f"{r[0] / r[-1]:>10.1e}" for r in ratios))

# %%
# A straight line on a logarithmic axis is a constant factor for each layer.

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
for name in activations:
    measured = sizes(name, 20)
    ax.semilogy(range(1, 21), measured, "o-", ms=4, label=name)
    factor = (measured[0] / measured[-1]) ** (1 / 19)
    print(f"{name:>9}: × {factor:.2f} a layer")
    if name == "sigmoid":
        assert factor < 0.3
    if name == "relu":
        assert 0.5 < factor < 2
ax.set(xlabel="layer", ylabel="mean |∂Err/∂W|", xticks=range(2, 21, 2))
ax.legend()
# %%
# Does it matter? Six hidden layers, the same rate and the same number of epochs; the task is
# whether a point lies in a ring:

points = rng.uniform(-2, 2, size=(400, 2))
inside = (np.abs(np.hypot(*points.T) - 1.2) < 0.4).astype(int)
for name in ("sigmoid", "relu"):
    deep = [*(cr.Dense(16, name) for _ in range(6)), cr.Dense(2)]
    net = cr.Network(deep, "cross_entropy", input_shape=2, seed=1)
    history = cr.train(net, points, inside, optimizer=cr.Adam(0.005), epochs=60)
    print(f"{name:>9}: loss {history.loss[-1]:.3f}, accuracy {history.metric[-1]:.2f}")
assert history.metric[-1] > 0.9

# %%
# **What to try.** Raise the initial weights of the sigmoid network (``initializer="he"``). Why
# does that help only a little?
