"""
Checking a gradient
===================

*Row D5, notes 003*

A gradient that is slightly wrong still trains, only worse. So it is checked against differences,
which need nothing but the loss. The centred difference looks to both sides, the simple one only
ahead:

.. math::

   f'(θ) ≈ (J(θ + ε) - J(θ - ε)) / 2ε

.. math::

   f'(θ) ≈ (J(θ + ε) - J(θ)) / ε

By Taylor's theorem the error of the first falls with ε², that of the second only with ε.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

rng = np.random.default_rng(0)
X, y = rng.normal(size=(8, 3)), rng.integers(3, size=8)
net = cr.Network(
    [cr.Dense(5, "tanh"), cr.Dense(3)], "cross_entropy", input_shape=3, engine="reference"
)
print(cr.check_gradients(net, X, y))
assert cr.check_gradients(net, X, y).passed

# %%
# Both formulas for one weight and many ε. At first the error falls as foretold. Then it rises
# again, because two nearly equal numbers are subtracted and only their last digits remain: 1e-5
# is a good choice, 1e-12 is not.

weight = net.parameters["0.weight"]
exact = net.loss_and_gradients(X, y)[1]["0.weight"][0, 0]


def loss_at(theta):
    kept, weight[0, 0] = weight[0, 0], theta
    value = net.loss_and_gradients(X, y)[0]
    weight[0, 0] = kept
    return value


theta, steps = weight[0, 0], np.geomspace(1e-12, 1e-1, 45)
here = loss_at(theta)
ahead = np.array([(loss_at(theta + e) - here) / e for e in steps])
centred = np.array([(loss_at(theta + e) - loss_at(theta - e)) / (2 * e) for e in steps])
errors = {"one-sided": np.abs(ahead / exact - 1), "centred": np.abs(centred / exact - 1)}
fig, ax = plt.subplots(figsize=(6.5, 4.2), layout="constrained")
for name, error in errors.items():
    ax.loglog(steps, error + 1e-17, "o-", ms=3, label=name)
    (slope,) = np.polyfit(np.log(steps[-12:]), np.log(error[-12:]), 1)[:1]
    print(f"{name:>9}: error falls like ε to the {slope:.2f}, best {error.min():.0e}")
    assert abs(slope - {"one-sided": 1, "centred": 2}[name]) < 0.1
ax.axvline(1e-5, color="0.6", ls=":", label="ε = 1e-5")
ax.set(xlabel="ε", ylabel="relative error of the derivative")
ax.legend()
# %%
# Now the mistake that the check is made for: a slope copied from the notes with its misprint,
# that of softsign with z where \|z\| belongs. chainrule checks a slope when it is registered and
# names the place:

try:
    cr.ops.register_activation(
        "misprint",
        lambda z: z / (1 + cr.ops.absolute(z)),
        lambda z, y: cr.ops.where(z > 0, 1, -1) / ((1 + z) * (1 + z)),
    )
except cr.errors.ChainruleError as error:
    print(error)
assert "misprint" not in cr.ops.ACTIVATIONS

# %%
# **What to try.** Use "relu" and put one input row to zero everywhere. The check meets a kink:
# what does a difference across it give?
