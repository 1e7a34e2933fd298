"""
When one class is rare
======================

*Row C1, notes 000*

The error of a network is the mean over the rows:

.. math::

   Err = 1/T ∑_t Div(Y_t, d_t)

With 95 rows of one class and 5 of the other, the five hardly count: "always the first" is right 19
times out of 20. If the rare class is what we are looking for, its rows need a larger weight:

.. math::

   Err = ∑_t a_t Div(Y_t, d_t) / ∑_t a_t

"balanced" chooses :math:`a_t = T/(K T_c)` for a row of a class with :math:`T_c` of the T rows, so
that all K classes count the same in total.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import precision_score, recall_score

import chainrule as cr
from chainrule.plots import DecisionRegionsDisplay

rng = np.random.default_rng(0)


def sample(common, rare):
    X = np.r_[rng.normal(0, 1.2, size=(common, 2)), rng.normal([1.8, 1.2], 0.7, size=(rare, 2))]
    return X, np.repeat(["common", "rare"], [common, rare])


X, y = sample(950, 50)
X_new, y_new = sample(9500, 500)
recall, models = {}, {}
print("class_weight   accuracy   recall: common   rare   precision: rare")
for weight in (None, "balanced", {"rare": 5}):
    model = cr.NetworkClassifier((16,), class_weight=weight, random_state=0).fit(X, y)
    answer = model.predict(X_new)
    models[str(weight)] = model
    recall[str(weight)] = recall_score(y_new, answer, average=None)
    common, rare = recall[str(weight)]
    precision = precision_score(y_new, answer, pos_label="rare")
    print(f"{weight!s:<14} {np.mean(answer == y_new):>8.3f} {common:>16.3f} {rare:>6.3f}", end="")
    print(f"{precision:>18.3f}")
assert recall["balanced"][1] > recall["{'rare': 5}"][1] > recall["None"][1]

# %%
# Recall is the share of a class that is found. Without weights accuracy is best, and most of the
# rare rows are missed. Balanced, nearly all are found, at the price of many false alarms: of the
# rows called rare, few are (the precision). Which of the three is good depends on what a miss and
# what a false alarm cost, and no loss can know that.
#
# What "balanced" computes, by hand, is a weight for each row:

T_c = np.array([950, 50])
a = 1000 / (2 * T_c)
net = cr.Network([cr.Dense(1)], "binary_cross_entropy", input_shape=2, dtype="float64")
d = (y == "rare").astype(int)
weighted = net.evaluate(X, d, sample_weight=a[d])["loss"]
by_class = [net.evaluate(X[d == k], d[d == k])["loss"] for k in (0, 1)]
print(
    f"weights {a.round(3)}: Err = {weighted:.6f}, mean of the two classes {np.mean(by_class):.6f}"
)
assert np.isclose(weighted, np.mean(by_class))

# %%
# The weight moves the border into the common class.

fig, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
for ax, (name, model) in zip(axes, models.items(), strict=True):
    DecisionRegionsDisplay.from_model(model, X, y).plot(ax)
    ax.set_title(f"class_weight = {name}", loc="left")
    ax.set_xlabel("$x_1$")
    if ax is not axes[-1]:
        ax.get_legend().remove()

# %%
# **What to try.** Leave the weights out and lower the threshold instead: call a row rare when its
# ``predict_proba`` is above 0.05. How do the recalls compare?
