"""
Cross entropy without overflow
==============================

*Row C3, notes 001*

For two classes and for K classes the cross entropy is

.. math::

   L = -(y ln ŷ + (1 - y) ln(1 - ŷ)), ŷ = σ(z)

.. math::

   L = -∑_i y_i ln ŷ_i, ŷ = softmax(z)

and its gradient with respect to z is in both cases as simple as can be:

.. math::

   ∂L/∂z = ŷ - y

Written down like this, a computer fails: σ(40) rounds to 1, ln 0 is infinite, e to the 1000
overflows.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.special import log_softmax

from chainrule import ops

binary, multi = ops.LOSSES["binary_cross_entropy"], ops.LOSSES["cross_entropy"]
z = np.array([[0.5], [-3.0], [2.0]])
y = np.array([[1.0], [0.0], [0.0]])
print("∂L/∂z:", binary.slope(z, y).ravel().round(6))
print("ŷ - y:", (1 / (1 + np.exp(-z)) - y).ravel().round(6))
assert np.allclose(binary.slope(z, y), 1 / (1 + np.exp(-z)) - y)

# %%
# chainrule never forms ŷ on the way to the loss. It takes the loss of the **logits** z, with
# exponentials of negative numbers only:
#
# .. math::
#
#    L = max(z, 0) - y z + ln(1 + e^{-|z|})

for size in (10.0, 1e2, 1e4):
    with np.errstate(all="ignore"):
        naive = -np.log(1 - 1 / (1 + np.exp(-size)))
    ours = binary.value(np.array([[size]]), np.array([[0.0]])).item()
    print(f"z = {size:<7g} target 0: written down {naive:<10.6g} chainrule {ours:.6g}")
    assert np.isclose(ours, size, rtol=1e-4)

# %%
# The same with three classes and logits of ±10⁴, beside SciPy's ``log_softmax``:

logits = np.array([[1e4, -1e4, 0.0], [3.0, 1.0, -2.0]])
targets = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
print(
    "chainrule", multi.value(logits, targets).ravel(), " gradient", multi.slope(logits, targets)[0]
)
print("SciPy    ", -(targets * log_softmax(logits, axis=1)).sum(1))
assert np.allclose(
    multi.value(logits, targets).ravel(), -(targets * log_softmax(logits, axis=1)).sum(1)
)

# %%
# In float32, in which networks are trained, the naive formula breaks already at z = 17:

z = np.linspace(0, 30, 301, dtype="float32")
with np.errstate(all="ignore"):
    naive = -np.log(1 - 1 / (1 + np.exp(-z)))
fig, ax = plt.subplots(figsize=(6, 3.8), layout="constrained")
ax.plot(
    z, binary.value(z[:, None], np.zeros((301, 1), "float32")), lw=5, alpha=0.4, label="chainrule"
)
ax.plot(z, naive, "C3", label="written down, float32")
ax.axvline(z[np.isinf(naive)][0], color="C3", ls=":", label="infinite from here")
ax.set(xlabel="logit z, target 0", ylabel="cross entropy")
ax.legend()

# %%
# **What to try.** Print the naive gradient for z = ±1000 in the same way. Which of the two signs
# goes wrong, and why not both?
