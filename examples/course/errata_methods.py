"""
Where the notes slip: methods
=============================

*Row E5 · E6 · F2 · F4 · G3, notes 002, 003*

``errata`` has the slips that finite differences can judge. Those of whole methods are judged by
what the method is for: the length of its steps, the mean it should keep, the spread it should make.
Adam is meant to take steps of length η when the gradient stays the same:

.. math::

   v̂ = v/(1 - γ^t), Ĝ = G/(1 - β^t), θ ← θ - η v̂/(√Ĝ + ε)
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.data import Whitening
from chainrule.plots import optimizer_path

# %%
# **Adam's first step** (002, 003). Both means start at 0 and are far too small at first. Text 003
# does not correct them, text 002 divides by 1 − β instead of 1 − βᵗ, which is right for t = 1
# only. With a constant gradient of 1 every step should have the length η:

steps = np.arange(1, 101)
m, v = 1 - 0.9**steps, 1 - 0.999**steps
lengths = {
    "003, no correction": m / np.sqrt(v),
    "002, divided by 1 − β": (m / 0.1) / np.sqrt(v / 0.001),
    "Kingma and Ba, 1 − βᵗ": (m / (1 - 0.9**steps)) / np.sqrt(v / (1 - 0.999**steps)),
}
for name, length in lengths.items():
    print(f"{name:<22} step 1: {length[0]:.3f} η, step 10: {length[9]:.3f} η")
settings = {"learning_rate": 1.0, "beta1": 0.9, "beta2": 0.999, "epsilon": 0.0}
assert np.isclose(cr.Adam.rule(0.0, 1.0, 0.0, 0.0, **settings, t=1)[0], -1)

# %%
# **RMSprop** (002) does not make the rate slowly smaller, as AdaGrad does; 003 says so. Once its
# mean has settled, its steps keep their length. When the gradient becomes ten times smaller, here
# after step 100, they recover it.

gradients = np.where(np.arange(200) < 100, 1.0, 0.1)
for rule in (cr.AdaGrad(1.0), cr.RMSprop(1.0, decay=0.9)):
    turns = iter(gradients)
    path = optimizer_path(rule, lambda w, turns=turns: np.full_like(w, next(turns)), [0.0], 200)
    lengths[type(rule).__name__] = taken = -np.diff(path.ravel())
    at = ", ".join(f"step {t}: {taken[t - 1]:.3f} η" for t in (10, 100, 200))
    print(f"{type(rule).__name__:<8} {at}")
assert np.isclose(taken[-1], 1, rtol=0.01)

# %%
# **Dropout** (003): trained with keep probability p, prediction must *multiply* by p, or training
# divide by it.

rng = np.random.default_rng(0)
p, h = 0.8, np.array([1.0, 2.0, 3.0])
mean = (rng.random((200_000, 3)) < p) @ h
print(f"mean in training {mean.mean():.3f}")
print(f"prediction divided by p {h.sum() / p:.3f}, multiplied {h.sum() * p:.3f}")
assert abs(mean.mean() - h.sum() * p) < 0.01

# %%
# **Whitening** (003) projects X' on the columns of U by "UX'". With a sample in each column of X'
# that is :math:`U^T X'`. And divided by the singular values S the variances are not 1 but
# 1/(n - 1).

rows = rng.normal(size=(50, 3)) @ [[3.0, 1.0, 0.0], [0.0, 0.6, 1.0], [0.0, 0.0, 0.3]]
centred = (rows - rows.mean(0)).T
U, S, _ = np.linalg.svd(centred, full_matrices=False)
for name, turned in {"U X'": U @ centred, "U^T X'": U.T @ centred}.items():
    covariance = np.cov(turned / S[:, None])
    print(f"{name:<6} / S: variances {np.diag(covariance).round(4)},", end=" ")
    print(f"largest covariance {np.abs(np.triu(covariance, 1)).max():.4f}")
assert np.allclose(covariance * 49, np.eye(3))
assert np.allclose(np.cov(Whitening().fit_transform(rows).T), np.eye(3), atol=1e-6)
print(f"U^T X' / S, times √(n - 1): variances {np.diag(covariance * 49).round(4)}")

# %%
# **Penalty** (003): the effect described, weights that shrink in proportion to their size,
# belongs to the squared norm. The norm itself pulls with the same force however small the weights
# are:

for size in (1.0, 0.01):
    W = size * np.array([0.6, 0.8])
    pull, pull_of_square = W / np.linalg.norm(W), W
    print(f"‖W‖ = {size:<5g} pull of ‖W‖: {np.linalg.norm(pull):.2f},", end=" ")
    print(f"of ½‖W‖²: {np.linalg.norm(pull_of_square):.2f}")

fig, axes = plt.subplots(1, 2, figsize=(11, 3.8), layout="constrained")
for name, length in lengths.items():
    axes[int(name in ("AdaGrad", "RMSprop"))].plot(range(1, len(length) + 1), length, label=name)
axes[0].set(title="Adam, constant gradient", xlabel="step", ylabel="length of the step / η")
axes[1].set(title="a gradient that falls to a tenth", xlabel="step", ylim=(0, 3.3))
for ax in axes:
    ax.legend()

# %%
# **What to try.** How many steps does Adam in the form of text 003 need until its steps are as long
# as the published ones? Try β = 0.9 for both means, too.
