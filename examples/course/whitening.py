"""
Whitening
=========

*Row G3 · G1, notes 003*

Subtract the mean; turn the data to the directions in which they vary independently; divide each
direction by its spread. With the singular values of n centred rows,

.. math::

   X - x̄ = U S V^T

.. math::

   y = √(n - 1) S^{-1} V^T (x - x̄)

the covariance becomes the identity. Where a singular value is 0, the notes divide by a small number
instead. chainrule gives 0 there, because what is left in such a direction is rounding, and dividing
makes it as large as everything else.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from chainrule.data import MeanSubtraction, Whitening
from chainrule.estimators import k_fold

rng = np.random.default_rng(0)
cloud = rng.normal(size=(400, 2)) @ [[3.0, 1.0], [0.0, 0.6]] + [5.0, 2.0]
stages = {
    "as it is": cloud,
    "mean subtracted": MeanSubtraction().fit_transform(cloud),
    "whitened": Whitening().fit_transform(cloud),
}
for name, rows in stages.items():
    print(f"{name:<16} mean {rows.mean(0).round(3) + 0.0}, covariance", end=" ")
    print((np.cov(rows.T).round(3) + 0.0).tolist())
assert np.allclose(np.cov(stages["whitened"].T), np.eye(2), atol=1e-6)

# %%
# Images of digits have 64 pixels, some of which are white in all of 300 training images: as many
# singular values are 0, up to rounding. A new digit that has a little ink there is worlds away from
# the others by the notes' recipe, and chainrule ignores that pixel:

X, y = load_digits(return_X_y=True)
train, new = X[:300], X[300:]
white = Whitening().fit(train)
_, S, Vt = np.linalg.svd(train - train.mean(0), full_matrices=False)
print("smallest singular values:", S[-8:])
print("directions with output 0:", (white.spread_ == 0).sum())
recipe = (new - train.mean(0)) @ Vt.T / (S + 1e-8) * 299**0.5
print(f"largest entry of new rows: notes {np.abs(recipe).max():.1e},", end=" ")
print(f"chainrule {np.abs(white.transform(new)).max():.0f}")

# %%
# Whitening learns from rows, so only training rows may teach it. For them the covariance is the
# identity; for new rows it is not quite, and that is how it should be. A pipeline inside
# cross-validation fits it on the training rows of every split. Does it help? Not always: it makes
# the faint directions as loud as the strong ones. ``rank`` keeps the strong ones only.

kept = white.spread_ > 0
for name, rows in (("training", train), ("new", new)):
    variance = white.transform(rows)[:, kept].var(axis=0, ddof=1)
    print(f"variances of the {name} rows: from {variance.min():.3f} to {variance.max():.3f}")
line = LogisticRegression(max_iter=2000)
scalers = [MeanSubtraction(), StandardScaler(), Whitening(), Whitening(rank=20)]
for scaler in scalers:
    scores = k_fold(make_pipeline(scaler, line), X[:300], y[:300])
    print(f"{scaler!s:<18} accuracy {scores.mean:.3f} ± {scores.std:.3f} in 5 folds")

# %%
# The cloud, and digits: above as they are, below whitened and turned back into pixels. What all
# digits share is gone, what is rare in each stands out.

fig = plt.figure(figsize=(11, 4), layout="constrained")
left, right = fig.subfigures(1, 2, width_ratios=(1, 1.3))
ax = left.subplots()
for name, rows in stages.items():
    ax.plot(*rows.T, ".", ms=3, label=name)
ax.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
ax.legend(loc="lower right", fontsize=8)
turned = white.transform(train[:6]) @ white.components_
for line, images in zip(right.subplots(2, 6), (train[:6], turned), strict=True):
    for ax, image in zip(line, images, strict=True):
        ax.imshow(image.reshape(8, 8), cmap="Greys")
        ax.set_axis_off()

# %%
# **What to try.** Repeat a column of the cloud, or add one that is constant. What does whitening
# make of it?
