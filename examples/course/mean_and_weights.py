"""
The error is a mean, and a mean can be weighted
===============================================

*Row C1, notes 000*

The divergence says how far one answer is from the desired one. The error of a network is its mean
over the T training rows, and so the gradient is a mean as well:

.. math::

   Err = (1/T) ∑_t Div(Y_t, d_t)

.. math::

   ∂Err/∂w = (1/T) ∑_t ∂Div(Y_t, d_t)/∂w

Let us take this literally: one row at a time, then all rows at once.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

rng = np.random.default_rng(0)
X = np.r_[rng.normal([0, 0], 1, size=(190, 2)), rng.normal([2, 2], 0.7, size=(10, 2))]
d = np.repeat([0, 1], [190, 10])
net = cr.Network([cr.Dense(2)], "cross_entropy", input_shape=2, seed=1, engine="reference")

singles = [net.loss_and_gradients(X[t : t + 1], d[t : t + 1]) for t in range(0, 200, 20)]
mean_of_losses = np.mean([loss for loss, _ in singles])
mean_of_gradients = np.mean([g["0.weight"] for _, g in singles], axis=0)
loss, gradients = net.loss_and_gradients(X[::20], d[::20])
print(f"ten rows one by one {mean_of_losses:.12f}, at once {loss:.12f}")
assert np.isclose(mean_of_losses, loss)
assert np.allclose(mean_of_gradients, gradients["0.weight"])

# %%
# A **sample weight** says how often a row counts. Weight 3 is the same as having the row three
# times:

weights = rng.integers(1, 4, size=200)
weighted, _ = net.loss_and_gradients(X, d, sample_weight=weights)
repeated, _ = net.loss_and_gradients(np.repeat(X, weights, axis=0), np.repeat(d, weights))
print(f"weighted {weighted:.12f}, repeated {repeated:.12f}")
assert np.isclose(weighted, repeated)

# %%
# **Class weights** are sample weights that depend on the class. Only 10 of our 200 rows are of
# class 1; the mean hardly notices them. Weights of 19 : 1 make both classes count the same.


def recall(weight):
    model = cr.Network([cr.Dense(2)], "cross_entropy", input_shape=2, seed=1)
    w = np.where(d == 1, weight, 1.0)
    cr.train(model, X, d, sample_weight=w, optimizer=cr.Adam(0.05), batch_size=200, epochs=300)
    found = model.predict(X).argmax(1)
    print(f"weight {weight:>2}: finds {(found[d == 1] == 1).sum()} of 10 rare rows,", end=" ")
    print(f"false alarms {(found[d == 0] == 1).sum()}")
    return model


plain, balanced = recall(1), recall(19)

# %%
# The price of finding them is a number of false alarms; the border moves.

fig, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
side = np.linspace(-3, 4, 120)
plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
for model, color in ((plain, "C0"), (balanced, "C3")):
    z = model.predict(plane)
    ax.contour(side, side, (z[:, 1] - z[:, 0]).reshape(120, 120), levels=[0], colors=color)
for kind, marker in ((0, "o"), (1, "^")):
    ax.scatter(*X[d == kind].T, c="0.6" if kind == 0 else "k", marker=marker, s=20)
ax.plot([], [], "C0", label="every row counts the same")
ax.plot([], [], "C3", label="every class counts the same")
ax.legend(loc="lower left")
ax.set(xlabel="$x_1$", ylabel="$x_2$")

# %%
# **What to try.** Give one row the weight 1000. Where does the border go?
