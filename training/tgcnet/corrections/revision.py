"""A revision: the masks as one save left them, the report, and the record of how they came about.

Written into an empty folder that is renamed to its place when it is whole, never changed after.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from tgcnet import __version__
from tgcnet.corrections.correction import Correction, agreement, changed_voxels
from tgcnet.corrections.sealed import hashes_of, read_bytes, read_hashed, seal, unseal
from tgcnet.corrections.voxels import read_voxels, write_voxels
from tgcnet.domain import CorrectionRecord, Modality, SegmentationClass

RECORD_FILE = "record.json"
PERSON_FILE = "person.nii.gz"
MODEL_FILE = "model.nii.gz"
CHANGED_FILE = "changed.nii.gz"
REPORT_FILE = "report.txt"


@dataclass(frozen=True, kw_only=True, slots=True)
class Revision:
    """What record.json says.

    Attributes
    ----------
    modality, intensity_unit, is_display_ready : of the image, as it was read at this save
    files : name -> SHA-256
    """

    record: CorrectionRecord
    reviewed_slices: tuple[int, ...]
    modality: Modality
    intensity_unit: str
    is_display_ready: bool
    files: Mapping[str, str]


def now_utc() -> str:
    """The time as records state it."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def write_revision(folder: Path, correction: Correction) -> None:
    """Write masks, report and record into an empty folder."""
    geometry, model = correction.volume.geometry, correction.model_labels
    write_voxels(correction.labels, geometry, folder / PERSON_FILE)
    if model is not None:
        write_voxels(model, geometry, folder / MODEL_FILE)
    changed = changed_voxels(correction)
    if changed is not None:
        write_voxels(changed, geometry, folder / CHANGED_FILE)
    # Bytes: a text file would get the line ends of the system that writes it.
    (folder / REPORT_FILE).write_bytes(correction.report.encode())
    values = {**_to_json(correction, changed), "files": hashes_of(folder)}
    (folder / RECORD_FILE).write_bytes(seal(values))


def read_revision(folder: Path, where: str) -> Revision:
    """Read record.json; the masks are not touched.

    Parameters
    ----------
    where : names the revision in a sentence

    Raises
    ------
    LedgerDamageError, LedgerError
        As :func:`unseal` and :func:`read_bytes` say.
    """
    where = f"{RECORD_FILE} of {where}"
    values = unseal(read_bytes(folder / RECORD_FILE, where), where)
    window, dice = values["window"], values["dice"] or {}
    segmented = values["model_slices"]
    record = CorrectionRecord(
        saved_utc=values["saved_utc"],
        saved_by=values["tgcnet"],
        classes=tuple(
            SegmentationClass(name=c["name"], colour=tuple(c["colour"]), code=c["code"])
            for c in values["classes"]
        ),
        provenance=values["provenance"],
        window=None if window is None else (window["low"], window["high"], window["unit"]),
        seconds=values["seconds_since_mask"],
        notes=values["notes"],
        model_slices=None if segmented is None else tuple(segmented),
        num_changed_voxels=values["num_changed_voxels"],
        dice_pooled=dice.get("pooled"),
        dice_mean=dice.get("mean"),
    )
    return Revision(
        record=record,
        reviewed_slices=tuple(values["reviewed_slices"]),
        modality=Modality(values["modality"]),
        intensity_unit=values["intensity_unit"],
        is_display_ready=values["is_display_ready"],
        files=values["files"],
    )


def check_files(folder: Path, revision: Revision, where: str) -> dict[str, bytes]:
    """File name -> bytes of all the record names.

    Raises
    ------
    LedgerDamageError, LedgerError
        As :func:`read_hashed` says, of the first file that is not as it was written.
    """
    return {
        name: read_hashed(folder / name, sha256, f"{name} of {where}")
        for name, sha256 in revision.files.items()
    }


def masks_of(files: Mapping[str, bytes]) -> tuple[np.ndarray, np.ndarray | None]:
    """The person's mask and the model's, (Z, Y, X) uint8."""
    model = files.get(MODEL_FILE)
    return read_voxels(files[PERSON_FILE]), None if model is None else read_voxels(model)


def _to_json(correction: Correction, changed: np.ndarray | None) -> dict[str, Any]:
    window, model = correction.window, correction.model_labels
    reviewed = tuple(sorted({int(z) for z in correction.reviewed_slices}))
    segmented = correction.model_slices
    if segmented is not None:
        segmented = tuple(sorted({int(z) for z in segmented}))
    compared = tuple(z for z in reviewed if segmented is None or z in segmented)
    dice = None
    if model is not None and compared:
        pooled, mean = agreement(model, correction.labels, compared)
        dice = {"pooled": pooled, "mean": mean}
    return {
        "saved_utc": now_utc(),
        "tgcnet": __version__,
        # The notice stands in every file of ours already.
        "provenance": {k: v for k, v in correction.provenance.items() if k != "notice"},
        "modality": str(correction.volume.modality),
        "intensity_unit": correction.volume.intensity_unit,
        "is_display_ready": correction.volume.is_display_ready,
        "window": None if window is None else {
            "low": float(window[0]), "high": float(window[1]), "unit": window[2],
        },
        "classes": [
            {"label": label, **asdict(c)} for label, c in enumerate(correction.classes, start=1)
        ],
        "reviewed_slices": list(reviewed),
        "model_slices": None if model is None or segmented is None else list(segmented),
        "num_changed_voxels": None if changed is None else int(np.count_nonzero(changed)),
        "dice": dice,
        "seconds_since_mask": None if correction.seconds is None else float(correction.seconds),
        "notes": correction.notes,
    }  # fmt: skip
