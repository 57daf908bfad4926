"""Frames to series: grouped, without what is there twice, in stacking order."""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from functools import lru_cache
from pathlib import Path

from tgcnet.errors import InputError
from tgcnet.io.dicom.faults import remarks_of
from tgcnet.io.dicom.frame_fields import PROJECTIONS
from tgcnet.io.dicom.open_header import open_header
from tgcnet.io.dicom.series import FrameHeader, Remark, Series, Severity, notice, refused, warning
from tgcnet.io.dicom.spacing import SAME_PLACE_MM, distances, numbering_remarks

_CHUNK_BYTES = 2**20


def arrange(frames: Iterable[FrameHeader]) -> tuple[Series, ...]:
    """Group frames to series, and report what is wrong with each.

    Pixels are read only where two frames lie at one place, to see whether they are the same.
    """
    groups: dict[tuple[str, str], list[FrameHeader]] = defaultdict(list)
    for frame in frames:
        groups[_group_key(frame)].append(frame)
    found = [one for group in groups.values() for one in _to_series(group)]
    return tuple(sorted(found, key=_listing_order))


def _group_key(frame: FrameHeader) -> tuple[str, str]:
    series = frame.series_uid or f"{frame.study_uid} {frame.series_number} {frame.modality}"
    # Projections are no stack, nor are files of several frames: each is an image of its own.
    is_own = frame.modality in PROJECTIONS or frame.num_frames > 1
    return (series, (frame.sop_uid or frame.file) if is_own else "")


def _listing_order(series: Series) -> tuple[str, str, int, str, int]:
    first = series.first
    return (
        first.study_date,
        first.study_uid,
        first.series_number,
        first.series_uid,
        first.instance_number,
    )


def _to_series(group: Sequence[FrameHeader]) -> list[Series]:
    frames, merged = _merge_copies(group)
    numbers = frozenset(frame.instance_number for frame in group)
    whole = _one_series(frames, numbers, merged)
    rest = [frame for frame in frames if "LOCALIZER" not in frame.image_type]
    if rest and len(rest) < len(frames):
        return [_without_localisers(rest, len(frames) - len(rest), numbers, merged)]
    causes = {one.code for one in whole.remarks if one.severity is Severity.REFUSED}
    if causes == {"duplicate-slice"}:
        return _by_acquisition(frames, numbers, merged) or [whole]
    return [whole]


def _one_series(
    frames: Sequence[FrameHeader], numbers: frozenset[int], remarks: Sequence[Remark]
) -> Series:
    """Order some frames of a group that has these instance numbers."""
    ordered = _in_order(frames)
    all_remarks = list(remarks)
    if not ordered[0].series_uid:
        all_remarks.append(
            warning(
                "no-series-uid",
                "The files do not say which series they belong to, expected a series UID; they are "
                "taken together by study, number and modality, check that they are one series.",
            )
        )
    all_remarks += [*remarks_of(ordered), *numbering_remarks(ordered, numbers)]
    return Series(frames=ordered, remarks=tuple(all_remarks))


def _in_order(frames: Sequence[FrameHeader]) -> tuple[FrameHeader, ...]:
    """Along the normal where places are known, else by number."""
    numbered = sorted(frames, key=lambda one: (one.instance_number, one.file, one.frame))
    if any(one.position is None or not one.orientation for one in numbered):
        return tuple(numbered)
    along = distances(numbered)
    return tuple(numbered[index] for index in along.argsort(kind="stable"))


def _without_localisers(
    slices: Sequence[FrameHeader],
    number: int,
    numbers: frozenset[int],
    merged: Sequence[Remark],
) -> Series:
    """Set the overview images aside where the rest is a whole stack; else refuse."""
    rest = _one_series(slices, numbers, merged)
    found = f"{number} overview image{'' if number == 1 else 's'} (localiser)"
    if rest.is_readable and len(rest.frames) > 1:
        remark = notice("localiser", f"{found} lay among the slices and {_was(number)} left out.")
    else:
        remark = refused(
            "localiser",
            f"{found} among the slices, and the rest is no whole stack; expected slices alone; "
            "export the series without it.",
        )
    return replace(rest, remarks=(remark, *rest.remarks))


