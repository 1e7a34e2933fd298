"""Augmentation: each record against its definition, and what training does with it."""

import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import load_iris

import chainrule as cr
from chainrule.data.augmentation import (
    Compose,
    CutMix,
    Flip,
    GaussianNoise,
    Mixup,
    Shift,
    as_augmentation,
)
from chainrule.errors import DataError, HyperparameterError, UnknownNameError


def rng(seed=0):
    return np.random.default_rng(seed)


N = 3000
IMAGES = rng(1).random((N, 6, 5))
CLASSES = np.eye(3)[rng(2).integers(3, size=N)]
EACH = {
    "noise": GaussianNoise(0.3),
    "mixup": Mixup(0.4),
    "cutmix": CutMix(1.0, shape=(6, 5)),
    "shift": Shift(2, shape=(6, 5)),
    "flip": Flip(shape=(6, 5)),
    "several": Compose([Shift(1, shape=(6, 5)), Mixup(1.0)]),
}


# ------------------------------------------------------------------- all of them


@pytest.mark.parametrize("augment", EACH.values(), ids=EACH)
def test_shapes_types_and_arguments_stay_and_the_generator_decides(augment):
    X, y = IMAGES.reshape(N, 30).astype(np.float32), CLASSES.astype(np.float32)
    before = X.copy(), y.copy()
    first, again, other = augment(X, y, rng(3)), augment(X, y, rng(3)), augment(X, y, rng(4))
    for result, given, kept in zip(first, (X, y), before, strict=True):
        assert (result.shape, result.dtype) == (given.shape, given.dtype)
        np.testing.assert_array_equal(given, kept)
    np.testing.assert_array_equal(first[0], again[0])
    np.testing.assert_array_equal(first[1], again[1])
    assert (first[0] != other[0]).any()
    np.testing.assert_allclose(first[1].sum(axis=1), 1, rtol=1e-6)
    assert first[1].min() >= 0


@pytest.mark.parametrize("kind", [CutMix, Shift, Flip])
def test_flat_rows_and_images_are_the_same(kind):
    flat = kind(shape=(6, 5))(IMAGES.reshape(N, 30), CLASSES, rng())[0]
    for X in (IMAGES, IMAGES[..., None]):
        result = kind()(X, CLASSES, rng())[0]
        assert result.shape == X.shape
        np.testing.assert_array_equal(result.reshape(N, 30), flat)


@pytest.mark.parametrize("kind", [CutMix, Shift, Flip])
def test_the_colours_of_a_pixel_stay_together(kind):
    X = np.repeat(IMAGES[..., None], 3, axis=3) + np.array([0, 10, 20])
    result = kind()(X, CLASSES, rng())[0]
    inside = result[..., 2] > 0  # a shift brings in pixels that are 0
    np.testing.assert_allclose((result[..., 1] - result[..., 0])[inside], 10)
    np.testing.assert_allclose((result[..., 2] - result[..., 0])[inside], 20)


# ------------------------------------------------------------------ one by one


def test_noise_has_mean_nought_and_the_deviation_asked_for():
    X = np.full((200, 100), 7.0)
    noise = (GaussianNoise(0.5)(X, X, rng())[0] - X).ravel()
    assert stats.kstest(noise / 0.5, "norm").pvalue > 0.01
    assert abs(noise.mean()) < 4 * 0.5 / np.sqrt(noise.size)


def test_mixup_is_convex_with_one_share_for_x_and_y():
    X = np.column_stack([np.arange(N), np.arange(N)]).astype(float)
    mixed, labels = Mixup(0.4)(X, X[:, :1].copy(), rng())
    np.testing.assert_allclose(mixed[:, 0], mixed[:, 1], rtol=1e-12)
    np.testing.assert_allclose(mixed[:, :1], labels, rtol=1e-12)  # y moved as x did
    assert (mixed >= 0).all()
    assert (mixed <= N - 1).all()
    np.testing.assert_allclose(mixed.mean(), X.mean(), rtol=0.03)


