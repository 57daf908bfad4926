"""Before and after as layers of their own, linked by ids, never by name, never a user's layer."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.ports import ComparedCase
from napari_tgcnet.shared.layers import (
    KEY,
    SHOWN_ONLY,
    build_mask_layer,
    image_layer_tuple,
    own_metadata,
    show_slice,
)
from tgcnet.domain import SegmentationClass
from tgcnet.errors import InputError

if TYPE_CHECKING:
    from napari.components import ViewerModel

ROLE = "comparison_of"

# Colours that people with any kind of colour vision tell apart (Okabe and Ito).
_BEFORE = SegmentationClass(name="before", colour=(0, 114, 178))
_AFTER = SegmentationClass(name="after", colour=(230, 159, 0))
_ONLY_BEFORE = SegmentationClass(name="only before", colour=(204, 121, 167))
_ONLY_AFTER = SegmentationClass(name="only after", colour=(0, 158, 115))

_OUTLINE_PX = 2


class ViewerComparison:
    """The :class:`napari_tgcnet.finetune.ports.ComparisonLayers` of a real viewer."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer

    def show(self, held_out: ComparedCase, z: int) -> None:
        """Put a case's layers into the viewer in place of those of another, and go to a slice.

        Raises
        ------
        InputError
            If the gate kept no masks of that slice, or they do not fit the image.
        """
        before, after = _stacks(held_out)
        if z not in held_out.masks:
            raise InputError(messages.MASKS_MISSING)
        image = _image_of(held_out)
        classes = held_out.case.record.classes
        difference = (before & ~after).astype(np.uint8) + 2 * (after & ~before).astype(np.uint8)
        masks = [
            _mask(image, held_out.case.labels, classes, messages.LAYER_PERSON),
            _mask(image, before.astype(np.uint8), (_BEFORE,), messages.LAYER_BEFORE),
            _mask(image, after.astype(np.uint8), (_AFTER,), messages.LAYER_AFTER),
        ]
        changed = _mask(
            image, difference, (_ONLY_BEFORE, _ONLY_AFTER), messages.LAYER_DIFFERENCE, outline_px=0
        )
        for layer in list(_ours(self._viewer.layers)):
            self._viewer.layers.remove(layer)
        for layer in (image, changed, *masks):
            self._viewer.add_layer(layer)
        self._viewer.layers.selection.active = image
        show_slice(self._viewer, image, z)


def _ours(layers: Any) -> Iterator[Layer]:
    """The layers we added.

    A duplicate that a person made carries its original's mark and lies above it: it is theirs.
    """
    seen = set()
    for layer in layers:
        mark = own_metadata(layer).get(SHOWN_ONLY)
        if mark is not None and mark not in seen:
            seen.add(mark)
            yield layer


def _image_of(held_out: ComparedCase) -> Image:
    data, attributes, _ = image_layer_tuple(held_out.case.volume, messages.LAYER_IMAGE)
    attributes["metadata"][KEY][SHOWN_ONLY] = uuid.uuid4().hex
    window = held_out.case.record.window
    if window is not None and window[0] < window[1]:
        attributes["contrast_limits"] = window[:2]
    return Image(data, colormap="gray", **attributes)


def _mask(
    image: Image,
    labels: np.ndarray,
    classes: tuple[SegmentationClass, ...],
    name: str,
    *,
    outline_px: int = _OUTLINE_PX,
) -> Labels:
    """A mask that cannot be painted on by accident; ``labels`` is (Z, Y, X) uint8."""
    layer = build_mask_layer(image, classes, name=name, role=ROLE)
    layer.metadata[KEY][SHOWN_ONLY] = uuid.uuid4().hex
    layer.data = labels[0] if image.ndim == 2 else labels
    layer.contour = outline_px
    layer.opacity = 0.9 if outline_px else 0.6
    layer.editable = False
    return layer


def _stacks(held_out: ComparedCase) -> tuple[np.ndarray, np.ndarray]:
    """Both models' masks on the whole stack, (Z, Y, X) bool; empty where nothing was compared."""
    shape = held_out.case.labels.shape
    before, after = np.zeros(shape, dtype=bool), np.zeros(shape, dtype=bool)
    for z, pair in held_out.masks.items():
        if z >= shape[0] or pair.before.shape != shape[1:]:
            raise InputError(messages.MASKS_DO_NOT_FIT)
        before[z], after[z] = pair.before, pair.after
    return before, after
