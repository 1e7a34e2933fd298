"""
XOR: one hidden layer is enough
===============================

*Row A7 · D2, notes 000*

XOR stopped the perceptron: no line separates (0, 1) and (1, 0) from (0, 0) and (1, 1). With a
hidden layer a network can do it, and back-propagation finds the weights that nobody has to set by
hand.

.. math::

   y = softmax(W^2 tanh(W^1 x + b^1) + b^2)
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
d = np.array([0, 1, 1, 0])


def learn(seed, hidden=4):
    layers = [cr.Dense(hidden, "tanh"), cr.Dense(2)]
    net = cr.Network(layers, "cross_entropy", input_shape=2, seed=seed)
    history = cr.train(net, X, d, optimizer=cr.Adam(0.05), epochs=150, seed=seed)
    return net, history


net, history = learn(seed=0)
print("probability of class 1:", net.predict_proba(X)[:, 1].round(3))
assert (net.predict(X).argmax(1) == d).all()

# %%
# Was that luck? A hundred starts from a hundred different random weights:

runs = [learn(seed) for seed in range(100)]
solved = sum(history.metric[-1] == 1 for _, history in runs)
print(f"{solved} of 100 starts reach 100 %")
assert solved >= 95

# %%
# With two hidden units, the fewest that can do it, more starts end in a valley that is not the
# lowest:

narrow = [learn(seed, hidden=2)[1] for seed in range(30)]
print(f"{sum(history.metric[-1] == 1 for history in narrow)} of 30 starts with two hidden units")

# %%
# Left: the region of class 1, and the line of each hidden unit, where its sum :math:`z^1` is 0.
# Three lines cross the picture, two of them almost in the same place. The line of the fourth unit
# lies far outside: its sum has one sign on all four rows, so it separates none of them. Right: the
# loss of all runs on the same axis.

side = np.linspace(-0.5, 1.5, 161)
plane = np.stack(np.meshgrid(side, side), axis=-1).reshape(-1, 2)
fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.4), layout="constrained")
share = net.predict_proba(plane)[:, 1].reshape(161, 161)
field = left.contourf(side, side, share, np.linspace(0, 1, 21), cmap="coolwarm")
fig.colorbar(field, ax=left, label="probability of class 1", ticks=[0, 0.5, 1])
W, b = net.parameters["0.weight"], net.parameters["0.bias"]
sums = plane @ W + b
crossing = (sums.min(axis=0) < 0) & (sums.max(axis=0) > 0)
print(f"{crossing.sum()} of 4 lines cross the picture;", end=" ")
print("sums of the other units:", (X @ W + b)[:, ~crossing].T.round(2).tolist())
for z in sums[:, crossing].T:
    left.contour(side, side, z.reshape(161, 161), levels=[0], colors="k", linestyles="--")
left.plot([], [], "k--", label="$z^1 = 0$")
for k, mark in ((0, "o"), (1, "s")):
    left.plot(*X[d == k].T, mark, mfc="w", mec="k", ms=10, label=f"class {k}")
left.set(xlabel="$x_1$", ylabel="$x_2$")
left.legend(loc="upper left", bbox_to_anchor=(0, -0.15), ncols=3, frameon=False)
for _, history in runs:
    (line,) = right.semilogy(history.loss, "C0", alpha=0.2)
for history in narrow:
    (other,) = right.semilogy(history.loss, "C3", alpha=0.3)
right.legend([line, other], ["4 hidden units", "2 hidden units"])
right.set(xlabel="epoch", ylabel="cross entropy")

# %%
# **What to try.** Use "relu" in place of "tanh" and count again: a unit that is zero on all four
# rows has no gradient and stays so. How many units make up for it?
