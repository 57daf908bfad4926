"""TIFF: a plane or a stack, grey or colour, with ImageJ's or OME's spacing where it says."""

import math
import struct
from typing import Any, BinaryIO

import numpy as np
import tifffile
from PIL import Image

from tgcnet.domain import Geometry
from tgcnet.errors import InputError
from tgcnet.io.decoded import DECODER_ERRORS, Decoded, announce, check_size, quiet
from tgcnet.io.grey import flatten_to_grey
from tgcnet.io.orientation import to_canonical
from tgcnet.io.pictures import (
    COLOUR_WORKING_BYTES,
    RADIOLOGICAL_VIEW_NOTICE,
    is_turned,
    laid_out,
    plane_of,
)
from tgcnet.io.tiff_pages import WHITE_IS_ZERO, check_greys, orientation_of, pages_of

_MM_PER_UNIT = {
    "mm": 1.0, "millimeter": 1.0, "cm": 10.0, "m": 1000.0, "meter": 1000.0, "inch": 25.4,
    "um": 0.001, "µm": 0.001, "μm": 0.001, "\\u00b5m": 0.001, "micron": 0.001, "nm": 1e-6,
}  # fmt: skip
_STACK_AXES = "ZIQT"
_PALETTE = 3
_COLORMAP_STEP = 257  # 65535 / 255
_READABLE_PHOTOMETRIC = (WHITE_IS_ZERO, 1, 2, _PALETTE)
_GREY_WORKING_BYTES = 12
_NO_SLICE_DISTANCE = (
    "The file states no distance between its slices; it is taken to be a pixel's width."
)
_ALPHA_KINDS = {1: "associated", 2: "straight"}


def read_tiff(file: BinaryIO, name: str) -> Decoded:
    """Decode the first image series of a TIFF to (Z, Y, X), upright as its orientation tag says.

    Raises
    ------
    InputError
        If the file is damaged, truncated or absurdly large, has several channels or more than one
        stack axis, or other pages between the slices; if slices are missing, of several kinds or
        turned differently, or white is zero in signed or floating-point numbers.
    """
    size = file.seek(0, 2)
    file.seek(0)
    try:
        # Not multi-file: an OME file may point at others, which nobody asked to open.
        with (
            quiet("tifffile", "PIL.TiffImagePlugin"),
            tifffile.TiffFile(file, _multifile=False) as tiff,
        ):
            series = tiff.series[0]
            check_size(_plane_last(series.axes, series.shape), name)
            _check_ends(tiff, file, name)
            _check_complete(series, size, name)
            pages = pages_of(series, name)
            check_greys(series, name)
            _announce(series, size, name)
            spacing, more = _spacing_zyx_mm(tiff)
            geometry = laid_out(
                orientation_of(pages, name),
                spacing or (1.0, 1.0, 1.0),
                unit="mm" if spacing else "pixel",
            )
            stack = _decode(tiff, file, geometry, name)
            notices = (*_notices(tiff, len(stack)), *more)
    except Image.DecompressionBombError:
        raise InputError(
            f"{name} unpacks to more pixels than any radiograph has; crop or downsample it first."
        ) from None
    except (*DECODER_ERRORS, tifffile.OmeXmlError) as error:
        raise InputError(
            f"{name} cannot be read as TIFF, it is damaged, incomplete or compressed in a way this "
            f"program does not know ({type(error).__name__}); save it again without compression."
        ) from None
    if is_turned(geometry):
        notices += ("The image was turned upright as its TIFF orientation says.",)
    return Decoded(array=stack, geometry=geometry, may_be_hounsfield=True, notices=notices)


def _announce(series: tifffile.TiffPageSeries, size: int, name: str) -> None:
    num_pixels = math.prod(_plane_last(series.axes, series.shape))
    is_colour = "S" in series.axes or series.keyframe.colormap is not None
    working = num_pixels * (COLOUR_WORKING_BYTES if is_colour else _GREY_WORKING_BYTES)
    # Halves and bits are unpacked to whole bytes; doubles are held twice.
    announce(name, unpacked=series.nbytes, packed=size, working=2 * series.nbytes + working)


