"""
Bagging: ask several networks
=============================

*Row F5, notes 001*

Networks trained on slightly different rows make different errors, and in the mean of their answers
much of that cancels. The notes draw each set of rows anew from the original one, with replacement
and of the same size, and average the models:

.. math::

   ŷ(x) = 1/M ∑_{m=1}^{M} ŷ_m(x)

Drawing n out of n rows misses each row with probability (1 - 1/n)ⁿ ≈ 1/e = 37 %. Those rows are
unseen by that member, "out of the bag", and can test it at no cost.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

import chainrule as cr
from chainrule.estimators import bag

X, y = load_diabetes(return_X_y=True)
train, new = slice(0, 300), slice(300, None)

# %%
# Twenty networks. ``member_scores_`` has the R² of each alone on the rows that it has not seen,
# ``oob_score_`` that of the mean, for each row over the members that have not seen it.

single = cr.NetworkRegressor((16,), epochs=60, early_stopping=False, learning_rate=0.01)
model = bag(single, 20, random_state=0).fit(X[train], y[train])
alone = np.array([member.score(X[new], y[new]) for member in model.estimators_])
whole = model.score(X[new], y[new])
print(f"out of the bag: mean member R² {model.member_scores_.mean():.3f}, ", end="")
print(f"the bag {model.oob_score_:.3f}")
print(f"142 new rows:   mean member R² {alone.mean():.3f}, the bag {whole:.3f}")
print(f"{(alone > whole).sum()} of 20 members are better than the bag")
assert whole > alone.mean()

# %%
# Why? For every row the squared error of the mean is the mean squared error of the members less
# their spread round the mean, whatever the models are:
#
# .. math::
#
#    (y - ŷ)^2 = 1/M ∑_m (y - ŷ_m)^2 - 1/M ∑_m (ŷ_m - ŷ)^2
#
# The bag gains exactly by what its members disagree.

members = np.array([member.predict(X[new]) for member in model.estimators_])
mean_error = np.mean((y[new] - members) ** 2)
spread = np.mean((members - members.mean(0)) ** 2)
bag_error = np.mean((y[new] - model.predict(X[new])) ** 2)
print(f"mean error {mean_error:.0f} - spread {spread:.0f} = {mean_error - spread:.0f}, ", end="")
print(f"error of the bag {bag_error:.0f}")
assert np.isclose(mean_error - spread, bag_error)

# %%
# How many? We take bags of the first 1, 2, … members. Most of the gain is there after ten.

sizes = np.arange(1, 21)
score = [1 - np.mean((y[new] - members[:m].mean(0)) ** 2) / np.var(y[new]) for m in sizes]
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
left.plot(sizes, alone, "o", color="0.6", label="each member alone")
left.plot(sizes, score, "C0.-", label="mean of the first M")
left.axhline(model.oob_score_, color="C1", ls="--", label="out-of-bag score of all")
left.set(xlabel="M", ylabel="R² on new rows", xticks=sizes[::3])
left.legend()
order = np.argsort(model.predict(X[new]))
right.plot(members[:, order].T, ".", color="0.75", ms=3)
right.plot(members[:, order].mean(0), "C0", label="the bag")
right.set(xlabel="new rows, by the answer of the bag", ylabel="answers of the members")
right.legend()

# %%
# **What to try.** Put ``LinearRegression()`` into the bag, which hardly changes from draw to draw.
# What is there to gain?
