"""The models, each as one who knows it would set it up, with its own defaults."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["MODELS", "OWN", "build", "dressed"]

OWN = "chainrule"
MLP_EPOCHS, NEWTON_STEPS = 1000, 2000  # early stopping and convergence come first


def _columns(scale: bool) -> Any:
    """Numbers: median, a mark where one was missing, standardised; texts: one column a level."""
    from sklearn.compose import ColumnTransformer, make_column_selector
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(
        SimpleImputer(strategy="median", add_indicator=True),
        StandardScaler() if scale else "passthrough",
    )
    numeric = make_column_selector(dtype_include="number")
    texts = make_column_selector(dtype_exclude="number")
    return ColumnTransformer(
        [("numbers", numbers, numeric), ("texts", OneHotEncoder(handle_unknown="ignore"), texts)]
    )


def _network(classes: bool, seed: int, settings: Mapping[str, Any]) -> Any:
    import chainrule as cr

    kind = cr.NetworkClassifier if classes else cr.NetworkRegressor
    given = {"random_state": seed, **settings}
    if isinstance(given.get("preset"), Mapping):
        given["preset"] = _varied(given["preset"])
    return kind(**given)


def _varied(fields: Mapping[str, Any]) -> Any:
    """The preset "tabular" with other values in some fields, those of its optimizer among them."""
    from dataclasses import replace

    from chainrule.estimators.presets import PRESETS

    preset = PRESETS["tabular"]
    new = dict(fields)
    if isinstance(new.get("optimizer"), Mapping):
        new["optimizer"] = replace(preset.optimizer, **new["optimizer"])
    if "hidden" in new:
        new["hidden"] = tuple(new["hidden"])
    return replace(preset, **new)


def _mlp(classes: bool, seed: int, settings: Mapping[str, Any]) -> Any:
    from sklearn.compose import TransformedTargetRegressor
    from sklearn.neural_network import MLPClassifier, MLPRegressor
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    given = {"early_stopping": True, "max_iter": MLP_EPOCHS, "random_state": seed, **settings}
    if classes:
        return make_pipeline(_columns(scale=True), MLPClassifier(**given))
    model = TransformedTargetRegressor(MLPRegressor(**given), transformer=StandardScaler())
    return make_pipeline(_columns(scale=True), model)


def _mlp_plain(classes: bool, seed: int, settings: Mapping[str, Any]) -> Any:
    return _mlp(classes, seed, {"early_stopping": False, **settings})


def _boosting(classes: bool, seed: int, settings: Mapping[str, Any]) -> Any:
    from sklearn.ensemble import HistGradientBoostingClassifier, HistGradientBoostingRegressor

    kind = HistGradientBoostingClassifier if classes else HistGradientBoostingRegressor
    return kind(**{"categorical_features": "from_dtype", "random_state": seed, **settings})


def _linear(classes: bool, seed: int, settings: Mapping[str, Any]) -> Any:
    from sklearn.linear_model import LogisticRegression, Ridge
    from sklearn.pipeline import make_pipeline

    if classes:
        model = LogisticRegression(**{"max_iter": NEWTON_STEPS, **settings})
    else:
        model = Ridge(**settings)
    return make_pipeline(_columns(scale=True), model)


def _forest(classes: bool, seed: int, settings: Mapping[str, Any]) -> Any:
    from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
    from sklearn.pipeline import make_pipeline

    kind = RandomForestClassifier if classes else RandomForestRegressor
    model = kind(**{"n_jobs": 2, "random_state": seed, **settings})
    return make_pipeline(_columns(scale=False), model)


def _dummy(classes: bool, seed: int, settings: Mapping[str, Any]) -> Any:
    from sklearn.dummy import DummyClassifier, DummyRegressor

    return DummyClassifier(**settings) if classes else DummyRegressor(**settings)


MODELS: dict[str, Callable[[bool, int, Mapping[str, Any]], Any]] = {
    OWN: _network,
    "mlp": _mlp,
    "mlp_plain": _mlp_plain,
    "boosting": _boosting,
    "linear": _linear,
    "forest": _forest,
    "dummy": _dummy,
}


def build(model: str, classes: bool, seed: int, settings: Mapping[str, Any]) -> Any:
    """A model that is not fitted yet; settings are arguments beside its defaults."""
    return MODELS[model](classes, seed, settings)


def dressed(model: str, X: Any) -> Any:
    """The table as the model wants it: boosting knows categories by their type only."""
    if model != "boosting":
        return X
    texts = X.select_dtypes(exclude="number").columns
    return X.astype(dict.fromkeys(texts, "category"))
