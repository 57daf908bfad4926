"""PNG and JPEG, and Pillow's way of decoding whatever else it knows."""

from typing import BinaryIO

import numpy as np
from PIL import ExifTags, Image

from tgcnet.domain import Geometry
from tgcnet.errors import InputError
from tgcnet.io.decoded import DECODER_ERRORS, Decoded, announce, check_size
from tgcnet.io.grey import flatten_to_grey
from tgcnet.io.orientation import grid_affine, to_canonical

RADIOLOGICAL_VIEW_NOTICE = (
    "The file does not state the patient's sides; the usual radiological view is assumed: "
    "the patient's left is on the right of the image."
)
COLOUR_WORKING_BYTES = 48
"""A pixel: as decoded, with alpha, three channels wide enough to weigh, and their sums."""

_GREY_WORKING_BYTES = 12
_GREY_BYTES = {"I": 4, "F": 4, "I;16": 2, "I;16B": 2, "I;16L": 2}
_DEEP_COLOUR_NOTICE = "16-bit colour was reduced to 8 bits per channel."

# Orientation, of EXIF and TIFF alike -> (swap rows and columns first, flip rows, flip columns).
_TURNS: dict[int, tuple[bool, bool, bool]] = {
    2: (False, False, True),
    3: (False, True, True),
    4: (False, True, False),
    5: (True, False, False),
    6: (True, False, True),
    7: (True, True, True),
    8: (True, True, False),
}


def read_picture(file: BinaryIO, name: str, formats: tuple[str, ...] = ("PNG", "JPEG")) -> Decoded:
    """Decode one picture to (1, Y, X).

    Colour becomes luminance, transparency is laid over black, an EXIF orientation is obeyed.
    The affine is the pixel grid (unit "pixel"): x runs to the patient's left.

    Raises
    ------
    InputError
        If the picture is damaged, truncated, empty or absurdly large.
    """
    try:
        with Image.open(file, formats=formats) as image:
            check_size((image.height, image.width), name)
            announce_picture(image, name)
            orientation = int(image.getexif().get(ExifTags.Base.Orientation, 1))
            # An interlaced or 16-bit colour header is only known before the pixels are loaded.
            is_deep_colour = _is_deep_colour_png(file, image)
            plane = plane_of(image, name)
    except Image.DecompressionBombError:
        raise InputError(
            f"{name} unpacks to more pixels than any radiograph has; crop or downsample it first."
        ) from None
    except DECODER_ERRORS as error:
        raise InputError(
            f"{name} cannot be decoded, it is damaged or incomplete ({type(error).__name__}); "
            "export it again."
        ) from None
    notices = [RADIOLOGICAL_VIEW_NOTICE]
    if is_deep_colour:
        notices.append(_DEEP_COLOUR_NOTICE)
    geometry = laid_out(orientation)
    if is_turned(geometry):
        notices.append("The picture was turned upright as its EXIF orientation says.")
    return Decoded(
        array=to_canonical(plane[None], geometry.source_axes, geometry.source_flips),
        geometry=geometry,
        may_be_hounsfield=False,
        notices=tuple(notices),
    )


def laid_out(
    orientation: int,
    spacing_zyx: tuple[float, float, float] = (1.0, 1.0, 1.0),
    *,
    unit: str = "pixel",
) -> Geometry:
    """Lay out planes that are turned upright as their file says.

    Parameters
    ----------
    orientation : of EXIF or TIFF, 1 to 8; any other leaves the planes as stored
    spacing_zyx : of the planes as stored, in ``unit``
    """
    is_swapped, flips_rows, flips_columns = _TURNS.get(orientation, (False, False, False))
    axes = (0, 2, 1) if is_swapped else (0, 1, 2)
    upright = (spacing_zyx[axes[0]], spacing_zyx[axes[1]], spacing_zyx[axes[2]])
    return Geometry(
        affine_lps=grid_affine(upright),
        unit=unit,
        source_axes=axes,
        source_flips=(False, flips_rows, flips_columns),
    )


def is_turned(geometry: Geometry) -> bool:
    """Whether the planes were turned or mirrored."""
    return geometry.source_axes != (0, 1, 2) or any(geometry.source_flips)


def announce_picture(image: Image.Image, name: str, *, num_planes: int = 1) -> None:
    """Announce what decoding an opened picture takes; errors as of ``decoded.announce``."""
    file = getattr(image, "fp", None)  # of an image file, absent once all is loaded
    if file is None:
        return
    position = file.tell()
    packed = file.seek(0, 2)
    file.seek(position)
    num_pixels = image.width * image.height * num_planes
    is_grey = image.mode in ("1", "L", "I", "F") or image.mode.startswith("I;16")
    announce(
        name,
        unpacked=num_pixels * max(len(image.getbands()), _GREY_BYTES.get(image.mode, 1)),
        packed=packed,
        working=num_pixels * (_GREY_WORKING_BYTES if is_grey else COLOUR_WORKING_BYTES),
    )


def plane_of(image: Image.Image, name: str) -> np.ndarray:
    """Decode a Pillow image to one grey plane: (Y, X) uint8, uint16, int32 or float32."""
    is_transparent = "transparency" in image.info
    if image.mode == "1":
        return np.asarray(image.convert("L"))
    if image.mode == "L" and not is_transparent:
        return np.asarray(image)
    if image.mode.startswith("I;16") or image.mode in ("I", "F"):
        native = np.asarray(image)
        return native.astype(native.dtype.newbyteorder("="))
    if image.mode in ("RGBa", "La"):
        return flatten_to_grey(np.asarray(image), alpha="associated", name=name)
    if image.mode in ("LA", "PA", "RGBA") or is_transparent:
        return flatten_to_grey(np.asarray(image.convert("RGBA")), alpha="straight", name=name)
    return flatten_to_grey(np.asarray(image.convert("RGB")), alpha=None, name=name)


def _is_deep_colour_png(file: BinaryIO, image: Image.Image) -> bool:
    """Pillow keeps 16 bits of a grey PNG only; bytes 24 and 25 are bit depth and colour type."""
    if image.format != "PNG":
        return False
    position = file.tell()
    file.seek(24)
    depth, colour_type = file.read(2)
    file.seek(position)
    return depth == 16 and colour_type != 0
