"""Loads a compared case and shows the masks of both models in layers of their own."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.state import ComparedCase
from napari_tgcnet.shared.layers import (
    KEY,
    SHOWN_ONLY,
    build_mask_layer,
    image_layer_tuple,
    own_metadata,
    show_slice,
)
from tgcnet.corrections import Ledger
from tgcnet.domain import SegmentationClass
from tgcnet.errors import InputError
from tgcnet.finetune.compared_masks import read_compared

if TYPE_CHECKING:
    from napari.components import ViewerModel

ROLE = "comparison_of"

# The palette of Okabe and Ito, which can be told apart with any colour vision.
_BEFORE = SegmentationClass(name="before", colour=(0, 114, 178))
_AFTER = SegmentationClass(name="after", colour=(230, 159, 0))
_ONLY_BEFORE = SegmentationClass(name="only before", colour=(204, 121, 167))
_ONLY_AFTER = SegmentationClass(name="only after", colour=(0, 158, 115))

_OUTLINE_PX = 2


def load_compared_case(*, run: Path, ledger: Path, case_id: str) -> ComparedCase:
    """Read a case from the ledger and both models' masks from the run; for a worker thread.

    Raises
    ------
    LedgerError, InputError
        If the case or the masks are absent or cannot be read.
    """
    masks = read_compared(run, case_id)
    return ComparedCase(case=Ledger.open(ledger).load(case_id), masks=masks)


class ViewerComparison:
    """The :class:`napari_tgcnet.finetune.ports.ComparisonLayers` of a real viewer."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer

    def show(self, compared: ComparedCase, z: int) -> None:
        """Replace the layers of the previous case by those of this one, and go to a slice.

        Raises
        ------
        InputError
            If the gate kept no masks of that slice, or they do not fit the image.
        """
        before, after = _stacks(compared)
        if z not in compared.masks:
            raise InputError(messages.MASKS_MISSING)
        image = _build_image(compared)
        classes = compared.case.record.classes
        difference = (before & ~after).astype(np.uint8) + 2 * (after & ~before).astype(np.uint8)
        masks = [
            _build_mask(image, compared.case.labels, classes, messages.LAYER_USER),
            _build_mask(image, before.astype(np.uint8), (_BEFORE,), messages.LAYER_BEFORE),
            _build_mask(image, after.astype(np.uint8), (_AFTER,), messages.LAYER_AFTER),
        ]
        changed = _build_mask(
            image, difference, (_ONLY_BEFORE, _ONLY_AFTER), messages.LAYER_DIFFERENCE, outline_px=0
        )
        for layer in list(_own_layers(self._viewer.layers)):
            self._viewer.layers.remove(layer)
        for layer in (image, changed, *masks):
            self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = image
        show_slice(self._viewer, image, z)


def _own_layers(layers: Any) -> Iterator[Layer]:
    """The layers this module added.

    A duplicate made by the user carries the same mark and lies above its original; it is kept.
    """
    seen = set()
    for layer in layers:
        mark = own_metadata(layer).get(SHOWN_ONLY)
        if mark is not None and mark not in seen:
            seen.add(mark)
            yield layer


def _build_image(compared: ComparedCase) -> Image:
    data, attributes, _ = image_layer_tuple(compared.case.volume, messages.LAYER_IMAGE)
    attributes["metadata"][KEY][SHOWN_ONLY] = uuid.uuid4().hex
    window = compared.case.record.window
    if window is not None and window[0] < window[1]:
        attributes["contrast_limits"] = window[:2]
    return Image(data, colormap="gray", **attributes)


def _build_mask(
    image: Image,
    labels: np.ndarray,
    classes: tuple[SegmentationClass, ...],
    name: str,
    *,
    outline_px: int = _OUTLINE_PX,
) -> Labels:
    """A mask that cannot be edited; ``labels`` is (Z, Y, X) uint8."""
    layer = build_mask_layer(image, classes, name=name, role=ROLE)
    layer.metadata[KEY][SHOWN_ONLY] = uuid.uuid4().hex
    layer.data = labels[0] if image.ndim == 2 else labels
    layer.contour = outline_px
    layer.opacity = 0.9 if outline_px else 0.6
    layer.editable = False
    return layer


def _stacks(compared: ComparedCase) -> tuple[np.ndarray, np.ndarray]:
    """Masks of both models, each (Z, Y, X) bool; empty on slices that were not compared."""
    shape = compared.case.labels.shape
    before, after = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for z, pair in compared.masks.items():
        if z >= shape[0] or pair.before.shape != shape[1:]:
            raise InputError(messages.MASKS_DO_NOT_FIT)
        before[z], after[z] = pair.before, pair.after
    return before, after
