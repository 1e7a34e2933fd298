"""A constructor argument that is none: what it is called here."""

import inspect

import pytest
from sklearn.base import clone
from sklearn.neural_network import MLPClassifier, MLPRegressor

import chainrule as cr
from chainrule.estimators.spelling import _HERE

BOTH = [(cr.NetworkClassifier, MLPClassifier), (cr.NetworkRegressor, MLPRegressor)]


@pytest.mark.parametrize(("ours", "theirs"), BOTH)
def test_every_argument_of_scikit_learns_perceptron_is_taken_or_has_a_hint(ours, theirs):
    known = ours().get_params()
    for name in inspect.signature(theirs).parameters:
        if name not in known:
            with pytest.raises(TypeError, match=rf"^{ours.__name__} has no argument '{name}': "):
                ours(**{name: 1})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"hidden_layer_sizes": (64,)}, "'hidden_layer_sizes': here it is hidden, such as"),
        ({"max_iter": 20}, "'max_iter': here it is epochs"),
        ({"epoch": 3}, r"'epoch'\. Did you mean 'epochs'\?$"),
        ({"random_sate": 0}, r"Did you mean 'random_state'\?"),
        ({"zzz": 0}, r"'zzz'\. There are: hidden, "),
    ],
)
@pytest.mark.parametrize(("ours", "theirs"), BOTH)
def test_a_wrong_name_is_a_type_error_with_a_hint(ours, theirs, given, said):
    with pytest.raises(TypeError, match=said):
        ours(**given)


@pytest.mark.parametrize(("ours", "theirs"), BOTH)
def test_what_a_hint_names_is_an_argument(ours, theirs):
    start = "here it is "
    hints = [hint.removeprefix(start) for hint in _HERE.values() if hint.startswith(start)]
    named = {hint.split(",")[0] for hint in hints}
    assert named >= {"hidden", "epochs", "learning_rate"}
    assert named <= set(ours().get_params())


def test_a_class_of_ones_own_passes_arguments_on_and_is_named():
    class Mine(cr.NetworkClassifier):
        def __init__(self, hidden=(4,), *, epochs=3):
            super().__init__(hidden, epochs=epochs)

    class Wrong(cr.NetworkClassifier):
        def __init__(self):
            super().__init__(epoch=3)

    assert clone(Mine(epochs=5)).get_params() == {"hidden": (4,), "epochs": 5}
    with pytest.raises(TypeError, match=r"^Wrong has no argument 'epoch'"):
        Wrong()


@pytest.mark.parametrize(("ours", "theirs"), BOTH)
def test_the_signature_names_every_argument(ours, theirs):
    kinds = {p.kind for p in inspect.signature(ours).parameters.values()}
    assert inspect.Parameter.VAR_KEYWORD not in kinds
    assert {*inspect.signature(ours).parameters} == {*ours().get_params()}
