"""The classes of a data folder, and masks that distinguish them.

``classes.json`` beside ``captions.csv`` names them in order; a mask's value is the class's index
+ 1 then, as everywhere. A folder without it has the one class that its masks mark.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from tgcnet.config.json_values import from_json
from tgcnet.domain import SegmentationClass
from tgcnet.errors import ConfigError, InputError
from tgcnet.io.decoded import DECODER_ERRORS

# Where Pillow's own array holds the values that were stored; colours are reduced to grey first.
_PLAIN_MODES = ("1", "L", "P", "I", "F")

CLASSES_FILE = "classes.json"
MAX_CLASSES = 255
"""As many as labels of 8 bits can distinguish."""

_BRIGHTEST = 255

# As distinct on grey and to the colour-blind as eight colours can be; then again from the first.
_COLOURS = (
    (230, 80, 60), (70, 140, 230), (240, 200, 60), (90, 190, 110),
    (180, 100, 220), (60, 200, 210), (240, 140, 40), (220, 120, 170),
)  # fmt: skip

LUNG_OPACITY = SegmentationClass(name="lung opacity", colour=(230, 80, 60))


class LabelValueError(InputError):
    """A mask holds a value that no class has."""


def read_classes(folder: Path) -> tuple[SegmentationClass, ...]:
    """The classes of a data folder's masks, in the order of their label values.

    Returns
    -------
    tuple
        Lung opacity alone where the folder has no ``classes.json``.

    Raises
    ------
    InputError
        If the file is no list of objects with ``name``, ``colour`` and perhaps ``code``, two
        classes have one name, or a colour is not three numbers from 0 to 255.
    """
    file = folder / CLASSES_FILE
    if not file.exists():
        return (LUNG_OPACITY,)
    where = f"{CLASSES_FILE} of {folder.absolute().name}"
    try:
        values = json.loads(file.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(
            f"{where} cannot be read as JSON ({type(error).__name__}), expected a list such as "
            '[{"name": "ground glass opacity", "colour": [230, 160, 60]}]; correct it or remove it'
        ) from None
    if not isinstance(values, list) or not 1 <= len(values) <= MAX_CLASSES:
        raise InputError(
            f"{where} holds no list of 1 to {MAX_CLASSES} classes; correct it or remove it"
        )
    try:
        classes = tuple(from_json(SegmentationClass, value) for value in values)
    except ConfigError as error:
        raise InputError(f"{where}: {error}; correct it or remove it") from error
    names = [entry.name for entry in classes]
    if len(set(names)) < len(names):
        raise InputError(f"{where} names a class twice, expected different names; correct it")
    for entry in classes:
        if not all(0 <= part <= _BRIGHTEST for part in entry.colour):
            raise InputError(
                f"{where} gives {entry.name} the colour {list(entry.colour)}, expected red, green "
                f"and blue from 0 to {_BRIGHTEST}; correct it"
            )
    return classes


def make_classes(names: Sequence[str]) -> tuple[SegmentationClass, ...]:
    """Classes of these names, each with a colour of its own as far as there are any.

    Raises
    ------
    InputError
        If there is none, there are more than 255, or a name is blank or there twice.
    """
    stripped = [name.strip() for name in names]
    if not 1 <= len(stripped) <= MAX_CLASSES or "" in stripped or len(set(stripped)) < len(names):
        raise InputError(
            f"{len(stripped)} names of classes were given, expected 1 to {MAX_CLASSES} different "
            "ones, none blank; separate them by commas"
        )
    return tuple(
        SegmentationClass(name=name, colour=_COLOURS[index % len(_COLOURS)])
        for index, name in enumerate(stripped)
    )


def write_classes(classes: Sequence[SegmentationClass], folder: Path) -> None:
    """Write ``classes.json`` as :func:`read_classes` reads it."""
    values = [
        {"name": c.name, "colour": list(c.colour), **({"code": c.code} if c.code else {})}
        for c in classes
    ]
    text = json.dumps(values, indent=2, ensure_ascii=False)
    (folder / CLASSES_FILE).write_text(f"{text}\n", encoding="utf-8")


def read_labels(file: Path, num_classes: int) -> np.ndarray:
    """A reference mask as (Y, X) uint8: 0 background, a class's index + 1 elsewhere.

    With one class whatever is not zero is of it, as :func:`tgcnet.data.classes.read_mask` has it.

    Raises
    ------
    InputError
        If the file cannot be decoded or is in colour.
    LabelValueError
        If it holds a value beyond the classes.
    """
    if num_classes == 1:
        return read_mask(file).astype(np.uint8)
    try:
        with Image.open(file) as picture:
            values = np.asarray(picture)
    except (Image.DecompressionBombError, *DECODER_ERRORS) as error:
        raise InputError(
            f"the mask cannot be read as a picture ({type(error).__name__}); replace it"
        ) from None
    if values.ndim != 2:
        raise InputError(
            "the mask is in colour, expected one number a pixel: 0, or a class's place in "
            f"{CLASSES_FILE} counted from 1; save it as a grey or palette picture"
        )
    largest = int(values.max(initial=0))
    # A picture of one bit is a mask of the first class alone.
    if largest > num_classes or values.dtype.kind not in "iub":
        raise LabelValueError(
            f"the mask holds the value {largest} ({values.dtype}), expected whole numbers up to "
            f"{num_classes}, the number of classes in {CLASSES_FILE}; correct either"
        )
    return values.astype(np.uint8)


def read_mask(file: Path) -> np.ndarray:
    """A reference mask as (Y, X) bool: whatever is not zero.

    Of a palette the index counts, whatever its colour; of a colour, its luminance.

    Raises
    ------
    InputError
        If the file cannot be decoded, or unpacks to absurdly many pixels.
    """
    is_marked: np.ndarray = read_mask_values(file) != 0
    return is_marked


def read_mask_values(file: Path) -> np.ndarray:
    """A mask's values as stored, (Y, X) of any type; of a colour, its luminance.

    What is not black is at least 1, since a dark blue has a luminance that rounds to nothing.

    Raises
    ------
    InputError
        As of :func:`read_mask`.
    """
    try:
        with Image.open(file) as picture:
            is_plain = picture.mode in _PLAIN_MODES or picture.mode.startswith("I;16")
            values = np.asarray(picture) if is_plain else _luminance(picture)
    except (Image.DecompressionBombError, *DECODER_ERRORS) as error:
        # Without the decoder's own message, which holds the whole path.
        raise InputError(
            f"the mask cannot be read as a picture ({type(error).__name__}); replace it"
        ) from None
    return values


def _luminance(picture: Image.Image) -> np.ndarray:
    is_coloured = np.asarray(picture.convert("RGB")).any(axis=2)
    luminance: np.ndarray = np.maximum(np.asarray(picture.convert("L")), is_coloured)
    return luminance