def _by_acquisition(
    frames: Sequence[FrameHeader], numbers: frozenset[int], merged: Sequence[Remark]
) -> list[Series]:
    """Split a series that holds several scans of the same places; [] if they are no whole stacks.

    Only the scanner's own acquisition number distinguishes them, and only where it leaves stacks of
    equal length with nothing wrong: anything else would be a guess.
    """
    by_number: dict[int, list[FrameHeader]] = defaultdict(list)
    for frame in frames:
        by_number[frame.acquisition_number].append(frame)
    sizes = {len(part) for part in by_number.values()}
    if len(by_number) < 2 or len(sizes) > 1 or sizes == {1} or -1 in by_number:
        return []
    remark = warning(
        "several-acquisitions",
        f"The series holds {len(by_number)} scans of the same places, told apart by their "
        "acquisition number and listed one by one; choose one.",
    )
    parts = [
        _one_series(part, numbers, [*merged, remark])
        for _, part in sorted(by_number.items(), key=lambda item: item[0])
    ]
    are_same_places = len({_extent(part) for part in parts}) == 1
    return parts if are_same_places and all(part.is_readable for part in parts) else []


def _extent(series: Series) -> tuple[float, ...]:
    along = distances(series.frames)
    return (round(float(along[0]), 1), round(float(along[-1]), 1))


def _merge_copies(group: Sequence[FrameHeader]) -> tuple[list[FrameHeader], list[Remark]]:
    """Keep one of frames that have the same place, the same meaning and the same pixels."""
    kept: list[FrameHeader] = []
    places: dict[tuple[object, ...], list[FrameHeader]] = defaultdict(list)
    num_merged = 0
    # By name, so that which of two copies is used does not depend on the disk's order.
    for frame in sorted(group, key=lambda one: (one.file, one.frame)):
        others = places[_place(frame)]
        if any(same_pixels(frame, other) for other in others):
            num_merged += 1
            continue
        others.append(frame)
        kept.append(frame)
    if not num_merged:
        return kept, []
    sentence = (
        f"{num_merged} slice{'' if num_merged == 1 else 's'} {_was(num_merged)} there twice, with "
        "the same pixels at the same place; one of each is used."
    )
    return kept, [notice("merged-duplicates", sentence)]


def _place(frame: FrameHeader) -> tuple[object, ...]:
    """What copies have in common, pixels aside; without a position, the identifier is the place."""
    if frame.position is None:
        where: tuple[object, ...] = (frame.sop_uid or frame.file, frame.frame)
    else:
        where = tuple(round(mm / SAME_PLACE_MM) for mm in frame.position)
    return (
        *where,
        *frame.orientation,
        *frame.spacing_yx,
        frame.rows,
        frame.columns,
        frame.slope,
        frame.intercept,
        frame.patient_key,
        frame.modality,
    )


def _was(number: int) -> str:
    return "was" if number == 1 else "were"


def warn_of_several_patients(series: tuple[Series, ...]) -> tuple[Series, ...]:
    """Warn on every series of a listing that holds more than one patient."""
    num_patients = len({one.first.patient_key for one in series} - {""})
    if num_patients < 2:
        return series
    remark = Remark(
        severity=Severity.WARNING,
        code="patients-in-folder",
        sentence=(
            f"Images of {num_patients} patients lie here, expected one patient's; check that "
            "this is the one you mean."
        ),
    )
    return tuple(replace(one, remarks=(*one.remarks, remark)) for one in series)


def same_pixels(one: FrameHeader, other: FrameHeader) -> bool:
    """Compare what is stored, without decoding it; frames of one file are never the same.

    Raises
    ------
    InputError
        If one of the files cannot be read any more.
    """
    if one.file == other.file or one.num_frames != other.num_frames or one.frame != other.frame:
        return False
    formats = [
        (f.transfer_syntax, f.bits_allocated, f.bits_stored, f.is_signed, f.photometric)
        for f in (one, other)
    ]
    return formats[0] == formats[1] and _digest(one.file) == _digest(other.file)


def _digest(file: str) -> str:
    path = Path(file)
    try:
        state = path.stat()
        return _digest_of(path, state.st_mtime_ns, state.st_size)
    except OSError as error:
        # "from None": the system's own message holds the whole path.
        raise InputError(
            f"{path.name} cannot be read to its end ({error.strerror or 'refused'}), expected "
            "pixels; copy it again."
        ) from None


@lru_cache(maxsize=4096)
def _digest_of(path: Path, changed_ns: int, size: int) -> str:
    """Hash what follows the header. Kept, since every frame of a large file asks for it."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(open_header(path, ()).pixel_start or 0)
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
