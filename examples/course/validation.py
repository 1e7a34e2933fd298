"""
How good is it really? Validation
=================================

*Row F7, notes 001*

One split into training and test rows gives one number, and another split another. The notes name
three ways to split: **hold-out**, once or several times; **leave-one-out**, n models that each miss
one row; and **K folds**, each of which is the test set once:

.. math::

   MSE = 1/K ∑_{i=1}^{K} MSE_i

The spread of the numbers is as important as their mean.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LinearRegression

import chainrule as cr
from chainrule.estimators import compare, hold_out, k_fold, leave_one_out
from chainrule.training import LBFGS

X, y = load_diabetes(return_X_y=True)
X, y = X[:150], y[:150]
MSE = "neg_mean_squared_error"
line = LinearRegression()

# %%
# Linear regression, so quick that all three are. By a single hold-out it could be called good or
# bad.

ways = {
    "hold-out, 100 times": hold_out(line, X, y, 0.25, 100, scoring=MSE),
    "5 folds": k_fold(line, X, y, 5, scoring=MSE),
    "leave-one-out": leave_one_out(line, X, y),
}
for name, scores in ways.items():
    print(f"{name:<20} mean MSE {scores.mean:.0f}, splits from {scores.scores.min():.0f}", end="")
    print(f" to {scores.scores.max():.0f}")

# %%
# Leave-one-out needs n trainings. For least squares it needs none: divide the error of each row by
# 1 minus its leverage, the diagonal of the hat matrix H:
#
# .. math::
#
#    y_i - ŷ_{(-i)} = (y_i - ŷ_i)/(1 - H_{ii})

A = np.c_[np.ones(len(X)), X]
H = A @ np.linalg.pinv(A)
errors = (y - H @ y) / (1 - np.diag(H))
print(f"n trainings: {ways['leave-one-out'].mean:.6f}, by the formula: {np.mean(errors**2):.6f}")
assert np.allclose(errors**2, ways["leave-one-out"].scores)

# %%
# A network is not linear, but close to its trained weights nearly so. The same formula with the
# derivatives of its output in place of the columns of X gives an **approximate** leave-one-out from
# a single training, and says that it is one:

rng = np.random.default_rng(0)
x = rng.uniform(-1, 1, size=(60, 1))
t = np.sin(3 * x[:, 0]) + rng.normal(0, 0.2, size=60)
network = cr.NetworkRegressor((2,), optimizer=LBFGS(400), early_stopping=False, random_state=0)
exact = leave_one_out(network, x, t, progress=False)
quick = leave_one_out(network, x, t, approximate=True)
print(exact.title, f"{exact.mean:.4f}", sep="\n")
print(quick.title, f"{quick.mean:.4f}", sep="\n")
assert quick.approximate
assert 0.9 < quick.mean / exact.mean < 1.1
assert np.corrcoef(exact.scores, quick.scores)[0, 1] > 0.95

# %%
# To compare models, give them the same splits. A split that is hard is hard for all, so the
# difference spreads less than the scores do.

models = {"straight line": line, "3 hidden units": network, "mean": DummyRegressor()}
print(compare(models, x, t, scoring=MSE))

# %%
# Left: what one hold-out might have said, and five folds. Right: the exact and the approximate
# error of each left-out row.

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
left.hist(ways["hold-out, 100 times"].scores, bins=20, color="0.75", label="100 hold-outs")
folds = ways["5 folds"].scores
left.plot(folds, np.ones(5), "oC0", label="5 folds")
left.axvline(ways["5 folds"].mean, color="C1", lw=3, label="their mean")
left.axvline(ways["leave-one-out"].mean, color="k", ls="--", label="leave-one-out")
left.legend()
left.set(xlabel="mean squared error", ylabel="splits")
right.loglog(exact.scores, quick.scores, "o")
right.plot([1e-7, 1], [1e-7, 1], "0.6", ls=":")
right.set(xlabel="squared error, trained without the row", ylabel="approximated")

# %%
# **What to try.** The last part with 40 rows. A single row can then bend the network so much that
# the approximation is far off for it. Which row is it?
