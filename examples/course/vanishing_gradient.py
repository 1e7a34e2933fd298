"""
The vanishing gradient
======================

*Row D6 · H, notes 000*

On its way back the error term is multiplied by the slope of the activation once a layer:

.. math::

   δ^k = f'(z^k) ⊙ ((W^{k+1})^T δ^{k+1})

The slope of the sigmoid is never above 1/4. After ten layers little is left, and the first layers
do not learn. Units with slope 1, or nearly, let the error through. How much comes through also
depends on the random weights, so what follows are geometric means over twenty starts.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.plots import GradientSizesDisplay

rng = np.random.default_rng(0)
X, y = rng.normal(size=(64, 16)), rng.integers(2, size=64)


activations = ("sigmoid", "tanh", "softplus", "relu")


def measure(depth):
    """Size of the gradient of each layer's weights for each activation, a row for each start."""
    sizes = {}
    for name in activations:
        layers = [*(cr.Dense(16, name) for _ in range(depth)), cr.Dense(2)]
        starts = {
            str(seed): cr.Network(
                layers, "cross_entropy", input_shape=16, seed=seed, engine="reference"
            )
            for seed in range(20)
        }
        sizes[name] = np.array([*GradientSizesDisplay.from_networks(starts, X, y).sizes.values()])
    return sizes


def mean(values):
    return np.exp(np.log(values).mean(axis=0))


print("gradient of the first hidden layer / of the last, in a network of so many hidden layers")
print("layers  " + "".join(f"{name:>10}" for name in activations))
for depth in (2, 5, 10, 20):
    sizes = measure(depth)
    ratios = [mean(rows[:, 0] / rows[:, depth - 1]) for rows in sizes.values()]
    print(f"{depth:>6}  " + "".join(f"{ratio:>10.1e}" for ratio in ratios))

# %%
# A straight line on a logarithmic axis is a constant factor for each layer. The factor is no law:
# it differs from start to start. The sigmoid loses about three quarters a layer in every start.
# Softplus, whose slope at 0 is ½, loses about a quarter on average, tanh and the rectifier next to
# nothing.

fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
GradientSizesDisplay({name: mean(rows) for name, rows in sizes.items()}).plot(ax)
ax.set_xlabel("layer, the last is the output")
ax.set_title("Size of the gradient, mean of 20 starts", loc="left")
factors = {name: (rows[:, 0] / rows[:, 19]) ** (1 / 19) for name, rows in sizes.items()}
for name, f in factors.items():
    print(f"{name:>9}: × {mean(f):.2f} a layer, in single starts {f.min():.2f} to {f.max():.2f}")
assert factors["sigmoid"].max() < 0.3 < factors["softplus"].min()
assert mean(factors["softplus"]) < 0.85 < factors["relu"].min()

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
