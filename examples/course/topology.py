"""
How wide, how deep?
===================

*Row G4 · A6 · H, notes 001*

The ends of a network are given: as many inputs as features, as many outputs as classes. The
hidden layers are not. Too few units cannot hold the pattern, too many can hold the noise as well.
One more hidden unit costs

.. math::

   inputs + 1 + outputs

numbers to be learnt. Let us look at what experience says.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import chainrule as cr
from chainrule.estimators import propose_layers

X, y = load_digits(return_X_y=True)
X_train, X_new, y_train, y_new = train_test_split(X / 16, y, train_size=400, random_state=0)
inputs, outputs = X.shape[1], len(np.unique(y))
print(propose_layers(X_train, y_train))


def score(hidden, seed):
    layers = [*(cr.Dense(units, "relu") for units in hidden), cr.Dense(outputs)]
    net = cr.Network(layers, "cross_entropy", input_shape=inputs, seed=seed)
    cr.train(net, X_train, y_train, optimizer=cr.Adam(5e-3), epochs=25, seed=seed)
    return net.evaluate(X_train, y_train)["accuracy"], net.evaluate(X_new, y_new)["accuracy"]


# %%
# One hidden layer of growing width, three starts each. 400 digits to learn from, 1397 new ones.

widths = (1, 2, 4, 8, 16, 32, 64, 128)
table = {width: np.array([score([width], seed) for seed in range(3)]) for width in widths}
print("units  parameters  learnt   new    (mean of three starts)")
for width, scores in table.items():
    parameters = width * (inputs + 1 + outputs) + outputs
    print(f"{width:>5} {parameters:>11} {scores[:, 0].mean():>7.3f} {scores[:, 1].mean():>6.3f}")
assert table[2][:, 1].mean() < 0.8 < table[32][:, 1].mean()

# %%
# One or two units cannot tell ten digits apart. From about 32 on, more units change little: the
# gap between learnt and new stays, but it does not grow.
#
# The proposal above is more careful than the table: it allows five parameters for each row, because
# without trying nobody knows how noisy the rows are. These digits are clean, and wider layers are
# better on new ones. A proposal is where to start; the table decides. Depth at the same width:

proposed = np.array([score([16, 16], seed) for seed in range(3)]).mean(axis=0)
print(f"as proposed, (16, 16): learnt {proposed[0]:.3f}, new {proposed[1]:.3f}")
assert proposed[1] < table[32][:, 1].mean()
depths = {depth: np.array([score([32] * depth, seed) for seed in range(3)]) for depth in range(5)}
for depth, scores in depths.items():
    learnt, new = scores.mean(axis=0)
    print(f"hidden layers of 32: {depth}, learnt {learnt:.3f}, new {new:.3f}")

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained", sharey=True)
for ax, results in ((left, table), (right, depths)):
    for column, label in enumerate(("learnt from", "new digits")):
        values = np.array([scores[:, column] for scores in results.values()])
        ax.plot(list(results), values.mean(1), "o-", color=f"C{column}", label=label)
        ax.fill_between(list(results), values.min(1), values.max(1), color=f"C{column}", alpha=0.2)
    ax.legend(loc="lower right")
left.set(xscale="log", xticks=widths, xticklabels=widths, xlabel="hidden units", ylabel="accuracy")
left.minorticks_off()
right.set(xlabel="hidden layers of 32 units", xticks=range(5))

# %%
# **What to try.** Use 100 training digits instead of 400. Which width is best now?
