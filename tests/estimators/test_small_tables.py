"""Very small tables: XOR has four rows, and the defaults must be enough for it."""

from __future__ import annotations

import numpy as np
import pytest

import chainrule as cr

X = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
XOR = np.array([0, 1, 1, 0])


def test_xor_with_four_hidden_units_and_nothing_else_set():
    solved = 0
    for seed in range(40):
        model = cr.NetworkClassifier(hidden=(4,), random_state=seed).fit(X, XOR)
        solved += model.score(X, XOR) == 1
    assert solved >= 37  # of 100 99 when this was written; 23 with 200 epochs of four rectifiers


def test_a_small_table_gets_as_many_epochs_as_make_2000_updates():
    model = cr.NetworkRegressor(hidden=(2,), random_state=0).fit(X, XOR)
    assert len(model.history_) == 2000
    few = cr.NetworkClassifier(hidden=(2,), batch_size=1, random_state=0).fit(X, XOR)
    assert len(few.history_) == 500
    many = cr.NetworkRegressor(hidden=(2,), batch_size=10, early_stopping=False, random_state=0)
    assert len(many.fit(np.arange(150.0)[:, None], np.arange(150.0)).history_) == 200
    assert len(cr.NetworkClassifier(hidden=(2,), epochs=7).fit(X, XOR).history_) == 7


@pytest.mark.parametrize(
    ("hidden", "given", "used"),
    [
        ((4,), None, "tanh"),
        ((64, 7), None, "tanh"),
        ((8,), None, "relu"),
        ((64, 64), None, "relu"),
        ((4,), "relu", "relu"),
        ((64,), "sigmoid", "sigmoid"),
    ],
)
def test_narrow_layers_get_an_activation_that_cannot_die(hidden, given, used):
    model = cr.NetworkClassifier(hidden=hidden, activation=given, epochs=1).fit(X, XOR)
    assert {layer.activation for layer in model.network_.layers[:-1]} == {used}
    assert model.get_params()["activation"] is given


def test_no_hidden_layer_is_possible():
    model = cr.NetworkClassifier(hidden=(), random_state=0).fit(X, [0, 0, 0, 1])
    assert model.score(X, [0, 0, 0, 1]) == 1


def test_a_model_with_the_defaults_comes_back_from_a_file(tmp_path):
    model = cr.NetworkClassifier(hidden=(4,), random_state=0).fit(X, XOR)
    model.save(tmp_path / "xor.safetensors")
    loaded = cr.load(tmp_path / "xor.safetensors")
    assert loaded.get_params()["activation"] is None
    assert loaded.get_params()["epochs"] is None
    assert (loaded.predict(X) == model.predict(X)).all()
