"""
Several tasks on one trunk
==========================

*Row F6, notes 001*

Tasks that need the same features may learn them together. The network has a common trunk and a
head for each task; the loss is the sum of the tasks' losses. So each head has its own gradient,
and the trunk gets the sum of what all tasks ask of it:

.. math::

   L = ∑_t L_t

.. math::

   ∂L/∂W_{trunk} = ∑_t ∂L_t/∂W_{trunk}

What only one task asks for, such as its noise, carries less weight. That is why multi-task learning
is a regularisation.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.layers import Heads

rng = np.random.default_rng(0)
x = rng.normal(size=(8, 5))
targets = {"kind": rng.integers(3, size=8), "size": rng.normal(size=(8, 1))}
losses = {"kind": "cross_entropy", "size": "squared_error"}
outputs = {"kind": 3, "size": 1}


def two_headed(tasks):
    heads = Heads({task: [cr.Dense(outputs[task])] for task in tasks})
    chosen = {task: losses[task] for task in tasks}
    return cr.Network([cr.Dense(4, "tanh"), heads], chosen, input_shape=5, dtype="float64")


both = two_headed(("kind", "size"))
print(list(both.parameters))
_, whole = both.loss_and_gradients(x, targets)
parts = []
for task in losses:
    alone = two_headed((task,))
    for key, values in alone.parameters.items():
        values[:] = both.parameters[key]
    parts.append(alone.loss_and_gradients(x, {task: targets[task]})[1]["0.weight"])
print("gradient of the trunk, first row:", whole["0.weight"][0].round(4))
print("sum over the tasks:              ", sum(parts)[0].round(4))
assert np.allclose(sum(parts), whole["0.weight"])

# %%
# Does it help? Eight quantities depend on ten inputs, all by way of the same three features, which
# nobody tells the network. It sees few rows, with noise. Once each quantity gets a network of its
# own, once all share a trunk of the same size.


def data(n, seed):
    """Rows with noise to learn from, and a thousand without to be judged by."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n + 1000, 10))
    Y = np.tanh(X @ rng.normal(size=(10, 3)) / 2) @ rng.normal(size=(3, 8))
    return X[:n], Y[:n] + rng.normal(0, 0.5, size=(n, 8)), X[n:], Y[n:]


def errors(tasks, n, seed):
    """Mean squared error on the new rows, of each task."""
    X, Y, new, answers = data(n, seed)
    heads = Heads({f"task {t}": [cr.Dense(1)] for t in tasks})
    loss = dict.fromkeys(heads.tasks, "squared_error")
    net = cr.Network([cr.Dense(8, "tanh"), heads], loss, input_shape=10, seed=seed)
    columns = {f"task {t}": Y[:, [t]] for t in tasks}
    cr.train(net, X, columns, optimizer=cr.Adam(0.01), epochs=100, early_stopping=False, seed=seed)
    found = net.predict(new)
    return [np.mean((found[f"task {t}"][:, 0] - answers[:, t]) ** 2) for t in tasks]


sizes, together, alone = (30, 60, 120, 240), [], []
for n in sizes:
    together.append([errors(range(8), n, seed) for seed in range(3)])
    alone.append([[errors([t], n, seed)[0] for t in range(8)] for seed in range(3)])
    better = np.mean(np.array(together[-1]) < alone[-1])
    means = f"alone {np.mean(alone[-1]):.3f}, together {np.mean(together[-1]):.3f}"
    print(f"{n:>3} rows: error {means}; together is better for {better:.0%} of the tasks")
assert np.mean(together[1:]) < 0.7 * np.mean(alone[1:])

# %%
# Left: with a common trunk far fewer rows are enough. Right: each task by itself, at 120 rows;
# below the line it gains by company.

fig, (left, right) = plt.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
for name, found in (("alone", alone), ("together", together)):
    left.semilogx(sizes, np.mean(found, axis=(1, 2)), "o-", label=name)
left.set_xticks(sizes, sizes)
left.minorticks_off()
left.set(xlabel="training rows", ylabel="mean squared error on new rows")
left.legend()
right.plot(np.ravel(alone[2]), np.ravel(together[2]), "o")
right.axline((0, 0), slope=1, color="0.6", ls=":")
right.set(xlabel="error of the task alone", ylabel="error together")

# %%
# **What to try.** Give each task features of its own: a (10, 3) matrix for each. When is company a
# burden?