def test_mixup_draws_its_shares_from_the_beta_law():
    """Rows 0 and 1 in halves: where the partner is of the other kind, the row is the share."""
    y = np.repeat(np.eye(2), N, axis=0)
    _, labels = Mixup(0.4)(y, y, rng())
    share = labels[:N, 0][labels[:N, 0] < 1]  # 1: a partner of the same kind
    assert len(share) > N / 3
    assert stats.kstest(share, stats.beta(0.4, 0.4).cdf).pvalue > 0.01


def test_cutmix_mixes_labels_by_the_area_pasted():
    which = rng(5).integers(2, size=N)
    X = np.broadcast_to(which[:, None, None], (N, 8, 7)).astype(float)
    mixed, labels = CutMix(1.0)(X, np.eye(2)[which], rng())
    np.testing.assert_allclose(mixed.mean(axis=(1, 2)), labels[:, 1], atol=1e-12)
    assert set(np.unique(mixed)) == {0.0, 1.0}  # pixels are exchanged, never blended
    assert 0.05 < np.mean((labels > 0).all(axis=1)) < 0.6


def test_cutmix_pastes_one_box_at_its_place():
    """Pixels know their row of X and their place: the places stay, the strangers form a box."""
    place = np.arange(30).reshape(6, 5)
    X = 100 * np.arange(N)[:, None, None] + place
    mixed, _ = CutMix(1.0)(X.astype(float), CLASSES, rng())
    np.testing.assert_array_equal(mixed % 100, np.broadcast_to(place, mixed.shape))
    for row, image in enumerate(mixed[:200]):
        strange = image // 100 != row
        box = np.outer(strange.any(axis=1), strange.any(axis=0))
        np.testing.assert_array_equal(strange, box)
        assert len(set(image[strange] // 100)) <= 1


def test_shift_moves_by_whole_pixels_each_as_probable():
    X = np.zeros((N, 9, 9))
    X[:, 4, 4] = 1
    moved, _ = Shift(2)(X, CLASSES, rng())
    _, down, right = np.nonzero(moved)
    assert len(down) == N
    for place in (down - 4, right - 4):
        counts = np.bincount(place + 2, minlength=5)
        assert counts.sum() == N
        assert stats.chisquare(counts).pvalue > 0.01
    assert abs(np.corrcoef(down, right)[0, 1]) < 0.06


def test_shift_is_scipys_and_fills_with_the_background():
    from scipy.ndimage import shift

    moved, _ = Shift(2, fill=-1.0)(IMAGES[:40], CLASSES[:40], rng())
    steps = [(a, b) for a in range(-2, 3) for b in range(-2, 3)]
    for image, result in zip(IMAGES, moved, strict=False):
        possible = [shift(image, s, order=0, cval=-1.0) for s in steps]
        assert any(np.array_equal(result, p) for p in possible)


@pytest.mark.parametrize(("axis", "mirror"), [("horizontal", np.fliplr), ("vertical", np.flipud)])
def test_flip_mirrors_its_share(axis, mirror):
    result, _ = Flip(axis, 0.3)(IMAGES, CLASSES, rng())
    mirrored = np.array([np.array_equal(r, mirror(x)) for r, x in zip(result, IMAGES, strict=True)])
    np.testing.assert_array_equal(result[~mirrored], IMAGES[~mirrored])
    assert stats.binomtest(int(mirrored.sum()), N, 0.3).pvalue > 0.01
    always, _ = Flip(axis, 1)(IMAGES, CLASSES, rng())
    np.testing.assert_array_equal(Flip(axis, 1)(always, CLASSES, rng())[0], IMAGES)


def test_several_are_applied_in_order():
    def double(X, y, _):
        return 2 * X, y

    def add(X, y, _):
        return X + 1, y + 1

    X, y = as_augmentation([double, add])(np.ones((2, 1)), np.zeros((2, 1)), rng())
    assert X.tolist() == [[3], [3]]
    assert y.tolist() == [[1], [1]]
    assert as_augmentation(double) is double


# ---------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: GaussianNoise(0), r"std = 0 .* \(0, ∞\)"),
        (lambda: Mixup(-1), r"alpha = -1 .* \(0, ∞\)"),
        (lambda: CutMix("a"), "alpha = 'a'"),
        (lambda: Shift(1.5), r"pixels = 1.5 .* whole number in \[1, ∞\)"),
        (lambda: Flip(probability=2), r"probability = 2 .* \[0, 1\]"),
        (lambda: Flip(shape=28), r"shape = 28 .* \(height, width\)"),
        (lambda: Shift(shape=(28, 0)), r"shape = \(28, 0\)"),
        (lambda: Compose([Mixup]), "augment has <class .* such as Mixup"),
        (lambda: as_augmentation("mixup"), "augment has 'mixup'"),
        (lambda: as_augmentation(3), "augment has 3"),
    ],
)
def test_impossible_settings_are_refused(make, message):
    with pytest.raises(HyperparameterError, match=message):
        make()


