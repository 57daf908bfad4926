"""The writer the manifest names: a labels layer to NIfTI, TIFF or PNG."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from napari_tgcnet.files import DiskFiles
from napari_tgcnet.layers import KEY, geometry_from_attributes
from napari_tgcnet.ports import MaskToSave


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
    geometry = own.get("geometry") or geometry_from_attributes(
        scale, attributes.get("units") or ("pixel",) * labels.ndim
    )
    mask = MaskToSave(
        name=str(attributes.get("name", "")),
        labels=labels[None] if labels.ndim == 2 else labels,
        geometry=geometry,
        provenance=own.get("provenance", {}),
    )
    DiskFiles().save_mask(mask, Path(path))
    return [path]
