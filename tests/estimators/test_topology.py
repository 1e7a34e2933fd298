"""Layers proposed from data: the ends follow from the table, the middle from its rows."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_digits, load_iris

import chainrule as cr
from chainrule.data.readers import load_penguins, split_target
from chainrule.errors import DataError, UnknownNameError
from chainrule.estimators import propose_layers
from chainrule.estimators.defaults import HIDDEN, PARAMETERS_PER_ROW


def test_inputs_are_features_and_outputs_are_classes():
    X, y = load_iris(return_X_y=True)
    found = propose_layers(X, y)
    assert (found.inputs, found.outputs, found.task) == (4, 3, "classification")
    assert found.parameters <= PARAMETERS_PER_ROW * 150


def test_the_layers_make_a_network_that_learns():
    X, y = load_iris(return_X_y=True)
    found = propose_layers(X, y)
    net = cr.Network(found.layers, "cross_entropy", input_shape=found.inputs)
    assert net.n_parameters == found.parameters
    history = cr.train(net, X - X.mean(axis=0), y, optimizer=cr.Adam(0.01), epochs=40)
    assert history.metric[-1] > 0.9


def test_texts_and_gaps_count_as_the_estimator_encodes_them():
    table, y, _ = split_target(load_penguins(), "species")
    found = propose_layers(table, y)
    model = cr.NetworkClassifier(found.hidden, epochs=1, early_stopping=False).fit(table, y)
    assert found.inputs == model.network_.input_shape[0]
    assert found.outputs == 3
    assert found.parameters == model.network_.n_parameters


@pytest.mark.parametrize("rows", [2, 50, 500, 3000, 100_000])
def test_few_rows_get_narrower_layers_never_none(rows):
    rng = np.random.default_rng(0)
    found = propose_layers(rng.normal(size=(rows, 3)), np.arange(rows) + 0.37)
    assert len(found.hidden) == len(HIDDEN)
    fits = found.parameters <= PARAMETERS_PER_ROW * rows
    assert (found.hidden == HIDDEN) == (rows >= 3000)
    assert fits or max(found.hidden) == 8


def test_many_rows_get_the_default():
    found = propose_layers(*load_digits(return_X_y=True))
    assert (found.inputs, found.hidden, found.outputs) == (64, HIDDEN, 10)
    assert "the default" in str(found)


def test_the_task_may_be_given_and_several_targets_are_numbers():
    X, y = np.arange(40.0).reshape(20, 2), np.arange(20) % 2
    assert propose_layers(X, y).outputs == 2
    assert propose_layers(X, y, "regression").outputs == 1
    assert propose_layers(X, np.column_stack([y, y, y])).outputs == 3
    assert "one for each target" in str(propose_layers(X, np.column_stack([y, y, y])))


def test_bad_input():
    X = pd.DataFrame({"a": [1.0, 2.0, 3.0]})
    with pytest.raises(UnknownNameError, match="Did you mean 'regression'"):
        propose_layers(X, [1, 2, 3], "regresion")
    with pytest.raises(DataError, match="X has 3 rows and y has 2"):
        propose_layers(X, [1, 2])
    with pytest.raises(DataError, match="a single class, 'a'"):
        propose_layers(X, ["a", "a", "a"])
    with pytest.raises(DataError, match=r"shape \(3, 2\): classes need one label"):
        propose_layers(X, np.ones((3, 2)), "classification")
