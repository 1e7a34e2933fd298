"""
One algorithm, two notations
============================

*Row D3, notes 000, 002*

The notes write back-propagation in two ways. Text 000 has z, y and δ, with the layer as a
superscript:

.. math::

   δ^k = f'(z^k) ⊙ ((W^{k+1})^T δ^{k+1})

Text 002 has s, h and Δ, with the layer as a subscript and the slopes in a diagonal matrix D:

.. math::

   Δh_{l-1} = W_l^T D_l Δh_l

.. math::

   ΔW_l = D_l Δh_l h_{l-1}^T

They are the same computation, and chainrule prints it either way.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

net = cr.Network(
    [cr.Dense(3, "sigmoid"), cr.Dense(2)],
    "cross_entropy",
    input_shape=4,
    seed=0,
    engine="reference",
)
print(net.explain(notation="000"))

# %%
# The same network in the symbols of text 002. Text 002 has no name for :math:`∂L/∂s_l`. Here it is
# written Δs, which stands for the D Δh of the formulas above; in the last layer the slopes of
# softmax and loss are one step.

print(net.explain(notation="002"))

# %%
# Is D a diagonal matrix, or ⊙ a product entry by entry? Both: multiplying by a diagonal matrix
# multiplies each entry by its own number. In columns, as the notes write:

rng = np.random.default_rng(0)
x, target = rng.normal(size=4), np.array([0.0, 1.0])
W1, W2 = net.parameters["0.weight"].T, net.parameters["1.weight"].T
h1 = 1 / (1 + np.exp(-(W1 @ x)))
s2 = W2 @ h1
delta2 = np.exp(s2) / np.exp(s2).sum() - target
as_000 = h1 * (1 - h1) * (W2.T @ delta2)
D1 = np.diag(h1 * (1 - h1))
as_002 = D1 @ (W2.T @ delta2)
per_unit = [h1[i] * (1 - h1[i]) * sum(W2[j, i] * delta2[j] for j in range(2)) for i in range(3)]
_, gradients = net.loss_and_gradients([x], [1])
for name, delta in {"000": as_000, "002": as_002, "unit by unit": per_unit}.items():
    print(f"{name:>12}: δ of layer 1 = {np.round(delta, 6)}")
    assert np.allclose(np.outer(delta, x).T, gradients["0.weight"])

# %%
# ``explain(latex=True)`` gives LaTeX. Here matplotlib sets both versions side by side.

fig, axes = plt.subplots(1, 2, figsize=(10, 4.4), layout="constrained")
for ax, notation in zip(axes, ("000", "002"), strict=True):
    lines = net.explain(notation, latex=True).splitlines()[1:-1]
    for row, line in enumerate(lines):
        formula = line.replace("&", "").removesuffix(r"\\").strip()
        ax.text(0.05, 0.95 - row / 11, f"${formula}$", fontsize=13, va="top")
    ax.set_title(f"text {notation}")
    ax.set_axis_off()

# %%
# **What to try.** Add a layer with "relu" and print both forms again. For which activation is D a
# matrix of zeros and ones?
