"""Copies of mask layers, made on the Qt thread, so that nothing races with painting."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from napari.layers import Image, Labels

from napari_tgcnet.shared.case import CorrectionToSave, MaskToSave, ModelMask
from napari_tgcnet.shared.layers import (
    find_image,
    geometry_from_attributes,
    geometry_of,
    own_metadata,
    snapshot_source,
)
from tgcnet.domain import Geometry, VolumeHeader


def snapshot_mask(layers: Iterable[Any], mask: Labels) -> MaskToSave:
    """Copy a mask layer, with the geometry of its image where that is still in the viewer."""
    own = own_metadata(mask)
    image = find_image(layers, own.get("mask_of", ""))
    if "header" not in own and image is not None:
        geometry = geometry_of(image)
    else:
        geometry = geometry_from_attributes(mask.scale, mask.units)
    return mask_to_save(mask.name, np.array(mask.data, copy=True), own, geometry)


def mask_to_save(
    name: str, labels: np.ndarray, own: Mapping[str, Any], geometry: Geometry
) -> MaskToSave:
    """A mask with what its file says about it, from our entry in the layer's metadata.

    Parameters
    ----------
    labels : (Y, X) or (Z, Y, X)
    geometry : of a mask whose entry holds no header
    """
    header: VolumeHeader | None = own.get("header")
    stack = labels[None] if labels.ndim == 2 else labels
    model: ModelMask | None = own.get("model_mask")
    return MaskToSave(
        name=name,
        labels=stack,
        geometry=geometry if header is None else header.geometry,
        provenance=own.get("provenance", {}),
        classes=tuple(own.get("classes", ())),
        source=None if header is None else header.source,
        is_edited=model is None or not np.array_equal(stack, model.labels),
    )


def snapshot_correction(image: Image, mask: Labels) -> CorrectionToSave:
    """Copy an image's mask with all that a ledger saves with it; only the copy takes time."""
    own, about_image = own_metadata(mask), own_metadata(image)
    model: ModelMask | None = own.get("model_mask")
    since_s = None if model is None else model.since_s
    limits = image.contrast_limits
    return CorrectionToSave(
        source=snapshot_source(image),
        labels=np.array(mask.data, copy=True),
        classes=tuple(own["classes"]),
        model=model,
        window=None if image.rgb else (float(limits[0]), float(limits[1])),
        seconds=None if since_s is None else time.monotonic() - since_s,
        case=about_image.get("case"),
    )


def update_model_mask(
    before: ModelMask | None,
    drawn: np.ndarray,
    slices: Sequence[int],
    provenance: Mapping[str, str],
) -> ModelMask:
    """The model's mask after another run: the slices of that run replaced.

    Parameters
    ----------
    before : the mask before that run; None where there was none
    drawn : (Z, Y, X) uint8, valid in ``slices`` and zero elsewhere; used without a copy
    """
    labels, seen = drawn, set(slices)
    if before is not None:
        labels, seen = before.labels.copy(), seen | set(before.slices)
        labels[list(slices)] = drawn[list(slices)]
    return ModelMask(
        labels=labels,
        slices=tuple(sorted(seen)),
        provenance=provenance,
        since_s=time.monotonic(),
    )
