"""
Why cross entropy: a neuron that is badly wrong
===============================================

*Row C2 · H, notes 001*

A neuron with a sigmoid output should answer 0 but starts at nearly 1. With the squared error its
gradient carries the slope of the sigmoid, and that slope is almost 0 exactly when the neuron is
badly wrong:

.. math::

   L = ½(y - ŷ)^2, ŷ = σ(z)

.. math::

   ∂L/∂w = (ŷ - y) σ'(z) x

With the cross entropy the slope cancels:

.. math::

   ∂L/∂w = (ŷ - y) x

(The notes print both with the sign reversed; see the errata.)
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

x, y = [[1.0]], [0.0]
STEPS = 300


def neuron(loss, activation, start):
    net = cr.Network([cr.Dense(1, activation)], loss, input_shape=1, dtype="float64")
    net.parameters["0.weight"][:] = net.parameters["0.bias"][:] = start
    return net


class Outputs(cr.Callback):
    def on_train_start(self, state):
        self.seen = []
        self.on_epoch_end(state)

    def on_epoch_end(self, state):
        self.seen.append(state.network.predict_proba(x).item())


# %%
# Two starts: z = 2 and z = 6. The first gradient already tells the story.

curves = {}
for start in (1.0, 3.0):
    for loss, activation in (("squared_error", "sigmoid"), ("binary_cross_entropy", "identity")):
        net = neuron(loss, activation, start)
        gradient = net.loss_and_gradients(x, y)[1]["0.weight"].item()
        outputs = Outputs()
        cr.train(net, x, y, optimizer=cr.SGD(0.15), epochs=STEPS, callbacks=[outputs])
        curves[start, loss] = outputs.seen
        print(f"z = {2 * start:g}, {loss:<21} first gradient {gradient:.4f},", end=" ")
        print(f"output after {STEPS} steps {outputs.seen[-1]:.3f}")

s = 1 / (1 + np.exp(-6.0))
first = neuron("squared_error", "sigmoid", 3.0).loss_and_gradients(x, y)[1]["0.weight"].item()
assert np.isclose(first, s * s * (1 - s))
assert curves[3.0, "squared_error"][-1] > 0.9 > 0.1 > curves[3.0, "binary_cross_entropy"][-1]

# %%
# The squared error makes the neuron that is most wrong the slowest to learn. Under the cross
# entropy it is the fastest.

fig, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained", sharey=True)
for ax, loss in zip(axes, ("squared_error", "binary_cross_entropy"), strict=True):
    for start in (1.0, 3.0):
        ax.plot(curves[start, loss], label=f"start at z = {2 * start:g}")
    ax.set(title=loss.replace("_", " "), xlabel="step")
    ax.legend()
axes[0].set_ylabel("output ŷ, should be 0")

# %%
# **What to try.** Start at z = 20. How many steps would the squared error need? Work it out from
# the first gradient rather than waiting.