def test_an_unknown_axis_is_refused():
    with pytest.raises(UnknownNameError, match="Did you mean 'horizontal'"):
        Flip("horizontl")


def test_rows_that_are_no_images_are_refused():
    with pytest.raises(DataError, match=r"no images; give shape=\(height, width\)"):
        Flip()(np.zeros((3, 10)), np.zeros((3, 1)), rng())
    with pytest.raises(DataError, match=r"\(3, 3\) have 9 numbers, a row of X has 10"):
        Flip(shape=(3, 3))(np.zeros((3, 10)), np.zeros((3, 1)), rng())


# -------------------------------------------------------------------- in training


X, Y = load_iris(return_X_y=True)
X = (X - X.mean(axis=0)) / X.std(axis=0)


def network(engine="compiled", outputs=3, loss="cross_entropy", **more):
    layers = [cr.Dense(8, "tanh"), cr.Dense(outputs)]
    return cr.Network(layers, loss, input_shape=(4,), engine=engine, **more)


def train(net, y=Y, **more):
    history = cr.train(net, X, y, **({"epochs": 4, "progress": False} | more))
    return history, {name: p.copy() for name, p in net.parameters.items()}


def unchanged(X, y, rng):
    return X, y


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_an_augmentation_that_changes_nothing_changes_nothing(engine):
    plain, before = train(network(engine))
    same, after = train(network(engine), augment=unchanged)
    np.testing.assert_allclose(same.loss, plain.loss, rtol=1e-5)
    np.testing.assert_allclose(same.metric, plain.metric, rtol=1e-6)
    for name, p in before.items():
        np.testing.assert_allclose(after[name], p, rtol=1e-4, atol=1e-6)


def test_both_engines_see_the_same_augmented_rows():
    augment = [GaussianNoise(0.1), Mixup(0.5)]
    fast, a = train(network(), augment=augment)
    true, b = train(network("reference"), augment=augment)
    np.testing.assert_allclose(fast.loss, true.loss, rtol=1e-4)
    for name, p in b.items():
        np.testing.assert_allclose(a[name], p, rtol=1e-3, atol=1e-5)


def test_same_seed_same_bits_other_seed_others():
    first, a = train(network(), augment=Mixup(0.5), seed=3)
    again, b = train(network(), augment=Mixup(0.5), seed=3)
    other, _ = train(network(), augment=Mixup(0.5), seed=4)
    assert first.loss == again.loss != other.loss
    assert all((a[name] == b[name]).all() for name in a)


