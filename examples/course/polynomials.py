"""
Too simple, too flexible: polynomials
=====================================

*Row F1 · H, notes 001*

A straight line misses the shape of the data: **under-fitting**. A polynomial of degree 9 has ten
coefficients for twelve training points: it passes close by all of them and is wild between them,
**over-fitting**. What counts is the error on points that were not learnt from.

.. math::

   L(w) = 1/(2m) ∑_{i=1}^{m} (ŷ_i - y_i)^2, ŷ = w_0 + w_1 x + w_2 x^2 + … + w_k x^k
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.plots import FittingDisplay

rng = np.random.default_rng(7)


def sample(n):
    x = rng.uniform(-1, 1, size=n)
    return x, np.sin(3 * x) + 0.4 * x**2 + rng.normal(0, 0.2, size=n)


x, y = sample(12)
x_new, y_new = sample(500)

# %%
# The network is one unit whose inputs are powers of x. Powers resemble each other, and gradient
# descent is slow among such inputs. So they are first turned into orthogonal combinations; the
# model stays the same. Then every direction of the bowl is equally steep, and a single step of
# rate 1 reaches the bottom.


def fit(degree):
    powers = np.vander(x, degree + 1, increasing=True)
    _, R = np.linalg.qr(powers)
    turn = np.linalg.inv(R) * np.sqrt(len(x))
    net = cr.Network([cr.Dense(1, bias=False)], input_shape=degree + 1, dtype="float64")
    cr.train(net, powers @ turn, y, optimizer=cr.SGD(1.0), batch_size=len(x), epochs=3)
    w = turn @ net.parameters["0.weight"].ravel()
    assert np.allclose(w, np.linalg.lstsq(powers, y, rcond=None)[0], rtol=1e-5)
    return w


def error(w, x, y):
    return np.mean((np.vander(x, len(w), increasing=True) @ w - y) ** 2)


fits = {degree: fit(degree) for degree in range(1, 10)}
print("degree   error on the 12 points   on 500 new points   largest weight")
for degree, w in fits.items():
    learnt, new = error(w, x, y), error(w, x_new, y_new)
    print(f"{degree:>6} {learnt:>20.4f} {new:>19.4f} {np.abs(w).max():>18.1f}")

# %%
# The training error only ever falls, and goes far below the variance of the noise, 0.04: the
# curves bend to the noise of their points. On new points, whose noise nobody can foretell, no model
# gets below 0.04 except by chance. The error there is least at a low degree, and the weights of the
# wild polynomials are huge: that is why a penalty on the weights helps.

train = [error(w, x, y) for w in fits.values()]
new = [error(w, x_new, y_new) for w in fits.values()]
assert np.all(np.diff(train) <= 1e-9)
best = 1 + int(np.argmin(new))
assert 1 < best < 9
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
line = np.linspace(-1, 1, 300)
left.plot(x, y, "ko", label="12 training points")
for degree in (1, best, 9):
    curve = np.vander(line, degree + 1, increasing=True) @ fits[degree]
    left.plot(line, curve, label=f"degree {degree}")
left.set(ylim=(-2, 2.5), xlabel="x", ylabel="y")
left.legend()
FittingDisplay.from_scores(list(fits), train, new, complexity_name="degree").plot(right)
right.axhline(0.04, color="0.6", ls=":", label="variance of the noise")
right.set(xlabel="degree", xticks=list(fits), yscale="log")
right.legend()

# %%
# **What to try.** Take 100 training points. Does degree 9 still over-fit?
