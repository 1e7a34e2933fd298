"""
Losses that forgive, and losses that aim elsewhere
==================================================

*Row C, beyond the notes*

The squared error makes one wild point cost as much as a hundred small errors. Other losses weigh
errors e = ŷ − y differently. Huber's is a square near 0 and straight further out:

.. math::

   L = ½e^2 if |e| ≤ δ, else δ(|e| - ½δ)

The quantile loss pulls with different force from above and from below, and so aims at a quantile q
instead of the mean:

.. math::

   L = max(q (y - ŷ), (q - 1)(y - ŷ))
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

rng = np.random.default_rng(3)
x = rng.uniform(-1, 1, size=(60, 1))
y = 1 + 2 * x.ravel() + rng.normal(0, 0.2, size=60)
wild = rng.choice(60, 6, replace=False)
y[wild] -= rng.uniform(4, 6, size=6)


def line(loss, x, y, epochs=400):
    net = cr.Network([cr.Dense(1)], loss, input_shape=1, seed=0)
    cr.train(net, x, y, optimizer=cr.Adam(0.05), schedule="cosine", batch_size=60, epochs=epochs)
    return net


# %%
# The true line is 1 + 2x. Six points of sixty were moved far down.

fits = {}
for loss in ("squared_error", "huber", "absolute_error"):
    fits[loss] = line({"name": "huber", "delta": 0.3} if loss == "huber" else loss, x, y)
    p = fits[loss].parameters
    print(f"{loss:<15} {p['0.bias'].item():.2f} + {p['0.weight'].item():.2f} x")
assert abs(fits["huber"].parameters["0.bias"].item() - 1) < 0.15
assert abs(fits["squared_error"].parameters["0.bias"].item() - 1) > 0.3

# %%
# Three quantiles of data whose spread grows with x: about a tenth of the points should lie below
# the lowest line and a tenth above the highest.

u = rng.uniform(-1, 1, size=(400, 1))
v = u.ravel() + (0.2 + 0.4 * (u.ravel() + 1)) * rng.normal(size=400)
levels = (0.1, 0.5, 0.9)
bands = {q: line({"name": "quantile", "level": q}, u, v) for q in levels}
for q, net in bands.items():
    print(f"q = {q}: share of points below the line {(v < net.predict(u).ravel()).mean():.3f}")
    assert abs((v < net.predict(u).ravel()).mean() - q) < 0.03

# %%
# Counts ask for a third kind: the Poisson loss predicts a rate e to the z, never negative.

n = rng.poisson(np.exp(0.5 + x.ravel()))
counts = line("poisson", x, n)
print(
    "Poisson: log rate",
    counts.parameters["0.bias"].round(2),
    counts.parameters["0.weight"].round(2),
)

# %%
# The three pictures: lines among wild points, quantiles, counts.

ends = np.linspace(-1, 1, 50)[:, None]
fig, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
axes[0].plot(x, y, "k.", alpha=0.5)
for loss, net in fits.items():
    axes[0].plot(ends, net.predict(ends), label=loss.replace("_", " "))
axes[1].plot(u, v, "k.", alpha=0.2)
for q, net in bands.items():
    axes[1].plot(ends, net.predict(ends), label=f"q = {q}")
axes[2].plot(x, n, "k.", alpha=0.5)
axes[2].plot(ends, counts.predict_proba(ends), label="rate learnt")
axes[2].plot(ends, np.exp(0.5 + ends), "--", label="rate of the data")
for ax, name in zip(axes, ("y", "v", "count"), strict=True):
    ax.set(xlabel="x", ylabel=name)
    ax.legend()

# %%
# **What to try.** Let the δ of Huber's loss go to 0.01 and to 100. Which other losses does it
# become?
