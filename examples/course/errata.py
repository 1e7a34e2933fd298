"""
Where the notes slip
====================

*Row B · C2 · D2 · E6 · F4, notes 000, 001, 002, 003*

Every text has misprints. For formulas there is a judge: finite differences. Here each slip that
has numbers is printed next to the right form and next to the judge. The full table is on the
errata page of the documentation.

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
# a minus in hard tanh.

z = -0.5
softsign, sigmoid = ops.ACTIVATIONS["softsign"].value, ops.ACTIVATIONS["sigmoid"].value
hard_tanh = ops.ACTIVATIONS["hard_tanh"]
compare("softsign'(-0.5)", np.sign(z) / (1 + z) ** 2, 1 / (1 + abs(z)) ** 2, judge(softsign, z))
e = np.exp(-z)
compare("σ'(-0.5), the middle form", -e / (1 + e), e / (1 + e) ** 2, judge(sigmoid, z))
compare("hard tanh'(-0.5), 1 ≤ z ≤ 1", 0.0, hard_tanh.slope(z, z), judge(hard_tanh.value, z))

# %%
# **Signs of the gradients** (001), for one row with a sigmoid output.

x, w, y = 2.0, 0.3, 1.0
s = sigmoid(w * x)
squared = judge(lambda w: 0.5 * (y - sigmoid(w * x)) ** 2, w)
cross = judge(lambda w: -(y * np.log(sigmoid(w * x)) + (1 - y) * np.log(1 - sigmoid(w * x))), w)
compare("∂L/∂w of ½(y - ŷ)²", (y - s) * s * (1 - s) * x, (s - y) * s * (1 - s) * x, squared)
compare("∂L/∂w of the cross entropy", -(s - y) * x, (s - y) * x, cross)
p = 0.7
compare("∂L/∂ŷ of -y ln ŷ", y / p, -y / p, judge(lambda q: -y * np.log(q), p))

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
    kept, weight[0, 1] = weight[0, 1], value
    result = net.evaluate(row, d)["loss"]
    weight[0, 1] = kept
    return result


compare("∂Div/∂w_01", row[0, 1] * delta[0], row[0, 0] * delta[1], judge(loss_at, weight[0, 1]))

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
after_one_step, *_ = cr.Adam.rule(0.0, 1.0, 0.0, 0.0, **settings, t=1)
assert np.isclose(after_one_step, -1)

# %%
# **Dropout** (003): trained with keep probability p, prediction must *multiply* by p, or training
# divide by it.

p, h = 0.8, np.array([1.0, 2.0, 3.0])
mean = (np.random.default_rng(0).random((200_000, 3)) < p) @ h
print(f"mean in training {mean.mean():.3f}")
print(f"prediction divided by p {h.sum() / p:.3f}, multiplied {h.sum() * p:.3f}")
assert abs(mean.mean() - h.sum() * p) < 0.01

# %%
# **Penalty** (003): the effect described, weights that shrink in proportion to their size,
# belongs to the squared norm. The norm itself pulls with the same force however small the weights
# are:

for size in (1.0, 0.01):
    W = size * np.array([0.6, 0.8])
    pull, pull_of_square = W / np.linalg.norm(W), W
    print(f"‖W‖ = {size:<5g} pull of ‖W‖: {np.linalg.norm(pull):.2f},", end=" ")
    print(f"of ½‖W‖²: {np.linalg.norm(pull_of_square):.2f}")

fig, axes = plt.subplots(1, 3, figsize=(13, 3.8), layout="constrained")
u = np.linspace(-3, 3, 601)
axes[0].plot(u, 1 / (1 + np.abs(u)) ** 2, label="right")
with np.errstate(divide="ignore"):
    axes[0].plot(u, np.sign(u) / (1 + u) ** 2, "--", label="printed")
axes[0].set(title="slope of softsign", xlabel="z", ylim=(-2, 2))
axes[1].plot(u, np.exp(-u) / (1 + np.exp(-u)) ** 2, label="right")
axes[1].plot(u, -np.exp(-u) / (1 + np.exp(-u)), "--", label="printed")
axes[1].set(title="slope of σ, middle form", xlabel="z")
for name, length in lengths.items():
    axes[2].plot(steps, length, label=name)
axes[2].set(title="Adam, constant gradient", xlabel="step", ylabel="length of the step / η")
for ax in axes:
    ax.legend()

# %%
# **What to try.** Text 002 calls f a diagonal matrix of zeros and ones. Check with differences
# that this is true of ReLU and false of tanh.
