"""
Warning sign: gradients that all have one sign
==============================================

*Row H · G1, notes 000, 001*

A unit's weights get the gradient δ times the inputs. Where all inputs are positive, all its
weights move in the same direction, up or down together:

.. math::

   ∂L/∂w_i = δ x_i

If the goal lies at "one weight up, the other down", the path must zigzag. Sigmoid layers do this
to the layers behind them, since their outputs are never negative.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

rng = np.random.default_rng(0)
raw = rng.uniform(1, 3, size=(200, 2))
y = raw @ [1.0, -1.0]
centred = raw - raw.mean(0)


def one_sign(X):
    """Share of rows whose gradient has the same sign for both weights."""
    net = cr.Network([cr.Dense(1, bias=False)], input_shape=2, engine="reference")
    signs = []
    for k in range(100):
        _, g = net.loss_and_gradients(X[k : k + 1], y[k : k + 1])
        signs.append(np.sign(g["0.weight"].ravel()))
    return np.mean([abs(s.sum()) == 2 for s in signs])


print(f"raw inputs:     {one_sign(raw):.0%} of the gradients have one sign")
print(f"centred inputs: {one_sign(centred):.0%}")
assert one_sign(raw) == 1

# %%
# Both walks go towards (1, −1) from the same start, step by step, each with a rate that suits it.


class Path(cr.Callback):
    def on_train_start(self, state):
        self.points = []
        self.on_epoch_end(state)

    def on_epoch_end(self, state):
        self.points.append(state.network.parameters["0.weight"].ravel().copy())


def walk(X, rate):
    net = cr.Network([cr.Dense(1, bias=False)], input_shape=2, dtype="float64")
    net.parameters["0.weight"][:] = [[-1.5], [0.5]]
    path = Path()
    cr.train(net, X, y, optimizer=cr.SGD(rate), batch_size=200, epochs=40, callbacks=[path])
    return np.array(path.points)


walks = {"raw": walk(raw, 0.2), "centred": walk(centred, 2.0)}
for name, path in walks.items():
    distances = np.linalg.norm(path - [1, -1], axis=1)
    print(f"{name:>8}: distance to the goal after 5 steps {distances[5]:.3f},", end=" ")
    print(f"after 40 {distances[40]:.1e}")
assert (
    np.linalg.norm(walks["centred"][40] - [1, -1])
    < 1e-3
    < np.linalg.norm(walks["raw"][40] - [1, -1])
)

# %%
# The level lines show why: shared signs make the bowl a narrow valley, centring makes it round.

a, b = np.meshgrid(np.linspace(-2.2, 2.2, 120), np.linspace(-2.2, 2.2, 120))
fig, axes = plt.subplots(1, 2, figsize=(10, 4.6), layout="constrained", sharey=True)
for ax, (name, path), X in zip(axes, walks.items(), (raw, centred), strict=True):
    errors = a[..., None] * X[:, 0] + b[..., None] * X[:, 1] - y
    ax.contour(a, b, (errors**2).mean(-1), levels=12, cmap="Greys_r")
    ax.plot(*path.T, "C3.-", label="gradient descent")
    ax.plot(1, -1, "k*", ms=12, label="goal")
    ax.set(title=f"{name} inputs", xlabel="$w_1$")
axes[0].set_ylabel("$w_2$")
axes[0].legend()

# %%
# **The cure**: subtract the mean from the inputs; inside the network, tanh instead of the sigmoid.
#
# **What to try.** A goal at (1, 1) instead of (1, −1). Does the raw walk still zigzag?
