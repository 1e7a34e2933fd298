"""
Where the notes slip
====================

*Row B · C2 · D2 · F2, notes 000, 001, 003*

Every text has misprints. For formulas there is a judge: finite differences. Here each slip of a
formula that has numbers is printed next to the right form and next to the judge; those of the
methods are in ``errata_methods``. The full table is on the errata page of the documentation.

.. math::

   f'(z) ≈ (f(z + h) - f(z - h)) / 2h
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule import ops


def judge(f, z, h=1e-6):
    return (f(z + h) - f(z - h)) / (2 * h)


def compare(what, printed, right, truth):
    print(
        f"{what:<34} printed {printed:>12.6g}   right {right:>12.6g}   differences {truth:>12.6g}"
    )
    assert np.isclose(right, truth, rtol=1e-4, atol=1e-8)
    assert not np.isclose(printed, truth, rtol=1e-3)


# %%
# **Slopes** (003). The absolute value is missing in softsign, a square in the middle form of σ',
# a minus in hard tanh; and in σ itself, where layers begin (§1.2), the minus of the exponent. Text
# 000 says that rectifier and softplus have slope 1. The rectifier has it for z > 0 alone; the slope
# of softplus is σ.

z = -0.5
softsign, sigmoid = ops.ACTIVATIONS["softsign"].value, ops.ACTIVATIONS["sigmoid"].value
hard_tanh = ops.ACTIVATIONS["hard_tanh"]
compare("softsign'(-0.5)", np.sign(z) / (1 + z) ** 2, 1 / (1 + abs(z)) ** 2, judge(softsign, z))
e = np.exp(-z)
compare("σ'(-0.5), the middle form", -e / (1 + e), e / (1 + e) ** 2, judge(sigmoid, z))
compare("hard tanh'(-0.5), 1 ≤ z ≤ 1", 0.0, hard_tanh.slope(z, z), judge(hard_tanh.value, z))
relu, softplus = ops.ACTIVATIONS["relu"].value, ops.ACTIVATIONS["softplus"].value
compare("ReLU'(-0.5) as in 000", 1.0, 0.0, judge(relu, z))
compare("softplus'(-0.5) as in 000", 1.0, sigmoid(z), judge(softplus, z))
print(f"σ(-0.5): printed {1 / (1 + np.exp(z)):.6f}, right {sigmoid(z):.6f}")

# %%
# **Signs of the gradients** (001), for one row with a sigmoid output. And when all inputs of a unit
# are outputs of sigmoids, the gradient of its weights is not "always positive" but all of one sign.
# The text's penalty θΣw² is missing the ½ that its ½‖w‖² and its gradient θw have.

x, w, y = 2.0, 0.3, 1.0
s = sigmoid(w * x)
squared = judge(lambda w: 0.5 * (y - sigmoid(w * x)) ** 2, w)
cross = judge(lambda w: -(y * np.log(sigmoid(w * x)) + (1 - y) * np.log(1 - sigmoid(w * x))), w)
compare("∂L/∂w of ½(y - ŷ)²", (y - s) * s * (1 - s) * x, (s - y) * s * (1 - s) * x, squared)
compare("∂L/∂w of the cross entropy", -(s - y) * x, (s - y) * x, cross)
p = 0.7
compare("∂L/∂ŷ of -y ln ŷ", y / p, -y / p, judge(lambda q: -y * np.log(q), p))
compare("gradient of θw², θ = 1", w, 2 * w, judge(np.square, w))
for target in (0, 1):
    print(f"y = {target}: gradient of w for inputs 0.2, 0.9:", end=" ")
    print(((s - target) * np.array([0.2, 0.9])).round(3))

# %%
# **Indices** (000, second listing). The gradient of a weight from unit i to unit j is the output
# of i times δ of j, not the other way round. For a layer of 3 inputs and 2 units the printed form
# does not even have the right shape; here is the entry (0, 1).

net = cr.Network([cr.Dense(2, "tanh")], "squared_error", input_shape=3, seed=0, engine="reference")
row, d = np.array([[0.5, -1.0, 2.0]]), np.array([[1.0, -1.0]])
out = net.predict(row)
delta = ((out - d) * (1 - out**2)).ravel()
weight = net.parameters["0.weight"]


def loss_at(value):
    weight[0, 1] = value
    return net.evaluate(row, d)["loss"]


compare("∂Div/∂w_01", row[0, 1] * delta[0], row[0, 0] * delta[1], judge(loss_at, weight[0, 1]))

# %%
# The two slopes over a range of sums.

fig, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
u = np.linspace(-3, 3, 601)
axes[0].plot(u, 1 / (1 + np.abs(u)) ** 2, label="right")
with np.errstate(divide="ignore"):
    axes[0].plot(u, np.sign(u) / (1 + u) ** 2, "--", label="printed")
axes[0].set(title="slope of softsign", xlabel="z", ylim=(-2, 2))
axes[1].plot(u, np.exp(-u) / (1 + np.exp(-u)) ** 2, label="right")
axes[1].plot(u, -np.exp(-u) / (1 + np.exp(-u)), "--", label="printed")
axes[1].set(title="slope of σ, middle form", xlabel="z")
for ax in axes:
    ax.legend()

# %%
# **What to try.** Text 002 calls f a diagonal matrix of zeros and ones. Check with differences
# that this is true of ReLU and false of tanh.
