"""Each display draws the numbers it should: compared in the artists, not in pixels."""

from types import SimpleNamespace

import numpy as np
import pytest
from scipy.special import expit

import chainrule as cr
from chainrule import plots
from chainrule.errors import DataError, NetworkError, UnknownNameError
from chainrule.ops.optimizers import OPTIMIZERS

RNG = np.random.default_rng(0)


def line(axes, label):
    (found,) = (item for item in axes.lines if item.get_label() == label)
    return found


def labels(axes):
    return [text.get_text() for text in axes.get_legend().get_texts()]


# --------------------------------------------------------------------- curves


def test_loss_curves_show_the_history():
    history = cr.History("accuracy", [3, 2, 1], [0.1, 0.2, 0.3], [4, 3, 5], [0, 0.1, 0.2])
    history.best_epoch = 2
    axes = plots.LossCurvesDisplay.from_history(history).plot().ax_
    assert line(axes, "training").get_xydata().tolist() == [[1, 3], [2, 2], [3, 1]]
    assert line(axes, "validation").get_xydata().tolist() == [[1, 4], [2, 3], [3, 5]]
    assert line(axes, "best epoch, 2").get_xdata() == [2, 2]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("epoch", "mean loss")
    axes = plots.LossCurvesDisplay.from_history(history, "metric").plot().ax_
    assert line(axes, "training").get_ydata().tolist() == [0.1, 0.2, 0.3]
    assert axes.get_ylabel() == "accuracy"


def test_loss_curves_without_validation_have_one_line():
    axes = plots.LossCurvesDisplay.from_history(cr.History(loss=[2], metric=[1])).plot().ax_
    assert labels(axes) == ["training"]


def test_loss_curves_need_an_epoch_and_a_known_quantity():
    with pytest.raises(DataError, match="no epoch yet"):
        plots.LossCurvesDisplay.from_history(cr.History())
    with pytest.raises(DataError, match="'loss' or 'metric'"):
        plots.LossCurvesDisplay.from_history(cr.History(loss=[1], metric=[1]), "seconds")


def test_fitting_curves_show_means_bands_and_the_best():
    training, validation = RNG.uniform(size=(2, 4, 3))
    validation[2] -= 2
    display = plots.FittingDisplay.from_scores(
        [1, 3, 5, 9], training, validation, complexity_name="degree"
    ).plot()
    axes = display.ax_
    np.testing.assert_allclose(line(axes, "training").get_ydata(), training.mean(axis=1))
    np.testing.assert_allclose(line(axes, "validation").get_ydata(), validation.mean(axis=1))
    assert labels(axes) == ["training", "validation", "best, 5"]
    band = axes.collections[1].get_paths()[0].vertices
    assert band[:, 1].min() == validation.min()
    assert band[:, 1].max() == validation.max()
    assert axes.get_xlabel() == "degree"
    best = plots.FittingDisplay.from_scores([1, 2], [1, 1], [0.8, 0.9], lower_is_better=False).best
    assert best == 2


def test_fitting_curves_need_one_score_for_each_model():
    with pytest.raises(DataError, match="2, 3 and 2 entries"):
        plots.FittingDisplay.from_scores([1, 2], [1, 2, 3], [1, 2])


def test_the_learning_rate_finder_is_drawn_with_its_suggestion():
    found = SimpleNamespace(
        rates=np.array([1e-4, 1e-3, 1e-2, 1]), losses=[2, 1.5, 1, 1e9], suggestion=4e-3
    )
    axes = plots.LearningRateDisplay.from_finder(found).plot().ax_
    np.testing.assert_array_equal(
        line(axes, "loss").get_xydata().T, [found.rates, [2, 1.5, 1, 1e9]]
    )
    assert line(axes, "suggested, 0.004").get_xdata() == [4e-3, 4e-3]
    assert axes.get_xscale() == "log"
    assert 2 < axes.get_ylim()[1] < 4  # the explosion does not flatten the rest
    with pytest.raises(DataError, match="one loss for each rate"):
        plots.LearningRateDisplay.from_finder(
            SimpleNamespace(rates=[1], losses=[1, 2], suggestion=1)
        )


# ----------------------------------------------------------------- activations