def test_each_epoch_is_new_sees_training_rows_only_and_may_be_written_to():
    seen, x, y = [], X.copy(), Y.copy()

    def watch(X, y, rng):
        seen.append((X.copy(), y.copy(), rng.random()))
        X += 100
        y[:] = 1 / 3
        return X, y

    net = network()
    history, _ = train(net, augment=watch, validation=0.2, seed=1)
    assert len(seen) == 4
    assert len({draw for *_, draw in seen}) == 4
    for rows, targets, _ in seen:
        np.testing.assert_array_equal(rows, seen[0][0])  # not what the last epoch wrote
        assert rows.shape == (120, 4)
        np.testing.assert_array_equal(np.unique(targets), [0, 1])
    np.testing.assert_array_equal(X, x)
    np.testing.assert_array_equal(Y, y)
    held_out = [r for r in X.astype(np.float32) if not (seen[0][0] == r).all(axis=1).any()]
    assert 25 <= len(held_out) <= 30  # a few flowers are alike
    assert history.validation_loss[0] < 3  # inputs of about 100 would not give this


def test_validation_rows_are_never_augmented():
    """With a rate of next to nothing the validation loss is that of the initial weights."""
    net = network()
    expected = net.evaluate(X[:30], Y[:30])["loss"]
    history, _ = train(
        net,
        augment=GaussianNoise(50.0),
        validation=(X[:30], Y[:30]),
        optimizer=cr.SGD(1e-12),
    )
    np.testing.assert_allclose(history.validation_loss, expected, rtol=1e-5)
    assert history.loss[0] > 1.3 * expected  # the noise, as far as tanh lets it through


def test_the_loss_under_mixup_is_that_of_the_mixed_probabilities():
    """One batch of all rows at a rate of next to nothing: the loss is the network's on the mix."""
    kept = []

    def remember(X, y, rng):
        kept.append(Mixup(0.5)(X, y, rng))
        return kept[-1]

    net = network("reference")
    history, _ = train(net, augment=remember, batch_size=150, epochs=2, optimizer=cr.SGD(1e-12))
    expected = [net.evaluate(*pair)["loss"] for pair in kept]
    np.testing.assert_allclose(history.loss, expected, rtol=1e-9)


def test_numbers_weights_and_several_outputs():
    targets = np.column_stack([X[:, 0], X[:, 1]])
    net = network(outputs=2, loss="squared_error")
    history, _ = train(
        net,
        targets,
        augment=Mixup(1.0),
        sample_weight=np.ones(150),
        validation=0.1,
        epochs=60,
        optimizer=cr.Adam(0.01),
    )
    assert history.validation_loss[-1] < 0.2 * history.validation_loss[0]


def test_noise_on_inputs_shrinks_a_linear_fit_as_ridge_does():
    """E over noise of a linear fit is ridge regression with n·std² (Bishop 1995)."""
    x, y = X[:, :1].copy(), 2 * X[:, 0]
    net = cr.Network([cr.Dense(1)], input_shape=1, engine="reference")
    weights = []

    class Keep(cr.Callback):
        def on_epoch_end(self, state):
            weights.append(float(net.parameters["0.weight"][0, 0]))

    cr.train(net, x, y, augment=GaussianNoise(1.0), epochs=400, batch_size=150,
             optimizer=cr.SGD(0.05), callbacks=[Keep()], progress=False)  # fmt: skip
    ridge = 2 * (x**2).sum() / ((x**2).sum() + 150)
    assert abs(np.mean(weights[200:]) - ridge) < 0.03


@pytest.mark.parametrize(
    ("augment", "message"),
    [
        (lambda X, y, rng: X, r"augment gave ndarray: expected a pair, \(X, y\)"),
        (lambda X, y, rng: (X[:5], y), r"X of shape \(5, 4\): expected \(150, 4\)"),
        (lambda X, y, rng: (X, y[:, 0]), r"y of shape \(150,\): expected \(150, 3\)"),
        (lambda X, y, rng: (X * np.nan, y), r"augmented X is missing \(NaN\) in row 0"),
        (Flip(), "no images"),
    ],
)
def test_what_augmenting_callables_may_not_do(augment, message):
    with pytest.raises(DataError, match=message):
        train(network(), augment=augment)
