"""
A line, seen through an activation
==================================

*Row A1, notes 000*

A linear model gives a number. To get a class, a probability or a count, the number goes through an
**activation** g; statisticians call its inverse the **link**:

.. math::

   f(x) = g(w^T x + w_0)

Where f is constant, the sum inside is constant too. So the decision surface is a straight line (a
plane, a hyperplane) whatever g is. Here are four g with the same w.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.estimators import GeneralizedLinearClassifier, GeneralizedLinearRegressor

w, w_0 = np.array([[1.0], [2.0]]), -1.0
links = {
    "squared_error": ("identity", lambda f: f),
    "binary_cross_entropy": ("sigmoid", lambda f: np.log(f / (1 - f))),
    "poisson": ("exp", np.log),
}

# %%
# In chainrule the loss knows its activation: ``predict`` gives the sum, ``predict_proba`` gives g
# of the sum. The link must take us back.

x = np.random.default_rng(0).normal(size=(4, 2))
models = {}
for loss, (g, link) in links.items():
    net = cr.Network([cr.Dense(1)], loss, input_shape=2, engine="reference")
    net.parameters["0.weight"][:] = w
    net.parameters["0.bias"][:] = w_0
    f = net.predict_proba(x)
    print(f"{g:>8}: f = {f.ravel().round(3)}   link(f) = {link(f).ravel().round(3)}")
    assert np.allclose(link(f), x @ w + w_0)
    models[g] = net

# %%
# With K outputs, softmax turns K sums into K probabilities. Its link gives back the differences
# of the sums: adding a constant to all of them changes nothing.

softmax = cr.Network([cr.Dense(3)], "cross_entropy", input_shape=2, seed=3, engine="reference")
p = softmax.predict_proba(x)
z = softmax.predict(x)
print("softmax:", p[0].round(3), "with sum", p[0].sum().round(12))
assert np.allclose(np.log(p[:, :1] / p), z[:, :1] - z)

# %%
# The other way round: 5000 rows drawn from these models, from which the estimators find w and
# :math:`w_0` again.

rng = np.random.default_rng(1)
rows = rng.normal(size=(5000, 2))
means = {g: net.predict_proba(rows).ravel() for g, net in models.items()}
fitted = {
    "identity": GeneralizedLinearRegressor().fit(rows, means["identity"] + rng.normal(size=5000)),
    "sigmoid": GeneralizedLinearClassifier().fit(rows, rng.random(5000) < means["sigmoid"]),
    "exp": GeneralizedLinearRegressor("poisson").fit(rows, rng.poisson(means["exp"])),
}
for g, model in fitted.items():
    found = np.append(model.coef_, model.intercept_)
    print(f"{g:>8}: w = {found[:2].round(3)}, w_0 = {found[2]:.3f}")
    assert np.allclose(found, [1, 2, -1], atol=0.15)

# %%
# The level lines of f: parallel and straight in the first three pictures, for every g. Between two
# classes of softmax the border is straight as well.

side = np.linspace(-2, 2, 101)
plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
fig, axes = plt.subplots(1, 4, figsize=(13, 3.4), layout="constrained", sharey=True)
for ax, (g, net) in zip(axes, models.items(), strict=False):
    f = net.predict_proba(plane).reshape(101, 101)
    levels = np.quantile(f, np.linspace(0.1, 0.9, 8))
    lines = ax.contour(side, side, f, levels, cmap="viridis")
    ax.clabel(lines, fontsize=7)
    ax.set(title=f"g = {g}", xlabel="$x_1$")
axes[3].contourf(
    side, side, softmax.predict(plane).argmax(1).reshape(101, 101), [-0.5, 0.5, 1.5, 2.5], alpha=0.5
)
axes[3].set(title="g = softmax, three classes", xlabel="$x_1$")
axes[0].set_ylabel("$x_2$")

# %%
# **What to try.** Change w: the lines turn. Change :math:`w_0`: they move. Can any g bend them?