def test_activations_are_the_formulas_and_no_line_bridges_a_jump():
    display = plots.ActivationsDisplay.from_names(["sigmoid", "relu", "threshold"]).plot()
    sigmoid, relu, threshold = display.ax_
    z = display.z
    np.testing.assert_allclose(line(sigmoid, "value").get_ydata(), expit(z), rtol=1e-12)
    np.testing.assert_allclose(
        line(sigmoid, "slope").get_ydata(), expit(z) * (1 - expit(z)), rtol=1e-12
    )
    slope = line(relu, "slope").get_ydata()
    assert np.isnan(slope[z == 0]).all()
    np.testing.assert_array_equal(slope[z < 0], 0)
    np.testing.assert_array_equal(slope[z > 0], 1)
    assert [item.get_label() for item in threshold.lines] == ["value"]
    assert np.isnan(line(threshold, "value").get_ydata()[z == 0]).all()
    assert labels(sigmoid) == ["value", "slope"]
    with pytest.raises(UnknownNameError, match="relu"):
        plots.ActivationsDisplay.from_names(["rellu"])


def test_all_activations_of_the_registry_are_drawn_by_default():
    from chainrule.ops import ACTIVATIONS

    display = plots.ActivationsDisplay.from_names()
    assert list(display.values) == list(ACTIVATIONS)


# --------------------------------------------------------------------- regions


def xor_network():
    """000's XOR of threshold units: x₁ or x₂, but not both."""
    net = cr.Network(
        [cr.Dense(2, "threshold"), cr.Dense(1, "threshold")], input_shape=(2,), engine="reference"
    )
    net.parameters["0.weight"][:] = 1
    net.parameters["0.bias"][:] = -0.5, -1.5
    net.parameters["1.weight"][:] = [[1], [-1]]
    net.parameters["1.bias"][:] = -0.5
    return net


def test_decision_regions_are_the_models_decisions():
    corners = np.array([[0, 0], [0, 1], [1, 0], [1, 1]])
    display = plots.DecisionRegionsDisplay.from_model(
        xor_network(), corners, [0, 1, 1, 0], points=61, bounds=(-1, 2, -1, 2)
    ).plot()
    total = np.add(*np.meshgrid(*[np.linspace(-1, 2, 61)] * 2))
    clear = np.min([abs(total - 0.5), abs(total - 1.5)], axis=0) > 1e-9
    expected = (total > 0.5) & (total < 1.5)
    np.testing.assert_array_equal(display.regions[clear], expected[clear])
    axes = display.ax_
    (image,) = axes.images
    assert list(image.get_extent()) == [-1, 2, -1, 2]
    colours = image.get_array()[clear]
    assert len(np.unique(colours[expected[clear]], axis=0)) == 1
    assert len(np.unique(colours, axis=0)) == 2
    assert labels(axes) == ["0", "1"]
    drawn = [item.get_offsets().tolist() for item in axes.collections if item.get_label() in "01"]
    assert drawn == [[[0, 0], [1, 1]], [[0, 1], [1, 0]]]


def test_decision_regions_of_a_classifier_of_texts_on_a_data_frame():
    import pandas as pd
    from sklearn.linear_model import LogisticRegression

    X = pd.DataFrame(RNG.normal(size=(60, 2)), columns=["length", "width"])
    y = np.where(X["length"] + X["width"] > 0, "big", "small")
    model = LogisticRegression().fit(X, y)
    display = plots.DecisionRegionsDisplay.from_model(model, X, y, points=30).plot()
    assert display.classes.tolist() == ["big", "small"]
    assert (display.ax_.get_xlabel(), display.ax_.get_ylabel()) == ("length", "width")
    assert labels(display.ax_) == ["big", "small"]
    left, right, bottom, top = display.bounds
    grid = np.meshgrid(np.linspace(left, right, 30), np.linspace(bottom, top, 30))
    score = grid[0] * model.coef_[0, 0] + grid[1] * model.coef_[0, 1] + model.intercept_
    np.testing.assert_array_equal(display.regions, score > 0)


