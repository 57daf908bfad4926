"""A series to a volume: slice by slice as somebody looks, or whole."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil

from tgcnet.domain import DicomSource, Geometry, Modality, Volume, Voxels
from tgcnet.errors import InputError
from tgcnet.io.decoded import announce, check_size
from tgcnet.io.dicom.gather import list_studies
from tgcnet.io.dicom.geometry import place
from tgcnet.io.dicom.lut import windows_of
from tgcnet.io.dicom.pixels import decode_frame
from tgcnet.io.dicom.series import FrameHeader, Listing, Series, Severity
from tgcnet.io.dicom.stack import LazyStack
from tgcnet.io.dicom.values import (
    AIR_HU,
    common_dtype,
    is_colour,
    is_hounsfield,
    is_inverted,
    is_radiograph,
    modality_of,
)
from tgcnet.io.orientation import to_canonical

ReadFrame = Callable[[FrameHeader], np.ndarray]
Find = Callable[[Path], Listing]


def load_dicom(
    path: Path | str, *, find: Find = list_studies, read_frame: ReadFrame = decode_frame
) -> Volume:
    """Read the only series of a file, folder, DICOMDIR or archive, whole.

    ``find`` and ``read_frame`` say where that is done: here, or in the process for foreign files.

    Raises
    ------
    InputError
        If there is no series or several, refused ones counted, or the only one is refused or
        cannot be decoded.
    """
    path = Path(path).absolute()  # "." has no name that a sentence could say
    listing = find(path)
    if len(listing.series) == 1:
        return read_series(listing.series[0], read_frame=read_frame)
    if listing.series:
        shown = "; ".join(_described(series) for series in listing.series)
        raise InputError(
            f"{path.name} holds {len(listing.series)} series, expected one: {shown}. Give the "
            "folder or a file of one of them, or choose it in the panel."
        )
    reasons = " ".join(one.reason for one in listing.skipped[:3])
    raise InputError(
        f"{path.name} holds no DICOM image, expected one series; choose the folder that the "
        f"scanner exported. {reasons}".rstrip()
    )


def read_series(series: Series, *, read_frame: ReadFrame = decode_frame) -> Volume:
    """Read a series whole, in memory.

    Raises
    ------
    InputError
        If the series is refused, does not fit the memory, or a frame cannot be decoded.
    """
    stack = stack_of(series, read_frame=read_frame)
    stack.load()
    return volume_in_memory(series, stack)


def open_series(series: Series, *, read_frame: ReadFrame = decode_frame) -> Volume:
    """Open a series whose slices are decoded when somebody looks at them, each once.

    Returns
    -------
    Volume
        Its array is dask's, equal to that of :func:`read_series`. A slice that turns out to be
        damaged raises an InputError when it is looked at.

    Raises
    ------
    InputError
        If the series is refused or does not fit the memory.
    """
    return lazy_volume(series, stack_of(series, read_frame=read_frame))


def stack_of(series: Series, *, read_frame: ReadFrame = decode_frame) -> LazyStack:
    """Make the stack of a series' slices, in its own order, none of them decoded yet.

    Raises
    ------
    InputError
        If the series is refused, its slices differ in size, or they do not fit the memory.
    """
    check_readable(series)
    shape, dtype = _shape(series), common_dtype(series.frames)
    needed, free = memory_bytes(series), psutil.virtual_memory().available
    packed = sum({frame.file: frame.file_bytes for frame in series.frames}.values())
    if needed > free:
        raise InputError(
            f"The series needs {needed / 2**20:,.0f} MiB of memory and {free / 2**20:,.0f} MiB are "
            "free; close other programs, or read it on a machine with more."
        )
    announce(Path(series.first.file).name, unpacked=needed, packed=packed, working=needed)

    def read_slice(k: int) -> np.ndarray:
        header = series.frames[k]
        plane = read_frame(header)
        if plane.shape != shape[1:]:
            raise InputError(
                f"{Path(header.file).name} was decoded to {plane.shape} pixels, expected "
                f"{shape[1:]}; it has changed, list the folder again."
            )
        return plane.astype(dtype, copy=False)

    return LazyStack(read_slice, shape, dtype)


def memory_bytes(series: Series) -> int:
    """Estimate the memory that a series takes once all is decoded, from its headers alone."""
    shape, dtype = _shape(series), common_dtype(series.frames)
    plane = shape[1] * shape[2]
    # While one slice is decoded it is there as bytes, as stored numbers and as values.
    return shape[0] * plane * dtype.itemsize + 4 * plane * 4


def lazy_volume(series: Series, stack: LazyStack) -> Volume:
    """Make the volume of a series on its stack, decoded or not."""
    geometry, notices = place(series)
    flipped = tuple(axis for axis in range(3) if geometry.source_flips[axis])
    array = np.flip(stack.as_dask().transpose(geometry.source_axes), flipped)
    return _volume(series, array, geometry, notices)


def volume_in_memory(series: Series, stack: LazyStack) -> Volume:
    """Make the volume of a series with all its slices; what the stack lacks is decoded now."""
    geometry, notices = place(series)
    array = to_canonical(stack.whole(), geometry.source_axes, geometry.source_flips)
    return _volume(series, array, geometry, notices)


def check_readable(series: Series) -> None:
    """Refuse what must not be used.

    Raises
    ------
    InputError
        With the sentences of the remarks that say why.
    """
    reasons = [r.sentence for r in series.remarks if r.severity is Severity.REFUSED]
    if reasons:
        raise InputError(" ".join(reasons))


def _shape(series: Series) -> tuple[int, int, int]:
    sizes = {(frame.rows, frame.columns) for frame in series.frames}
    if len(sizes) != 1:
        raise InputError(
            f"The series mixes {len(sizes)} sizes of slices, expected one; choose the files that "
            "belong together."
        )
    (rows, columns) = sizes.pop()
    shape = (len(series.frames), rows, columns)
    check_size(shape, "The series")
    return shape


def _volume(series: Series, array: Voxels, geometry: Geometry, placing: tuple[str, ...]) -> Volume:
    first = series.first
    middle = series.frames[len(series.frames) // 2]  # the slice that is shown first
    geometry.affine_lps.setflags(write=False)
    modality = modality_of(first)
    is_8bit = array.dtype == np.uint8
    return Volume(
        array=array,
        geometry=geometry,
        modality=modality,
        intensity_unit="HU" if modality is Modality.CT else "stored",
        is_display_ready=is_8bit and modality is not Modality.CT,
        notices=tuple(
            dict.fromkeys(
                (*(r.sentence for r in series.remarks), *placing, *_value_notices(series))
            )
        ),
        windows=windows_of(middle),
        patient_id=first.patient_id or None,
        accession_number=first.accession_number or None,
        study_id=first.study_uid or None,
        series_id=first.series_uid or None,
        source=DicomSource(
            files=tuple(Path(frame.file) for frame in series.frames),
            frames=tuple(frame.frame for frame in series.frames),
        ),
    )


def _value_notices(series: Series) -> list[str]:
    """Sentences about what decoding does to the values."""
    first, notices = series.first, []
    if is_inverted(first):
        notices.append("The file stores white as 0 (MONOCHROME1); its values are inverted, once.")
    if is_colour(first):
        notices.append("The picture is in colour; it is read as grey.")
    elif any(frame.padding for frame in series.frames):
        black = f"{AIR_HU} HU" if is_hounsfield(first) else "the darkest value of the picture"
        notices.append(f"Pixels that the file marks as no image are read as {black}.")
    if first.has_voi_lut and is_radiograph(first):
        notices.append("The file's lookup table for viewing is applied.")
    if first.modality == "CT" and not is_hounsfield(first):
        unit = first.rescale_type or "none"
        notices.append(
            f"The file is a CT whose values are not said to be Hounsfield units (unit: {unit}); "
            "it is not taken for one unless you say so."
        )
    return notices


def _described(series: Series) -> str:
    """Say which series this is without naming a patient."""
    first = series.first
    number = first.series_number if first.series_number >= 0 else "without number"
    refusal = "" if series.is_readable else ", refused"
    return (
        f"series {number} ({first.modality or 'no modality'}, {len(series.frames)} images{refusal})"
    )
