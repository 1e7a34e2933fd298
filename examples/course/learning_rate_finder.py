"""
Finding a learning rate in one sweep
====================================

*Row E7, notes 003*

"Too high a rate jumps over the minimum, too low a rate does not arrive in time", say the notes.
Between the two lie several powers of ten. Smith (2017) tries them all in a single short run: the
rate rises by the same factor at every update,

.. math::

   η_k = η_0 (η_n/η_0)^{k/n}

and the loss shows where learning begins, where it is fastest and where it breaks.
"""

import matplotlib.pyplot as plt
from sklearn.datasets import load_digits

import chainrule as cr
from chainrule.plots import LearningRateDisplay
from chainrule.training import learning_rate_finder

X, y = load_digits(return_X_y=True)
X = X / 16


def network():
    layers = [cr.Dense(64, "relu"), cr.Dense(10)]
    return cr.Network(layers, "cross_entropy", input_shape=64, seed=0)


# %%
# One sweep for each of two optimizers. It trains a copy: the network itself stays as it was. The
# suggestion is the rate at which the loss falls fastest, and at most a tenth of the rate at which
# it blows up.

rules = {"sgd": cr.SGD, "adam": cr.Adam}
sweeps = {}
for name in rules:
    sweeps[name] = learning_rate_finder(network(), X[:1200], y[:1200], optimizer=name)
    print(f"{name:<5} {sweeps[name]}")

# %%
# Is it any good? Ten epochs with the suggestion, and with rates from a hundred times lower to ten
# times higher:

print("optimizer   rate      loss after 10 epochs   accuracy on 597 new digits")
after = {}
for name, rule in rules.items():
    for factor in (0.01, 0.1, 1, 10):
        net, rate = network(), factor * sweeps[name].suggestion
        history = cr.train(net, X[:1200], y[:1200], optimizer=rule(rate), epochs=10)
        after[name, factor] = history.loss[-1]
        accuracy = net.evaluate(X[1200:], y[1200:])["accuracy"]
        print(f"{name:<11} {rate:<9.2g} {history.loss[-1]:>20.4f} {accuracy:>20.3f}")
    assert after[name, 1] == min(after[name, factor] for factor in (0.01, 0.1, 1, 10))

# %%
# The suggestion has the lowest loss both times. It is a place to start from, no more: on new
# digits Adam does as well with a tenth of it. The two optimizers need rates that are far apart,
# for Adam divides by the size of the gradient: a rate found for one says nothing of the other.

assert sweeps["sgd"].suggestion > 3 * sweeps["adam"].suggestion
fig, axes = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
for ax, (name, sweep) in zip(axes, sweeps.items(), strict=True):
    LearningRateDisplay.from_finder(sweep).plot(ax)
    ax.set_title(name, loc="left")
    ax.set_xlabel("learning rate")

# %%
# **What to try.** Leave X as it was, from 0 to 16. How do the suggestions change, and why does one
# change more than the other?
