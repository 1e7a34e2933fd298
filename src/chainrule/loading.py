"""`load`: from a model file to a network or an estimator."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from chainrule.errors import ChainruleError, ModelFileError
from chainrule.files.container import read_container
from chainrule.network import Network

if TYPE_CHECKING:
    from chainrule.estimators import LanguageModel, NetworkClassifier, NetworkRegressor

__all__ = ["load"]


def load(path: str | Path) -> Network | NetworkClassifier | NetworkRegressor | LanguageModel:
    """Read a model that ``save`` wrote. No code from the file is run.

    Parameters
    ----------
    path : str or Path

    Returns
    -------
    Network or NetworkClassifier or NetworkRegressor or LanguageModel
        What was saved.

    Raises
    ------
    ModelFileError
        If the file is missing, no model, truncated or altered.

    Examples
    --------
    >>> import chainrule as cr, tempfile, pathlib
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "net.safetensors"
    >>> cr.Network([cr.Dense(2)], input_shape=(3,)).save(path)
    >>> cr.load(path)
    Network([Dense(units=2, activation='identity', initializer=None, bias=True)], \
loss='squared_error', input_shape=(3,))
    """
    kind, config, tensors = read_container(Path(path))
    kinds: dict[str, Any] = {"network": Network}
    if kind in ("classifier", "regressor"):
        from chainrule.estimators import NetworkClassifier, NetworkRegressor  # loads scikit-learn

        kinds |= {"classifier": NetworkClassifier, "regressor": NetworkRegressor}
    if kind == "language":
        from chainrule.estimators.language import LanguageModel

        kinds[kind] = LanguageModel
    if kind not in kinds:
        raise ModelFileError(f"{path} holds a '{kind}', which this chainrule does not know.")
    try:
        return kinds[kind].from_config(config, tensors)
    except ChainruleError as error:
        raise ModelFileError(f"{path} cannot be loaded: {error}") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ModelFileError(f"{path} lacks a part of the model: {error!r}.") from None
