"""
A sigmoid neuron is logistic regression
=======================================

*Row A5, notes 003, 000*

Replace the step by a smooth curve, and the neuron can learn. Its output is a probability:

.. math::

   a = 1/(1 + exp(-(w^T x + b)))

The bias may be written as the weight of an input that is always 1:

.. math::

   a = σ([w^T b] [x 1])

Statisticians have known the same model for longer, as logistic regression. Two programs that know
nothing of each other should find the same weights.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.linear_model import LogisticRegression

import chainrule as cr

rng = np.random.default_rng(1)
X = np.r_[rng.normal([0, 0], 1, size=(100, 2)), rng.normal([2, 1], 1, size=(100, 2))]
y = np.repeat([0, 1], 100)
theirs = LogisticRegression(C=np.inf, tol=1e-10).fit(X, y)

# %%
# ``binary_cross_entropy`` works on the sum before σ, so the layer itself has no activation.

ours = cr.Network([cr.Dense(1)], "binary_cross_entropy", input_shape=2, dtype="float64")
cr.train(ours, X, y, optimizer=cr.Momentum(0.5), batch_size=200, epochs=500)
w, b = ours.parameters["0.weight"].ravel(), ours.parameters["0.bias"].item()
print("chainrule     w =", w.round(6), " b =", round(b, 6))
print("scikit-learn  w =", theirs.coef_[0].round(6), " b =", theirs.intercept_[0].round(6))
assert np.allclose(w, theirs.coef_[0], rtol=1e-4)
assert np.allclose(ours.predict_proba(X).ravel(), theirs.predict_proba(X)[:, 1], atol=1e-5)

# %%
# The second form: no bias, a column of ones instead. The same numbers once more.

ones = np.c_[X, np.ones(len(X))]
unbiased = cr.Network(
    [cr.Dense(1, bias=False)], "binary_cross_entropy", input_shape=3, dtype="float64"
)
cr.train(unbiased, ones, y, optimizer=cr.Momentum(0.5), batch_size=200, epochs=500)
print("column of 1  [w b] =", unbiased.parameters["0.weight"].ravel().round(6))
assert np.allclose(unbiased.parameters["0.weight"].ravel(), [*w, b], rtol=1e-4)

# %%
# The probability of class 1, and the line where it is one half.

side_1, side_2 = np.linspace(-3, 5, 120), np.linspace(-3.2, 4.6, 120)
plane = np.stack(np.meshgrid(side_1, side_2), axis=-1).reshape(-1, 2)
fig, ax = plt.subplots(figsize=(6, 4.2), layout="constrained")
p = ours.predict_proba(plane).reshape(120, 120)
shades = ax.contourf(side_1, side_2, p, levels=np.linspace(0, 1, 11), cmap="coolwarm", alpha=0.7)
ax.contour(side_1, side_2, p, levels=[0.5], colors="k")
ax.scatter(*X.T, c=y, cmap="coolwarm", edgecolors="k", s=18)
ax.set(xlabel="$x_1$", ylabel="$x_2$")
fig.colorbar(shades, label="a = probability of class 1")

# %%
# **What to try.** Move the second cloud to (6, 3), so that a line separates the two. Train longer
# and longer: the weights never settle. Why?
