"""Phantom corrections: a small block, as a model drew on it and as a person left it."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tgcnet.corrections import Correction, Ledger
from tgcnet.domain import Geometry, Modality, SegmentationClass, SideKnowledge, Volume

PATIENT, SERIES = "DOE^JOHN-4711", "1.2.840.113619.2.55.3"
REPORT = "Consolidation in the left lower lobe of Mrs Übermut."
NOTES = "rim too wide"
PROVENANCE = {"model": "mini", "sha256": "ab" * 32, "tgcnet": "0.1.0", "threshold": "0.5",
              "notice": "Research use only. Not a medical device."}  # fmt: skip
CLASSES = (
    SegmentationClass(name="infection", colour=(230, 60, 60), code="233604007"),
    SegmentationClass(name="effusion", colour=(60, 60, 230)),
)

MakeCorrection = Callable[..., Correction]


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    return Ledger.create(tmp_path / "ledger")


@pytest.fixture
def make_correction() -> MakeCorrection:
    """A correction of the phantom that ``seed`` makes, with any field replaced."""

    def make(seed: int = 0, *, patient: str | None = PATIENT, **changes: Any) -> Correction:
        volume = changes.pop("volume", None) or phantom(seed, patient)
        labels = np.zeros(volume.array.shape, dtype=np.uint8)
        labels[1:, 2:5, 1:6] = 1
        model_labels = labels.copy()
        model_labels[-1] = 0
        labels[0, 0, 0] = 2
        correction = Correction(
            volume=volume,
            labels=labels,
            classes=CLASSES,
            reviewed_slices=tuple(range(len(labels)))[-2:],
            report=REPORT,
            model_labels=model_labels,
            provenance=PROVENANCE,
            window=(-1350.0, 150.0, "HU"),
            seconds=42.5,
            notes=NOTES,
        )
        return replace(correction, **changes)

    return make


def phantom(seed: int, patient: str | None) -> Volume:
    """(3, 6, 7) int16 CT, obliquely placed."""
    array = np.random.default_rng(seed).integers(-1000, 400, (3, 6, 7)).astype(np.int16)
    affine = np.array(
        [[0.1, 0.2, 0.7, -101.3], [-0.3, 0.83, 0.1, 87.9], [2.5, 0.1, -0.05, 1 / 3], [0, 0, 0, 1]]
    )
    return Volume(
        array=array,
        geometry=Geometry(affine_lps=affine, unit="mm", side_knowledge=SideKnowledge.FROM_FILE),
        modality=Modality.CT,
        intensity_unit="HU",
        patient_id=patient,
        series_id=SERIES,
    )


def files_of(folder: Path) -> dict[str, bytes]:
    """Relative path -> bytes of every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }
