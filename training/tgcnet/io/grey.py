"""Colour and transparency to one grey channel."""

import numpy as np

from tgcnet.errors import InputError


def flatten_to_grey(samples: np.ndarray, *, alpha: str | None, name: str) -> np.ndarray:
    """Luminance of the colours, over a black ground where the picture is transparent.

    Parameters
    ----------
    samples : (…, S), unsigned integers of full range or floats; S is 1 (grey) or 3 (RGB), and one
        more with alpha
    alpha : "straight" (colours not yet multiplied), "associated" (already multiplied), None

    Returns
    -------
    (…) array of the same data type; a grey RGB triple keeps its value exactly

    Raises
    ------
    InputError
        If S is another number, or the samples of a colour are signed: a mislabelled stack.
    """
    colours = samples[..., :-1] if alpha else samples
    if colours.shape[-1] not in (1, 3):
        raise InputError(
            f"{name} has {samples.shape[-1]} channels a pixel, expected grey or RGB, with or "
            "without alpha; save one channel of it as a grey image."
        )
    if samples.dtype.kind == "i" and samples.shape[-1] > 1:
        raise InputError(
            f"{name} says it is a colour picture but holds signed numbers ({samples.dtype}), "
            "expected grey slices; save the slices as a grey stack."
        )
    is_float = np.issubdtype(samples.dtype, np.floating)
    grey = _luminance(colours, is_float=is_float)
    if alpha == "straight":
        opacity = samples[..., -1]
        if is_float:
            grey = grey * opacity
        else:
            full = np.iinfo(samples.dtype).max
            wide = _wide(samples.dtype)
            grey = (grey.astype(wide) * opacity.astype(wide) + wide(full // 2)) // wide(full)
    return grey.astype(samples.dtype)


def _luminance(colours: np.ndarray, *, is_float: bool) -> np.ndarray:
    if colours.shape[-1] == 1:
        return colours[..., 0]
    if is_float:
        weights = np.array([0.299, 0.587, 0.114], dtype=colours.dtype)
        return np.asarray(colours @ weights)
    # ITU-R BT.601 in whole thousandths: integers, so that r = g = b stays itself.
    wide = _wide(colours.dtype)
    thousandths = np.full(colours.shape[:-1], 500, wide)
    for channel, weight in enumerate((299, 587, 114)):
        thousandths += np.multiply(colours[..., channel], weight, dtype=wide)
    return np.asarray(thousandths // wide(1000))


def _wide(dtype: np.dtype) -> type[np.uint32] | type[np.uint64]:
    """A type that holds the products: of two 16-bit numbers 32 bits do, in half the memory."""
    return np.uint32 if dtype.itemsize <= 2 else np.uint64
