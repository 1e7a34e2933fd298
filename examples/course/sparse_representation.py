"""
Sparse representations
======================

*Row F6, notes 001*

A penalty on the weights keeps weights small. A penalty on the **activations** keeps units silent:
each row is then described by the few units that have something to say. Either every activation
costs,

.. math::

   R = θ ∑_j |y_j|

or every unit is told to be active a share ρ of the time, m being its mean over the minibatch:

.. math::

   R = θ ∑_j (ρ log(ρ/m_j) + (1 - ρ) log((1 - ρ)/(1 - m_j)))

We see it in an **autoencoder**, a network that learns to put out its own input.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import chainrule as cr
from chainrule.layers import ActivityPenalty

X = load_digits().data / 16
train, new = X[:1200], X[1200:]
penalties = {
    "none": [],
    "|y|, θ = 0.03": [ActivityPenalty(0.03, "l1")],
    "ρ = 0.05, θ = 0.1": [ActivityPenalty(0.1, {"name": "sparsity", "rho": 0.05})],
}


def autoencoder(penalty):
    return cr.Network([cr.Dense(64, "sigmoid"), *penalty, cr.Dense(64)], input_shape=64, seed=0)


nets, codes = {}, {}
for name, penalty in penalties.items():
    nets[name] = autoencoder(penalty)
    cr.train(nets[name], train, train, optimizer=cr.Adam(3e-3), epochs=60, early_stopping=False)
    codes[name] = nets[name].sharing(1).predict(new)
    error = np.mean((nets[name].predict(new) - new) ** 2)
    print(f"{name:>17}: mean activation {codes[name].mean():.3f},", end=" ")
    print(f"above 0.1 {(codes[name] > 0.1).mean():>4.0%}, squared error of a pixel {error:.4f}")
assert (codes["none"] > 0.1).mean() > 0.9
assert all((codes[name] > 0.1).mean() < 0.5 for name in nets if name != "none")

# %%
# Silence has its price: the copies are less exact. What the penalties add to the loss, by the
# formulas and by chainrule:

base = autoencoder([])
R = {
    "none": 0,
    "|y|, θ = 0.03": 0.03 * np.abs(codes["|y|, θ = 0.03"]).sum(axis=1).mean(),
}
m, rho = codes["ρ = 0.05, θ = 0.1"].mean(axis=0), 0.05
R["ρ = 0.05, θ = 0.1"] = 0.1 * np.sum(
    rho * np.log(rho / m) + (1 - rho) * np.log((1 - rho) / (1 - m))
)
for name, net in nets.items():
    for key, values in base.parameters.items():
        values[:] = net.parameters[key.replace("1.", "2.") if penalties[name] else key]
    added = net.loss_and_gradients(new, new)[0] - base.loss_and_gradients(new, new)[0]
    print(f"{name:>17}: formula {R[name]:.5f}, chainrule {added:.5f}")
    assert np.isclose(R[name], added, rtol=1e-3, atol=1e-6)

# %%
# Above, the histograms: without a penalty the units are always about half on; with one most are
# off and a few are on. Below, what that means for a single digit: the 64 activations that describe
# it, in order of size.

fig, axes = plt.subplots(2, 3, figsize=(12, 6.4), layout="constrained", sharey="row")
for (above, below), (name, code) in zip(axes.T, codes.items(), strict=True):
    above.hist(code.ravel(), bins=50, range=(0, 1), density=True)
    above.set(title=f"penalty: {name}", xlabel="activation", yscale="log")
    below.bar(range(64), np.sort(code[0])[::-1])
    below.set(xlabel="unit", ylim=(0, 1))
axes[0, 0].set_ylabel("density")
axes[1, 0].set_ylabel("activation for one digit")

# %%
# **What to try.** Let θ grow. From where on are there units that never speak, and what does the
# copy look like?
