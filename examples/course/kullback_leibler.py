"""
Entropy, cross entropy, and the distance between them
=====================================================

*Row C5, notes 000*

How far is a distribution q from the true one, p? The relative entropy of Kullback and Leibler
answers:

.. math::

   D_{KL}(p‖q) = ∑_x p(x) log (p(x)/q(x))

It is zero only for q = p. The cross entropy is the same up to a number that does not depend on q:

.. math::

   H(p, q) = H(p) + D_{KL}(p‖q)

So whoever minimises the cross entropy minimises the distance to p.
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.stats import entropy

import chainrule as cr
from chainrule import ops

p = np.array([[0.5, 0.3, 0.2]])
z = np.array([[0.2, 1.0, -0.5]])
q = ops.softmax(z)
divergence = ops.LOSSES["kullback_leibler"].value(z, p).item()
cross = ops.LOSSES["cross_entropy"].value(z, p).item()
print(f"D_KL(p‖q) = {divergence:.6f}, SciPy says {entropy(p[0], q[0]):.6f}")
print(f"H(p, q) = {cross:.6f} = H(p) + D_KL = {entropy(p[0]):.6f} + {divergence:.6f}")
assert np.isclose(divergence, entropy(p[0], q[0]))
assert np.isclose(cross, entropy(p[0]) + divergence)

# %%
# It is no distance in the sense of geometry: the way back has another length.

print(f"D_KL(q‖p) = {entropy(q[0], p[0]):.6f}")

# %%
# As a loss: a network with a bias and nothing else learns p from p. The loss goes to zero, which
# the cross entropy cannot: it stops at H(p). Their gradients are the same.

losses = {}
for name in ("kullback_leibler", "cross_entropy"):
    net = cr.Network([cr.Dense(3)], name, input_shape=1, seed=2, dtype="float64")
    history = cr.train(net, [[1.0]], p, optimizer=cr.SGD(0.5), epochs=100)
    losses[name] = history.loss
    learnt = net.predict_proba([[1.0]])[0].round(4)
    print(f"{name:<16} learnt q = {learnt}, loss {abs(history.loss[-1]):.5f}")
assert losses["kullback_leibler"][-1] < 1e-5

# %%
# Left: both quantities for two classes with p = (0.3, 0.7). Right: the two losses while learning,
# H(p) apart.

s = np.linspace(0.005, 0.995, 300)
own = entropy([0.3, 0.7])
distance = np.array([entropy([0.3, 0.7], [x, 1 - x]) for x in s])
fig, (left, right) = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
left.plot(s, own + distance, label="H(p, q)")
left.plot(s, distance, label="$D_{KL}$(p‖q)")
left.axhline(own, color="0.6", ls=":", label="H(p)")
left.axvline(0.3, color="0.6", lw=0.8)
left.set(xlabel="q of the first class", ylim=(0, 3), ylabel="nats")
left.legend()
for name, values in losses.items():
    right.plot(values, label=name.replace("_", " "))
right.set(xlabel="step", ylabel="loss")
right.legend()

# %%
# **What to try.** Let q of one class go to 0 while its p is 0.3. What happens to the divergence,
# and what would that mean for a network that is too sure of itself?
