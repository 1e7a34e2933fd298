"""
Linear regression by walking downhill
=====================================

*Row A2, notes 001*

The model is a weighted sum, the loss half the squared error. Start anywhere and take steps
against the gradient:

.. math::

   L(w) = ½ ∑_{j=1}^{m} (w^T x_j - y_j)^2

.. math::

   w ← w - α ∂L(w)/∂w

With a constant :math:`x_0 = 1` the intercept is a weight like the others. The bowl has one lowest
point, and linear algebra knows it: least squares. Do we arrive there?
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

rng = np.random.default_rng(0)
x = rng.uniform(-1, 2, size=(40, 1))
y = 1 + 2 * x + rng.normal(0, 0.5, size=(40, 1))
best = np.linalg.lstsq(np.c_[np.ones(40), x], y, rcond=None)[0].ravel()

# %%
# A network of one dense unit without an activation *is* this model. chainrule takes the mean over
# the rows instead of the sum, which only rescales α. A callback notes where we are after each
# step.


class Path(cr.Callback):
    def on_train_start(self, state):
        self.points = []
        self.on_epoch_end(state)

    def on_epoch_end(self, state):
        p = state.network.parameters
        self.points.append((p["0.bias"].item(), p["0.weight"].item()))


paths = {}
for name, start in {"zeros": (0.0, 0.0), "random": tuple(rng.normal(2, 2, size=2))}.items():
    net = cr.Network([cr.Dense(1)], "squared_error", input_shape=1, dtype="float64")
    net.parameters["0.bias"][:], net.parameters["0.weight"][:] = start
    path = Path()
    cr.train(net, x, y, optimizer=cr.SGD(0.5), batch_size=40, epochs=150, callbacks=[path])
    paths[name] = np.array(path.points)
    print(f"from {name:>6}: w_0, w = {paths[name][-1]}")
    assert np.allclose(paths[name][-1], best, rtol=1e-6)
print(f"least squares: w_0, w = {best}")

# %%
# Both walks end in the same place. With five features it is no different: the worst relative
# distance to the solution of least squares is printed.

X = rng.normal(size=(200, 5))
t = X @ rng.normal(size=5) + 3 + rng.normal(size=200)
many = cr.Network([cr.Dense(1)], "squared_error", input_shape=5, dtype="float64")
cr.train(many, X, t, optimizer=cr.SGD(0.5), batch_size=200, epochs=200)
solution = np.linalg.lstsq(np.c_[X, np.ones(200)], t, rcond=None)[0]
found = np.r_[many.parameters["0.weight"].ravel(), many.parameters["0.bias"]]
print("five features, worst relative distance:", f"{np.max(np.abs(found / solution - 1)):.1e}")
assert np.allclose(found, solution, rtol=1e-6)

# %%
# Left the data and the line, right the bowl of L with the two walks.

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
left.plot(x, y, "o", alpha=0.6, label="data")
left.plot([-1, 2], best[0] + best[1] * np.array([-1, 2]), "C3", label="$w_0 + w x$")
left.set(xlabel="x", ylabel="y")
left.legend()
a, b = np.meshgrid(np.linspace(-1, 5, 80), np.linspace(-1, 5, 80))
L = 0.5 * ((a[..., None] + b[..., None] * x.ravel() - y.ravel()) ** 2).sum(-1)
right.contour(a, b, L, levels=np.geomspace(L.min() * 1.1, L.max(), 14), cmap="Greys_r")
for name, path in paths.items():
    right.plot(*path.T, ".-", label=f"from {name}")
right.plot(*best, "k*", markersize=12, label="least squares")
right.set(xlabel="$w_0$", ylabel="w")
right.legend()

# %%
# **What to try.** Raise α in steps: from which value on does the walk climb out of the bowl?
# Multiply x by 10: why is a much smaller α needed now?
