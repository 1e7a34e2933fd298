"""
Momentum: a ball instead of a walker
====================================

*Row E3, notes 002, 003*

In a narrow valley the gradient points across, not along. Plain descent swings from wall to wall.
Momentum remembers its velocity; the swings cancel, the way along the valley adds up. Text 002
writes

.. math::

   v_t = γ v_{t-1} + η g_t, θ_t = θ_{t-1} - v_t

and text 003, with the sign of v turned round,

.. math::

   v ← μ v - α ∇, x ← x + v

Both walk the same path.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.plots import optimizer_path

# %%
# The valley is ½(a² + 25 b²). ``optimizer_path`` walks in it by the very rules that train networks.

START = np.array([4.0, 1.0])


def walk(optimizer, steps=60):
    return optimizer_path(optimizer, lambda w: np.array([1, 25]) * w, START, steps)


paths = {
    "plain, η = 0.07": walk(cr.SGD(0.07)),
    "momentum, η = 0.07": walk(cr.Momentum(0.07, momentum=0.6)),
    "Nesterov, η = 0.03": walk(cr.Nesterov(0.03, momentum=0.7)),
}
for name, path in paths.items():
    print(f"{name:<19} after 15 steps {np.linalg.norm(path[15]):.4f} from the bottom,", end=" ")
    print(f"after 60 {np.linalg.norm(path[60]):.1e}")

# %%
# The form of 003 in NumPy, beside chainrule, which uses that of 002:

x, v = START.copy(), np.zeros(2)
for _ in range(60):
    v = 0.6 * v - 0.07 * np.array([1, 25]) * x
    x += v
print("003:", x, " 002:", paths["momentum, η = 0.07"][-1])
assert np.allclose(x, paths["momentum, η = 0.07"][-1], rtol=1e-9, atol=1e-12)

# %%
# The walks on the level lines of the valley.

a, b = np.meshgrid(np.linspace(-2, 4.5, 150), np.linspace(-1.2, 1.2, 100))
fig, axes = plt.subplots(3, 1, figsize=(8, 7), layout="constrained", sharex=True)
for ax, (name, path) in zip(axes, paths.items(), strict=True):
    ax.contour(a, b, 0.5 * (a**2 + 25 * b**2), levels=np.geomspace(0.05, 20, 10), cmap="Greys_r")
    ax.plot(*path.T, "C3.-")
    ax.set(title=name, ylabel="b")
axes[-1].set_xlabel("a")

# %%
# **What to try.** Plain descent diverges above η = 2/25 = 0.08. Where is that limit for momentum
# 0.6?
