"""
Targets: a class, or probabilities of classes
=============================================

*Row C4, notes 000*

The notes close with two calls of a cross-entropy loss: one gets class indices, the other class
probabilities. An index is the special case in which one probability is 1:

.. math::

   H(p, q) = -∑_x p(x) log q(x)

.. math::

   ∂H/∂z = q - p, q = softmax(z)
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import log_softmax, softmax

import chainrule as cr

rng = np.random.default_rng(0)
X = rng.normal(size=(3, 4))
net = cr.Network([cr.Dense(5)], "cross_entropy", input_shape=4, engine="reference")
z = net.predict(X)

indices = np.array([4, 0, 2])
loss_of_indices, g = net.loss_and_gradients(X, indices)
by_hand = -log_softmax(z, axis=1)[np.arange(3), indices].mean()
print(f"indices         {loss_of_indices:.12f}   by hand {by_hand:.12f}")
assert np.isclose(loss_of_indices, by_hand)

# %%
# The same rows as rows of probabilities: zeros with a single 1, then a real distribution.

one_hot = np.eye(5)[indices]
loss_of_rows, h = net.loss_and_gradients(X, one_hot)
print(f"zeros and a one {loss_of_rows:.12f}")
assert np.isclose(loss_of_rows, loss_of_indices)
assert np.allclose(g["0.weight"], h["0.weight"])

p = softmax(rng.normal(size=(3, 5)), axis=1)
loss_of_soft, k = net.loss_and_gradients(X, p)
by_hand = -(p * log_softmax(z, axis=1)).sum(1).mean()
print(f"probabilities   {loss_of_soft:.12f}   by hand {by_hand:.12f}")
assert np.isclose(loss_of_soft, by_hand)
assert np.allclose(k["0.bias"], (softmax(z, axis=1) - p).mean(0))

# %%
# Soft targets are what you have when five people judged each row and did not agree. Here 40 % of
# them err. The shares of their votes teach more than the majority alone:

truth = (rng.normal(size=(60, 1)) > 0).astype(int).ravel()
rows = rng.normal(size=(60, 20)) + 0.5 * (2 * truth[:, None] - 1)
votes = (rng.random((60, 5)) < np.where(truth == 1, 0.6, 0.4)[:, None]).mean(1)
targets = {"majority": (votes > 0.5).astype(int), "shares": np.c_[1 - votes, votes]}
test_truth = rng.integers(2, size=4000)
test = rng.normal(size=(4000, 20)) + 0.5 * (2 * test_truth[:, None] - 1)
curves = {}
for name, t in targets.items():
    model = cr.Network([cr.Dense(2)], "cross_entropy", input_shape=20)
    curves[name] = cr.train(
        model, rows, t, optimizer=cr.Adam(0.02), epochs=150, validation=(test, test_truth),
        early_stopping=False,
    )  # fmt: skip
    print(f"{name:>8}: loss on the truth of new rows {curves[name].validation_loss[-1]:.3f}")
assert curves["shares"].validation_loss[-1] < curves["majority"].validation_loss[-1]
fig, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
for name, history in curves.items():
    ax.plot(history.validation_loss, label=f"taught by {name}")
ax.set(xlabel="epoch", ylabel="cross entropy on new rows")
ax.legend()

# %%
# **What to try.** Let the five people err in 10 % of the cases only. Is there still a difference?
