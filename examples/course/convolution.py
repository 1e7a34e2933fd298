"""
A convolutional network reads digits
====================================

*Row A8, notes 000*

In two directions the shared weights are a small square that is moved over an image. There are
several such filters; each gives an image of where it found what it looks for. Max pooling then
keeps the best answer of each square of four, so that a step aside matters less:

.. math::

   z_{rcf} = ∑_{i,j,k} w_{ijkf} y_{r+i,c+j,k} + b_f

.. math::

   p_{rcf} = max(y_{2r,2c,f}, y_{2r+1,2c,f}, y_{2r,2c+1,f}, y_{2r+1,2c+1,f})
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

import chainrule as cr
from chainrule.layers import Conv2D, Flatten, MaxPool
from chainrule.plots import FiltersDisplay

X, y = load_digits(return_X_y=True)
X = X.reshape(-1, 8, 8, 1) / 16
X, new, y, new_y = train_test_split(X, y, test_size=0.4, stratify=y, random_state=0)

# %%
# Two networks of exactly as many numbers. The convolution spends 120 on its filters and the rest
# on the scores; the dense one spends nearly all on its first layer.

architectures = {
    "convolution": [Conv2D(12, 3, "relu"), MaxPool(2), Flatten(), cr.Dense(10)],
    "dense": [Flatten(), cr.Dense(16, "relu"), cr.Dense(10)],
}
nets = {}
for name, layers in architectures.items():
    nets[name] = cr.Network(layers, "cross_entropy", input_shape=(8, 8, 1), seed=0)
    cr.train(nets[name], X, y, optimizer=cr.Adam(0.005), epochs=40, seed=0)
    shapes = {key: values.shape for key, values in nets[name].parameters.items()}
    print(f"{name:>11}: {nets[name].n_parameters} parameters {shapes}")

# %%
# Both are shown digits they have not seen; then the same digits one pixel to the left, right, up
# or down. Neither has been shown shifted ones.


def shifted(images, rows, columns):
    return np.roll(images, (rows, columns), axis=(1, 2))  # the border is nearly always empty


moves = {"as they are": (0, 0), "left": (0, -1), "right": (0, 1), "up": (-1, 0), "down": (1, 0)}
accuracy = {name: [] for name in nets}
for move, by in moves.items():
    for name, net in nets.items():
        accuracy[name].append(np.mean(net.predict(shifted(new, *by)).argmax(1) == new_y))
    print(f"{move:>11}: " + ", ".join(f"{name} {a[-1]:.3f}" for name, a in accuracy.items()))
assert accuracy["convolution"][0] > accuracy["dense"][0]
assert np.mean(accuracy["convolution"][1:]) > np.mean(accuracy["dense"][1:])

# %%
# The twelve filters. Some are edges, positive on one side and negative on the other; others are
# spots, strokes or corners. Nobody has drawn them.

FiltersDisplay.from_weights(nets["convolution"].parameters["0.weight"]).plot()

# %%
# What becomes of one digit: the answers of three filters, before and after pooling. And the two
# networks in figures.

front = [nets["convolution"].sharing(k) for k in (1, 2)]
fig = plt.figure(figsize=(12, 4.2), layout="constrained")
axes = fig.subplot_mosaic([["image", 0, 1, 2, "bars", "bars"], ["image", 3, 4, 5, "bars", "bars"]])
axes["image"].imshow(new[0, :, :, 0], cmap="Greys")
axes["image"].set_title(f"a digit {new_y[0]}")
for row, net in enumerate(front):
    for column in range(3):
        axes[3 * row + column].imshow(net.predict(new[:1])[0, :, :, column], cmap="Greys")
        axes[3 * row + column].set_title(f"filter {column}" + ", pooled" * row)
for key in ("image", *range(6)):
    axes[key].set(xticks=[], yticks=[])
for number, (name, shares) in enumerate(accuracy.items()):
    axes["bars"].bar(np.arange(5) + 0.4 * number, shares, width=0.38, label=name)
axes["bars"].set_xticks(np.arange(5) + 0.2, moves, rotation=20)
axes["bars"].set(ylabel="accuracy on new digits", xlabel="shifted by one pixel")
axes["bars"].legend(loc="upper right")

# %%
# **What to try.** Show both networks shifted digits in training: ``augment=Shift(1)`` in
# ``cr.train``, from ``chainrule.data.augmentation``. How much of the distance is left?
