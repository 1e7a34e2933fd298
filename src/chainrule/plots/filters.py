"""The filters of a convolution layer as images."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from chainrule.errors import DataError
from chainrule.plots.style import Display, drawing

__all__ = ["FiltersDisplay"]


@dataclass
class FiltersDisplay(Display):
    """Every filter as a small image, one colour scale for all.

    Attributes
    ----------
    image : ndarray of shape (rows, columns)
        The mosaic; NaN between the tiles.
    tile : tuple of int
        Height and width of a filter.
    grid : tuple of int
        Tiles down and across.
    channels, filters : int
        Input channels; with several of them there is one row of tiles for each.
    """

    image: np.ndarray
    tile: tuple[int, int]
    grid: tuple[int, int]
    channels: int
    filters: int

    @classmethod
    def from_weights(cls, weights: Any) -> Self:
        """The weights of a layer of two-dimensional convolutions.

        Parameters
        ----------
        weights : array-like of shape (height, width, channels, filters)

        Raises
        ------
        DataError
            If it has another number of dimensions.

        Examples
        --------
        >>> display = FiltersDisplay.from_weights(np.zeros((3, 3, 1, 8)))
        >>> display.grid, display.image.shape
        ((3, 3), (11, 11))
        """
        array = np.asarray(weights, float)
        if array.ndim != 4 or not array.size:
            raise DataError(
                f"weights has shape {array.shape}: expected (height, width, channels, filters)."
            )
        height, width, channels, filters = array.shape
        across = filters if channels > 1 else math.ceil(math.sqrt(filters))
        down = channels if channels > 1 else math.ceil(filters / across)
        image = np.full((down * (height + 1) - 1, across * (width + 1) - 1), np.nan)
        for channel in range(channels):
            for number in range(filters):
                row, column = (channel, number) if channels > 1 else divmod(number, across)
                top, left = row * (height + 1), column * (width + 1)
                tile = array[:, :, channel, number]
                image[top : top + height, left : left + width] = tile
        return cls(image, (height, width), (down, across), channels, filters)

    def plot(self, ax: Any = None) -> Self:
        """Draw the mosaic; white is 0, the two colours are the signs."""
        (down, across), (height, width) = self.grid, self.tile
        size = (min(12.0, 1.6 + 0.9 * across), min(10.0, 1.0 + 0.9 * down))
        with drawing(self, ax, size) as axes:
            largest = float(np.nanmax(np.abs(self.image))) or 1.0
            drawn = axes.imshow(self.image, cmap="PuOr", vmin=-largest, vmax=largest)
            axes.figure.colorbar(drawn, ax=axes, label="weight", shrink=0.8)
            columns = np.arange(across) * (width + 1) + (width - 1) / 2
            rows = np.arange(down) * (height + 1) + (height - 1) / 2
            if self.channels > 1:
                axes.set_xticks(columns, [str(k) for k in range(across)])
                axes.set_yticks(rows, [str(k) for k in range(down)])
                axes.set(xlabel="filter", ylabel="input channel")
            else:
                axes.set(xticks=[], yticks=[], xlabel="each tile is the filter of its number")
                for number in range(self.filters):
                    row, column = divmod(number, across)
                    corner = column * (width + 1) - 0.5, row * (height + 1) - 0.55
                    axes.text(*corner, str(number), fontsize=7, va="bottom")
            axes.set_title(f"Filters of {height} × {width}", pad=12)
            axes.grid(visible=False)
            axes.tick_params(length=0)
            axes.spines[:].set_visible(False)
        return self
