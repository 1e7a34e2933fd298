"""
Warning sign: no line can do it
===============================

*Row H · A4, notes 000, 001*

A single layer cuts with a hyperplane. Whether one exists that separates two classes can be
decided once and for all, without any training: it exists unless the convex hulls of the classes
meet.

.. math::

   w^T x_i + b ≥ 1 for class 1, w^T x_i + b ≤ -1 for class 0

Either these inequalities have a solution, or some point is a weighted mean of both classes. A
linear programme finds the one or the other.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.optimize import linprog
from sklearn.datasets import load_iris

import chainrule as cr

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]], dtype=float)
tasks = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0]}


def common_point(X, d):
    """A point in both convex hulls, or None where a hyperplane separates the classes."""
    one, zero = X[d == 1], X[d == 0]
    n, m = len(one), len(zero)
    equations = np.r_[
        np.c_[one.T, -zero.T],
        [[1] * n + [0] * m],
        [[0] * n + [1] * m],
    ]
    answer = linprog(np.zeros(n + m), A_eq=equations, b_eq=[0] * X.shape[1] + [1, 1])
    return answer.x[:n] @ one if answer.success else None


# %%
# And now a linear network trained on each, to see what it looks like when training cannot
# succeed: the loss stops at ln 2 = 0.693, the loss of a coin.

histories = {}
for name, outputs in tasks.items():
    d = np.array(outputs)
    point = common_point(X, d)
    verdict = "separable" if point is None else f"both hulls contain {point}"
    net = cr.Network([cr.Dense(2)], "cross_entropy", input_shape=2, seed=1)
    histories[name] = cr.train(net, X, d, optimizer=cr.Adam(0.1), epochs=150)
    loss, right = histories[name].loss[-1], histories[name].metric[-1]
    print(f"{name:>4}: {verdict:<32} loss {loss:.3f}, right {right:.0%}")
    assert (point is None) == (right == 1)
assert np.isclose(histories["XOR"].loss[-1], np.log(2), atol=0.01)

# %%
# The same test on real data: three pairs of iris species.

iris = load_iris()
for a, b in ((0, 1), (0, 2), (1, 2)):
    rows = np.isin(iris.target, (a, b))
    point = common_point(iris.data[rows], (iris.target[rows] == b).astype(int))
    names = f"{iris.target_names[a]} and {iris.target_names[b]}"
    print(f"{names:<24}", "separable" if point is None else f"not separable: {point.round(2)}")

# %%
# The hulls of AND lie apart, those of XOR cross in the middle.

fig, (left, middle, right) = plt.subplots(1, 3, figsize=(12, 3.8), layout="constrained")
for ax, name in ((left, "AND"), (middle, "XOR")):
    d = np.array(tasks[name])
    for kind, color in ((0, "C0"), (1, "C3")):
        corners = X[d == kind]
        ax.fill(*corners.T, facecolor=color, edgecolor=color, alpha=0.4, lw=4)
        ax.scatter(*corners.T, c=color, s=90, zorder=3)
    ax.set(title=f"{name}: hulls of the two classes", xlabel="$x_1$", ylabel="$x_2$")
for name, history in histories.items():
    right.plot(history.loss, label=name)
right.axhline(np.log(2), color="0.6", ls=":", label="ln 2")
right.set(xlabel="epoch", ylabel="cross entropy of a linear model")
right.legend()

# %%
# **The cure**: a hidden layer. See the example *xor*.
#
# **What to try.** Add the product of the two inputs as a third feature to XOR. Is it separable now?
