"""
Two brakes: clipping and averaging
==================================

*Row E9, beyond the notes*

One strange minibatch can throw the weights far off. **Clipping** shortens the gradient of all
parameters together when it is longer than c; the direction stays:

.. math::

   g ← g · min(1, c/‖g‖)

**Averaging** does not change the walk at all. It keeps a running mean of the weights along the way
and uses that to predict (Polyak & Juditsky 1992):

.. math::

   w̄ ← β w̄ + (1 - β) w
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

rng = np.random.default_rng(0)
X = rng.uniform(-2, 2, size=(1500, 2))
y = np.sin(2 * X[:, 0]) * X[:, 1] + rng.normal(0, 0.2, size=1500)
train, new = slice(0, 1000), slice(1000, None)


def learn(targets, rate, **brake):
    net = cr.Network([cr.Dense(32, "tanh"), cr.Dense(1)], input_shape=2, seed=0)
    return cr.train(
        net, X[train], targets, optimizer=cr.SGD(rate), batch_size=10, epochs=60,
        validation=(X[new], y[new]), early_stopping=False, **brake,
    )  # fmt: skip


# %%
# Three of the 1000 training targets are badly mistyped. Each time one of them comes by, its
# gradient is a hundred times longer than usual, and what was learnt is lost. Clipped to length 1
# it is one step among many. (All losses are measured on 500 clean new rows, where the noise alone
# makes 0.02.)

wrong = y[train].copy()
wrong[[100, 400, 700]] = 100.0
clipped = {clip: learn(wrong, 0.1, clip=clip).validation_loss for clip in (None, 5.0, 1.0)}
for clip, losses in clipped.items():
    print(f"clip = {clip!s:<5} worst epoch {max(losses):>8.3f}, last 20 epochs on average", end=" ")
    print(f"{np.mean(losses[-20:]):.3f}")
assert max(clipped[1.0]) < 0.01 * max(clipped[None])

# %%
# Now with correct targets, but a high rate. Each minibatch pulls elsewhere, and the weights dance
# round the minimum without getting into it. Their mean lies nearer to it and hardly moves. β = 0.99
# remembers a hundred steps, one epoch here, and that is enough. β = 0.999 remembers ten epochs: it
# arrives later, as the sixth epoch shows, and is neither calmer nor better at the end.

averaged = {
    beta: learn(y[train], 0.2, averaging=beta).validation_loss for beta in (None, 0.99, 0.999)
}
for beta, losses in averaged.items():
    print(f"β = {beta!s:<6} last 20 epochs on average {np.mean(losses[-20:]):.4f} ±", end=" ")
    print(f"{np.std(losses[-20:]):.4f}, after 6 epochs {losses[5]:.3f}")
assert np.mean(averaged[0.99][-20:]) < 0.9 * np.mean(averaged[None][-20:])
assert (
    max(np.std(averaged[beta][-20:]) for beta in (0.99, 0.999)) < np.std(averaged[None][-20:]) / 5
)
assert averaged[0.999][5] > averaged[0.99][5]

# %%
# The validation curves, with and without each brake.

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for clip, losses in clipped.items():
    left.semilogy(losses, label="not clipped" if clip is None else f"clipped at {clip:g}")
for beta, losses in averaged.items():
    right.semilogy(losses, label="the last weights" if beta is None else f"averaged, β = {beta}")
for ax in (left, right):
    ax.axhline(0.02, color="0.6", ls=":")
    ax.set(xlabel="epoch", ylabel="loss on new rows")
    ax.legend()

# %%
# **What to try.** A falling rate, ``schedule="cosine"``, calms the weights as well. Compare it with
# averaging. And what does clip=0.01 do?
