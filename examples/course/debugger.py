"""
The network as a list of steps, forwards and back
=================================================

*Row D1 · D2, notes 000*

Both passes are one list of instructions. The first half computes

.. math::

   z^k = W^k y^{k-1} + b^k, y^k = f(z^k)

and the second walks the same way back, from the last layer to the first:

.. math::

   δ^k = f'(z^k) ⊙ ((W^{k+1})^T δ^{k+1})

.. math::

   dW^k = δ^k (y^{k-1})^T, db^k = δ^k

A step debugger runs one instruction at a time and shows its formula, its numbers, and where each
number comes from.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

net = cr.Network(
    [cr.Dense(2, "sigmoid"), cr.Dense(1, "sigmoid")], input_shape=2, engine="reference"
)
net.set_parameters(
    {
        "0.weight": np.array([[1.0, -1.0], [2.0, 1.0]]),
        "0.bias": np.array([0.0, 0.5]),
        "1.weight": np.array([[1.0], [-2.0]]),
        "1.bias": np.array([0.5]),
    }
)
X, d = [[1.0, -1.0]], [[1.0]]

# %%
# Forwards. ``=`` marks what a step writes; "from step k" says which earlier step wrote what it
# reads. Everything else is data or a parameter.

steps = list(net.steps(X, d))
for step in steps:
    if step.half == "forward":
        print(step)

# %%
# Backwards. Step 10 shows the formula of the notes, with σ'(z²), but what it reads is y2 and not
# z2: the slope is computed from y, because σ' = y(1 − y). Look at how far back such steps reach:
# they read values of the forward pass. This is why the forward pass has to keep its values, and why
# training takes more memory than prediction.

for step in steps:
    if step.half == "backward":
        print(step)

# %%
# The last numbers written are the gradients, and they are those of a centred difference:

written = {name: value for step in steps for name, value in step.outputs.items()}
weight = net.parameters["0.weight"]


def loss(change):
    weight[0, 1] += change
    value = net.loss_and_gradients(X, d)[0]
    weight[0, 1] -= change
    return value


by_steps = net.loss_and_gradients(X, d)[1]["0.weight"][0, 1]
by_difference = (loss(1e-5) - loss(-1e-5)) / 2e-5
assert any(np.ndim(v) == 2 and np.isclose(v, by_steps).any() for v in written.values())
print(f"∂L/∂W1[0,1]: by the steps {by_steps:.10f}, by a difference {by_difference:.10f}")
assert np.isclose(by_steps, by_difference, rtol=1e-7)

# %%
# Which step reads which: an arc for each earlier value. Short arcs hand a value to the next step;
# the long ones join the two halves.

fig, ax = plt.subplots(figsize=(10, 4.2), layout="constrained")
for step in steps:
    back = step.half == "backward"
    ax.plot(step.number, 0, "o", color="C3" if back else "C0", ms=9, zorder=3)
    ax.text(step.number, -0.7, step.formula.split(" = ")[0], rotation=90, ha="center", va="top")
    for earlier in step.reads.values():
        t = np.linspace(0, np.pi, 60)
        middle, half = (step.number + earlier) / 2, (step.number - earlier) / 2
        crossing = back and steps[earlier].half == "forward"
        ax.plot(middle + half * np.cos(t), half * np.sin(t), "C1" if crossing else "0.7", lw=1.5)
ax.plot([], [], "oC0", label="forward step")
ax.plot([], [], "oC3", label="backward step")
ax.plot([], [], "C1", label="a value kept from the forward pass")
ax.set(ylim=(-2.9, None))
ax.set_axis_off()
ax.legend(loc="lower center", ncols=3)

# %%
# **What to try.** Give ``net.steps`` three rows at once. Which values get a row for each sample,
# and which step adds the samples together?
