"""Data augmentation: training rows changed at random, anew for each epoch.

An augmentation is a callable ``(X, y, rng) -> (X, y)``; the records here are such callables, and so
is any function. X is (n, …), rows as the network takes them; y is (n, outputs), class probabilities
or numbers; `rng` is a `numpy.random.Generator`. Shapes stay the same. What a callable is given is
the epoch's own copy, so it may write into it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from chainrule.errors import DataError, HyperparameterError, unknown_name
from chainrule.ops.hyperparameters import Hyperparameter, Interval

__all__ = [
    "Augmentation",
    "Compose",
    "CutMix",
    "Flip",
    "GaussianNoise",
    "Mixup",
    "Shift",
    "as_augmentation",
]

Pair = tuple[np.ndarray, np.ndarray]
Augmentation = Callable[[np.ndarray, np.ndarray, np.random.Generator], Pair]

_STD = Hyperparameter("std", 0.1, Interval("(0, inf)"), "standard deviation of the noise")
_ALPHA = Hyperparameter("alpha", 0.2, Interval("(0, inf)"), "both parameters of the Beta law of λ")
_PIXELS = Hyperparameter("pixels", 2, Interval("[1, inf)"), "largest shift", whole=True)
_PROBABILITY = Hyperparameter(
    "probability", 0.5, Interval("[0, 1]"), "share of the rows that are mirrored"
)


@dataclass(frozen=True)
class GaussianNoise:
    """x + ε with ε ~ N(0, std²), for each number on its own.

    Parameters
    ----------
    std : float
        In units of X.

    Raises
    ------
    HyperparameterError
        If it is not above 0.

    Examples
    --------
    >>> X, y = np.zeros((3, 2)), np.eye(3)
    >>> noisy, same = GaussianNoise(0.5)(X, y, np.random.default_rng(0))
    >>> noisy.shape, same is y
    ((3, 2), True)
    """

    std: float = _STD.default

    def __post_init__(self) -> None:
        _STD.check(self.std)

    def __call__(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Pair:
        """Augment rows, X (n, …) and y (n, outputs)."""
        return X + (self.std * rng.standard_normal(X.shape)).astype(X.dtype), y


@dataclass(frozen=True)
class Mixup:
    """λ x + (1 − λ) x′ and λ y + (1 − λ) y′, x′ another row and λ ~ Beta(α, α) for each row.

    Class indices become class probabilities. Zhang et al., arXiv 1710.09412.

    Parameters
    ----------
    alpha : float
        Small: most rows stay nearly as they are.

    Raises
    ------
    HyperparameterError
        If it is not above 0.

    Examples
    --------
    >>> X, y = np.array([[0.0], [1.0]]), np.eye(2)
    >>> mixed, shares = Mixup(1.0)(X, y, np.random.default_rng(0))
    >>> bool(np.allclose(mixed, shares[:, 1:])), shares.sum(axis=1).tolist()
    (True, [1.0, 1.0])
    """

    alpha: float = _ALPHA.default

    def __post_init__(self) -> None:
        _ALPHA.check(self.alpha)

    def __call__(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Pair:
        """Augment rows, X (n, …) and y (n, outputs)."""
        partner = rng.permutation(len(X))
        share = rng.beta(self.alpha, self.alpha, len(X))
        return _mixed(X, X[partner], share), _mixed(y, y[partner], share)


def _mixed(a: np.ndarray, b: np.ndarray, share: np.ndarray) -> np.ndarray:
    """`share` of a and the rest of b, row by row; convex, so never outside the two."""
    t = share.reshape(-1, *[1] * (a.ndim - 1)).astype(a.dtype)
    return t * a + (1 - t) * b


@dataclass(frozen=True)
class CutMix:
    """A box of another image pasted in; y mixed by the box's share of the area.

    λ ~ Beta(α, α); the box has sides √(1 − λ) of the image's and is cut where it leaves it, and y
    counts what is left of it. Yun et al., arXiv 1905.04899.

    Parameters
    ----------
    alpha : float
    shape : tuple of int, optional
        (height, width) or (height, width, channels) of one image, if a row of X is flat.

    Raises
    ------
    HyperparameterError, DataError
        If `alpha` is not above 0, or rows of X are not such images.

    Examples
    --------
    >>> X, y = np.repeat([[0.0], [1.0]], 16, axis=1), np.eye(2)
    >>> mixed, shares = CutMix(shape=(4, 4))(X, y, np.random.default_rng(0))
    >>> bool(np.allclose(mixed.mean(axis=1), shares[:, 1]))
    True
    """

    alpha: float = 1.0
    shape: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        _ALPHA.check(self.alpha)
        _check_shape(self.shape)

    def __call__(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Pair:
        """Augment images, X (n, …) and y (n, outputs)."""
        images = _images(X, self.shape)
        partner = rng.permutation(len(X))
        side = np.sqrt(1 - rng.beta(self.alpha, self.alpha, len(X)))
        rows, columns = (_stretch(size, side, rng) for size in images.shape[1:3])
        box = rows[:, :, None] & columns[:, None, :]
        pasted = np.where(box[..., None], images[partner], images)
        kept = 1 - box.mean(axis=(1, 2))
        return pasted.reshape(X.shape), _mixed(y, y[partner], kept)


def _stretch(size: int, share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Which of `size` places lie in a stretch around a random centre, (n, size) bool."""
    centre = rng.integers(size, size=len(share))
    length = np.rint(share * size).astype(int)
    first = centre - length // 2
    places = np.arange(size)
    return (places >= first[:, None]) & (places < (first + length)[:, None])


