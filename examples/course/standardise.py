"""
Centring and scaling the inputs
===============================

*Row G1 · G2, notes 003*

Wine: alcohol is about 13, proline about 750. To a network the second is sixty times as loud.
Subtract from each feature its mean over the *training* rows, divide by their standard deviation:

.. math::

   x' = (x - μ_{train}) / σ_{train}

Validation and test rows get the same μ and σ. Their own would be knowledge that the network
cannot have when it is used.
"""

import matplotlib.pyplot as plt
import numpy as np
from sklearn.datasets import load_wine
from sklearn.model_selection import train_test_split
from sklearn.preprocessing import StandardScaler

import chainrule as cr

X, y = load_wine(return_X_y=True)
X_train, X_test, y_train, y_test = train_test_split(X, y, random_state=0, stratify=y)
mean, deviation = X_train.mean(0), X_train.std(0)
scaler = StandardScaler().fit(X_train)
assert np.allclose((X_test - mean) / deviation, scaler.transform(X_test))
print("means range from", mean.min().round(2), "to", mean.max().round(1))
print("deviations range from", deviation.min().round(2), "to", deviation.max().round(1))

# %%
# The same network and the same best of three rates, on raw, centred and standardised inputs:

versions = {
    "raw": (X_train, X_test),
    "mean subtracted": (X_train - mean, X_test - mean),
    "standardised": (scaler.transform(X_train), scaler.transform(X_test)),
}
curves = {}
for name, (A, B) in versions.items():
    for rate in (1e-5, 1e-3, 0.1):
        net = cr.Network(
            [cr.Dense(8, "tanh"), cr.Dense(3)], "cross_entropy", input_shape=13, seed=1
        )
        history = cr.train(net, A, y_train, optimizer=cr.SGD(rate), epochs=100)
        if name not in curves or history.loss[-1] < curves[name][0].loss[-1]:
            curves[name] = history, rate, net.evaluate(B, y_test)["accuracy"]
    history, rate, accuracy = curves[name]
    print(
        f"{name:>15}: best rate {rate:g}, loss {history.loss[-1]:.3f}, test accuracy {accuracy:.3f}"
    )
assert curves["standardised"][0].loss[-1] < 0.1 * curves["raw"][0].loss[-1]

# %%
# The leak, in numbers: when the mean is taken over all rows, a single far-off test row changes
# what every *training* row looks like.

odd = X_test.copy()
odd[0, 12] = 1e6
all_rows = np.r_[X_train, odd]
leaky = (X_train[:, 12] - all_rows[:, 12].mean()) / all_rows[:, 12].std()
honest = scaler.transform(X_train)[:, 12]
print(f"proline of the training rows: honest deviation {honest.std():.3f}, leaky {leaky.std():.5f}")

# %%
# The estimators standardise by themselves, with the training rows' numbers: nothing to forget.

model = cr.NetworkClassifier(random_state=0).fit(X_train, y_train)
print(f"NetworkClassifier on raw inputs: {model.score(X_test, y_test):.3f}")

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4), layout="constrained")
left.boxplot([X_train[:, k] for k in range(13)], showfliers=False)
left.set(yscale="log", xlabel="feature", ylabel="raw value")
for name, (history, rate, _) in curves.items():
    right.semilogy(history.loss, label=f"{name}, rate {rate:g}")
right.set(xlabel="epoch", ylabel="cross entropy")
right.legend()

# %%
# **What to try.** Adam instead of SGD rescues the raw inputs in part. Which part, and why not all?
