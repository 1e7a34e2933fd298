"""
Local receptive fields and shared weights
=========================================

*Row A8 · F6, notes 000, 001*

Two ways to put what one knows about a task into a network: let each unit see only a part of the
inputs, and let all units have the same weights. Both at once, with six weights, nine inputs and
four units, are the notes' equation

.. math::

   v_j = ∑_{i=1}^6 w_i x_{i+j-1}, j = 1, 2, 3, 4

It is called a convolution. The four units look for the same thing in four places.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.layers import Conv1D, Flatten

rng = np.random.default_rng(0)
X, y = rng.normal(size=(5, 9)), rng.normal(size=(5, 4))
settings = {"input_shape": (9, 1), "dtype": "float64", "engine": "reference"}
conv = cr.Network([Conv1D(1, 6), Flatten()], **settings)
w, b = conv.parameters["0.weight"].ravel(), conv.parameters["0.bias"]
by_loops = [[sum(w[i] * x[i + j] for i in range(6)) + b[0] for j in range(4)] for x in X]
print("first row by the formula:  ", np.round(by_loops[0], 4))
print("first row by the network:  ", conv.predict(X[..., None])[0].round(4))
assert np.allclose(by_loops, conv.predict(X[..., None]))

# %%
# **Forward.** The same is a dense layer from 9 to 4 whose matrix is a band: column j has the six
# weights from row j on, and zeros elsewhere.

dense = cr.Network([cr.Dense(4)], input_shape=9, dtype="float64", engine="reference")
band = np.zeros((9, 4))
for j in range(4):
    band[j : j + 6, j] = w
dense.parameters["0.weight"][:] = band
dense.parameters["0.bias"][:] = b
assert np.allclose(dense.predict(X), conv.predict(X[..., None]))
print("numbers to learn:", {"dense": 9 * 4 + 4, "local": 6 * 4 + 4, "local and shared": 6 + 1})

# %%
# **Backward.** A weight that is used in four places gets an error from four places, and by the
# chain rule its gradient is their sum. In the dense layer's gradient that is the sum along a
# diagonal:
#
# .. math::
#
#    ∂L/∂w_i = ∑_{j=1}^4 ∂L/∂W_{i+j-1, j}

_, own = conv.loss_and_gradients(X[..., None], y)
_, untied = dense.loss_and_gradients(X, y)
summed = [sum(untied["0.weight"][i + j, j] for j in range(4)) for i in range(6)]
print("sum over the 4 positions:  ", np.round(summed, 4))
print("gradient of the Conv1D:    ", own["0.weight"].ravel().round(4))
assert np.allclose(summed, own["0.weight"].ravel())
assert np.isclose(untied["0.bias"].sum(), own["0.bias"].item())

# %%
# The band, and the dense layer's gradient with the diagonals that are added up. What lies outside
# the band is thrown away: those weights stay 0.

fig, axes = plt.subplots(1, 2, figsize=(9, 4.6), layout="constrained")
pictures = {"weights": band, "gradient before it is summed": untied["0.weight"]}
for ax, (title, matrix) in zip(axes, pictures.items(), strict=True):
    most = 2 * np.abs(matrix).max()  # pale, so that the names can be read
    shown = ax.imshow(matrix, cmap="PuOr", vmin=-most, vmax=most)
    for j in range(4):
        for i in range(6):
            ax.text(j, i + j, f"$w_{i + 1}$", ha="center", va="center")
    ax.set(title=title, xlabel="unit j", ylabel="input", aspect="auto")
    ax.set(xticks=range(4), xticklabels="1234", yticks=range(9), yticklabels=range(1, 10))
    fig.colorbar(shown, ax=ax)

# %%
# **Is it worth it?** Where the task is of this kind, few rows are enough. Twenty noisy rows whose
# outputs a filter has made:

true = np.array([0.0, 0.5, 1.0, -1.0, -0.5, 0.0])
series = rng.normal(size=(1020, 9))
answers = np.stack([series[:, j : j + 6] @ true for j in range(4)], axis=1)
seen = answers[:20] + rng.normal(0, 0.5, size=(20, 4))
errors = {}
for name, layers in {
    "shared": [Conv1D(1, 6), Flatten()],
    "dense": [Flatten(), cr.Dense(4)],
}.items():
    net = cr.Network(layers, input_shape=(9, 1), seed=0)
    cr.train(net, series[:20, :, None], seen, optimizer=cr.Adam(0.02), epochs=600)
    errors[name] = np.mean((net.predict(series[20:, :, None]) - answers[20:]) ** 2)
    print(f"{name:>6}: mean squared error on 1000 new rows {errors[name]:.3f}")
    if name == "shared":
        print("        filter found", net.parameters["0.weight"].ravel().round(2))
assert errors["shared"] < errors["dense"] / 3

# %%
# **What to try.** Make the answers of unit 4 with the opposite sign. Now the weights are not alike
# in all places: which of the two networks is better?
