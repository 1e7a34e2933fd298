"""
Dropout: learning with holes
============================

*Row F4, notes 001, 003*

In training each unit is kept with probability p and silenced otherwise; only the kept ones pass
the gradient back. For prediction all units work. So that the next layer gets the same input on
average, what is kept is divided by p:

.. math::

   ỹ = (m ⊙ y)/p, P(m_i = 1) = p

.. math::

   E[ỹ] = y

(Text 003 divides at prediction instead; multiplying by p there is right, see the errata.)
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import chainrule as cr

x, w, p = np.array([1.0, 2.0, -1.0]), np.array([0.5, -1.0, 2.0]), 0.8
rng = np.random.default_rng(0)
masks = rng.random((100_000, 3)) < p
outputs = (masks * x / p) @ w
print(
    f"without holes {x @ w:.3f}, mean over 100 000 masks {outputs.mean():.3f} ± {outputs.std():.3f}"
)
assert abs(outputs.mean() - x @ w) < 0.02

# %%
# The mean is right but each mask scatters. For a squared error the scatter adds a term to the
# loss, and this term is a penalty on large weights:
#
# .. math::
#
#    E[½(ỹ^T w - d)^2] = ½(y^T w - d)^2 + ½ (1 - p)/p ∑_i (w_i y_i)^2
#
# chainrule's training loss has the holes in it. With a rate so small that nothing moves we can
# measure it:

net = cr.Network([cr.Dropout(keep=p), cr.Dense(1, bias=False)], input_shape=3, dtype="float64")
net.parameters["1.weight"][:] = w[:, None]
rows = np.tile(x, (5000, 1))
history = cr.train(
    net, rows, np.zeros(5000), optimizer=cr.SGD(1e-12), batch_size=5000, epochs=20, seed=2
)
foretold = 0.5 * (x @ w) ** 2 + 0.5 * (1 - p) / p * np.sum((w * x) ** 2)
print(f"loss with holes: measured {np.mean(history.loss):.4f}, by the formula {foretold:.4f}")
assert np.isclose(np.mean(history.loss), foretold, rtol=0.02)

# %%
# Does it help? A network that is large for its 300 noisy training digits, with and without dropout:

X, y = load_digits(return_X_y=True)
X = X / 16 + rng.normal(0, 0.3, size=X.shape)
order = rng.permutation(len(X))
train, new = order[:300], order[300:800]
runs = {}
for keep in (1.0, 0.5):
    layers = [cr.Dense(128, "relu"), cr.Dropout(keep), cr.Dense(128, "relu"), cr.Dropout(keep)]
    net = cr.Network([*layers, cr.Dense(10)], "cross_entropy", input_shape=64, seed=0)
    runs[keep] = cr.train(
        net, X[train], y[train], optimizer=cr.Adam(2e-3), epochs=40, validation=(X[new], y[new]),
        early_stopping=False,
    )  # fmt: skip
    last = runs[keep]
    print(f"p = {keep}: loss in training {last.loss[-1]:.4f}, on new digits", end=" ")
    print(f"{last.validation_loss[-1]:.3f}, accuracy {last.validation_metric[-1]:.3f}")
assert runs[0.5].validation_loss[-1] < runs[1.0].validation_loss[-1]

# %%
# Yes and no. On new digits the loss is lower with dropout, but the accuracy is not higher: 0.806
# beside 0.818, six digits of 500, which may be chance. The network makes no fewer mistakes; it is
# less sure of them, and the loss counts how sure it was.
#
# Left: the outputs under single masks scatter round the output without holes. Right: with dropout
# the training loss stays higher, the loss on new digits lower.

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
values, counts = np.unique(outputs.round(6), return_counts=True)
left.vlines(values, 0, counts / len(outputs), lw=4)
left.axvline(x @ w, color="C3", label="without holes = mean")
left.set(xlabel="output under a mask", ylabel="share of masks")
left.legend()
for keep, color in ((1.0, "C0"), (0.5, "C1")):
    right.semilogy(runs[keep].loss, color, ls=":", label=f"training, p = {keep}")
    right.semilogy(runs[keep].validation_loss, color, label=f"new digits, p = {keep}")
right.set(xlabel="epoch", ylabel="cross entropy")
right.legend()

# %%
# **What to try.** p = 0.1. When is it too much of a good thing?
