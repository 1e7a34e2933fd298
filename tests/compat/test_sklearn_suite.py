"""scikit-learn's own tests of its multilayer perceptrons, with only the import changed."""

from __future__ import annotations

import importlib.util
import inspect
from types import ModuleType

import pytest

from chainrule.compat.sklearn import MLPClassifier, MLPRegressor

HOME = "sklearn.neural_network.tests.test_mlp"
PRIVATE = {
    "test_gradient": "calls the private _loss_grad_lbfgs with lists for its intermediate results; "
    "test_sklearn_mlp.py checks the gradient by finite differences instead",
}


def load_suite() -> ModuleType | None:
    """The installed test module as a copy of its own in which the two names are chainrule's."""
    try:
        spec = importlib.util.find_spec(HOME)
    except ModuleNotFoundError:
        return None
    if spec is None or spec.loader is None:
        return None
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("sklearn.neural_network.MLPClassifier", MLPClassifier)
        patch.setattr("sklearn.neural_network.MLPRegressor", MLPRegressor)
        spec.loader.exec_module(module)
    return module


SUITE = load_suite()
if SUITE is None:
    pytest.skip("this scikit-learn was installed without its tests", allow_module_level=True)


@pytest.fixture(params=[0, 42])
def global_random_seed(request):
    """What scikit-learn's configuration of pytest gives: any seed must do."""
    return request.param


def test_the_suite_tests_our_classes():
    assert SUITE.MLPClassifier is MLPClassifier
    assert SUITE.MLPRegressor is MLPRegressor
    found = {name for name, _ in inspect.getmembers(SUITE, inspect.isfunction)}
    assert set(PRIVATE) <= found


for _name, _test in inspect.getmembers(SUITE, inspect.isfunction):
    if _name.startswith("test_") and _name not in PRIVATE:
        globals()[_name] = _test
