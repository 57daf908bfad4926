"""A ledger of generated corrections, for the pictures of the panels: no patient is in it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from tgcnet import load_predictor
from tgcnet.corrections import Correction, Ledger
from tgcnet.samples import phantom_stack
from tgcnet.samples.phantom import phantom_lesions

NUM_PATIENTS = 20
_FIRST_SLICE = 8
_NOISE_HU = 25.0
_REPORT = "Pulmonary infection, ground glass opacities."


def save_phantoms(folder: Path) -> None:
    """Save slices of the phantom, each with other noise, as corrections of twenty patients."""
    ledger, predictor = Ledger.create(folder), load_predictor("mini", "cpu")
    stack, lesions = phantom_stack(), phantom_lesions()
    for index in range(NUM_PATIENTS):
        z = _FIRST_SLICE + index
        noise = np.random.default_rng(index).normal(0.0, _NOISE_HU, stack.array[z].shape)
        plane = np.clip(np.rint(stack.array[z] + noise), -1024, 3071).astype(np.int16)
        volume = replace(
            stack, array=plane[None], notices=(), patient_id=f"phantom {index}", series_id=None
        )
        drawn = predictor.segment(volume, _REPORT)
        ledger.save(
            Correction(
                volume=volume,
                labels=lesions[z : z + 1].astype(np.uint8),
                classes=drawn.classes,
                reviewed_slices=(0,),
                report=_REPORT,
                model_labels=drawn.labels,
                provenance=drawn.provenance,
                window=(-1350.0, 150.0, "HU"),
            )
        )