def test_decision_regions_of_several_outputs_are_the_largest_score():
    net = cr.Network([cr.Dense(3)], "cross_entropy", input_shape=(2,), engine="reference")
    net.parameters["0.weight"][:] = np.eye(3)[:2]
    X = np.array([[-1.0, -1.0], [1, 1]])
    display = plots.DecisionRegionsDisplay.from_model(net, X, points=20, bounds=(-1, 1, -1, 1))
    x, y = np.meshgrid(*[np.linspace(-1, 1, 20)] * 2)
    np.testing.assert_array_equal(display.regions, np.argmax([x, y, 0 * x], axis=0))
    assert not len(display.labels)
    display.plot()


def test_decision_regions_need_two_columns():
    with pytest.raises(DataError, match="3 columns: regions of the plane need 2"):
        plots.DecisionRegionsDisplay.from_model(xor_network(), np.ones((2, 3)))


def test_linear_regions_are_drawn_with_neighbours_apart_and_the_margin():
    net = cr.Network([cr.Dense(2, "relu"), cr.Dense(1)], input_shape=(2,))
    net.parameters["0.weight"][:] = np.eye(2)  # the borders are the axes
    display = plots.LinearRegionsDisplay.from_network(net, points=40, x=[0.5, -0.2]).plot()
    axes = display.ax_
    assert axes.get_title(loc="left").startswith("4 linear regions\n")
    colours = np.asarray(axes.images[0].get_array())
    quarters = colours[[5, 5, 35, 35], [5, 35, 5, 35]]
    assert (quarters[0] != quarters[1]).any()
    assert (quarters[0] != quarters[2]).any()
    assert (quarters[3] != quarters[1]).any()
    assert (colours[:20, :20] == colours[0, 0]).all()
    assert axes.patches[-1].radius == pytest.approx(0.2)
    assert axes.patches[-1].center == (0.5, -0.2)
    with pytest.raises(NetworkError, match="not piecewise linear"):
        plots.LinearRegionsDisplay.from_network(
            cr.Network([cr.Dense(2, "tanh")], input_shape=(2,), engine="reference")
        )


# ---------------------------------------------------------------------- layers


def test_gradient_sizes_fall_by_a_quarter_or_more_through_sigmoid_layers():
    def deep(activation):
        layers = [cr.Dense(8, activation) for _ in range(9)] + [cr.Dense(1)]
        return cr.Network(layers, input_shape=(3,), seed=1, engine="reference")

    X, y = RNG.normal(size=(20, 3)), RNG.normal(size=20)
    nets = {name: deep(name) for name in ("sigmoid", "relu")}
    display = plots.GradientSizesDisplay.from_networks(nets, X, y).plot()
    for name, net in nets.items():
        _, gradients = net.loss_and_gradients(X, y)
        expected = [np.linalg.norm(gradients[f"{k}.weight"]) for k in range(10)]
        expected /= np.sqrt([gradients[f"{k}.weight"].size for k in range(10)])
        drawn = line(display.ax_, name).get_xydata()
        np.testing.assert_array_equal(drawn[:, 0], np.arange(1, 11))
        np.testing.assert_allclose(drawn[:, 1], expected)
    assert display.sizes["sigmoid"][0] < 4.0**-7 * display.sizes["sigmoid"][-1]
    assert display.sizes["relu"][0] > 0.01 * display.sizes["relu"][-1]
    assert display.ax_.get_yscale() == "log"
    assert labels(display.ax_) == ["sigmoid", "relu"]


def test_histograms_count_every_weight_and_every_activation():
    net = cr.Network([cr.Dense(5, "tanh"), cr.Dense(2)], input_shape=(3,), engine="reference")
    X = RNG.normal(size=(40, 3))
    weights = plots.LayerHistogramsDisplay.from_weights(net).plot()
    activations = plots.LayerHistogramsDisplay.from_activations(net, X).plot(bins=7)
    for display, sizes in ((weights, [15, 10]), (activations, [200, 80])):
        counts = [sum(bar.get_height() for bar in axes.patches) for axes in display.ax_]
        assert counts == sizes
    assert [len(axes.patches) for axes in activations.ax_] == [7, 7]
    assert list(activations.values) == ["y1, tanh", "z2, scores"]
    hidden = np.tanh(X @ net.parameters["0.weight"] + net.parameters["0.bias"])
    np.testing.assert_allclose(activations.values["y1, tanh"], hidden.reshape(-1), rtol=1e-12)
    np.testing.assert_allclose(activations.values["z2, scores"], net.predict(X).reshape(-1))
    assert "mean" in weights.ax_[0].get_title(loc="left")


