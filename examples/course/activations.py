"""
A gallery of activations
========================

*Row B, notes 000, 001, 003*

Without a nonlinear function between them, two layers are no more than one. Which function it is
decides how well the gradient gets through: the backward pass multiplies by its slope.

.. math::

   σ(z) = 1/(1 + e^{-z})

.. math::

   σ'(z) = σ(z)(1 - σ(z)) ≤ 1/4

.. math::

   tanh(z) = 2σ(2z) - 1

chainrule keeps each one as a record: value, slope, range, kinks. ``chainrule activations`` lists
them all.
"""

import matplotlib.pyplot as plt
import numpy as np

from chainrule import ops
from chainrule.plots import ActivationsDisplay

z = np.linspace(-4, 4, 801)
wide = np.linspace(-40, 40, 8001)
for name in ("sigmoid", "tanh", "relu", "elu", "softplus", "softsign"):
    record = ops.ACTIVATIONS[name]
    y = record.value(wide, **record.all_settings)
    slope = np.broadcast_to(record.slope(wide, y, **record.all_settings), wide.shape)
    print(f"{name:>9}  {record.formula:<26} largest slope {slope.max():.3f}")
sigmoid = ops.ACTIVATIONS["sigmoid"].value
assert np.allclose(np.tanh(z), 2 * sigmoid(2 * z) - 1)

# %%
# The slopes were looked at from z = -40 to 40. That of softplus is σ(z): it comes as near to 1 as
# one likes, far out on the right, and never gets there; the 1.000 is rounded.
#
# Fifteen activations, value in blue and slope in orange. Where the orange curve lies at 0, a unit
# has stopped learning: the unit is **saturated**.

shown = "threshold sign identity sigmoid tanh softsign hard_tanh relu leaky_relu elu selu softplus"
shown += " gelu silu mish"
fig, axes = plt.subplots(3, 5, figsize=(13, 7), layout="constrained", sharex=True, sharey=True)
ActivationsDisplay.from_names(shown.split()).plot(axes.flat)
axes[0, 0].set_ylim(-2, 3)
for ax in axes[:-1].flat:
    ax.set_xlabel("")

# %%
# Threshold and sign have no useful slope, and the record says why. The others are exact far out,
# where a careless formula overflows or rounds to 0 or 1:

print("sign:", ops.ACTIVATIONS["sign"].untrainable)
print(f"σ(-30) = {sigmoid(-30.0):.4g}, σ(-700) = {sigmoid(-700.0):.4g}")
assert np.isclose(sigmoid(-30.0), np.exp(-30.0), rtol=1e-12)

# %%
# Softmax looks at a whole layer, so its slope is a matrix:
#
# .. math::
#
#    ∂ŷ_i/∂z_j = ŷ_i (δ_{ij} - ŷ_j)

logits = np.array([[1.0, 2.0, -1.0]])
p = ops.softmax(logits)[0]
jacobian = np.diag(p) - np.outer(p, p)
h = 1e-6 * np.eye(3)
differences = (ops.softmax(logits + h) - ops.softmax(logits - h)).T / 2e-6
print("Jacobian of softmax\n", jacobian.round(4))
assert np.allclose(jacobian, differences, atol=1e-9)

# %%
# **What to try.** Register a function of your own with ``ops.register_activation`` and give it a
# wrong slope on purpose. What does chainrule say?
