"""
Where to start: initial weights
===============================

*Row E8 · H, notes 003*

Weights all equal would stay equal, so they are drawn at random. But how large? Signals should
neither die out nor explode on their way through the layers, forwards and backwards. Xavier
Glorot's rule is a compromise that would keep both variances if the units were linear:

.. math::

   W ∼ U[-√(6/(n^{(l)} + n^{(l+1)})), +√(6/(n^{(l)} + n^{(l+1)}))]

with biases 0. Here are ten layers of tanh under three rules.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

rng = np.random.default_rng(0)
X, y = rng.normal(size=(200, 100)), rng.integers(10, size=200)
DEPTH = 10


def build(initializer, activation="tanh", scale=1.0):
    layers = [cr.Dense(100, activation, initializer=initializer) for _ in range(DEPTH)]
    net = cr.Network([*layers, cr.Dense(10)], "cross_entropy", input_shape=100, engine="reference")
    for k in range(DEPTH):
        net.parameters[f"{k}.weight"][:] *= scale
    return net


def forwards(net):
    """Deviation of the outputs of each layer."""
    h, deviations = X, []
    for k in range(DEPTH):
        layer = cr.Network(net.layers[k : k + 1], input_shape=100, engine="reference")
        layer.parameters["0.weight"][:] = net.parameters[f"{k}.weight"]
        h = layer.predict(h)
        deviations.append(h.std())
    return deviations


def backwards(net):
    """Deviation of the gradient of each layer's weights."""
    _, gradients = net.loss_and_gradients(X, y)
    return [gradients[f"{k}.weight"].std() for k in range(DEPTH)]


rules = {
    "small normal": build("small_normal"),
    "Xavier": build("xavier"),
    "Xavier × 4, too large": build("xavier", scale=4.0),
}
measured = {name: (forwards(net), backwards(net)) for name, net in rules.items()}
for name, (up, down) in measured.items():
    print(f"{name:<22} outputs: layer 1 {up[0]:.2g}, layer 10 {up[-1]:.2g}", end="   ")
    print(f"gradients: layer 1 {down[0]:.2g}, layer 10 {down[-1]:.2g}")

# %%
# Small normal weights (deviation 0.01) let every signal die: each layer of 100 inputs makes it ten
# times smaller, on the way up and on the way back. The gradient of a layer is the product of its
# input and its error term. Where one is a little larger the other is that much smaller, so the
# gradients are all alike, and all next to nothing.
#
# Weights four times too large saturate the units: the outputs stay near ±1. Backwards the weights
# win against the small slopes, and the gradient *explodes*: the first layer's is fifty times the
# last one's.
#
# With Xavier's rule the gradients stay of a size. The outputs lose a factor of three in ten layers,
# because tanh is flatter than a line; for the other rules it is a factor of a billion, or no room
# to change at all.

(small, flat), (kept, even), (_, exploding) = measured.values()
assert small[-1] < 1e-6
assert 0.1 < flat[0] / flat[-1] < 10
assert 0.2 < kept[-1] / kept[0] < 1
assert 0.5 < even[0] / even[-1] < 2
assert exploding[0] > 10 * exploding[-1]

# %%
# A rectifier drops half of the signal, so it wants twice the variance: He's rule.

relu = {name: forwards(build(name, "relu")) for name in ("xavier", "he")}
for name, deviations in relu.items():
    print(f"relu, {name:<6}: layer 1 {deviations[0]:.2f}, layer 10 {deviations[-1]:.3f}")
assert relu["he"][-1] > 10 * relu["xavier"][-1]

# %%
# Forwards and backwards through the ten layers:

fig, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
layers = range(1, DEPTH + 1)
for name, (up, down) in measured.items():
    axes[0].semilogy(layers, up, "o-", label=name)
    axes[1].semilogy(layers, down, "o-", label=name)
for name, deviations in relu.items():
    axes[2].semilogy(layers, deviations, "o-", label=f"relu, {name}")
for ax, text in zip(axes, ("outputs, tanh", "gradients, tanh", "outputs, relu"), strict=True):
    ax.set(xlabel="layer", ylabel=f"deviation of the {text}")
    ax.legend()

# %%
# **What to try.** Put a third rule beside them: "lecun" with the activation "selu". What does the
# deviation do over ten layers?
