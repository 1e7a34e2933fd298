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
from chainrule.plots import GradientSizesDisplay

rng = np.random.default_rng(0)
X, y = rng.normal(size=(64, 16)), rng.integers(2, size=64)


activations = ("sigmoid", "tanh", "softplus", "relu")


def measure(depth):
    """Size of the gradient of each layer's weights, for each activation."""
    nets = {}
    for name in activations:
        layers = [*(cr.Dense(16, name) for _ in range(depth)), cr.Dense(2)]
        nets[name] = cr.Network(layers, "cross_entropy", input_shape=16, engine="reference")
    return GradientSizesDisplay.from_networks(nets, X, y)


print("gradient of the first hidden layer / of the last, in a network of so many hidden layers")
print("layers  " + "".join(f"{name:>10}" for name in activations))
for depth in (2, 5, 10, 20):
    ratios = [sizes[0] / sizes[depth - 1] for sizes in measure(depth).sizes.values()]
    print(f"{depth:>6}  " + "".join(f"{ratio:>10.1e}" for ratio in ratios))

# %%
# A straight line on a logarithmic axis is a constant factor for each layer.

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
display = measure(20).plot(ax)
ax.set_xlabel("layer, the last is the output")
for name, sizes in display.sizes.items():
    factor = (sizes[0] / sizes[19]) ** (1 / 19)
    print(f"{name:>9}: × {factor:.2f} a layer")
    if name == "sigmoid":
        assert factor < 0.3
    if name == "relu":
        assert 0.5 < factor < 2

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