def _decode(tiff: tifffile.TiffFile, file: BinaryIO, geometry: Geometry, name: str) -> np.ndarray:
    """Read the first series as grey (Z, Y, X), upright."""
    series, page = tiff.series[0], tiff.pages.first
    if not _can_decode(page):
        _check_axes(series.axes, series.shape, name)
        return _decode_with_pillow(file, series, name)
    samples = _as_numbers(series.asarray(), name)
    axes = _without_false_colour(series.axes, samples)
    _check_axes(axes, series.shape, name)
    samples = np.moveaxis(samples, _axis_order(axes), range(len(axes)))
    if "S" not in axes:
        samples = samples[..., None]
    if page.colormap is not None and page.photometric == _PALETTE:
        colours = np.moveaxis(page.colormap, 0, -1)[samples[..., 0]] // _COLORMAP_STEP
        samples = colours.astype(np.uint8)
    if page.photometric == WHITE_IS_ZERO and samples.dtype.kind == "u":
        samples = np.asarray(np.iinfo(samples.dtype).max - samples)
    num_extra = len(page.extrasamples) if "S" in axes else 0
    alpha = _ALPHA_KINDS.get(int(page.extrasamples[0])) if num_extra == 1 else None
    if num_extra and alpha is None:
        samples = samples[..., :-num_extra]
    grey = flatten_to_grey(samples, alpha=alpha, name=name)
    stack = grey.reshape(-1, *grey.shape[-2:])
    return to_canonical(stack, geometry.source_axes, geometry.source_flips)


def _without_false_colour(axes: str, samples: np.ndarray) -> str:
    """Call colour planes stored apart what they are: slices, unless they are all equal.

    Writers that guess (tifffile, and napari through it) label a stack of three or four slices as
    the planes of one RGB picture. Adding slices up would be a silent error.
    """
    if "S" not in axes or axes.index("S") > axes.index("Y"):
        return axes
    planes = np.moveaxis(samples, axes.index("S"), 0)
    return axes if (planes == planes[0]).all() else axes.replace("S", "I")


def _check_axes(axes: str, shape: tuple[int, ...], name: str) -> None:
    stack_axes = [axis for axis in axes if axis not in "YXS"]
    if len(stack_axes) > 1 or any(axis not in _STACK_AXES for axis in stack_axes):
        raise InputError(
            f"{name} has the axes {axes} with sizes {tuple(shape)}, expected one plane or one "
            "stack of planes; save one channel and one time point as a file."
        )


def _can_decode(page: tifffile.TiffPage) -> bool:
    """Whether tifffile decodes the page without a further package; Pillow does the others."""
    kinds = tifffile.COMPRESSION
    return (
        page.photometric in _READABLE_PHOTOMETRIC
        and page.compression in (kinds.NONE, kinds.ADOBE_DEFLATE, kinds.DEFLATE)
        and page.predictor == tifffile.PREDICTOR.NONE
        and page.bitspersample in (1, 8, 16, 32, 64)
    )


def _decode_with_pillow(file: BinaryIO, series: tifffile.TiffPageSeries, name: str) -> np.ndarray:
    """Read the pages of the series, which Pillow turns upright by the same tag."""
    file.seek(0)
    planes = []
    with Image.open(file, formats=("TIFF",)) as image:
        for page in pages_of(series, name):
            image.seek(page.index)
            # Where there is no tag, Pillow would turn the page as this packet says.
            image.info.pop("xmp", None)
            planes.append(plane_of(image, name))
    stack = np.stack(planes)
    if series.keyframe.photometric == WHITE_IS_ZERO and stack.dtype == np.uint16:
        return np.asarray(np.iinfo(stack.dtype).max - stack)  # Pillow does it for 8 bits and fewer
    return stack


def _axis_order(axes: str) -> list[int]:
    """Stack axis first, then rows, columns and samples."""
    return sorted(range(len(axes)), key=lambda index: "YXS".find(axes[index]))


def _plane_last(axes: str, shape: tuple[int, ...]) -> tuple[int, ...]:
    spatial = [shape[i] for i in _axis_order(axes) if axes[i] != "S"]
    return tuple(spatial)


def _as_numbers(samples: np.ndarray, name: str) -> np.ndarray:
    if samples.dtype.kind not in "iufb":
        raise InputError(
            f"{name} holds {samples.dtype} values, expected one real number a pixel; convert it "
            "to a grey image first."
        )
    if samples.dtype.kind == "b":
        return samples.astype(np.uint8) * np.uint8(255)
    is_float = samples.dtype.kind == "f"
    dtype = np.dtype(np.float32) if is_float else samples.dtype.newbyteorder("=")
    return samples.astype(dtype, copy=False)


