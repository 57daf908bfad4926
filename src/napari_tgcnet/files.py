"""Image, report and mask files, as layers need them; thin over ``tgcnet.io``."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from napari_tgcnet import messages
from napari_tgcnet.layers import image_layer_tuple
from napari_tgcnet.ports import LayerTuple, MaskToSave
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
        labels = mask.labels
        if labels.dtype != np.uint8:
            low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
            if low < 0 or high > 255:
                raise OutputError(messages.labels_out_of_range(low, high))
            labels = labels.astype(np.uint8)
        save_labels(labels, mask.geometry, path, provenance=mask.provenance)


def layer_name(path: Path) -> str:
    """A file's name without its ending, ``.nii.gz`` taken as one."""
    name = path.name
    for ending in sorted(ENDINGS, key=len, reverse=True):
        if name.lower().endswith(ending):
            return name[: -len(ending)] or name
    return name
