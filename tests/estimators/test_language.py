"""The character model: reading step by step, judging, writing, keeping, refusing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.data.text import Alphabet, windows
from chainrule.errors import DataError, HyperparameterError, UnknownNameError
from chainrule.estimators import LanguageModel

TEXT = "she sells sea shells by the sea shore. " * 30
SMALL = {"units": 16, "width": 6, "steps": 8, "streams": 4, "epochs": 15, "learning_rate": 0.02}


@pytest.fixture(scope="module")
def model():
    return LanguageModel(**SMALL, progress=False).fit(TEXT)


def test_it_learns(model):
    assert model.history_.loss[-1] < model.history_.loss[0] / 2
    assert model.perplexity(TEXT[:200]) < 2.5
    assert model.perplexity("hhhhhhhhhhhhhhhh") > 10


@pytest.mark.parametrize("cell", ["lstm", "gru", "elman"])
@pytest.mark.parametrize("depth", [1, 2])
@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_reading_step_by_step_is_reading_at_once(cell, depth, engine):
    """The state that is carried against one long sequence on a network that carries nothing."""
    settings = SMALL | {"epochs": 1, "units": 5, "streams": 2}
    model = LanguageModel(cell, depth=depth, engine=engine, progress=False, **settings).fit(TEXT)
    text = TEXT[7:40]
    layers = []
    for layer in model.network_.layers:
        changes = {"carry": False} if hasattr(layer, "carry") else {}
        layers.append(type(layer)(**(vars(layer) | changes)))
    whole = cr.Network(layers, "cross_entropy", input_shape=(len(text),), engine=engine)
    whole.set_parameters(model.network_.parameters)
    tokens = model.alphabet_.encode(text)
    expected = whole.predict(tokens[None])[0]
    np.testing.assert_allclose(model.scores(text), expected, rtol=2e-4, atol=2e-5)
    loss = whole.evaluate(tokens[None], np.append(tokens[1:], 0)[None],
                          sample_weight=np.r_[np.ones(len(text) - 1), 0][None])  # fmt: skip
    assert model.perplexity(text) == pytest.approx(np.exp(loss["loss"]), rel=1e-4)


def test_training_in_windows_hands_the_state_on():
    """The mean loss of an epoch without updates worth naming is that of the streams read whole."""
    model = LanguageModel(units=5, width=3, steps=4, streams=2, epochs=1, learning_rate=1e-30,
                          clip=1.0, engine="reference", progress=False).fit(TEXT)  # fmt: skip
    cut = windows(model.alphabet_.encode(TEXT), 4, 2)
    batches = len(cut.inputs) // 2
    streams = [cut.inputs[k::2].reshape(-1) for k in range(2)]
    targets = [cut.targets[k::2].reshape(-1) for k in range(2)]
    losses = []
    for stream, target in zip(streams, targets, strict=True):
        scores = model.scores(model.alphabet_.decode(stream))
        z = scores - scores.max(axis=1, keepdims=True)
        losses.append(np.log(np.exp(z).sum(axis=1)) - z[np.arange(len(z)), target])
    assert batches > 10
    assert model.history_.loss[0] == pytest.approx(np.mean(losses), rel=1e-6)


def test_writing(model):
    text = model.generate(120, prompt="she ", temperature=0.5, random_state=1)
    assert len(text) == 120
    assert text == model.generate(120, prompt="she ", temperature=0.5, random_state=1)
    assert text != model.generate(120, prompt="she ", temperature=0.5, random_state=2)
    assert set(text) <= set(TEXT)
    assert len(model.generate(5)) == 5


def test_at_temperature_zero_the_likeliest_character_is_written(model):
    written = model.generate(30, prompt="sea ", temperature=0)
    for place in range(30):
        scores = model.scores("sea " + written[:place])
        assert model.alphabet_.symbols[int(scores[-1].argmax())] == written[place]


def test_temperature_divides_the_scores(model):
    scores = model.scores("s")[-1].astype(float)
    for temperature in (0.5, 2.0):
        drawn = [model.generate(1, prompt="s", temperature=temperature, random_state=k)
                 for k in range(300)]  # fmt: skip
        p = np.exp((scores - scores.max()) / temperature)
        p /= p.sum()
        best = model.alphabet_.symbols[int(p.argmax())]
        spread = np.sqrt(p.max() * (1 - p.max()) / 300)
        assert abs(drawn.count(best) / 300 - p.max()) < 4 * spread + 0.01


def test_a_file_keeps_it(model, tmp_path):
    model.save(tmp_path / "model.safetensors")
    again = cr.load(tmp_path / "model.safetensors")
    assert isinstance(again, LanguageModel)
    assert again.get_params() == model.get_params()
    assert again.perplexity(TEXT[:60]) == model.perplexity(TEXT[:60])
    assert again.generate(20) == model.generate(20)


# ------------------------------------------------------------------ bad input


@pytest.mark.parametrize(
    ("act", "error", "message"),
    [
        (lambda m: m.perplexity("she sings"), DataError, "character 'i' at place 5"),
        (lambda m: m.generate(3, prompt="Ω"), DataError, "character 'Ω' at place 0"),
        (lambda m: m.perplexity("s"), DataError, "two characters"),
        (lambda m: m.generate(0), HyperparameterError, "characters = 0"),
        (lambda m: m.generate(3, temperature=-1), HyperparameterError, "temperature = -1"),
        (lambda m: m.fit("too short"), DataError, "9 characters.*33"),
        (lambda m: m.fit(3), DataError, "text is int"),
        (lambda m: m.fit(""), DataError, "text is empty"),
        (lambda m: m.set_params(cell="lstmm").fit(TEXT), UnknownNameError, "'lstm'"),
        (lambda m: m.set_params(steps=0).fit(TEXT), HyperparameterError, "time_steps = 0"),
        (lambda m: m.set_params(alphabet="abc").fit(TEXT), DataError, "'s' at place 0"),
        (lambda m: m.set_params(alphabet="aa").fit(TEXT), DataError, "each character once"),
    ],
)
def test_refusals(model, act, error, message, tmp_path):
    model.save(tmp_path / "copy")
    with pytest.raises(error, match=message):
        act(cr.load(tmp_path / "copy"))


# ------------------------------------------------------------------- the text


@given(st.text(min_size=1))
def test_encoding_and_decoding_a_text(text):
    letters = Alphabet.of(text)
    tokens = letters.encode(text)
    assert letters.decode(tokens) == text
    assert tokens.max() == len(letters) - 1


@given(st.integers(1, 6), st.integers(1, 5), st.integers(0, 60))
def test_windows_continue_each_other(steps, streams, more):
    tokens = np.arange(steps * streams + 1 + more)
    cut = windows(tokens, steps, streams)
    assert (cut.targets == cut.inputs + 1).all()
    for row in range(len(cut.inputs) - streams):
        assert cut.inputs[row + streams, 0] == cut.inputs[row, -1] + 1
    assert len(np.unique(cut.inputs)) == cut.inputs.size
    assert cut.inputs.size > len(tokens) - 1 - steps * streams
