"""Files of images, reports, masks and corrections, as layers need them; thin over ``tgcnet``."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_tgcnet.segment import messages
from napari_tgcnet.shared.case import CorrectionToSave, Draft, LayerTuple, MaskToSave
from napari_tgcnet.shared.layers import build_volume, image_layer_tuple
from tgcnet.corrections import Correction, SavedCorrection, check_ledger_folder, save_correction
from tgcnet.errors import OutputError
from tgcnet.io import load_volume, read_report, save_labels
from tgcnet.io.formats import name_without_ending
from tgcnet.io.report_file import ReportFile
from tgcnet.io.report_table import About


class DiskFiles:
    """Implements :class:`napari_tgcnet.segment.ports.Files` on a real disk."""

    def read_image(self, path: Path) -> LayerTuple:
        return image_layer_tuple(load_volume(path), name_without_ending(path))

    def read_report(self, path: Path, about: About) -> ReportFile:
        return read_report(path, about=about)

    def save_mask(self, mask: MaskToSave, path: Path, *, deidentify: bool = False) -> None:
        """Write a mask; labels of another integer type are accepted if they fit into a byte.

        Raises
        ------
        OutputError
            If a label is above 255 or below 0, or the file cannot be written.
        """
        save_labels(
            labels_as_bytes(mask.labels),
            mask.geometry,
            path,
            provenance=mask.provenance,
            classes=mask.classes,
            source=mask.source,
            is_edited=mask.is_edited,
            deidentify=deidentify,
        )

    def check_ledger(self, folder: Path) -> None:
        check_ledger_folder(folder)

    def save_correction(
        self, snapshot: CorrectionToSave, draft: Draft, reviewed: tuple[int, ...], ledger: Path
    ) -> SavedCorrection:
        """Save a correction in a ledger, which is created where there is none.

        Raises
        ------
        InputError, LedgerError, OutputError
            As :func:`tgcnet.corrections.save_correction` says.
        """
        correction = build_correction(snapshot, draft, reviewed)
        return save_correction(correction, ledger, snapshot.case)


def build_correction(
    snapshot: CorrectionToSave, draft: Draft, reviewed: tuple[int, ...]
) -> Correction:
    """A correction from a snapshot of layers and a draft; may take a while, for a worker thread.

    Raises
    ------
    InputError, OutputError
        If the image cannot be segmented, or a label is above 255 or below 0.
    """
    volume, model = build_volume(snapshot.source), snapshot.model
    if draft.patient.strip():
        volume = replace(volume, patient_id=draft.patient.strip())
    labels = labels_as_bytes(snapshot.labels)
    return Correction(
        volume=volume,
        labels=labels[None] if labels.ndim == 2 else labels,
        classes=snapshot.classes,
        reviewed_slices=reviewed,
        report=draft.report,
        model_labels=None if model is None else model.labels,
        model_slices=None if model is None else model.slices,
        provenance={} if model is None else model.provenance,
        window=None if snapshot.window is None else (*snapshot.window, volume.intensity_unit),
        seconds=snapshot.seconds,
        notes=draft.notes,
    )


def labels_as_bytes(labels: np.ndarray) -> np.ndarray:
    """Convert a layer's labels, of any integer type, to uint8.

    Raises
    ------
    OutputError
        If a label is above 255 or below 0.
    """
    if labels.dtype != np.uint8:
        low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
        if low < 0 or high > 255:
            raise OutputError(messages.labels_out_of_range(low, high))
        labels = labels.astype(np.uint8)
    return labels
