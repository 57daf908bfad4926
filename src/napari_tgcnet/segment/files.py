"""Image, report and mask files, as layers need them; thin over ``tgcnet.io``."""

from __future__ import annotations

from pathlib import Path

from napari_tgcnet.segment.keeping import keep, labels_as_bytes
from napari_tgcnet.segment.ports import CorrectionToSave, KeptCorrection, LayerTuple, MaskToSave
from napari_tgcnet.segment.state import Draft
from napari_tgcnet.shared.layers import image_layer_tuple
from tgcnet.corrections import check_ledger_folder
from tgcnet.io import load_volume, read_report, save_labels
from tgcnet.io.formats import name_without_ending
from tgcnet.io.report_file import ReportFile
from tgcnet.io.report_table import About


class DiskFiles:
    """The :class:`napari_tgcnet.segment.ports.Files` of a real disk."""

    def read_image(self, path: Path) -> LayerTuple:
        return image_layer_tuple(load_volume(path), name_without_ending(path))

    def read_report(self, path: Path, about: About) -> ReportFile:
        return read_report(path, about=about)

    def save_mask(self, mask: MaskToSave, path: Path, *, deidentify: bool = False) -> None:
        """Write a mask; a labels layer of another integer type is taken where it fits.

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
        self, taken: CorrectionToSave, draft: Draft, reviewed: tuple[int, ...], ledger: Path
    ) -> KeptCorrection:
        return keep(taken, draft, reviewed, ledger)
