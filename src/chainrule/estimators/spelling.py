"""Names of constructor arguments that are none here: misspelt, or another library's."""

from __future__ import annotations

from collections.abc import Iterable
from inspect import signature

from chainrule.errors import closest

__all__ = ["refuse_unknown"]

_SHUFFLED = "rows are shuffled in every epoch: leave it out"
_STOPPING = "early_stopping and patience say when training ends"
_HERE = {  # what scikit-learn's multilayer perceptron, or Keras, calls otherwise
    "hidden_layer_sizes": "here it is hidden, such as hidden=(64, 64)",
    "layers": "give the widths as hidden=(64, 64), or layers of your own as network=[…]",
    "solver": "here it is optimizer, such as optimizer='adam' or optimizer=LBFGS()",
    "alpha": "give optimizer=AdamW(weight_decay=…)",
    "learning_rate_init": "here it is learning_rate",
    "lr": "here it is learning_rate",
    "max_iter": "here it is epochs",
    "n_iter_no_change": "here it is patience",
    "tol": _STOPPING,
    "max_fun": "give optimizer=LBFGS(max_iterations=…)",
    "power_t": "give an optimizer, such as optimizer=SGD(0.1)",
    "momentum": "give optimizer=Momentum(momentum=…)",
    "nesterovs_momentum": "give optimizer=Nesterov()",
    "beta_1": "give optimizer=Adam(beta1=…)",
    "beta_2": "give optimizer=Adam(beta2=…)",
    "epsilon": "give optimizer=Adam(epsilon=…)",
    "shuffle": _SHUFFLED,
    "dropout": "here it is keep, the share that stays: keep=0.8 is a dropout of 0.2",
    "n_estimators": "here it is members",
    "seed": "here it is random_state",
}


def refuse_unknown(estimator: object, base: type, given: Iterable[str]) -> None:
    """Refuse names that are no arguments of `base`, of which `estimator` is an object.

    Raises
    ------
    TypeError
        As Python does; saying what the argument is called here.

    Examples
    --------
    >>> import chainrule as cr
    >>> cr.NetworkClassifier(max_iter=20)
    Traceback (most recent call last):
    TypeError: NetworkClassifier has no argument 'max_iter': here it is epochs.
    """
    known = [name for name in signature(base.__init__).parameters if name != "self"]
    for name in given:
        if name not in known:
            raise TypeError(
                f"{type(estimator).__name__} has no argument '{name}'{_hint(name, known)}"
            )


def _hint(name: str, known: list[str]) -> str:
    if name in _HERE:
        return f": {_HERE[name]}."
    there_are = f" There are: {', '.join(known)}."
    return f".{closest(name, known) or there_are}"
