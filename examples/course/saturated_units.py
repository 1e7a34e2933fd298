"""
Warning sign: saturated units
=============================

*Row H, notes 000, 001*

Far from zero the sigmoid and tanh are flat. A unit out there says 0 or 1 to every input, and its
gradient is gone:

.. math::

   σ'(z) = σ(z)(1 - σ(z)) → 0 for |z| → ∞

The notes name the usual cause, initial weights that are too large. We provoke it, measure it, and
cure it.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.preprocessing import StandardScaler

import chainrule as cr

X, y = load_digits(return_X_y=True)
X = StandardScaler().fit_transform(X)


def build(scale):
    layers = [cr.Dense(32, "sigmoid"), cr.Dense(32, "sigmoid"), cr.Dense(10)]
    net = cr.Network(layers, "cross_entropy", input_shape=64, seed=0)
    for k in range(2):
        net.parameters[f"{k}.weight"][:] *= scale
    return net


def outputs(net, k):
    """What the first k layers put out."""
    return net.sharing(k).predict(X)


# %%
# The measurement: the share of outputs whose slope is below 1/100, a twenty-fifth of the largest
# slope there is.

print("initial weights   saturated: layer 1, layer 2   gradient of layer 1   loss after 15 epochs")
found = {}
for scale in (1, 5, 25):
    net = build(scale)
    h = [outputs(net, k) for k in (1, 2)]
    share = [np.mean(a * (1 - a) < 0.01) for a in h]
    _, gradients = net.loss_and_gradients(X, y)
    size = np.abs(gradients["0.weight"]).mean()
    history = cr.train(net, X, y, optimizer=cr.SGD(0.2), epochs=15)
    found[scale] = h[1], share, history
    print(
        f"    Xavier × {scale:<3} {share[0]:>13.0%} {share[1]:>8.0%} {size:>24.6f}"
        f" {history.loss[-1]:>20.3f}"
    )
assert found[25][1][0] > 0.8 > 0.1 > found[1][1][0]
assert found[1][2].loss[-1] < found[25][2].loss[-1]

# %%
# Left: the outputs of the second layer before training. Healthy units use the slope in the
# middle, saturated ones sit at 0 and 1. Right: what that does to learning.

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for scale, (h, _, history) in found.items():
    left.hist(
        h.ravel(), 50, range=(0, 1), density=True, histtype="step", lw=1.5, label=f"× {scale}"
    )
    right.plot(range(1, 16), history.loss, "o-", label=f"× {scale}")
left.set(xlabel="output of a unit", ylabel="density", yscale="log")
right.set(xlabel="epoch", ylabel="cross entropy")
left.legend(title="initial weights")
right.legend(title="initial weights")

# %%
# **The cure**: Xavier's initial weights, standardised inputs, or units that do not saturate on
# both sides.
#
# **What to try.** Leave the weights alone and multiply X by 25 instead. Is that the same illness?
