"""
Gradient descent until it has converged
=======================================

*Row E1, notes 000, 002*

Gradient descent on all rows: compute the gradient of the mean error, take a step against it,
repeat *until converged*.

.. math::

   w_{ij}^{(k)} ← w_{ij}^{(k)} - η ∂Err/∂w_{ij}^{(k)}

The notes leave open when that is. A criterion has to be stated: here, that the gradient has
become short.

.. math::

   ‖∂Err/∂w‖ ≤ 10^{-3}
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_iris

import chainrule as cr
from chainrule.training import Convergence

X, y = load_iris(return_X_y=True)
X = (X - X.mean(0)) / X.std(0)

# %%
# ``Convergence`` is a callback: it looks at the gradient after every epoch and ends the training.
# With ``batch_size=None`` all rows make one batch, and an epoch is one step. A second callback, of
# our own, keeps the lengths for the picture.


class Lengths(cr.Callback):
    def __init__(self):
        self.lengths = []

    def on_epoch_end(self, state):
        self.lengths.append(np.sqrt(sum((g**2).sum() for g in state.gradients.values())))


# %%
# A linear model of two classes that overlap: versicolor and virginica, by their petals. (Where a
# line separates the classes perfectly, longer weights are always better, and there is no minimum
# to converge to.)

pair, kind = X[50:, 2:], y[50:] - 1
runs = {}
for rate in (0.5, 2.0, 8.0):
    net = cr.Network([cr.Dense(2)], "cross_entropy", input_shape=2, dtype="float64")
    watch = Lengths()
    history = cr.train(
        net, pair, kind, optimizer=cr.SGD(rate), batch_size=None, epochs=900,
        callbacks=[watch, Convergence(gradient_norm=1e-3)],
    )  # fmt: skip
    runs[rate] = watch.lengths, history.loss
    print(f"η = {rate:<4g} {len(history):>4} steps, loss {history.loss[-1]:.6f}: {history.stopped}")
assert runs[8.0][0][-1] <= 1e-3

# %%
# The two larger rates reach the criterion at the same loss, the largest in the fewest steps. "All
# epochs done" means that the criterion was **not** met: such a run has ended, not converged.

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
for rate, (lengths, losses) in runs.items():
    steps = range(1, len(losses) + 1)
    left.loglog(steps, lengths, label=f"η = {rate:g}")
    right.semilogx(steps, losses, label=f"η = {rate:g}")
left.axhline(1e-3, color="0.6", ls=":", label="converged")
left.set(xlabel="step", ylabel="length of the gradient")
right.set(xlabel="step", ylabel="loss")
left.legend()
right.legend()

# %%
# **What to try.** Stop by ``Convergence(relative_loss=1e-5)`` instead, when a step changes the loss
# by no more than this share of itself. Does the slowest
# run fool this criterion?
