"""case.json and the image: what all revisions of a case share, written once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tgcnet.corrections.sealed import hashes_of, read_bytes, read_hashed, seal, unseal
from tgcnet.corrections.voxels import read_voxels, write_voxels
from tgcnet.domain import Geometry, Volume
from tgcnet.errors import LedgerError
from tgcnet.ipc import codec

CASE_FILE = "case.json"
IMAGE_FILE = "image.nii.gz"


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseFile:
    """What case.json says.

    Attributes
    ----------
    created_utc : ISO 8601
    image_key, patient_key : salted hashes, see ``Keys``
    shape_zyx : of the image
    files : name -> SHA-256
    """

    created_utc: str
    image_key: str
    patient_key: str
    is_held_out: bool
    geometry: Geometry
    shape_zyx: tuple[int, int, int]
    files: Mapping[str, str]


def write_case(
    folder: Path,
    volume: Volume,
    *,
    created_utc: str,
    image_key: str,
    patient_key: str,
    is_held_out: bool,
) -> None:
    """Write image and case.json into an empty folder."""
    write_voxels(volume.array, volume.geometry, folder / IMAGE_FILE)
    values = {
        "created_utc": created_utc,
        "image_key": image_key,
        "patient_key": patient_key,
        "is_held_out": is_held_out,
        "dtype": volume.array.dtype.name,
        "shape_zyx": list(volume.array.shape),
        "geometry": _geometry_to_json(volume.geometry),
        "files": hashes_of(folder),
    }
    (folder / CASE_FILE).write_bytes(seal(values))


def read_case(folder: Path) -> CaseFile:
    """Read case.json; the image is not touched.

    Raises
    ------
    LedgerDamageError, LedgerError
        As :func:`unseal` and :func:`read_bytes` say.
    """
    where = f"{CASE_FILE} of case {folder.name}"
    values = unseal(read_bytes(folder / CASE_FILE, where), where)
    z, y, x = values["shape_zyx"]
    return CaseFile(
        created_utc=values["created_utc"],
        image_key=values["image_key"],
        patient_key=values["patient_key"],
        is_held_out=values["is_held_out"],
        geometry=_geometry_from_json(values["geometry"], where),
        shape_zyx=(z, y, x),
        files=values["files"],
    )


def read_image(folder: Path, case: CaseFile) -> np.ndarray:
    """The image, (Z, Y, X), as it was saved.

    Raises
    ------
    LedgerDamageError, LedgerError
        As :func:`read_hashed` says.
    """
    return read_voxels(check_image(folder, case))


def check_image(folder: Path, case: CaseFile) -> bytes:
    """The image's file, whole, or an error of :func:`read_hashed`."""
    where = f"{IMAGE_FILE} of case {folder.name}"
    return read_hashed(folder / IMAGE_FILE, case.files[IMAGE_FILE], where)


def _geometry_to_json(geometry: Geometry) -> Any:
    # A header's unused fields may be NaN or infinite, which JSON has not: "nan" is read back, too.
    text = codec.to_json(geometry, convert=codec.affine_to_json)
    return json.loads(text, parse_constant=lambda name: str(float(name)))


def _geometry_from_json(values: Mapping[str, Any], where: str) -> Geometry:
    frame = {name: [float(value) for value in row] for name, row in values["source_frame"].items()}
    try:
        geometry: Geometry = codec.from_json(
            Geometry,
            {**values, "source_frame": frame},
            read_array=codec.affine_from_json,
            keeps_defaults=True,
        )
    except codec.MisfitError as error:
        raise LedgerError(
            f"{where} holds a geometry that this version does not know ({error}); open the ledger "
            "with the version that wrote it."
        ) from error
    # Shared with layers and workers, as a reader's is: nobody may change it in place.
    geometry.affine_lps.setflags(write=False)
    return geometry
