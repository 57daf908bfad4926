"""From stored intensities to the square, [0, 1] plane a model reads, and exactly back."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from PIL import Image

from tgcnet.config import PreprocessConfig
from tgcnet.domain import Modality, Volume
from tgcnet.errors import ConfigError, InputError, ModalityUnknownError

_FULL_8BIT = 255.0


@dataclass(frozen=True, kw_only=True, slots=True)
class IntensityWindow:
    """The stored values shown as black and as white, and why these.

    Attributes
    ----------
    low, high : in ``unit``; low < high
    reason : a sentence for the panel
    """

    low: float
    high: float
    unit: Literal["HU", "stored"]
    reason: str

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ConfigError(
                f"a window's low must be below its high, got {self.low} and {self.high}"
            )


def decide_window(volume: Volume, config: PreprocessConfig) -> IntensityWindow:
    """Choose the intensity window by modality; the data type never decides it.

    8-bit pixels that were windowed already stay as they are, CT gets the lung window, a
    radiograph its own percentiles over all finite values of the volume.

    Raises
    ------
    ModalityUnknownError
        If it is unknown whether the values are Hounsfield units or a radiograph's.
    InputError
        If no value is finite, or all are equal, or nearly all so that no contrast is left.
    """
    low, high = _finite_range(volume.array)
    if low == high:
        raise InputError(
            f"Every pixel of the image has the same value ({low:g}), expected a picture with "
            "contrast; check that the right file or layer was chosen."
        )
    if volume.is_display_ready:
        return IntensityWindow(
            low=0.0, high=_FULL_8BIT, unit="stored", reason="8-bit pixels are used as they are."
        )
    if volume.modality is Modality.CT:
        half = config.window_width_hu / 2
        return IntensityWindow(
            low=config.window_centre_hu - half,
            high=config.window_centre_hu + half,
            unit="HU",
            reason=f"CT: lung window, centre {config.window_centre_hu:g} HU, "
            f"width {config.window_width_hu:g} HU.",
        )
    if volume.modality is Modality.XRAY:
        return _percentile_window(volume.array, config)
    raise ModalityUnknownError(
        f"Nothing says whether the image is a CT or a radiograph: its values run from {low:g} to "
        f"{high:g} ({volume.array.dtype}), expected 8-bit pixels or values below -200 HU. "
        "State the modality: --modality ct or --modality xray on the command line, the chooser "
        "in the panel."
    )


def scale_to_unit(plane: np.ndarray, window: IntensityWindow) -> np.ndarray:
    """Map the window to [0, 1] and clip.

    Parameters
    ----------
    plane : (Y, X), real; NaN and minus infinity become black, plus infinity white

    Returns
    -------
    (Y, X) float32 in [0, 1]
    """
    # Divided, not multiplied by the inverse, so that ``high`` maps to 1.0 exactly.
    unit = (plane.astype(np.float32) - np.float32(window.low)) / np.float32(
        window.high - window.low
    )
    if plane.dtype.kind == "f":
        np.nan_to_num(unit, copy=False, nan=0.0, posinf=1.0, neginf=0.0)
    return np.clip(unit, 0.0, 1.0, out=unit)


@dataclass(frozen=True, kw_only=True, slots=True)
class Letterbox:
    """An image laid into a square, centred, its longer side filling it, zeros around.

    Pixel centres lie at half-integers: the content's rows cover ``[top, top + inner_height)`` of
    the square and map to ``[0, height)`` of the image, so ``y = (row - top + 0.5) *
    height / inner_height - 0.5``. Both ways use that one mapping.
    """

    height: int
    width: int
    side_px: int

    def __post_init__(self) -> None:
        if min(self.height, self.width, self.side_px) < 1:
            raise InputError(
                f"An image of {self.height} x {self.width} pixels cannot be laid into a square of "
                f"{self.side_px}; every side must be at least 1."
            )

    @property
    def scale(self) -> float:
        """Square pixels per image pixel."""
        return self.side_px / max(self.height, self.width)

    @property
    def inner_height(self) -> int:
        """Rows of the square that the image covers."""
        return max(1, round(self.height * self.scale))

    @property
    def inner_width(self) -> int:
        """Columns of the square that the image covers."""
        return max(1, round(self.width * self.scale))

    @property
    def top(self) -> int:
        """First row of the square that the image covers."""
        return (self.side_px - self.inner_height) // 2

    @property
    def left(self) -> int:
        """First column of the square that the image covers."""
        return (self.side_px - self.inner_width) // 2

    def apply(self, plane: np.ndarray) -> np.ndarray:
        """(height, width) float32 to (side_px, side_px) float32, area-weighted when shrinking.

        Raises
        ------
        InputError
            If ``plane`` has another shape.
        """
        self._check(plane.shape, (self.height, self.width))
        square = np.zeros((self.side_px, self.side_px), dtype=np.float32)
        rows, columns = self._content
        square[rows, columns] = _resize(plane, self.inner_height, self.inner_width)
        return square

    def invert(self, maps: np.ndarray) -> np.ndarray:
        """(C, side_px, side_px) float32 back to (C, height, width) float32, bilinear.

        No value leaves the range of ``maps``: a probability stays in [0, 1].

        Raises
        ------
        InputError
            If ``maps`` has another shape.
        """
        self._check(maps.shape[1:], (self.side_px, self.side_px))
        rows, columns = self._content
        image = np.empty((len(maps), self.height, self.width), dtype=np.float32)
        for index, square in enumerate(maps):
            image[index] = _resize(square[rows, columns], self.height, self.width)
        return image

    @property
    def _content(self) -> tuple[slice, slice]:
        return (
            slice(self.top, self.top + self.inner_height),
            slice(self.left, self.left + self.inner_width),
        )

    @staticmethod
    def _check(given: tuple[int, ...], expected: tuple[int, int]) -> None:
        if tuple(given) != expected:
            raise InputError(
                f"The letterbox was made for planes of {expected[0]} x {expected[1]} pixels, got "
                f"{tuple(given)}; make one for each image size."
            )


def prepare_plane(
    plane: np.ndarray, window: IntensityWindow, config: PreprocessConfig
) -> tuple[np.ndarray, Letterbox]:
    """Scale (Y, X) stored intensities and letterbox them.

    Returns
    -------
    (side_px, side_px) float32 in [0, 1], and the letterbox, for its ``invert``
    """
    height, width = plane.shape
    box = Letterbox(height=height, width=width, side_px=config.side_px)
    return box.apply(scale_to_unit(plane, window)), box


def _resize(plane: np.ndarray, height: int, width: int) -> np.ndarray:
    """Bilinear on pixel centres, antialiased when shrinking; the same size is the same bytes."""
    plane = np.ascontiguousarray(plane, dtype=np.float32)
    if plane.shape == (height, width):
        return plane
    resized = np.asarray(
        Image.fromarray(plane).resize((width, height), Image.Resampling.BILINEAR),
        dtype=np.float32,
    )
    # Weights sum to 1 only up to rounding; without this 1.0 could become 1.0000001.
    return np.clip(resized, plane.min(), plane.max())


def _finite_range(array: np.ndarray) -> tuple[float, float]:
    if array.size == 0:
        raise InputError(
            f"The image has no pixels (shape {array.shape}), expected at least one on each axis; "
            "check the file or the layer."
        )
    if array.dtype.kind != "f":
        return float(array.min()), float(array.max())
    finite = np.isfinite(array)
    if not finite.any():
        raise InputError(
            "The image holds no finite value (only NaN or infinity), expected intensities; "
            "export it again."
        )
    low = np.min(array, where=finite, initial=np.inf)
    high = np.max(array, where=finite, initial=-np.inf)
    return float(low), float(high)


def _percentile_window(array: np.ndarray, config: PreprocessConfig) -> IntensityWindow:
    finite = array[np.isfinite(array)] if array.dtype.kind == "f" else array
    shares = (config.percentile_low, config.percentile_high)
    low, high = (float(value) for value in np.percentile(finite, shares))
    if low == high:
        raise InputError(
            f"Nearly every pixel of the image has the same value ({low:g}), so percentiles "
            f"{shares[0]:g} to {shares[1]:g} leave no contrast; crop it to the picture itself."
        )
    return IntensityWindow(
        low=low,
        high=high,
        unit="stored",
        reason=f"Radiograph: percentiles {shares[0]:g} to {shares[1]:g} of its own values.",
    )
