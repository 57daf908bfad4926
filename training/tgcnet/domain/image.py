"""An image as its file holds it: header, geometry, the identity of its patient, the array.

Arrays are (Z, Y, X); affines map array indices to patient coordinates in LPS, millimetres, float64.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np


class _ReadByContext:
    """Has pydantic read an array, which JSON cannot hold, by the function that is its context."""

    def __get_pydantic_core_schema__(self, source: object, handler: object) -> Any:
        from pydantic_core import core_schema  # here: most users of this module read no JSON

        return core_schema.with_info_plain_validator_function(lambda v, info: info.context(v))


Array = Annotated[np.ndarray, _ReadByContext()]

if TYPE_CHECKING:
    Voxels = np.ndarray
else:
    # A dask array too, which does what ours do with one and is no subclass.
    Voxels = Annotated[Any, _ReadByContext()]


class Modality(StrEnum):
    """How the pixels came about; it decides the intensity window, the data type never does."""

    CT = "ct"
    XRAY = "xray"
    UNKNOWN = "unknown"


class SideKnowledge(StrEnum):
    """How we know which edge of the array is the patient's left."""

    FROM_FILE = "from_file"
    """The file states its orientation (NIfTI, DICOM)."""
    ASSUMED = "assumed"
    """A plain picture: the usual radiological view is assumed, and said."""
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True, slots=True)
class Geometry:
    """Where the voxels of an array lie in the patient.

    Attributes
    ----------
    affine_lps : (4, 4) float64, (z, y, x, 1) array index to (x, y, z, 1) in LPS
    unit : "mm" where the spacing is physical, "pixel" where the file did not say
    side_knowledge : how left and right are known
    source_axes, source_flips : how this array was made from the file's own array:
        ``source.transpose(source_axes)``, then a flip along every axis marked in
        ``source_flips``; the inverse puts a mask back on the file's grid
    source_frame : the header fields that place the file's grid, as stored there, so that a mask
        gets the same affine to the last bit; empty where the format has none. No patient data
    """

    affine_lps: Array
    unit: str = "pixel"
    side_knowledge: SideKnowledge = SideKnowledge.ASSUMED
    source_axes: tuple[int, int, int] = (0, 1, 2)
    source_flips: tuple[bool, bool, bool] = (False, False, False)
    source_frame: Mapping[str, tuple[float, ...]] = field(default_factory=dict)

    @property
    def spacing_zyx(self) -> tuple[float, float, float]:
        """Distance between neighbouring voxels along z, y and x, in ``unit``."""
        lengths = np.linalg.norm(self.affine_lps[:3, :3], axis=0)
        return (float(lengths[0]), float(lengths[1]), float(lengths[2]))


@dataclass(frozen=True, kw_only=True, slots=True)
class Identity:
    """Patient and study of an image or report; None where unknown. Never logged or shown whole."""

    patient_id: str | None = field(default=None, repr=False)
    accession_number: str | None = field(default=None, repr=False)
    study_id: str | None = field(default=None, repr=False)

    def differing(self, other: "Identity") -> tuple[str, ...]:
        """Names of what both state, and state differently."""
        return tuple(name for name, is_same in self.compare(other).items() if is_same is False)

    def compare(self, other: "Identity") -> Mapping[str, bool | None]:
        """For each of the three, whether they are the same; None where either is unknown."""
        return {f.name: _same(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)}


def _same(one: str | None, other: str | None) -> bool | None:
    """Hospitals pad identifiers with blanks and write them in either case."""
    if not (one or "").strip() or not (other or "").strip():
        return None
    return str(one).strip().casefold() == str(other).strip().casefold()


@dataclass(frozen=True, kw_only=True, slots=True)
class DicomSource:
    """The frames that a volume was made of, one a slice of the source array's first axis.

    A segmentation refers to them. They stay in memory: no log, setting or ledger holds them.
    """

    files: tuple[Path, ...] = field(repr=False)
    frames: tuple[int, ...] = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class NamedWindow:
    """Intensities to show: ``low`` black, ``high`` white, in the volume's unit."""

    name: str
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class AnonymousHeader:
    """What a model or a ledger needs of a volume beside its array. Nothing in it is the patient's.

    Attributes
    ----------
    intensity_unit : "HU", or "stored" where the numbers have no unit
    is_display_ready : 8-bit pixels somebody already windowed
    """

    geometry: Geometry
    modality: Modality
    intensity_unit: str = "stored"
    is_display_ready: bool = False

    def anonymous(self) -> "AnonymousHeader":
        """These fields alone, without what a subclass adds."""
        return AnonymousHeader(**{f.name: getattr(self, f.name) for f in fields(AnonymousHeader)})

    def with_array(self, array: Voxels) -> "Volume":
        """The volume that this is the header of."""
        return Volume(**({f.name: getattr(self, f.name) for f in fields(self)} | {"array": array}))


@dataclass(frozen=True, kw_only=True, slots=True)
class VolumeHeader(AnonymousHeader):
    """All of a volume but its array.

    Attributes
    ----------
    notices : sentences about what was assumed or converted while reading
    windows : those that the file proposes
    patient_id, accession_number, study_id, series_id : never logged, never shown whole
    source : of a volume from DICOM
    """

    notices: tuple[str, ...] = ()
    windows: tuple[NamedWindow, ...] = ()
    patient_id: str | None = field(default=None, repr=False)
    accession_number: str | None = field(default=None, repr=False)
    study_id: str | None = field(default=None, repr=False)
    series_id: str | None = field(default=None, repr=False)
    source: DicomSource | None = field(default=None, repr=False)

    @property
    def identity(self) -> Identity:
        """The patient and the study."""
        return Identity(
            patient_id=self.patient_id,
            accession_number=self.accession_number,
            study_id=self.study_id,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Volume(VolumeHeader):
    """An image as its file holds it, brought to LPS axes: a header with its array.

    Attributes
    ----------
    array : (Z, Y, X), native integer or float32; a radiograph has Z = 1. A dask array where its
        slices are decoded only when they are looked at
    """

    array: Voxels

    @property
    def header(self) -> VolumeHeader:
        """All but the array, which it does not keep alive."""
        return VolumeHeader(**{f.name: getattr(self, f.name) for f in fields(VolumeHeader)})