@dataclass(frozen=True)
class Shift:
    """Images moved by up to `pixels` along both axes, each by its own; what comes in is `fill`.

    Parameters
    ----------
    pixels : int
        Every whole number from −pixels to pixels is as probable.
    shape : tuple of int, optional
        (height, width) or (height, width, channels) of one image, if a row of X is flat.
    fill : float
        The background.

    Raises
    ------
    HyperparameterError, DataError
        If `pixels` is no whole number from 1, or rows of X are not such images.

    Examples
    --------
    >>> X, y = np.arange(9.0).reshape(1, 9), np.ones((1, 1))
    >>> Shift(1, shape=(3, 3))(X, y, np.random.default_rng(4))[0].reshape(3, 3)
    array([[4., 5., 0.],
           [7., 8., 0.],
           [0., 0., 0.]])
    """

    pixels: int = _PIXELS.default
    shape: tuple[int, ...] | None = None
    fill: float = 0.0

    def __post_init__(self) -> None:
        _PIXELS.check(self.pixels)
        _check_shape(self.shape)

    def __call__(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Pair:
        """Augment images, X (n, …) and y (n, outputs)."""
        images, p = _images(X, self.shape), int(self.pixels)
        n, height, width, _ = images.shape
        framed = np.pad(
            images, ((0, 0), (p, p), (p, p), (0, 0)), constant_values=np.asarray(self.fill, X.dtype)
        )
        down, right = rng.integers(2 * p + 1, size=(2, n, 1))
        rows, columns = down + np.arange(height), right + np.arange(width)
        moved = framed[np.arange(n)[:, None, None], rows[:, :, None], columns[:, None, :]]
        return moved.reshape(X.shape), y


@dataclass(frozen=True)
class Flip:
    """A random share of the images mirrored.

    Parameters
    ----------
    axis : {"horizontal", "vertical"}
        "horizontal" exchanges left and right.
    probability : float
    shape : tuple of int, optional
        (height, width) or (height, width, channels) of one image, if a row of X is flat.

    Raises
    ------
    UnknownNameError, HyperparameterError, DataError
        For another axis, a probability outside [0, 1], or rows of X that are not such images.

    Examples
    --------
    >>> X, y = np.arange(4.0).reshape(1, 4), np.ones((1, 1))
    >>> Flip(probability=1, shape=(2, 2))(X, y, np.random.default_rng(0))[0]
    array([[1., 0., 3., 2.]])
    """

    axis: Literal["horizontal", "vertical"] = "horizontal"
    probability: float = _PROBABILITY.default
    shape: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if self.axis not in _AXES:
            raise unknown_name("axis of a flip", self.axis, _AXES)
        _PROBABILITY.check(self.probability)
        _check_shape(self.shape)

    def __call__(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Pair:
        """Augment images, X (n, …) and y (n, outputs)."""
        images = _images(X, self.shape)
        chosen = rng.random(len(X)) < self.probability
        mirrored = np.flip(images, _AXES[self.axis])
        return np.where(chosen[:, None, None, None], mirrored, images).reshape(X.shape), y


_AXES = {"vertical": 1, "horizontal": 2}  # of (n, height, width, channels)


@dataclass(frozen=True)
class Compose:
    """Several augmentations, one after another; `train` makes one of a list.

    Parameters
    ----------
    steps : sequence of callable

    Examples
    --------
    >>> both = Compose([Shift(1, shape=(2, 2)), GaussianNoise(0.1)])
    >>> both(np.zeros((5, 4)), np.ones((5, 1)), np.random.default_rng(0))[0].shape
    (5, 4)
    """

    steps: Sequence[Augmentation]

    def __post_init__(self) -> None:
        _check_callables(self.steps)
        object.__setattr__(self, "steps", tuple(self.steps))

    def __call__(self, X: np.ndarray, y: np.ndarray, rng: np.random.Generator) -> Pair:
        """Augment rows, X (n, …) and y (n, outputs)."""
        for step in self.steps:
            X, y = step(X, y, rng)
        return X, y


def as_augmentation(given: Any) -> Augmentation:
    """A callable as it is, a list of them as one.

    Raises
    ------
    HyperparameterError
        If it is neither.
    """
    steps = list(given) if isinstance(given, Sequence) and not isinstance(given, str) else [given]
    _check_callables(steps)
    return steps[0] if len(steps) == 1 else Compose(steps)


def _check_callables(steps: Iterable[Any]) -> None:
    for step in steps:
        if not callable(step) or isinstance(step, type):
            raise HyperparameterError(
                f"augment has {step!r}: expected a callable (X, y, rng) -> (X, y), such as "
                f"Mixup(0.2), or a list of them."
            )


# --------------------------------------------------------------------- images


def _check_shape(shape: Any) -> None:
    """Refuse what is not (height, width) or (height, width, channels)."""
    fits = shape is None or (
        isinstance(shape, tuple | list)
        and len(shape) in (2, 3)
        and all(isinstance(k, int | np.integer) and k > 0 for k in shape)
    )
    if not fits:
        raise HyperparameterError(
            f"shape = {shape!r} is not possible: give (height, width) or "
            f"(height, width, channels) of one image, or None if X has that shape."
        )


def _images(X: np.ndarray, shape: tuple[int, ...] | None) -> np.ndarray:
    """X as (n, height, width, channels), the same memory where that is possible."""
    if shape is None and X.ndim not in (3, 4):
        raise DataError(
            f"X has shape {X.shape}: its rows are no images; give shape=(height, width)."
        )
    own = X.shape[1:] if shape is None else tuple(int(k) for k in shape)
    if np.prod(own) != np.prod(X.shape[1:]):
        raise DataError(
            f"images of shape {own} have {np.prod(own)} numbers, a row of X has "
            f"{np.prod(X.shape[1:])}: give the shape of one row."
        )
    return X.reshape(len(X), *own, *[1] * (3 - len(own)))
