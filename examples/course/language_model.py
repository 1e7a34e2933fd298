"""
A network that writes
=====================

*Row A11, notes 003*

Text 003 ends where recurrent networks begin. Such a network reads one character at a time and
hands its state on to the next step. A softmax then gives the probability of each next character:

.. math::

   h_t = tanh(x_t W + h_{t-1} U + b)

.. math::

   p(next) = softmax(h_t V + c)

It is judged by its **perplexity** on text it has not seen: the number of characters it wavers
between.

.. math::

   perplexity = exp(-1/n ∑_t ln p(c_t))
"""

from collections import Counter
from itertools import pairwise
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np

import chainrule as cr
from chainrule.estimators import LanguageModel
from chainrule.layers import Elman

# %%
# The same weights W and U serve at every step. Written out for three steps it is an ordinary
# network, and back-propagation through it is **back-propagation through time**: the error term of
# step t has one part from its own output and one from step t + 1, and the gradient of U is the sum
# over the steps.

unrolled = cr.Network([Elman(4), cr.Dense(2)], "cross_entropy", input_shape=(3, 2))
print(unrolled.tape())

# %%
# The text is the first chapter of Jane Austen's *Persuasion* (1818). The last tenth is kept back.
# First a model without a network, to be measured against: count how often each character follows
# each pair, and add α to every count so that nothing is impossible.

text = (Path(__file__).parent / "data" / "persuasion-opening.txt").read_text(encoding="utf-8")
text = " ".join(text.split())
train, new = text[: len(text) * 9 // 10], text[len(text) * 9 // 10 :]
alphabet = "".join(sorted(set(text)))
triples = Counter(zip(train, train[1:], train[2:], strict=False))
pairs = Counter(pairwise(train))


def trigram_perplexity(alpha):
    share = [
        (triples[a, b, c] + alpha) / (pairs[a, b] + alpha * len(alphabet))
        for a, b, c in zip(new, new[1:], new[2:], strict=False)
    ]
    return np.exp(-np.mean(np.log(share)))


counted = {alpha: trigram_perplexity(alpha) for alpha in (0.01, 0.03, 0.1, 0.3, 1)}
print(len(train), "characters to learn from,", len(alphabet), "different ones")
print("trigrams, perplexity by α:", {alpha: round(float(p), 2) for alpha, p in counted.items()})

# %%
# Now the network: recurrent units with gates (GRU), which keep their state longer than the plain
# ones. Gradients go back through 16 characters, the state goes on.

model = LanguageModel(
    "gru", units=64, width=16, steps=16, streams=8, epochs=10, learning_rate=0.01,
    alphabet=alphabet, progress=False,
).fit(train)  # fmt: skip
perplexity = model.perplexity(new)
print(f"perplexity on the last tenth: network {perplexity:.2f},", end=" ")
print(f"trigrams with the best α {min(counted.values()):.2f}")
assert perplexity < min(counted.values())

# %%
# It writes by drawing from its own probabilities. The scores are divided by a **temperature**
# before softmax: cold it repeats the likely, hot it invents words. Thirteen thousand characters are
# very few: it has begun to spell, no more.

for temperature in (0.5, 0.8, 1.2):
    said = model.generate(140, prompt="Sir Walter ", temperature=temperature, random_state=1)
    print(f"{temperature}: Sir Walter {said}")

# %%
# Left: the loss of each epoch as a perplexity. Right: what surprises it in a sentence it has not
# seen. The first letters of words are red; where a word begins anything may come, how it goes on
# is easier to tell.

scores = model.scores(new)[:-1].astype(float)
chance = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
surprise = -np.log2([row[alphabet.index(c)] for row, c in zip(chance, new[1:], strict=True)])
first = np.array([c == " " for c in new[:-1]])
print(f"bits: first letters {surprise[first].mean():.2f}, others {surprise[~first].mean():.2f}")
assert np.isclose(2 ** surprise.mean(), perplexity, rtol=1e-4)
fig, (left, right) = plt.subplots(1, 2, figsize=(12, 4), layout="constrained", width_ratios=(2, 3))
left.plot(range(1, 11), np.exp(model.history_.loss), "o-", label="network, while it learns")
left.axhline(perplexity, color="C0", ls=":", label="network, new text")
left.axhline(min(counted.values()), color="C1", ls=":", label="trigrams, new text")
left.set(xlabel="epoch", ylabel="perplexity")
left.legend()
start = new.index(". ") + 1
some = slice(start, start + 48)
right.bar(range(48), surprise[some], color=["C3" if f else "C0" for f in first[some]])
right.set_xticks(range(48), new[start + 1 : start + 49].replace(" ", "␣"))
right.set(xlabel="character", ylabel="surprise in bits")

# %%
# **What to try.** ``cell="elman"`` and ``cell="lstm"``. Then a longer text of your own, with more
# units: at what length does the network leave a count of five characters behind as well?
