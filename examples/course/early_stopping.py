"""
Stop while it is good
=====================

*Row F6, notes 001*

A flexible network first learns what is common to all rows and later the accidents of the training
rows. On rows that it does not learn from, the loss falls and then rises again. So hold some rows
out, watch their loss, stop when it no longer improves, and go back to the best weights:

.. math::

   t^* = argmin_t L_{validation}(θ_t)
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr

rng = np.random.default_rng(4)


def sample(n):
    X = rng.normal(size=(n, 10))
    return X, (X[:, 0] + X[:, 1] * X[:, 2] + rng.normal(0, 1, size=n) > 0).astype(int)


(X, y), validation, (X_new, y_new) = sample(200), sample(200), sample(4000)


def learn(**settings):
    net = cr.Network([cr.Dense(64, "tanh"), cr.Dense(2)], "cross_entropy", input_shape=10, seed=0)
    history = cr.train(
        net, X, y, optimizer=cr.Adam(3e-3), epochs=200, validation=validation, **settings
    )
    return history, net.evaluate(X_new, y_new)


# %%
# Once to the end, once with a patience of 15 epochs. Judged on 4000 rows that played no part in
# either:

to_the_end, at_the_end = learn(early_stopping=False)
stopped, at_best = learn(patience=15)
print(f"all 200 epochs: training loss {to_the_end.loss[-1]:.3f}, loss on new rows", end=" ")
print(f"{at_the_end['loss']:.3f}, accuracy {at_the_end['accuracy']:.3f}")
print(
    f"stopped after {len(stopped)}, weights of epoch {stopped.best_epoch}: loss on new rows",
    end=" ",
)
print(f"{at_best['loss']:.3f}, accuracy {at_best['accuracy']:.3f} ({stopped.stopped})")
assert at_best["loss"] < at_the_end["loss"]

# %%
# The same seed gives the same course, so the two runs agree up to where the second one stops.

assert np.allclose(to_the_end.loss[: len(stopped)], stopped.loss)
fig, ax = plt.subplots(figsize=(7, 4.2), layout="constrained")
epochs = range(1, 201)
ax.plot(epochs, to_the_end.loss, label="training rows")
ax.plot(epochs, to_the_end.validation_loss, label="validation rows")
ax.axvline(stopped.best_epoch, color="C2", label=f"best weights, epoch {stopped.best_epoch}")
ax.axvline(len(stopped), color="C2", ls=":", label=f"stopped, epoch {len(stopped)}")
ax.set(xlabel="epoch", ylabel="cross entropy")
ax.legend()

# %%
# The estimators do this by themselves: a tenth of the rows is held out, and
# ``early_stopping=False`` turns it off.
#
# **What to try.** The validation loss is itself a little too friendly, since it chose the epoch.
# How large is the difference to the loss on the new rows here, and with only 20 validation rows?
