"""
Minibatches: many rough steps instead of few exact ones
=======================================================

*Row E2, notes 002*

The gradient over all n rows is a mean. A few rows, drawn at random, give nearly the same mean at
a fraction of the work:

.. math::

   g = (1/m) ∑_{i ∈ batch} ∂L_i/∂θ

.. math::

   θ_t = θ_{t-1} - η g

This is stochastic gradient descent. Its noise has a size: the deviation of a mean of m rows falls
with the root of m.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits

import chainrule as cr

X, y = load_digits(return_X_y=True)
X = X / 16
net = cr.Network([cr.Dense(32, "tanh"), cr.Dense(10)], "cross_entropy", input_shape=64)
start = {name: values.copy() for name, values in net.parameters.items()}

rng = np.random.default_rng(0)
_, full = net.loss_and_gradients(X, y)
noise = {}
for m in (4, 16, 64, 256):
    distances = []
    for _ in range(30):
        rows = rng.choice(len(X), m, replace=False)
        _, g = net.loss_and_gradients(X[rows], y[rows])
        distances.append(np.linalg.norm(g["1.weight"] - full["1.weight"]))
    noise[m] = np.mean(distances)
    print(f"batch of {m:>3}: distance to the full gradient {noise[m]:.3f},", end=" ")
    print(f"times √m {noise[m] * m**0.5:.2f}")
assert 1.6 < noise[4] / noise[16] < 2.4

# %%
# Five passes over the same 1797 rows, from the same weights, with the same rate. Only the size of
# a batch differs, and with it the number of steps.

histories, final = {}, {}
for m in (8, 32, 128, 1797):
    net.set_parameters(start)
    histories[m] = cr.train(net, X, y, optimizer=cr.SGD(0.2), batch_size=m, epochs=5, seed=1)
    loss, accuracy = net.evaluate(X, y).values()
    steps = 5 * -(-len(X) // m)
    print(f"batch of {m:>4}: {steps:>5} steps, loss {loss:.3f}, accuracy {accuracy:.3f}")
    final[m] = loss
assert final[8] < final[32] < final[1797]

# %%
# Left: the noise of the gradient, with a line of slope −½. Right: the loss after each pass.

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
sizes = np.array(list(noise))
left.loglog(sizes, list(noise.values()), "o-", label="measured")
left.loglog(sizes, noise[4] * np.sqrt(4 / sizes), "k:", label="∝ 1/√m")
left.set(xlabel="batch size m", ylabel="distance to the full gradient")
left.legend()
for m, history in histories.items():
    right.plot(range(1, 6), history.loss, "o-", label=f"m = {m}")
right.set(xlabel="epoch", ylabel="mean loss during the epoch", xticks=range(1, 6))
right.legend()

# %%
# **What to try.** Give the batch of 1797 a rate of 5. Can one large step replace many small ones?
# And a rate of 50?
