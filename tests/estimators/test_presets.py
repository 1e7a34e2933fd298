"""Presets: which one is taken, what it makes of a table, and that it is worth its time."""

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes, load_digits
from sklearn.model_selection import KFold, cross_val_score

import chainrule as cr
from chainrule.errors import HyperparameterError, UnknownNameError
from chainrule.estimators.presets import PRESETS, choices, preset_of
from chainrule.layers import Columns, Concatenate, Dense, Embedding, PiecewiseLinear, Scale

RNG = np.random.default_rng(0)
ROWS = 300
TABLE = pd.DataFrame(
    {
        "size": RNG.normal(size=ROWS),
        "delay": RNG.standard_cauchy(size=ROWS),
        "kind": RNG.choice(["a", "b", "c"], ROWS),
        "town": RNG.choice([f"town {k}" for k in range(20)], ROWS),
    }
)
Y = TABLE["size"].to_numpy() + (TABLE["kind"] == "a")
KINDS = np.where(Y > 0.3, "high", "low")
QUICK = {"epochs": 5, "random_state": 0}


@pytest.mark.parametrize(
    "own",
    [
        {"hidden": (8,)}, {"network": [Dense(3)]}, {"activation": "tanh"}, {"keep": 0.9},
        {"optimizer": "sgd"}, {"learning_rate": 0.1},
    ],
)  # fmt: skip
def test_who_says_what_the_network_is_gets_that_and_nothing_besides(own):
    assert preset_of(cr.NetworkClassifier(**own).get_params()).name == "plain"
    assert preset_of(cr.NetworkClassifier(**own, preset="tabular").get_params()).name == "tabular"
    model = cr.NetworkRegressor(**own, **QUICK).fit(TABLE, Y)
    assert not any(isinstance(layer, Concatenate | Scale) for layer in model.network_.layers)
    assert len(model.members_) == 1


def test_nothing_said_is_tabular_and_a_wrong_name_is_refused():
    assert preset_of(cr.NetworkClassifier(epochs=3, batch_size=8).get_params()).name == "tabular"
    with pytest.raises(UnknownNameError, match=r"unknown preset 'tabula'.*tabular"):
        cr.NetworkRegressor(preset="tabula").fit(TABLE, Y)


def test_arguments_count_more_than_the_preset():
    given = {"preset": "tabular", "hidden": (7,), "learning_rate": 0.5, "members": 3, "epochs": 9}
    own = choices(given, 10_000, classes=True)
    assert (own.hidden, own.members, own.epochs_of(10_000)) == ((7,), 3, 9)
    assert (own.optimizer.learning_rate, own.optimizer.beta2) == (0.5, 0.95)


@pytest.mark.parametrize(
    ("rows", "batch", "keep", "members"),
    [(100, 128, 1, 4), (500, 32, 0.85, 4), (1024, 128, 0.85, 4), (50_000, 256, 0.85, 2)],
)
def test_what_follows_from_the_number_of_rows(rows, batch, keep, members):
    own = choices({}, rows, classes=True)
    assert (own.batch_size, own.keep, own.members) == (batch, keep, members)
    assert choices({}, rows, classes=False).keep == (keep if rows < 2000 else 1)
    updates = own.epochs_of(rows) * rows / own.batch_size
    assert updates <= 20_000
    assert own.epochs_of(rows) == 256 or updates > 0.9 * 3000 * (rows / 4000) ** 0.5


def test_one_network_for_callbacks_warm_start_and_portions():
    tabular = {"preset": "tabular"}
    assert choices(tabular | {"callbacks": [cr.Callback()]}, 500, classes=True).members == 1
    assert choices(tabular | {"warm_start": True}, 500, classes=True).members == 1
    assert choices({}, 500, classes=True, portions=True).preset.name == "plain"
    assert choices(tabular, 500, classes=True, portions=True).preset.name == "tabular"


def layers_of(network, kind):
    """Layers of a kind, those within branches too."""
    found = []
    for layer in network.layers:
        parts = (
            [p for b in layer.branches for p in b] if isinstance(layer, Concatenate) else [layer]
        )
        found += [part for part in parts if isinstance(part, kind)]
    return found


