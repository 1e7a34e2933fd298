"""
The learning rate: too small, too large, falling
================================================

*Row E7 · H, notes 003*

Too small a rate does not arrive in time, too large a one jumps over the goal. A rate that falls
has both: large steps first, fine ones at the end. The notes name three ways:

.. math::

   α(t) = α_0 x^{⌊t/n⌋}

.. math::

   α(t) = α_0 e^{-kt}

.. math::

   α(t) = α_0 τ / max(t, τ)

and Collobert's, which scales a layer's rate by its number of inputs:

.. math::

   α^l ∝ 1/√n^l
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import chainrule as cr
from chainrule.ops import schedules

X, y = load_digits(return_X_y=True)
X = X / 16
train, test = slice(0, 1200), slice(1200, None)
EPOCHS, STEPS = 6, 6 * 38


def learn(rate, schedule="constant"):
    net = cr.Network([cr.Dense(32, "relu"), cr.Dense(10)], "cross_entropy", input_shape=64, seed=1)
    history = cr.train(
        net, X[train], y[train], optimizer=cr.SGD(rate), schedule=schedule, epochs=EPOCHS
    )
    return history, net.evaluate(X[test], y[test])


# %%
# Six passes over 1200 digits with a fixed rate:

fixed = {}
for rate in (0.001, 0.01, 0.1, 0.5, 4.0):
    history, score = learn(rate)
    fixed[rate] = history.loss
    print(f"α = {rate:<6g} loss {history.loss[-1]:.3f}, on new digits {score['accuracy']:.3f}")
assert fixed[0.5][-1] < fixed[0.001][-1]
assert fixed[0.5][-1] < fixed[4.0][-1]

# %%
# The notes' schedules and two younger ones, each starting from 0.5. What counts is the last column.

plans = {
    "constant": schedules.Constant(),
    "steps": schedules.Steps(factor=0.5, every=STEPS // 4),
    "exponential": schedules.Exponential(k=3 / STEPS),
    "inverse": schedules.Inverse(tau=STEPS // 4),
    "cosine": schedules.Cosine(),
    "one_cycle": schedules.OneCycle(),
}
for name, plan in plans.items():
    history, score = learn(0.5, plan)
    print(f"{name:>12}: loss {history.loss[-1]:.3f}, on new digits {score['accuracy']:.3f}")

# %%
# Collobert's rule by hand: divide the steps of each layer by the root of its inputs. A step is
# ``parameter -= rate * gradient``, nothing more:

net = cr.Network([cr.Dense(32, "relu"), cr.Dense(10)], "cross_entropy", input_shape=64, seed=1)
rng = np.random.default_rng(0)
for _ in range(STEPS):
    rows = rng.choice(1200, 32, replace=False)
    _, gradients = net.loss_and_gradients(X[rows], y[rows])
    for name, values in net.parameters.items():
        fan_in = net.parameters[f"{name[0]}.weight"].shape[0]
        values[...] -= 3.0 / np.sqrt(fan_in) * gradients[name]
print("Collobert, α = 3/√n: on new digits", round(net.evaluate(X[test], y[test])["accuracy"], 3))

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for rate, losses in fixed.items():
    left.semilogy(range(1, EPOCHS + 1), losses, "o-", label=f"α = {rate:g}")
left.set(xlabel="epoch", ylabel="loss")
left.legend()
steps = np.arange(STEPS)
for name, plan in plans.items():
    right.plot(steps, 0.5 * plan.factors(steps, STEPS), label=name)
right.set(xlabel="update t", ylabel="learning rate α(t)")
right.legend()

# %%
# **What to try.** Which is the largest fixed rate that still learns? Does a schedule let you
# start above it?
