"""
The perceptron
==============

*Row A4, notes 000, 001*

Rosenblatt's perceptron (1958) has one unit. Its output is the sign of a weighted sum, so its
border is a straight line. It learns from mistakes alone. With s = 1 for one class and s = -1 for
the other:

.. math::

   y = sgn(w^T x + b)

.. math::

   s (w^T x + b) ≤ 0: w ← w + s x, b ← b + s

If some line separates the classes, the rule finds one after finitely many mistakes (Novikoff
1962). If none does, it never ends.
"""

import warnings

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.data import separability
from chainrule.errors import NotSeparableWarning

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
tasks = {"AND": [0, 0, 0, 1], "OR": [0, 1, 1, 1], "XOR": [0, 1, 1, 0]}


def by_hand(d, epochs):
    """The rule, and the line (w, b) after each mistake."""
    w, b, lines = np.zeros(2), 0.0, []
    for _ in range(epochs):
        for x, s in zip(X, 2 * np.array(d) - 1, strict=True):
            if s * (w @ x + b) <= 0:
                w, b = w + s * x, b + s
                lines.append((*w, b))
    return lines


# %%
# AND and OR. The lines of the loop above and chainrule's perceptron agree to the last digit.

lines = {name: by_hand(d, epochs=12) for name, d in tasks.items()}
for name in ("AND", "OR"):
    unit = cr.Perceptron().fit(X, tasks[name])
    print(f"{name:>3}: mistakes in each epoch {unit.mistakes_}, w = {unit.coef_[0]}", end=" ")
    print(f"b = {unit.intercept_[0]}, predicts {unit.predict(X)}")
    assert (*unit.coef_[0], *unit.intercept_) == lines[name][-1]
    assert (unit.predict(X) == tasks[name]).all()

# %%
# Novikoff's bound on the number of mistakes is (R/γ)²: R the length of the longest row, γ how far
# the nearest row can be kept from the border. A linear programme finds a line without any
# training, and with it a bound:

for name in ("AND", "OR"):
    bound = separability(X, tasks[name]).most_mistakes
    print(f"{name:>3}: at most {bound:.0f} mistakes, made {len(lines[name])}")
    assert len(lines[name]) <= bound

# %%
# XOR. Here the perceptron would go on for ever. After ``max_epochs`` chainrule asks the linear
# programme, stops, and proves that it had to: a mean of the rows of class 1 is also a mean of the
# rows of class 0. No line has that one point on both sides.

with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    unit = cr.Perceptron(max_epochs=12).fit(X, tasks["XOR"])
print(f"{caught[0].category.__name__}: {caught[0].message}")
proof = unit.certificate_
signs = 2 * np.array(tasks["XOR"])[proof.rows] - 1
print("rows", proof.rows, "multipliers", proof.multipliers, "signs", signs)
print("∑ λ s [x, 1] =", (proof.multipliers * signs) @ np.c_[X, np.ones(4)][proof.rows])
assert issubclass(caught[0].category, NotSeparableWarning)
assert not unit.converged_

# %%
# Left and middle: the line after each mistake, from pale to dark; the last one is red. Right: with
# XOR each row is a mistake in each epoch, and after every epoch the weights are back at 0.

fig, axes = plt.subplots(1, 3, figsize=(12, 4), layout="constrained")
x_1 = np.array([-0.6, 1.6])
for ax, name in zip(axes, ("AND", "OR"), strict=False):
    for k, (a, c, b) in enumerate(lines[name], 1):
        last = k == len(lines[name])
        style = {"color": "C3" if last else plt.cm.Greys(0.15 + 0.6 * k / len(lines[name]))}
        if c:
            ax.plot(x_1, -(a * x_1 + b) / c, lw=3 if last else 1.2, **style)
        elif a:
            ax.axvline(-b / a, lw=1.2, **style)
    ax.scatter(*X.T, c=tasks[name], cmap="coolwarm", edgecolors="k", s=110, zorder=3)
    ax.set(title=name, xlabel="$x_1$", ylabel="$x_2$", xlim=(-0.6, 1.6), ylim=(-0.6, 1.6))
for name, d in tasks.items():
    axes[2].plot(range(1, 13), [len(by_hand(d, k)) - len(by_hand(d, k - 1)) for k in range(1, 13)],
                 "o-", label=name)  # fmt: skip
axes[2].set(xlabel="epoch", ylabel="mistakes in the epoch", ylim=(-0.2, 4.4))
axes[2].legend()
assert lines["XOR"][3::4] == [(0, 0, 0)] * 12

# %%
# **What to try.** Make two rows of AND alike, but of different classes. What is the point of the
# proof then?
