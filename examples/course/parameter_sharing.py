"""
One layer in many places
========================

*Row F6, notes 001*

Parameter sharing is regularisation by a fact one knows: in these places the same thing happens, so
let the same weights do it. By the chain rule the gradient of a shared weight is the sum of the
gradients that the places would have on their own:

.. math::

   ∂L/∂W = ∑_k ∂L/∂W^k, all W^k = W

Convolutions share over space, recurrent layers over time.
"""

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.layers import Residual, Shared

rng = np.random.default_rng(0)
x, d = rng.normal(size=(6, 4)), rng.normal(size=(6, 4))
settings = {"input_shape": 4, "dtype": "float64", "engine": "reference"}
tied = cr.Network([Shared("step", cr.Dense(4, "tanh"))] * 3, **settings)
untied = cr.Network([cr.Dense(4, "tanh")] * 3, **settings)
print("tied:  ", list(tied.parameters))
print("untied:", list(untied.parameters))
for name in ("weight", "bias"):
    for k in range(3):
        untied.parameters[f"{k}.{name}"][:] = tied.parameters[f"step.{name}"]
_, own = tied.loss_and_gradients(x, d)
_, parts = untied.loss_and_gradients(x, d)
for name in ("weight", "bias"):
    summed = sum(parts[f"{k}.{name}"] for k in range(3))
    print(f"{name:>6}: largest difference {np.abs(own[f'step.{name}'] - summed).max():.1e}")
    assert np.allclose(own[f"step.{name}"], summed, atol=1e-14)

# %%
# It is the tape that does it. Where a parameter is used three times, three contributions are added:

print("\n".join(line for line in str(tied.tape()).splitlines() if "dW" in line))

# %%
# What is it good for? A pendulum. We see its angle and its speed now and three steps later, with
# noise. A network of three steps is to learn what happens; each step adds something to the state:
#
# .. math::
#
#    x_{t+1} = x_t + f(x_t)


def swing(state, steps, dt=0.4, parts=20):
    """Angle and speed after so many steps of the true pendulum."""
    angle, speed = np.array(state).T
    for _ in range(steps * parts):
        speed = speed - dt / parts * np.sin(angle)
        angle = angle + dt / parts * speed
    return np.c_[angle, speed]


start = rng.uniform(-1.5, 1.5, size=(60, 2))
end = swing(start, 3) + rng.normal(0, 0.05, size=(60, 2))
new = rng.uniform(-1.5, 1.5, size=(1000, 2))
body = [cr.Dense(16, "tanh"), cr.Dense(2)]
nets = {
    "shared": cr.Network([Shared("step", Residual(body))] * 3, input_shape=2, seed=0),
    "three own": cr.Network([Residual(body)] * 3, input_shape=2, seed=0),
}
error = {}
for name, net in nets.items():
    cr.train(net, start, end, optimizer=cr.Adam(0.01), epochs=400, seed=0)
    error[name] = np.sqrt(np.mean((net.predict(new) - swing(new, 3)) ** 2))
    print(f"{name:>9}: {net.n_parameters:>3} parameters, error on new states {error[name]:.4f}")

# %%
# With the noise at 0.05 both do well. But the shared step means something by itself: it is *one*
# step, though no state after one step was ever shown. So it can be repeated as often as we like.
# The first of three steps of its own means nothing.

once = {
    "shared": cr.Network([Shared("step", Residual(body))], input_shape=2),
    "three own": cr.Network([Residual(body)], input_shape=2),
}
walks, first = {}, {}
for name, net in once.items():
    for key, values in net.parameters.items():
        values[:] = nets[name].parameters[key]
    first[name] = np.sqrt(np.mean((net.predict(new) - swing(new, 1)) ** 2))
    walks[name] = [np.array([[1.2, 0.0]])]
    for _ in range(15):
        walks[name].append(net.predict(walks[name][-1]))
    print(f"{name:>9}: error of a single step {first[name]:.4f}")
assert first["shared"] < 0.1 < first["three own"]

# %%
# Angle and speed over fifteen single steps, beside the true pendulum.

fig, (left, right) = plt.subplots(1, 2, figsize=(11, 4.2), layout="constrained")
true = np.concatenate([swing([[1.2, 0.0]], t) for t in range(16)])
for ax, column, label in ((left, 0, "angle"), (right, 1, "speed")):
    ax.plot(true[:, column], "k", label="pendulum")
    for name, walk in walks.items():
        ax.plot(np.concatenate(walk)[:, column], "o--", ms=4, label=name)
    ax.set(xlabel="step", ylabel=label, ylim=(-2.5, 2.5))
left.legend()

# %%
# **What to try.** Show it the state after two steps, or after six, in place of three. From how far
# away can the single step still be found?
