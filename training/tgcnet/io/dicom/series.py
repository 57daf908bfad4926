"""What a folder, an archive or a file holds: headers of frames, in series, and what is wrong."""

from dataclasses import dataclass, field
from enum import StrEnum

Vector = tuple[float, float, float]

EXPORT_ALONE = "export that series alone and whole."
"""How many a sentence ends."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FrameHeader:
    """One frame: a slice of a series, a radiograph, or one of a multi-frame file's many.

    Plain values that JSON can hold. Empty text, 0 or None where the file has no value. Identifiers
    and paths are never logged and never shown whole.

    Attributes
    ----------
    file, frame : where the pixels lie; frames are counted from 0
    num_frames : of the file
    patient_key : a hash of patient ID, name and birth date: two files of one patient have the same
    series_number, instance_number, acquisition_number : as stored, -1 where absent
    photometric : MONOCHROME1 means that small values are white
    position : of the first pixel's centre, LPS, mm (Image Position (Patient))
    orientation : direction cosines of a row, then of a column (Image Orientation (Patient))
    spacing_yx : mm between rows, and between columns
    is_spacing_at_detector : Imager Pixel Spacing, not corrected for magnification
    gantry_tilt : degrees, as stored
    slope, intercept : of the rescale; None where absent
    padding : lowest and highest stored value that means "no image here"
    windows : of the file: explanation, centre, width; in units after the rescale
    patient_position : how the patient lay, such as "HFS", head first and supine
    high_bit : place of a pixel's highest bit, counted from 0, -1 where absent
    part, num_parts : of a multi-frame object stored in several files, from 1; -1 where absent, and
        a part is 0 where it is one and has no number
    kernels : of the reconstruction, as the scanner calls them
    patient_orientation : of a projection's rows and columns, such as ("L", "F")
    pixel_bytes : of one frame, unpacked, as the header declares it
    file_bytes : of the whole file, as the disk has it
    is_truncated, has_surplus : the file holds fewer or more pixels than its header declares
    """

    file: str = field(repr=False)
    frame: int = 0
    num_frames: int = 1
    sop_class: str = ""
    sop_uid: str = field(default="", repr=False)
    series_uid: str = field(default="", repr=False)
    study_uid: str = field(default="", repr=False)
    frame_of_reference: str = field(default="", repr=False)
    patient_id: str = field(default="", repr=False)
    patient_key: str = field(default="", repr=False)
    accession_number: str = field(default="", repr=False)
    study_date: str = ""
    modality: str = ""
    series_description: str = field(default="", repr=False)
    series_number: int = -1
    instance_number: int = -1
    acquisition_number: int = -1
    image_type: tuple[str, ...] = ()
    transfer_syntax: str = ""
    rows: int = 0
    columns: int = 0
    samples_per_pixel: int = 1
    bits_allocated: int = 0
    bits_stored: int = 0
    high_bit: int = -1
    is_signed: bool = False
    photometric: str = ""
    position: Vector | None = None
    orientation: tuple[float, ...] = ()
    spacing_yx: tuple[float, ...] = ()
    is_spacing_at_detector: bool = False
    slice_thickness: float | None = None
    gantry_tilt: float = 0.0
    slope: float | None = None
    intercept: float | None = None
    rescale_type: str = ""
    padding: tuple[int, ...] = ()
    windows: tuple[tuple[str, float, float], ...] = ()
    voi_function: str = ""
    has_modality_lut: bool = False
    has_voi_lut: bool = False
    patient_position: str = ""
    kernels: tuple[str, ...] = ()
    patient_orientation: tuple[str, ...] = ()
    view_position: str = ""
    pixel_bytes: int = 0
    file_bytes: int = 0
    is_truncated: bool = False
    has_surplus: bool = False
    part: int = -1
    num_parts: int = -1


class Severity(StrEnum):
    """Whether a series can be used all the same."""

    REFUSED = "refused"
    WARNING = "warning"
    NOTICE = "notice"


@dataclass(frozen=True, kw_only=True, slots=True)
class Remark:
    """Something wrong with a series.

    Attributes
    ----------
    code : a short word for tests and programs, such as "missing-slice"
    sentence : what was found, what was expected, what to do; names no patient
    """

    severity: Severity
    code: str
    sentence: str


def refused(code: str, sentence: str) -> Remark:
    """Make a remark that keeps the series from being read."""
    return Remark(severity=Severity.REFUSED, code=code, sentence=sentence)


def warning(code: str, sentence: str) -> Remark:
    """Make a remark that the person should know of."""
    return Remark(severity=Severity.WARNING, code=code, sentence=sentence)


def notice(code: str, sentence: str) -> Remark:
    """Make a remark on what was done."""
    return Remark(severity=Severity.NOTICE, code=code, sentence=sentence)


@dataclass(frozen=True, kw_only=True, slots=True)
class Series:
    """Frames that belong together.

    Attributes
    ----------
    frames : in stacking order: along the normal of their plane, rows x columns; what was merged or
        set aside (identical duplicates, localisers) is not among them, and a remark says so
    remarks : one REFUSED among them, and the series is not read
    """

    frames: tuple[FrameHeader, ...]
    remarks: tuple[Remark, ...] = ()

    @property
    def first(self) -> FrameHeader:
        """Any frame: what they have in common can be asked of it."""
        return self.frames[0]

    @property
    def is_readable(self) -> bool:
        return all(remark.severity is not Severity.REFUSED for remark in self.remarks)


@dataclass(frozen=True, kw_only=True, slots=True)
class Skipped:
    """A file that is no image to segment, and why."""

    name: str
    reason: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Listing:
    """What was found: series by study, then number; and the files that are in none."""

    series: tuple[Series, ...]
    skipped: tuple[Skipped, ...] = ()
