"""
A price on chosen weights
=========================

*Row F1, notes 001*

A parabola fits the points well; with terms of third and fourth degree it starts to wriggle. The
notes want these two weights small, and only these, so they give them a price, "very large, such as
1000":

.. math::

   L(w) = 1/(2m) ∑_{i=1}^{m} ‖y_i - ŷ_i‖^2 + C_1 w_3^2 + C_2 w_4^2

.. math::

   ŷ = w_0 + w_1 x + w_2 x^2 + w_3 x^3 + w_4 x^4
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.ops.penalties import L2
from chainrule.training import LBFGS

rng = np.random.default_rng(3)
x = rng.uniform(-1, 1, size=7)
x_new = rng.uniform(-1, 1, size=500)


def noisy(x):
    return 1 - x + 2 * x**2 + rng.normal(0, 0.3, size=len(x))


y, y_new = noisy(x), noisy(x_new)

# %%
# One unit; its inputs are the powers of x, its bias is :math:`w_0`. A penalty takes one strength
# for each weight, an array of the weights' own shape. chainrule's L2 is θ/2 · w², so that θ = 2C.


def powers(x):
    return np.stack([x, x**2, x**3, x**4], axis=1)


def fit(c):
    strengths = np.array([[0.0], [0.0], [2 * c], [2 * c]])
    net = cr.Network(
        [cr.Dense(1)], input_shape=4, penalties=[L2({"0.weight": strengths})], dtype="float64"
    )
    history = cr.train(net, powers(x), y, optimizer=LBFGS())
    assert history.stopped.startswith("converged")
    return net


prices = (0, 1e-3, 1e-2, 1e-1, 1, 1000)
nets = {c: fit(c) for c in prices}
print("C₁ = C₂      w_1     w_2     w_3     w_4   squared error: 7 points   500 new ones")
error = {}
for c, net in nets.items():
    w = "".join(f"{v:>8.3f}" for v in net.parameters["0.weight"].ravel())
    seen = np.mean((net.predict(powers(x)).ravel() - y) ** 2)
    error[c] = np.mean((net.predict(powers(x_new)).ravel() - y_new) ** 2)
    print(f"{c:<7g}{w} {seen:>24.4f} {error[c]:>14.4f}")
assert error[1000] < 0.2 * error[0]

# %%
# With C = 1000 it is the parabola that least squares finds. With these seven points a small price
# happens to do better still: what the price should be is a matter for validation.

square = powers(x)[:, :2]
parabola = np.linalg.lstsq(np.c_[np.ones(len(x)), square], y, rcond=None)[0]
print("least squares without the two terms:", parabola.round(3))
assert np.allclose(nets[1000].parameters["0.weight"].ravel()[:2], parabola[1:], atol=1e-3)

# %%
# Left the curves, right the weights against the price.

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
line = np.linspace(-1, 1, 200)
left.plot(x, y, "ko", label="7 training points")
left.plot(line, 1 - line + 2 * line**2, "0.6", ls=":", label="where they come from")
for c in (0, 1e-3, 1000):
    left.plot(line, nets[c].predict(powers(line)), label=f"C = {c:g}")
left.set(xlabel="x", ylabel="y", ylim=(-1, 5))
left.legend()
sweep = np.geomspace(1e-5, 1e3, 25)
paths = np.array([fit(c).parameters["0.weight"].ravel() for c in sweep])
for k, path in enumerate(paths.T, start=1):
    right.semilogx(sweep, path, ".-", label=f"$w_{k}$")
right.axhline(0, color="k", lw=0.8)
right.set(xlabel="$C_1 = C_2$", ylabel="weight")
right.legend()

# %%
# **What to try.** Put the price on :math:`w_2` and :math:`w_3` instead. Which curve is left when it
# is very high?
