"""
Beyond the notes: other ways down
=================================

*Row E9, beyond the notes*

The notes end with Adam. Four rules that came before or after it:

.. math::

   Nesterov: v ← γ v + η g, w ← w - (γ v + η g)

.. math::

   AdamW: w ← (1 - ηλ) w, then Adam's step

.. math::

   Lion: w ← w - η sign(β_1 m + (1 - β_1) g), m ← β_2 m + (1 - β_2) g

.. math::

   L-BFGS: w ← w - a H g

Nesterov's looks ahead along its velocity. AdamW lets the weights decay apart from the gradient.
Lion moves every weight by the same amount. L-BFGS (1989) takes all rows at once, estimates the
inverse curvature H from its last steps and searches for the step length a: it has no rate.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_diabetes

import chainrule as cr
from chainrule.plots import OptimizerPathsDisplay
from chainrule.training import LBFGS

# %%
# First the valley ½(a² + 25 b²). Lion looks at signs only, so it sets out at 45°, steep or gentle.
# It never makes a shorter step, and its memory of about a hundred gradients carries it past the
# bottom.

curvature = np.array([1.0, 25.0])
valley = OptimizerPathsDisplay.from_optimizers(
    {
        "Nesterov": cr.Nesterov(0.03, momentum=0.7),
        "AdamW": cr.AdamW(0.3),
        "Lion": cr.ops.Lion(0.1),
    },
    loss=lambda w: 0.5 * (w[0] ** 2 + 25 * w[1] ** 2),
    gradient=lambda w: curvature * w,
    start=(4.0, 1.0),
    steps=60,
)
for name, path in valley.paths.items():
    print(f"{name:<9} distance to the bottom after 60 steps: {np.linalg.norm(path[-1]):.1e}")
assert np.allclose(np.abs(np.diff(valley.paths["Lion"][:8], axis=0)), 0.1)

# %%
# The same valley for L-BFGS, as a network of two weights whose mean loss is just that. A few
# steps teach it the curvature:

X = np.diag(np.sqrt(2 * curvature))
net = cr.Network([cr.Dense(1, bias=False)], input_shape=2, dtype="float64")
net.set_parameters({"0.weight": np.array([[4.0], [1.0]])})
history = cr.train(net, X, np.zeros(2), optimizer=LBFGS())
print(f"L-BFGS: {len(history)} steps to {np.abs(net.parameters['0.weight']).max():.0e}")
print(history.stopped)
assert np.abs(net.parameters["0.weight"]).max() < 1e-6

# %%
# Now a small network on 442 patients, ten columns, one number to predict. Each from the same
# weights, 200 passes over the rows. On so small a table L-BFGS gets deepest, and its weights
# become the largest. Mind that this is the loss of the training rows only: lower need not be
# better.

table, target = load_diabetes(return_X_y=True, scaled=False)
table = (table - table.mean(0)) / table.std(0)
target = (target - target.mean()) / target.std()
runs = {}
for name, rule in {
    "Adam": cr.Adam(1e-3),
    "AdamW": cr.AdamW(1e-3, weight_decay=0.1),
    "Nesterov": cr.Nesterov(1e-2),
    "Lion": cr.ops.Lion(2e-4),
    "L-BFGS": LBFGS(max_iterations=200),
}.items():
    layers = [cr.Dense(16, "tanh"), cr.Dense(1)]
    net = cr.Network(layers, input_shape=10, seed=0, dtype="float64")
    runs[name] = cr.train(net, table, target, optimizer=rule, epochs=200)
    size = np.linalg.norm(net.parameters["0.weight"])
    print(f"{name:<9} loss {runs[name].loss[-1]:.4f}, ‖W¹‖ = {size:.2f}")
assert runs["L-BFGS"].loss[-1] == min(history.loss[-1] for history in runs.values())

# %%
# Left the paths, right the losses.

fig, (left, right) = plt.subplots(1, 2, figsize=(13, 4), layout="constrained")
valley.plot(left)
for name, history in runs.items():
    right.semilogy(history.loss, label=name)
right.set(xlabel="epoch", ylabel="loss")
right.legend()

# %%
# **What to try.** Give Lion the schedule "cosine" in the last comparison. Why does it need a
# falling rate more than the others?
