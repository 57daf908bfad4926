"""Image, report and mask files, as layers need them; thin over ``tgcnet.io``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_tgcnet import messages
from napari_tgcnet.layers import build_volume, image_layer_tuple
from napari_tgcnet.ports import CorrectionToSave, KeptCorrection, LayerTuple, MaskToSave
from napari_tgcnet.state import Draft
from tgcnet.corrections import Correction, Ledger
from tgcnet.errors import OutputError
from tgcnet.io import load_volume, read_report_text, save_labels

ENDINGS = (".png", ".jpg", ".jpeg", ".tif", ".tiff", ".nii", ".nii.gz")


class DiskFiles:
    """The :class:`napari_tgcnet.ports.Files` of a real disk."""

    def read_image(self, path: Path) -> LayerTuple:
        return image_layer_tuple(load_volume(path), layer_name(path))

    def read_report(self, path: Path) -> str:
        return read_report_text(path)

    def save_mask(self, mask: MaskToSave, path: Path) -> None:
        """Write a mask; a labels layer of another integer type is taken where it fits.

        Raises
        ------
        OutputError
            If a label is above 255 or below 0, or the file cannot be written.
        """
        labels = _as_bytes(mask.labels)
        save_labels(labels, mask.geometry, path, provenance=mask.provenance)

    def save_correction(
        self, taken: CorrectionToSave, draft: Draft, reviewed: tuple[int, ...], ledger: Path
    ) -> KeptCorrection:
        """Keep a correction in a ledger, which is made where there is none.

        Raises
        ------
        InputError, LedgerError, OutputError
            As :meth:`tgcnet.corrections.Ledger.save` says; nothing was changed then.
        """
        volume, model = build_volume(taken.source), taken.model
        labels = _as_bytes(taken.labels)
        labels = labels[None] if labels.ndim == 2 else labels
        correction = Correction(
            volume=volume,
            labels=labels,
            classes=taken.classes,
            reviewed_slices=reviewed,
            report=draft.report,
            model_labels=None if model is None else model.labels,
            model_slices=None if model is None else model.slices,
            provenance={} if model is None else model.provenance,
            window=None if taken.window is None else (*taken.window, volume.intensity_unit),
            seconds=taken.seconds,
            notes=draft.notes,
        )
        # A case of another ledger is unknown in this one, which looks for the image itself.
        case_id = taken.case[1] if taken.case is not None and taken.case[0] == ledger else None
        saved = Ledger.create(ledger).save(correction, case_id)
        return KeptCorrection(
            case_id=saved.case_id,
            revision=saved.revision,
            changed_not_reviewed=_changed_beside(correction, reviewed),
        )


def _changed_beside(correction: Correction, reviewed: tuple[int, ...]) -> tuple[int, ...]:
    """Slices that a person changed and did not mark as reviewed."""
    before = correction.model_labels
    planes = correction.labels if before is None else correction.labels != before
    changed = np.flatnonzero(planes.any(axis=(1, 2)))
    return tuple(int(z) for z in changed if z not in reviewed)


def _as_bytes(labels: np.ndarray) -> np.ndarray:
    """Labels as uint8, whatever integers their layer has."""
    if labels.dtype != np.uint8:
        low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
        if low < 0 or high > 255:
            raise OutputError(messages.labels_out_of_range(low, high))
        labels = labels.astype(np.uint8)
    return labels


def layer_name(path: Path) -> str:
    """A file's name without its ending, ``.nii.gz`` taken as one."""
    name = path.name
    for ending in sorted(ENDINGS, key=len, reverse=True):
        if name.lower().endswith(ending):
            return name[: -len(ending)] or name
    return name
