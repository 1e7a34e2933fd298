"""`MLPClassifier` and `MLPRegressor` in place of scikit-learn's: only the import changes.

The same arguments, defaults, attributes, warnings and draws of random numbers; the computing is
chainrule's: a `Network`, the sessions of its engine, the optimizers of its registry. For float64
the weights agree with scikit-learn's to rounding after any number of epochs.

What differs, on purpose: negative sample weights, negative targets of "poisson" and a momentum of 1
are refused; a minibatch whose weights are all 0 is passed over instead of ending in a
ZeroDivisionError; with "lbfgs" neither class has `partial_fit`; going on with another solver after
"lbfgs" is possible; errors about arguments are worded as elsewhere in chainrule.
"""

from chainrule.compat.sklearn.classifier import MLPClassifier
from chainrule.compat.sklearn.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
