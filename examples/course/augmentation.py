"""
More rows than there are: augmentation
======================================

*Row F6, notes 001*

A digit moved by one pixel is the same digit, and so is one with a little noise. The notes count the
enlarging of the data set among the regularisers: what we know must not matter is shown to the
network as new rows. Mixup (2018) goes further and mixes two rows and their targets in the same
proportion:

.. math::

   x̃ = λ x_i + (1 - λ) x_j, d̃ = λ d_i + (1 - λ) d_j, λ ∼ Beta(α, α)
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import chainrule as cr
from chainrule.data.augmentation import GaussianNoise, Mixup, Shift

X, y = load_digits(return_X_y=True)
X = X / 16
order = np.random.default_rng(0).permutation(len(X))
train, new = order[:100], order[100:]
kinds = {
    "none": None,
    "noise": GaussianNoise(0.1),
    "shift": Shift(1, shape=(8, 8)),
    "mixup": Mixup(0.2),
    "all three": [Shift(1, shape=(8, 8)), GaussianNoise(0.1), Mixup(0.2)],
}

# %%
# An augmentation is a function of rows, targets and a random generator. In training its rows are
# drawn afresh for every epoch; rows for validation are left alone. Five rows, and what becomes of
# them:

fig, axes = plt.subplots(4, 5, figsize=(7, 6), layout="constrained")
for line, name in zip(axes, ("none", "noise", "shift", "mixup"), strict=True):
    rows, d = X[train[:5]], np.eye(10)[y[train[:5]]]
    if name != "none":
        change = Mixup(1.0) if name == "mixup" else kinds[name]
        rows, d = change(rows, d, np.random.default_rng(1))
    for ax, row, share in zip(line, rows, d, strict=True):
        ax.imshow(row.reshape(8, 8), cmap="Greys", vmin=0, vmax=1)
        title = " ".join(f"{k}: {share[k]:.0%}" for k in np.argsort(-share)[:2] if share[k])
        ax.set_title(title, fontsize=8)
        ax.set_axis_off()
    line[0].text(-1, 3.5, name, rotation=90, va="center", ha="right")

# %%
# Networks that learn from 100 digits, tested on 1697 others: as they are, moved by a pixel, with
# much noise.

rng = np.random.default_rng(2)
tests = {
    "as they are": X[new],
    "moved": Shift(1, shape=(8, 8))(X[new], y[new], rng)[0],
    "noisy": GaussianNoise(0.3)(X[new], y[new], rng)[0],
}
right = {}
print("augmentation  training loss" + "".join(f"{name:>14}" for name in tests))
for name, augment in kinds.items():
    layers = [cr.Dense(64, "relu"), cr.Dense(10)]
    net = cr.Network(layers, "cross_entropy", input_shape=64, seed=0)
    history = cr.train(
        net, X[train], y[train], optimizer=cr.Adam(5e-3), augment=augment, batch_size=20, epochs=100
    )
    right[name] = [net.evaluate(rows, y[new])["accuracy"] for rows in tests.values()]
    print(f"{name:<13} {history.loss[-1]:>13.3f}" + "".join(f"{a:>14.3f}" for a in right[name]))
assert right["shift"][1] > right["none"][1] + 0.3
assert right["noise"][2] > right["none"][2]

# %%
# An augmentation helps where the new rows differ as it says, and only there. Trained with shifts
# the network reads the moved digits too; but these test digits all stand in the middle and fill
# their frame, so on them "moved digits are the same" is a lesson that costs something. So choose
# augmentations by what you expect to meet, not by their number.

fig, ax = plt.subplots(figsize=(8, 4), layout="constrained")
for k, (name, values) in enumerate(right.items()):
    ax.bar(np.arange(3) + 0.16 * (k - 2), values, 0.15, label=name)
ax.set_xticks(range(3), list(tests))
ax.set(xlabel="test digits", ylabel="accuracy", ylim=(0.2, 1))
ax.legend(title="augmentation", loc="center left", bbox_to_anchor=(1, 0.5))

# %%
# **What to try.** Write your own: a function of (X, y, rng) that makes strokes paler or darker, by
# a factor from 0.7 to 1.3 for each row. On which test digits could it help?
