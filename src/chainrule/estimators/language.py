"""`LanguageModel`: a recurrent network that reads characters and writes them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from chainrule.data.text import Alphabet, windows
from chainrule.engines import Batches
from chainrule.errors import DataError, unknown_name
from chainrule.estimators.sklearn_callbacks import CallbackSupportMixin, Learnt, fit_tasks
from chainrule.files.container import write_container
from chainrule.layers import GRU, LSTM, Dense, Elman, Embedding, Layer
from chainrule.network import Network
from chainrule.ops.hyperparameters import HYPERPARAMETERS, check
from chainrule.ops.optimizers import Adam
from chainrule.tape import plan
from chainrule.training import History, train

__all__ = ["LanguageModel"]

CELLS: dict[str, type] = {"elman": Elman, "gru": GRU, "lstm": LSTM}
_H = HYPERPARAMETERS


class LanguageModel(CallbackSupportMixin, BaseEstimator):
    """The probability of the next character, given all before it (003 leads there).

    An embedding, one or more recurrent layers that carry their state along the text, and a dense
    layer with softmax. The loss is the cross entropy of each character; its exponential is the
    perplexity, the number of characters the model wavers between. Training is back-propagation
    through time, truncated to `steps` (Williams & Peng 1990), on `streams` parts of the text at
    once.

    Parameters
    ----------
    cell : {"lstm", "gru", "elman"}
        The recurrent layer.
    units : int
        Of each recurrent layer.
    depth : int
        Recurrent layers.
    width : int
        Numbers that stand for a character.
    steps : int
        Characters through which a gradient goes back.
    streams : int
        Parts of the text that are read side by side: the rows of a minibatch.
    epochs : int
    learning_rate : float
        Of Adam at the start; it falls to 0 along a cosine.
    clip : float
        Longest gradient.
    alphabet : str, optional
        Characters to know, each once; those of the text by default.
    time_limit : float, optional
        Seconds.
    threads : int, optional
        Of one matrix product.
    engine : {"compiled", "reference"}
    random_state : int
    progress : bool

    Attributes
    ----------
    network_ : Network
    alphabet_ : Alphabet
    history_ : History

    Notes
    -----
    With scikit-learn 1.9 or newer `set_callbacks` takes its callbacks, to which each epoch is a
    task; the text is its X.

    Examples
    --------
    >>> model = LanguageModel(units=16, width=4, steps=8, streams=4, epochs=20, learning_rate=0.02)
    >>> model = model.fit("to be or not to be. " * 40)
    >>> model.perplexity("to be or not to be. ") < 2
    True
    >>> len(model.generate(12, prompt="to "))
    12
    """

    def __init__(
        self,
        cell: str = "lstm",
        *,
        units: int = 128,
        depth: int = 1,
        width: int = _H["width"].default,
        steps: int = _H["time_steps"].default,
        streams: int = _H["streams"].default,
        epochs: int = 10,
        learning_rate: float = 4e-3,
        clip: float = 1.0,
        alphabet: str | None = None,
        time_limit: float | None = None,
        threads: int | None = None,
        engine: str = "compiled",
        random_state: int = 0,
        progress: bool = True,
    ) -> None:
        self.cell = cell
        self.units = units
        self.depth = depth
        self.width = width
        self.steps = steps
        self.streams = streams
        self.epochs = epochs
        self.learning_rate = learning_rate
        self.clip = clip
        self.alphabet = alphabet
        self.time_limit = time_limit
        self.threads = threads
        self.engine = engine
        self.random_state = random_state
        self.progress = progress

    # --------------------------------------------------------------- learning

    def fit(self, text: str, y: object = None) -> Self:
        """Learn from a text.

        Parameters
        ----------
        text : str
        y : ignored

        Raises
        ------
        DataError
            If it is no text, or too short for one minibatch.
        """
        check(time_steps=self.steps, streams=self.streams, depth=self.depth)
        self.alphabet_ = self._alphabet(_as_text(text))
        cut = windows(self.alphabet_.encode(text), self.steps, self.streams)
        self.network_ = Network(
            self._layers(),
            "cross_entropy",
            input_shape=(self.steps,),
            seed=self.random_state,
            engine=self.engine,
        )
        with fit_tasks(self, Learnt(text), epochs=self.epochs) as tasks:
            self.history_: History = train(
                self.network_,
                cut.inputs,
                cut.targets,
                optimizer=Adam(self.learning_rate),
                schedule="cosine",
                batch_size=cut.streams,
                epochs=self.epochs,
                clip=self.clip,
                callbacks=tasks.reporters(self),
                shuffle=False,
                time_limit=self.time_limit,
                threads=self.threads,
                progress=self.progress,
            )
        return self

    def _alphabet(self, text: str) -> Alphabet:
        return Alphabet.of(text) if self.alphabet is None else Alphabet(self.alphabet)

    def _layers(self) -> list[Layer]:
        if self.cell not in CELLS:
            raise unknown_name("recurrent cell", self.cell, CELLS)
        cells = [CELLS[self.cell](self.units, carry=True) for _ in range(self.depth)]
        return [Embedding(len(self.alphabet_), self.width), *cells, Dense(len(self.alphabet_))]

    # ---------------------------------------------------------------- reading

    def scores(self, text: str) -> np.ndarray:
        """Logits of the character after each one of a text, (characters, alphabet).

        Raises
        ------
        DataError
            If the text is empty or has a character that the model does not know.
        """
        check_is_fitted(self, "network_")
        tokens = self.alphabet_.encode(_as_text(text))
        out = np.empty((len(tokens), len(self.alphabet_)), self._reader().engine.dtype)
        session = self._session(tokens[:, None], out)
        session.run(len(tokens))
        return out

    def perplexity(self, text: str) -> float:
        """Exp of the mean loss of each character given those before it; the first one is given.

        Raises
        ------
        DataError
            If there are fewer than two characters.
        """
        scores = self.scores(text)[:-1].astype(np.float64)
        if not len(scores):
            raise DataError("a perplexity needs two characters or more.")
        tokens = self.alphabet_.encode(text)[1:]
        largest = scores.max(axis=1, keepdims=True)
        total = np.log(np.exp(scores - largest).sum(axis=1)) + largest[:, 0]
        return float(np.exp(np.mean(total - scores[np.arange(len(tokens)), tokens])))

    # ---------------------------------------------------------------- writing

    def generate(
        self,
        characters: int,
        *,
        prompt: str = "",
        temperature: float = 1.0,
        random_state: int | None = 0,
    ) -> str:
        """Write a text: draw a character, read it, draw the next.

        Parameters
        ----------
        characters : int
            How many to write.
        prompt : str
            What to read first; a random character if it is empty. It is not repeated.
        temperature : float
            Scores are divided by it: below 1 the likely characters become likelier; 0 takes the
            likeliest.
        random_state : int or None

        Raises
        ------
        DataError
            If the prompt has a character that the model does not know.
        """
        check_is_fitted(self, "network_")
        check(characters=characters, temperature=temperature)
        rng, known = np.random.default_rng(random_state), len(self.alphabet_)
        first = self.alphabet_.encode(prompt) if prompt else rng.integers(known, size=1)
        read = len(first)
        tokens = np.zeros((read + characters, 1), np.int64)
        tokens[:read, 0] = first
        out = np.empty((len(tokens), len(self.alphabet_)), self._reader().engine.dtype)
        session = self._session(tokens, out)
        session.run(read)
        for place in range(read, len(tokens)):
            tokens[place] = _drawn(out[place - 1].astype(np.float64), temperature, rng)
            session.run(1)
        return self.alphabet_.decode(tokens[read:, 0])

    def _reader(self) -> Network:
        """The same network for one character at a time."""
        return self.network_.sharing(input_shape=(1,))

    def _session(self, tokens: np.ndarray, out: np.ndarray) -> Any:
        """A session that reads one row of tokens (n, 1) after the other and keeps its state."""
        reader = self._reader()
        rows = Batches(1, np.arange(len(tokens)))
        data = {"inputs": tokens, "out": out}
        session = reader.session(plan(reader.blueprint.prediction()), data, rows)
        session.start_epoch(0, shuffle=False)
        return session

    # ---------------------------------------------------------------- keeping

    def save(self, path: str | Path) -> None:
        """Write the model to a safetensors file; `chainrule.load` reads it.

        Raises
        ------
        ModelFileError
            If the file cannot be written.
        """
        check_is_fitted(self, "network_")
        config = {
            "arguments": self.get_params(deep=False),
            "alphabet": self.alphabet_.symbols,
            "network": self.network_.config(),
        }
        write_container(Path(path), "language", config, self.network_.everything)

    @classmethod
    def from_config(cls, config: Mapping[str, Any], tensors: Mapping[str, np.ndarray]) -> Self:
        """The model that `save` wrote."""
        model = cls(**config["arguments"])
        model.alphabet_ = Alphabet(config["alphabet"])
        model.network_ = Network.from_config(config["network"], tensors)
        return model


def _as_text(text: object) -> str:
    if not isinstance(text, str) or not text:
        raise DataError(
            f"text is {type(text).__name__ if not isinstance(text, str) else 'empty'}: give a str "
            f"with the whole text, such as Path('novel.txt').read_text()."
        )
    return text


def _drawn(scores: np.ndarray, temperature: float, rng: np.random.Generator) -> int:
    """A token by its scores (alphabet,): the largest of scores / temperature + Gumbel noise."""
    if temperature == 0:
        return int(np.argmax(scores))
    return int(np.argmax(scores / temperature + rng.gumbel(size=len(scores))))
