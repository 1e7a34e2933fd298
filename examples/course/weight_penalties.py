"""
Weights at a price: L2 and L1
=============================

*Row F2 · F3, notes 001, 003*

A network that may use large weights can bend to every accident of its training rows. So weights are
given a price θ. L2 takes their squares, L1 their absolute values; biases are free:

.. math::

   L̃(w) = L(w) + θ/2 ‖w‖_2^2, ∇L̃ = ∇L + θ w

.. math::

   L̃(w) = L(w) + θ ‖w‖_1, ∇L̃ = ∇L + θ sign(w)

The pull of L2 fades as a weight becomes small: weights shrink and stay. That of L1 does not fade:
weights that are not worth the price become 0.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Lasso, Ridge

import chainrule as cr
from chainrule.ops.penalties import L1, L2
from chainrule.training import LBFGS

data = load_diabetes(scaled=False)
X = (data.data - data.data.mean(0)) / data.data.std(0)
y = (data.target - data.target.mean()) / data.target.std()
n = len(X)

# %%
# One unit and ten weights: this is linear regression, and there the two prices have names, ridge
# regression and the lasso. scikit-learn solves both by other means. (Its ridge penalty is α‖w‖² on
# the *sum* of the squares, so α = nθ.) For L1 chainrule takes a gradient step and then moves every
# weight by ηθ towards 0, where it stops: the plain formula with sign(w) would step over 0 for ever.


def weights(penalty, **how):
    net = cr.Network([cr.Dense(1)], input_shape=10, penalties=[penalty], dtype="float64")
    cr.train(net, X, y, **how)
    return net.parameters["0.weight"].ravel()


descent = {"optimizer": cr.SGD(0.4), "batch_size": None, "epochs": 500}
prices = np.geomspace(0.01, 1, 9)
l2, l1 = [], []
print("θ        zeros of L1   of the lasso   difference to ridge   to the lasso")
for theta in prices:
    l2.append(weights(L2(theta), optimizer=LBFGS()))
    l1.append(weights(L1(theta), **descent))
    ridge = Ridge(alpha=n * theta, tol=1e-10).fit(X, y).coef_
    lasso = Lasso(alpha=theta, tol=1e-10, max_iter=100_000).fit(X, y).coef_
    zeros = (l1[-1] == 0).sum(), (lasso == 0).sum()
    apart = np.abs(l2[-1] - ridge).max(), np.abs(l1[-1] - lasso).max()
    print(f"{theta:<8.2g} {zeros[0]:>11} {zeros[1]:>14} {apart[0]:>21.0e} {apart[1]:>14.0e}")
    assert zeros[0] == zeros[1]
    assert max(apart) < 1e-5

# %%
# L2 makes the weights smaller as a whole and none of them 0. L1 throws out one after the other;
# what stays longest is the body mass index and a blood value.

fig, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", sharey=True)
for ax, paths, name in ((axes[0], l2, "L2"), (axes[1], l1, "L1")):
    for path, column in zip(np.transpose(paths), data.feature_names, strict=True):
        ax.semilogx(prices, path, ".-", label=column)
    ax.axhline(0, color="k", lw=0.8)
    ax.set(title=name, xlabel="θ")
axes[0].set_ylabel("weight")
axes[1].legend(loc="center left", bbox_to_anchor=(1, 0.5))

# %%
# Does it help? A network of 40 hidden units with 100 patients to learn from, the rest to be tested
# on. Without a price its loss on its own rows is a tenth of that on new ones, where it is hardly
# better than giving everybody the mean. A moderate price makes it worse on its own rows and better
# on new ones. A price too high teaches it nothing.

print("θ        loss on 100 rows   on 342 new rows   weights that are 0, of 440")
curve = {}
for penalty in (L2, L1):
    for theta in (0, 1e-2, 1e-1, 1):
        layers = [cr.Dense(40, "tanh"), cr.Dense(1)]
        net = cr.Network(layers, input_shape=10, penalties=[penalty(theta)], seed=0)
        cr.train(net, X[:100], y[:100], optimizer=cr.SGD(0.1), batch_size=25, epochs=300)
        seen, new = (net.evaluate(X[part], y[part])["loss"] for part in (slice(100), slice(100, n)))
        zeros = sum(int((net.parameters[f"{k}.weight"] == 0).sum()) for k in (0, 1))
        curve[penalty.__name__, theta] = new
        print(f"{penalty.__name__} {theta:<5g} {seen:>12.3f} {new:>17.3f} {zeros:>18}")
    assert curve[penalty.__name__, 1] > curve[penalty.__name__, 0.01] < curve[penalty.__name__, 0]
own, others = (np.mean(y[part] ** 2) / 2 for part in (slice(100), slice(100, n)))
print(f"the mean {own:>11.3f} {others:>17.3f}")

# %%
# **What to try.** Put a price on the first layer alone, ``L1(0.01, ["0.weight"])``. Which columns
# does the network do without altogether?
