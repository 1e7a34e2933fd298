"""
Not only right, but with a margin
=================================

*Row C6, notes 003*

The max-margin loss does not ask for probabilities. It asks that the score of the right class
exceed every other score by at least Δ, and is silent when it does:

.. math::

   L = ∑ max(0, Δ + s_{wrong} - s_{right})

With two classes and one score z, targets s = ±1, it is the **hinge** of support vector machines:

.. math::

   L = max(0, Δ - s z)
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.metrics import hinge_loss
from sklearn.svm import LinearSVC

import chainrule as cr
from chainrule import ops

scores = np.array([[2.0, 0.5, 1.8], [0.0, 3.0, 1.0]])
right = np.eye(3)[[0, 1]]
margin = ops.LOSSES["multiclass_margin"]
print("losses  ", margin.value(scores, right, margin=1.0).ravel())
print("slopes  ", margin.slope(scores, right, margin=1.0).tolist())

# %%
# In the first row the third class comes too close: 1 + 1.8 − 2 = 0.8. In the second row all is
# well: loss 0, gradient 0. Rows that are right by the margin no longer pull. What remains are the
# **support vectors**.

rng = np.random.default_rng(0)
X = np.r_[rng.normal([-1.5, 0], 0.6, size=(60, 2)), rng.normal([1.5, 1], 0.6, size=(60, 2))]
y = np.repeat([0, 1], 60)
nets = {}
for loss in ("hinge", "binary_cross_entropy"):
    net = cr.Network([cr.Dense(1)], loss, input_shape=2, dtype="float64")
    cr.train(net, X, y, optimizer=cr.Adam(0.01), batch_size=120, epochs=1500)
    z = net.predict(X).ravel()
    gradient_rows = (
        np.abs(net.loss.slope(z[:, None], y[:, None] * 1.0, **net.loss.all_settings)) > 0
    )
    nets[loss] = net
    print(
        f"{loss:<20} hinge loss {hinge_loss(y, z):.4f}, rows that still pull:", gradient_rows.sum()
    )
assert np.isclose(nets["hinge"].evaluate(X, y)["loss"], hinge_loss(y, nets["hinge"].predict(X)))

# %%
# The picture shows the two losses as functions of s z, and the borders. A support vector machine
# with hardly any penalty finds nearly the same line as our hinge.

svm = LinearSVC(C=100, loss="hinge", max_iter=200000, random_state=0).fit(X, y)
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4), layout="constrained")
sz = np.linspace(-3, 3, 200)
left.plot(sz, np.maximum(0, 1 - sz), label="hinge, Δ = 1")
left.plot(sz, np.log1p(np.exp(-sz)), label="cross entropy")
left.set(xlabel="s z", ylabel="loss")
left.legend()
right.scatter(*X.T, c=y, cmap="coolwarm", s=16)
x_1 = np.array([-1.5, 1.5])
for loss, color in (("hinge", "C0"), ("binary_cross_entropy", "C1")):
    (a, b), c = nets[loss].parameters["0.weight"].ravel(), nets[loss].parameters["0.bias"].item()
    right.plot(x_1, -(a * x_1 + c) / b, color, label=loss.replace("_", " "))
(a, b), c = svm.coef_[0], svm.intercept_[0]
right.plot(x_1, -(a * x_1 + c) / b, "k:", label="support vector machine")
right.set(xlabel="$x_1$", ylabel="$x_2$", ylim=(-2.5, 3.5))
right.legend()

# %%
# **What to try.** Set Δ with ``loss={"name": "hinge", "margin": 5}``. Does the border move, or
# only the size of the weights?