def test_each_kind_of_column_goes_where_it_belongs():
    model = cr.NetworkRegressor(**QUICK).fit(TABLE, Y)
    groups = model.encoder_.groups()
    assert model.encoder_.labels[groups.numbers[1]] == "delay"
    assert "delay far out" in [model.encoder_.labels[k] for k in groups.indicators]
    assert [e.vocabulary for e in layers_of(model.network_, Embedding)] == [*groups.levels.values()]
    chosen = [list(c.places) for c in layers_of(model.network_, Columns)]
    assert chosen[0] == [*groups.numbers, *groups.indicators]
    assert chosen[1] == [*groups.numbers]
    (ramps,) = layers_of(model.network_, PiecewiseLinear)
    held = model.encoder_.transform(TABLE)[:, groups.numbers[0]]
    assert min(held) <= ramps.edges[0][0] < ramps.edges[0][-1] <= max(held)
    assert not layers_of(cr.NetworkClassifier(**QUICK).fit(TABLE, KINDS).network_, PiecewiseLinear)


def test_edges_are_quantiles_of_the_training_rows():
    X = RNG.normal(size=(400, 1))
    model = cr.NetworkRegressor(early_stopping=False, **QUICK).fit(X, X[:, 0] ** 2)
    (ramps,) = layers_of(model.network_, PiecewiseLinear)
    encoded = model.encoder_.transform(X)[:, 0].astype(float)
    expected = np.quantile(encoded, np.linspace(0, 1, 25), method="averaged_inverted_cdf")
    np.testing.assert_allclose(ramps.edges[0], expected, rtol=1e-6)


@pytest.mark.parametrize(("made", "y"), [(cr.NetworkRegressor, Y), (cr.NetworkClassifier, KINDS)])
def test_new_levels_gaps_and_files(made, y, tmp_path):
    model = made(**QUICK).fit(TABLE, y)
    assert len(model.members_) == 4
    new = TABLE.head(5).assign(town=["elsewhere", None, "town 1", "", "town 2"], size=[np.nan] * 5)
    model.save(tmp_path / "m.safetensors")
    again = cr.load(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(again.predict(new), model.predict(new))
    assert [*again.members_[3].parameters] == [*model.members_[3].parameters]


def test_pixels_constants_and_texts_alone_are_possible():
    X, y = load_digits(return_X_y=True)
    model = cr.NetworkClassifier(epochs=4, random_state=0, members=1).fit(X, y)
    assert model.score(X, y) > 0.8
    constant = pd.DataFrame({"a": np.ones(60), "b": np.arange(60) % 2})
    assert cr.NetworkRegressor(**QUICK).fit(constant, np.arange(60.0)).predict(constant).shape == (
        60,
    )
    texts = TABLE[["kind", "town"]]
    assert cr.NetworkRegressor(**QUICK).fit(texts, Y).predict(texts).shape == (ROWS,)


def test_warm_start_never_loses_networks():
    model = cr.NetworkRegressor(**QUICK).fit(TABLE, Y).set_params(warm_start=True)
    with pytest.raises(HyperparameterError, match="the model has 4: fit it with members=1"):
        model.fit(TABLE, Y)
    single = cr.NetworkRegressor(warm_start=True, **QUICK).fit(TABLE, Y)
    before = single.network_.everything["0.1.1.column_weight"].copy()
    assert (single.fit(TABLE, Y).network_.everything["0.1.1.column_weight"] != before).any()


def test_tabular_is_better_than_plain_where_there_is_something_to_find():
    X = RNG.uniform(-2, 2, size=(600, 3))
    y = np.sin(6 * X[:, 0]) + (X[:, 1] > 0.5) + 0.1 * RNG.normal(size=600)
    folds = KFold(3, shuffle=True, random_state=0)
    score = {
        name: cross_val_score(cr.NetworkRegressor(preset=name, random_state=0), X, y, cv=folds)
        for name in PRESETS
    }
    assert (score["tabular"] > score["plain"]).all()
    assert score["tabular"].mean() > 0.93


def test_the_default_on_diabetes():
    X, y = load_diabetes(return_X_y=True)
    folds = KFold(3, shuffle=True, random_state=0)
    assert cross_val_score(cr.NetworkRegressor(random_state=0), X, y, cv=folds).mean() > 0.4