def test_filters_become_tiles_in_order():
    single = RNG.normal(size=(3, 2, 1, 5))
    display = plots.FiltersDisplay.from_weights(single).plot()
    assert display.grid == (2, 3)
    image = np.asarray(display.ax_.images[0].get_array().filled(np.nan))
    np.testing.assert_array_equal(image[0:3, 3:5], single[:, :, 0, 1])
    np.testing.assert_array_equal(image[4:7, 0:2], single[:, :, 0, 3])
    assert np.isnan(image[3]).all()
    assert np.isnan(image[4:7, 6:8]).all()  # no sixth filter
    assert [text.get_text() for text in display.ax_.texts] == list("01234")
    several = RNG.normal(size=(3, 3, 2, 4))
    axes = plots.FiltersDisplay.from_weights(several).plot().ax_
    image = np.asarray(axes.images[0].get_array().filled(np.nan))
    np.testing.assert_array_equal(image[4:7, 8:11], several[:, :, 1, 2])
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("filter", "input channel")
    low, high = axes.images[0].get_clim()
    assert -low == high == np.abs(several).max()
    with pytest.raises(DataError, match="height, width, channels, filters"):
        plots.FiltersDisplay.from_weights(np.ones((3, 3)))


# ----------------------------------------------------------------------- paths


def test_the_path_of_gradient_descent_and_of_momentum_by_hand():
    """000 and 002 on ½(w₁² + 20w₂²)."""
    curve = np.array([1.0, 20.0])
    path = plots.optimizer_path(cr.SGD(0.05), lambda w: curve * w, [4, 1], 10)
    shrinks = (1 - 0.05 * curve) ** np.arange(11)[:, None]
    np.testing.assert_allclose(path, shrinks * [4, 1], rtol=1e-12, atol=1e-15)
    w, v = np.array([4.0, 1.0]), 0
    for point in plots.optimizer_path(cr.Momentum(0.01, 0.8), lambda w: curve * w, [4, 1], 10):
        np.testing.assert_allclose(point, w, rtol=1e-12)
        v = 0.8 * v + 0.01 * curve * w
        w = w - v


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_every_optimizer_goes_the_way_that_training_goes(name):
    """One weight of a linear unit on one row is a parabola: `train` must take the same path."""
    net = cr.Network(
        [cr.Dense(1, bias=False)], input_shape=(2,), engine="reference", dtype="float64"
    )
    net.parameters["0.weight"][:] = [[1.5], [-2.0]]
    x, t = np.array([[1.0, 3.0]]), 0.5
    expected = plots.optimizer_path(name, lambda w: (x[0] @ w - t) * x[0], [1.5, -2.0], 6)
    cr.train(net, x, [t], optimizer=name, epochs=6, progress=False)
    np.testing.assert_allclose(net.parameters["0.weight"][:, 0], expected[-1], rtol=1e-12)


def test_a_path_that_leaves_the_numbers_stops_where_it_was():
    path = plots.optimizer_path(cr.SGD(1e200), lambda w: w**3, [10.0, 1.0], 5)
    assert np.isfinite(path).all()


def test_paths_are_drawn_from_one_start_over_contours():
    def loss(w):
        return w[0] ** 2 + 5 * w[1] ** 2

    display = plots.OptimizerPathsDisplay.from_optimizers(
        {"descent": cr.SGD(0.05), "Adam": cr.Adam(0.2)},
        loss, lambda w: np.array([2 * w[0], 10 * w[1]]), [-3, 1], steps=20,
    ).plot()  # fmt: skip
    axes = display.ax_
    for name, path in display.paths.items():
        np.testing.assert_array_equal(line(axes, name).get_xydata(), path)
        assert path[0].tolist() == [-3, 1]
    assert labels(axes) == ["descent", "Adam", "start"]
    (contours,) = axes.collections
    for level, segments in zip(contours.levels, contours.allsegs, strict=True):
        for segment in segments:
            np.testing.assert_allclose(loss(segment.T), level, rtol=0.02, atol=0.02)
    left, right = axes.get_xlim()
    assert left < -3 < 0 < right
    with pytest.raises(DataError, match="two numbers"):
        plots.OptimizerPathsDisplay.from_optimizers({"a": "sgd"}, loss, loss, [1, 2, 3])
