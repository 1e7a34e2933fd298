"""What the benchmarks compare with is right itself."""

from collections import Counter
from math import prod

import numpy as np
import pytest
from benchmarks.models import MODELS, make_model_work
from benchmarks.ngram import NGram


def kneser_ney(text, order, words):
    """The definition once more, with dictionaries and recursion; P(token after a context)."""
    counts = [Counter()] * (order + 1)
    counts[order] = Counter(tuple(text[k : k + order]) for k in range(len(text) - order + 1))
    for length in range(order - 1, 0, -1):
        counts[length] = Counter(gram[1:] for gram in counts[length + 1])

    def discount(length, c):
        n = [sum(1 for v in counts[length].values() if v == k) for k in range(1, 5)]
        if 0 in n:
            return 0.5
        k = min(c, 3)
        d = k - (k + 1) * n[0] / (n[0] + 2 * n[1]) * n[k] / n[k - 1]
        return min(max(d, 0), k)

    def probability(context, token):
        length = len(context) + 1
        lower = probability(context[1:], token) if context else 1 / words
        found = {g[-1]: c for g, c in counts[length].items() if g[:-1] == context}
        if not found:
            return lower
        total, c = sum(found.values()), found.get(token, 0)
        kept = c - discount(length, c) if c else 0
        return (kept + sum(discount(length, v) for v in found.values()) * lower) / total

    return probability


@pytest.mark.parametrize("order", [1, 2, 3, 4])
def test_an_ngram_model_is_kneser_neys(order):
    rng = np.random.default_rng(0)
    text = (rng.random(400) ** 2 * 6).astype(int)
    model, exact = NGram(order, 7).fit(text), kneser_ney(text.tolist(), order, 7)
    for _ in range(20):
        context = rng.integers(7, size=order - 1)
        expected = [exact(tuple(context.tolist()), w) for w in range(7)]
        np.testing.assert_allclose(model.next(context), expected, rtol=1e-12)
        assert model.next(context).sum() == pytest.approx(1, rel=1e-12)


def test_perplexity_is_the_mean_over_all_positions():
    text = np.random.default_rng(1).integers(5, size=300)
    model = NGram(3, 5).fit(text[:200])
    p = [model.next(text[k - 2 : k])[text[k]] for k in range(202, 300)]
    assert model.perplexity(text[200:]) == pytest.approx(np.prod(p) ** (-1 / len(p)), rel=1e-9)


def test_the_perplexity_of_coins_is_2():
    coins = np.random.default_rng(2).integers(2, size=20_000)
    assert NGram(3, 2).fit(coins[:10_000]).perplexity(coins[10_000:]) == pytest.approx(2, abs=2e-3)


def test_grams_too_long_for_a_number_and_contexts_too_short_are_refused():
    with pytest.raises(ValueError, match="62 bits"):
        NGram(12, 75)
    with pytest.raises(ValueError, match="give 2 or more"):
        NGram(3, 2).fit(np.array([0, 1, 0, 1])).next(np.array([1]))


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("conv28", 9 * 16 + 16 + 16 * 16 * 32 + 32 + 25 * 32 * 64 + 64 + 650),
        ("conv32", 27 * 32 + 32 + 16 * 32 * 32 + 32 + 36 * 32 * 64 + 64 + 650),
        ("lstm", 64 * 32 + 4 * 128 * (32 + 128 + 1) + 128 * 64 + 64),
        ("gru", 64 * 32 + 3 * 64 * (32 + 64 + 1) + 64 * 64 + 64),
        ("elman", 64 * 32 + 128 * (32 + 128 + 1) + 128 * 64 + 64),
    ],
)
def test_models_have_the_parameters_that_their_layers_ask_for(name, parameters):
    work = make_model_work(MODELS[name], threads=1)
    assert sum(prod(a.shape) for arrays in work.weights for a in arrays) == parameters
    assert work.x.shape == (work.shape.rows, *work.shape.input_shape)
    assert len(work.y) == work.shape.rows
    assert sorted(next(work.orders()).ravel().tolist()) == list(range(work.shape.rows))


def test_walks_are_shifted_by_one_token():
    work = make_model_work(MODELS["gru"], threads=1)
    np.testing.assert_array_equal(work.x[:, 1:], work.y[:, :-1])
