"""Sequences of different lengths."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import chainrule as cr
from chainrule.data.sequences import pad
from chainrule.errors import DataError
from chainrule.layers import LSTM, Embedding


@given(
    sequences=st.lists(st.lists(st.integers(-99, 99), min_size=1, max_size=6), min_size=1),
    value=st.integers(-5, 5),
)
def test_the_weights_say_where_the_sequences_are(sequences, value):
    matrix, weights = pad(sequences, value)
    assert matrix.dtype.kind == "i"
    assert matrix.shape == weights.shape == (len(sequences), max(map(len, sequences)))
    assert [row[w == 1].tolist() for row, w in zip(matrix, weights, strict=True)] == sequences
    assert (matrix[weights == 0] == value).all()
    assert set(np.unique(weights)) <= {0.0, 1.0}


def test_numbers_of_any_type_keep_what_they_are():
    assert pad([[0.5], [1, 2]])[0].tolist() == [[0.5, 0], [1, 2]]
    assert pad([np.array([200], np.uint8), [1, 2]], -1)[0].tolist() == [[200, -1], [1, 2]]
    assert np.isnan(pad([[1], [2, 3]], np.nan)[0][0, 1])
    assert pad([[1], [2, 3]], 0.5)[0][0, 1] == 0.5


@pytest.mark.parametrize(
    ("sequences", "message"),
    [
        ([], "0 sequences"),
        ([[1, 2], []], r"sequence 1 .*shape \(0,\)"),
        ([[1], [[1, 2]]], r"sequence 1 .*shape \(1, 2\)"),
        ([[1], ["a"]], "sequence 1 .*holds <U1"),
        ([3], r"sequence 0 .*shape \(\)"),
    ],
)
def test_what_is_no_sequence_is_refused(sequences, message):
    with pytest.raises(DataError, match=message):
        pad(sequences)


def test_a_network_takes_what_was_padded():
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 6, size=40)
    sequences = [rng.integers(0, 7, size=n) for n in lengths]
    X, weights = pad(sequences)
    net = cr.Network([Embedding(7, 4), LSTM(4), cr.Dense(7)], "cross_entropy",
                     input_shape=X.shape[1:])  # fmt: skip
    history = cr.train(net, X, X, sample_weight=weights, optimizer=cr.Adam(0.05), epochs=30)
    assert history.metric[-1] > 0.95  # to say each token again
    with pytest.raises(DataError, match=r"row 0 has .*chainrule.data.sequences.pad"):
        net.predict([[1, 2], [1]])