def _check_ends(tiff: tifffile.TiffFile, file: BinaryIO, name: str) -> None:
    """Refuse pages that come round to an earlier one: the library reads each once, and goes on."""
    kind, last = tiff.tiff, tiff.pages[len(tiff.pages) - 1]
    file.seek(last.offset)
    (num_tags,) = struct.unpack(kind.tagnoformat, file.read(kind.tagnosize))
    file.seek(last.offset + kind.tagnosize + num_tags * kind.tagsize)
    stored = file.read(kind.offsetsize)
    # ImageJ states one page and lets the others follow it; a cut end is another check's affair.
    if len(stored) == kind.offsetsize and struct.unpack(kind.offsetformat, stored)[0]:
        raise InputError(
            f"{name} is damaged: its last page leads to another one, expected the end; save it "
            "again."
        )


def _check_complete(series: tifffile.TiffPageSeries, file_size: int, name: str) -> None:
    """Refuse a cut file: the library fills what is missing with zeros, and those look like air."""
    if series.dataoffset is not None:
        end = series.dataoffset + series.nbytes
    else:
        end = max(
            offset + count
            for page in series.pages
            if page is not None
            for offset, count in zip(page.dataoffsets, page.databytecounts, strict=True)
        )
    if end > file_size:
        raise InputError(
            f"{name} is truncated: it has {file_size:,} bytes, expected {end:,}; copy or export it "
            "again."
        )


def _notices(tiff: tifffile.TiffFile, num_slices: int) -> tuple[str, ...]:
    notices = [RADIOLOGICAL_VIEW_NOTICE]
    if len(tiff.series) > 1:
        notices.append(f"The file holds {len(tiff.series)} images; only the first one is read.")
    if "T" in tiff.series[0].axes:
        notices.append("The time points of the file are read as slices.")
    if num_slices > 1:
        notices.append("The file does not say which end of the stack is the head; slices keep "
                       "the file's order.")  # fmt: skip
    return tuple(notices)


def _spacing_zyx_mm(
    tiff: tifffile.TiffFile,
) -> tuple[tuple[float, float, float] | None, tuple[str, ...]]:
    """Return what ImageJ or OME states, and what has to be said of it.

    A plain TIFF's resolution is a printer's.
    """
    if tiff.is_imagej:
        z, y, x = _imagej_spacing(tiff)
    elif tiff.is_ome:
        z, y, x = _ome_spacing(tiff)
    else:
        return None, ()
    if x is None or y is None:
        return None, ()
    if z is None:
        is_stack = math.prod(_plane_last(tiff.series[0].axes, tiff.series[0].shape)[:-2]) > 1
        return (x, y, x), (_NO_SLICE_DISTANCE,) if is_stack else ()
    return (z, y, x), ()


def _imagej_spacing(tiff: tifffile.TiffFile) -> list[float | None]:
    metadata: dict[str, Any] = tiff.imagej_metadata or {}
    to_mm = _MM_PER_UNIT.get(str(metadata.get("unit", "")).lower())
    tags = tiff.pages.first.tags
    if to_mm is None or "XResolution" not in tags or "YResolution" not in tags:
        return [None, None, None]
    x, y = (_per_pixel(tags[tag].value) for tag in ("XResolution", "YResolution"))
    z = float(metadata.get("spacing", 0.0))
    return [_physical(length * to_mm) for length in (z, y, x)]


def _per_pixel(resolution: tuple[int, int]) -> float:
    pixels, units = resolution
    return units / pixels if pixels else 0.0


def _ome_spacing(tiff: tifffile.TiffFile) -> list[float | None]:
    image = tifffile.xml2dict(tiff.ome_metadata or "")["OME"]["Image"]
    pixels = (image[0] if isinstance(image, list) else image)["Pixels"]
    lengths = []
    for axis in "ZYX":
        to_mm = _MM_PER_UNIT.get(str(pixels.get(f"PhysicalSize{axis}Unit", "µm")).lower(), 0.0)
        lengths.append(_physical(float(pixels.get(f"PhysicalSize{axis}", 0.0)) * to_mm))
    return lengths


def _physical(length: float) -> float | None:
    return length if math.isfinite(length) and length > 0 else None
