"""
Warning sign: dead rectifiers
=============================

*Row H, notes 000, 001*

A rectifier is silent where its sum is negative, and its slope there is 0:

.. math::

   f(z) = max(0, z), f'(z) = 0 for z < 0

One step that is too long can push the sum below zero for *all* rows. Then no gradient ever brings
the unit back: it is dead. The notes say that with too high a rate 40 % of a network can die. Let
us count.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import chainrule as cr

X, y = load_digits(return_X_y=True)
X = X / 16
UNITS = 64


def train(rate, activation="relu"):
    layers = [cr.Dense(UNITS, activation), cr.Dense(10)]
    net = cr.Network(layers, "cross_entropy", input_shape=64, seed=0)
    cr.train(net, X, y, optimizer=cr.SGD(rate), epochs=10)
    return net


def silent(net):
    """Share of hidden units whose sum is negative on every row."""
    z = X @ net.parameters["0.weight"] + net.parameters["0.bias"]
    return np.mean((z <= 0).all(axis=0)), z


# %%
# Ten passes over the digits with rates from careful to reckless:

rates = (0.01, 0.1, 0.3, 0.6, 1.0, 1.2, 1.4)
dead, accuracy = [], []
for rate in rates:
    net = train(rate)
    dead.append(silent(net)[0])
    accuracy.append(net.evaluate(X, y)["accuracy"])
    print(f"rate {rate:<5g} dead {dead[-1]:>5.0%}   accuracy {accuracy[-1]:.3f}")
assert dead[0] < 0.05
assert max(dead) > 0.4

# %%
# Dead means dead: the gradient of such a unit's weights is exactly zero, so a lower rate
# afterwards does not help.

net = train(1.0)
_, gradients = net.loss_and_gradients(X, y)
gone = (silent(net)[1] <= 0).all(axis=0)
print(
    "largest gradient of the dead units:", np.abs(gradients["0.weight"][:, gone]).max(initial=0.0)
)
before = silent(net)[0]
cr.train(net, X, y, optimizer=cr.SGD(0.05), epochs=10)
print(f"dead {before:.0%}, after ten careful epochs more {silent(net)[0]:.0%}")
assert np.abs(gradients["0.weight"][:, gone]).max(initial=0.0) == 0

# %%
# **The cure** is a lower rate. Leaky rectifiers help too: left of zero their slope is 1/100. At the
# most reckless rate more than half of their sums are negative on every row as well, but no unit is
# without a gradient, each still passes on 1/100 of its sum, and the network knows most digits:

leaky = train(rates[-1], "leaky_relu")
_, gradients = leaky.loss_and_gradients(X, y)
stuck = int((np.abs(gradients["0.weight"]).max(axis=0) == 0).sum())
leaky_accuracy = leaky.evaluate(X, y)["accuracy"]
print(f"rate {rates[-1]:g}   relu:  {dead[-1]:.0%} dead, accuracy {accuracy[-1]:.3f}")
print(f"           leaky: {silent(leaky)[0]:.0%} negative on every row,", end=" ")
print(f"{stuck} without any gradient, accuracy {leaky_accuracy:.3f}")
assert stuck == 0
assert leaky_accuracy > 0.7 > 0.5 > accuracy[-1]  # over seeds 0.74 to 0.97, 0.17 to 0.73

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
left.plot(rates, np.array(dead) * 100, "o-", label="dead units")
left.plot(rates, np.array(accuracy) * 100, "s-", label="accuracy")
left.axhline(40, color="0.6", ls=":", label="the notes' 40 %")
left.set(xlabel="learning rate", ylabel="per cent")
left.legend()
for rate in (0.1, 1.0):
    z = silent(train(rate))[1]
    right.plot(np.sort(z.max(axis=0)), label=f"rate {rate:g}")
right.axhline(0, color="k", lw=0.8)
right.set(xlabel="hidden unit, in order", ylabel="largest sum z over all rows")
right.legend()

# %%
# **What to try.** Adam with a rate of 0.1. Then centre the inputs first. How many units survive?
