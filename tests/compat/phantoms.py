"""What the fixtures were made of, the same values in every run: images, corrections, messages.

Frozen with the fixtures: whoever changes a value here changes what is compared with them.
"""

from pathlib import Path

import nibabel
import numpy as np

from tgcnet.corrections import Correction
from tgcnet.domain import (
    Change,
    Comparison,
    GateReport,
    Geometry,
    Modality,
    ModelIdentity,
    SegmentationClass,
    SideKnowledge,
    Volume,
)

INFECTION = SegmentationClass(name="infection", colour=(230, 60, 60), code="233604007")
EFFUSION = SegmentationClass(name="effusion", colour=(60, 60, 230))
PROVENANCE = {
    "model": "compat",
    "sha256": "ab" * 32,
    "tgcnet": "0.1.0",
    "threshold": "0.5",
    "notice": "Research use only. Not a medical device.",
}
REPORT_2D = "Pulmonary infection, lower left lung. Übergang “unscharf”."
REPORT_STACK = "Consolidation in the left lower lobe.\r\nNo effusion.\n"
NOTES = ("rim too wide", "second look: ½ voxel\nless")
PATIENT_2D, PATIENT_STACK, PATIENT_BINNED = "phantom 2d", "phantom stack", "phantom binned"

REPORT = GateReport(
    active=ModelIdentity(name="mini", sha256="a" * 64),
    candidate=ModelIdentity(name="compat", sha256="b" * 64),
    held_out=(
        Comparison(
            text="given",
            num_cases=2,
            num_patients=1,
            dice_mean=Change(before=0.4, after=0.5, difference=0.1, low=-0.05, high=0.2),
            dice_pooled=Change(before=0.45, after=0.5, difference=0.05, low=-0.5, high=1.0),
        ),
    ),
    reference=(
        Comparison(
            text="none",
            num_cases=100,
            num_patients=99,
            dice_mean=Change(before=0.7, after=0.7, difference=0.0, low=-1e-17, high=0.0),
            dice_pooled=Change(before=0.75, after=0.75, difference=0.0, low=0.0, high=0.0),
        ),
    ),
    recommended=False,
    reasons=("Only 1 patient held out.", "Übergang ½."),
    date_utc="2026-01-01T00:00:00+00:00",
    versions=("tgcnet 0", "torch 0"),
    seed=7,
    num_resamples=100,
)


def write_ct(path: Path) -> Path:
    """A NIfTI of (7, 6, 4) on its own axes, its header's unused fields set as scanners set them."""
    array = ((np.arange(7 * 6 * 4) * 37) % 1200 - 1000).astype(np.int16).reshape(7, 6, 4)
    affine = np.array(
        [[-0.8, 0, 0, 20.5], [0, 0.7, 0, -30.25], [0, 0, -2.5, 1 / 3], [0, 0, 0, 1.0]]
    )
    image = nibabel.Nifti1Image(array, affine)
    image.header.set_xyzt_units("mm")
    image.header["qoffset_x"] = np.nan
    image.header["qform_code"] = 0
    image.to_filename(path)
    return path


def radiograph() -> Volume:
    """(1, 9, 11) uint8, a picture somebody windowed."""
    array = ((np.arange(99) * 29) % 251).astype(np.uint8).reshape(1, 9, 11)
    affine = np.array([[0, 0, 1.0, -5.0], [0, 1.0, 0, -4.0], [1.0, 0, 0, 0], [0, 0, 0, 1.0]])
    return Volume(
        array=array,
        geometry=Geometry(affine_lps=affine),
        modality=Modality.XRAY,
        is_display_ready=True,
        patient_id=PATIENT_2D,
    )


def of_radiograph() -> Correction:
    """A mask drawn without a model."""
    volume = radiograph()
    labels = np.zeros(volume.array.shape, dtype=np.uint8)
    labels[0, 2:5, 3:8] = 1
    return Correction(
        volume=volume,
        labels=labels,
        classes=(INFECTION,),
        reviewed_slices=(0,),
        report=REPORT_2D,
    )


def of_stack(volume: Volume, *, revision: int) -> Correction:
    """A model's mask that a person corrected, once and once more.

    Parameters
    ----------
    volume : (4, 6, 7), what :func:`write_ct` writes, read back
    """
    model = np.zeros(volume.array.shape, dtype=np.uint8)
    model[1:, 1:4, 1:5] = 1
    labels = model.copy()
    labels[2, 1:4, 1] = 0
    labels[3, 4, 4:6] = 2
    if revision == 2:
        labels[1, 0, 0] = 2
    return Correction(
        volume=volume,
        labels=labels,
        classes=(INFECTION, EFFUSION),
        reviewed_slices=(3, 1) if revision == 1 else (2, 1, 3),
        report=REPORT_STACK,
        model_labels=model,
        model_slices=None if revision == 1 else (1, 2),
        provenance=PROVENANCE,
        window=(-1350.0, 150.0, "HU"),
        seconds=12.5 * revision,
        notes=NOTES[revision - 1],
    )


def to_learn_from(index: int) -> Correction:
    """A bright block on stripes, in the place that the text names; of a patient of its own."""
    array = np.broadcast_to(np.arange(64) % (7 + index) + 50, (1, 64, 64)).astype(np.uint8)
    labels = np.zeros(array.shape, dtype=np.uint8)
    start = 36 if index % 2 == 0 else 6
    labels[:, start : start + 20, start : start + 20] = 1
    array[labels > 0] += 120
    place = "lower left" if index % 2 == 0 else "upper right"
    return Correction(
        volume=Volume(
            array=array,
            geometry=Geometry(affine_lps=np.eye(4)),
            modality=Modality.XRAY,
            is_display_ready=True,
            patient_id=f"phantom {index}",
        ),
        labels=labels,
        classes=(SegmentationClass(name="infection", colour=(230, 60, 60)),),
        reviewed_slices=(0,),
        report=f"Pulmonary infection, {place} lung.",
    )


def labels_for_files(num_slices: int) -> np.ndarray:
    """(num_slices, 6, 7) uint8 of three values."""
    return (np.arange(num_slices * 42) % 3).astype(np.uint8).reshape(num_slices, 6, 7)


def oblique() -> Geometry:
    """Of a stack without a source frame."""
    affine = np.array(
        [[0.1, 0.2, 0.7, -101.3], [-0.3, 0.83, 0.1, 87.9], [2.5, 0.1, -0.05, 1 / 3], [0, 0, 0, 1]]
    )
    return Geometry(affine_lps=affine, unit="mm", side_knowledge=SideKnowledge.FROM_FILE)
