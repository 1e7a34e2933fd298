"""`MLPClassifier` and `MLPRegressor` in place of scikit-learn's: only the import changes.

The same arguments, defaults, attributes, warnings and draws of random numbers; the computing is
chainrule's: a `Network`, the sessions of its engine, the optimizers of its registry.
"""

from chainrule.compat.sklearn.classifier import MLPClassifier
from chainrule.compat.sklearn.regressor import MLPRegressor

__all__ = ["MLPClassifier", "MLPRegressor"]
