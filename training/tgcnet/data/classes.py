"""The classes of a data folder, and masks that tell them apart.

``classes.json`` beside ``captions.csv`` names them in order; a mask's value is the class's index
+ 1 then, as everywhere. A folder without it has the one class that its masks mark.
"""

import json
from pathlib import Path

import numpy as np
from PIL import Image

from tgcnet.config import from_json
from tgcnet.data.folder import read_mask
from tgcnet.domain import SegmentationClass
from tgcnet.errors import ConfigError, InputError
from tgcnet.io.decoded import DECODER_ERRORS

CLASSES_FILE = "classes.json"
MAX_CLASSES = 255
"""What labels of 8 bits can tell apart."""

LUNG_OPACITY = SegmentationClass(name="lung opacity", colour=(230, 80, 60))


def read_classes(folder: Path) -> tuple[SegmentationClass, ...]:
    """The classes of a data folder's masks, in the order of their label values.

    Returns
    -------
    tuple
        Lung opacity alone where the folder has no ``classes.json``.

    Raises
    ------
    InputError
        If the file is no list of objects with ``name``, ``colour`` and perhaps ``code``, or two
        classes have one name.
    """
    file = folder / CLASSES_FILE
    if not file.exists():
        return (LUNG_OPACITY,)
    where = f"{CLASSES_FILE} of {folder.absolute().name}"
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
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
    return classes


def read_labels(file: Path, num_classes: int) -> np.ndarray:
    """A reference mask as (Y, X) uint8: 0 background, a class's index + 1 elsewhere.

    With one class whatever is not zero is of it, as :func:`tgcnet.data.folder.read_mask` has it.

    Raises
    ------
    InputError
        If the file cannot be decoded, is in colour, or holds a value beyond the classes.
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
    if largest > num_classes or not np.issubdtype(values.dtype, np.integer):
        raise InputError(
            f"the mask holds the value {largest} ({values.dtype}), expected whole numbers up to "
            f"{num_classes}, the number of classes in {CLASSES_FILE}; correct either"
        )
    return values.astype(np.uint8)
