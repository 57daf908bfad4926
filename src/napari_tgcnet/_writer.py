"""The writer that the manifest names: a labels layer to NIfTI, TIFF, PNG or DICOM SEG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from napari.utils.notifications import show_info

from napari_tgcnet.segment.files import DiskFiles
from napari_tgcnet.shared import messages
from napari_tgcnet.shared.layers import KEY, geometry_from_attributes
from napari_tgcnet.shared.snapshots import mask_to_save


def write_labels(path: str, data: Any, attributes: Mapping[str, Any]) -> list[str]:
    """Write a mask on the grid of the image it was made for, where that is known.

    Parameters
    ----------
    data : (Y, X) or (Z, Y, X) integers from 0 to 255
    attributes : the layer's, as napari hands them to a writer
    """
    labels = np.asarray(data)
    own = attributes.get("metadata", {}).get(KEY, {})
    scale = attributes.get("scale", (1.0,) * labels.ndim)
    geometry = geometry_from_attributes(scale, attributes.get("units") or ("pixel",) * labels.ndim)
    name = str(attributes.get("name", ""))
    DiskFiles().save_mask(mask_to_save(name, labels, own, geometry), Path(path))
    show_info(messages.saved(name, Path(path).name))
    return [path]
