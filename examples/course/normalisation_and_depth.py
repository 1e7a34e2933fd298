"""
Deep networks: normalisation and residual blocks
================================================

*Row D6 · E8, notes 000, 003*

Going back through a deep network the error term is multiplied once a layer, and vanishes. Good
initial weights help. Two later ideas help more. A **residual block** adds its input to its output,
so that the identity always lets the error through:

.. math::

   y = x + f(x), ∂L/∂x = (I + f'(x)^T) ∂L/∂y

**Normalisation** gives every layer's sums mean 0 and variance 1, and then lets training choose
others, γ and β. LayerNorm takes mean and variance over the units of a row, BatchNorm over the rows
of a minibatch:

.. math::

   y = γ ⊙ (x - mean)/√(variance + ε) + β
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import chainrule as cr
from chainrule.layers import Activation, BatchNorm, LayerNorm, Residual
from chainrule.plots import GradientSizesDisplay

x = np.array([[1.0, 2.0, 3.0, 6.0], [0.0, 0.0, 0.0, 10.0]])
norm = cr.Network([LayerNorm()], input_shape=4, dtype="float64")
by_hand = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
print("LayerNorm:", norm.predict(x).round(3).tolist())
assert np.allclose(norm.predict(x), by_hand)

# %%
# Twenty hidden layers with sigmoid, the worst case, built in four ways. A residual block holds two
# of them; one layer in front brings the 64 pixels to 32 numbers.

X, y = load_digits(return_X_y=True)
X = X / 16
train, new = slice(0, 1200), slice(1200, None)


def hidden(way, depth):
    """Hidden layers of 32 units."""
    last, squashed = cr.Dense(32), cr.Dense(32, "sigmoid")
    if way == "plain":
        return [squashed] * depth
    if way == "batch norm":
        return [last, BatchNorm(), Activation("sigmoid")] * depth
    norms = [LayerNorm()] if way == "residual, layer norm" else []
    return [last, *[Residual([*norms, squashed, last])] * (depth // 2)]


def network(way, depth=20):
    layers = [*hidden(way, depth), cr.Dense(10)]
    return cr.Network(layers, "cross_entropy", input_shape=64, seed=0)


ways = ("plain", "batch norm", "residual", "residual, layer norm")
nets, histories = {way: network(way) for way in ways}, {}

# %%
# The gradients at the start, as a training step has them:

gradients = GradientSizesDisplay.from_networks(nets, X[train], y[train])
for way, sizes in gradients.sizes.items():
    print(f"{way:>20}: gradient of the first layer / of the last {sizes[0] / sizes[-1]:.1e}")
assert gradients.sizes["plain"][0] < 1e-10 * gradients.sizes["plain"][-1]

# %%
# And what comes of it in ten epochs.

for way, net in nets.items():
    histories[way] = cr.train(
        net, X[train], y[train], optimizer=cr.Adam(2e-3), epochs=10, early_stopping=False
    )
    right = net.evaluate(X[new], y[new])["accuracy"]
    print(f"{way:>20}: loss {histories[way].loss[-1]:.3f}, right on new digits {right:.1%}")
    assert (right > 0.8) == (way != "plain")

# %%
# The plain network does not leave ln 10 = 2.303, the loss of guessing. How deep may it be?

for depth in (2, 4, 8, 16):
    scores = {}
    for way in ("plain", "residual"):
        net = network(way, depth)
        cr.train(net, X[train], y[train], optimizer=cr.Adam(2e-3), epochs=10)
        scores[way] = net.evaluate(X[new], y[new])["accuracy"]
    print(f"{depth:>2} layers:", ", ".join(f"{way} {score:.1%}" for way, score in scores.items()))

# %%
# Left: a slope on this axis is a factor for each layer. Right: the loss.

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
gradients.plot(ax=left)
for line, (way, history) in zip(left.get_lines(), histories.items(), strict=True):
    color = line.get_color()
    right.plot(range(1, 11), history.loss, "o-", color=color, ms=4, label=way)
right.axhline(np.log(10), color="0.6", ls=":", label="ln 10")
right.set(xlabel="epoch", ylabel="cross entropy", ylim=(0, 2.6))
right.legend()

# %%
# **What to try.** Put LayerNorm in the place of BatchNorm, without blocks. With sigmoid it fails,
# with tanh it does not. What do all rows have in common after a layer of sigmoids, and which of the
# two normalisations removes it?
