"""Cases of a ledger as layers of a viewer, found again by their metadata."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Labels, Layer

from napari_tgcnet.corrections import messages
from napari_tgcnet.corrections.state import OpenedCase
from napari_tgcnet.segment.ports import LayerTuple, OpenedFrom
from napari_tgcnet.segment.slice_ranges import write_slices
from napari_tgcnet.segment.state import Draft
from napari_tgcnet.shared.layers import (
    KEY,
    build_mask_layer,
    find_mask,
    image_layer_tuple,
    own_metadata,
    show_slice,
)
from tgcnet.domain import Case

if TYPE_CHECKING:
    from napari.components import ViewerModel


class ViewerCases:
    """The :class:`napari_tgcnet.corrections.ports.CaseLayers` of a real viewer."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer

    def select(self, ledger: Path, case_id: str) -> bool:
        """Select the mask layer of an open case, or its image; False if the case is not open."""
        layers = self._viewer.layers
        for layer in layers:
            if isinstance(layer, Image) and _is_case(
                own_metadata(layer).get("case"), ledger, case_id
            ):
                layers.selection.active = find_mask(layers, layer) or layer
                return True
        return False

    def add(self, opened: OpenedCase) -> None:
        """Add image, model's mask and user's mask to the viewer; select the user's.

        The layers own the arrays from now on. Saving a correction from them makes a new revision
        of the case; its report, notes and reviewed slices are filled in from the latest one. The
        model's mask is hidden and not offered for correction: its role is "model_mask_of".
        """
        case = opened.case
        image = Layer.create(*_image_tuple(opened))
        self._viewer.add_layer(image)
        if case.model_labels is not None:
            name = messages.model_mask_name(case.id)
            model = _mask_layer(image, case, case.model_labels, name=name, role="model_mask_of")
            model.visible, model.editable = False, False
            self._viewer.add_layer(model)
        name = messages.mask_name(case.id)
        user_mask = _mask_layer(image, case, case.labels, name=name, role="mask_of")
        if opened.model_mask is not None:
            user_mask.metadata[KEY] = {**own_metadata(user_mask), "model_mask": opened.model_mask}
        self._viewer.add_layer(user_mask)
        self._viewer.layers.selection.active = user_mask
        if case.reviewed_slices:
            show_slice(self._viewer, image, case.reviewed_slices[0])


def _image_tuple(opened: OpenedCase) -> LayerTuple:
    case = opened.case
    name = messages.layer_name(case.id)
    data, attributes, kind = image_layer_tuple(case.volume, name, report=case.report)
    attributes["metadata"][KEY] |= {
        "case": OpenedFrom(ledger=opened.ledger, case_id=case.id, patient_key=case.patient_key),
        "draft": Draft(
            report=case.report,
            reviewed=write_slices(case.reviewed_slices),
            notes=case.record.notes,
        ),
    }
    window = case.record.window
    if window is not None and window[0] < window[1]:
        attributes["contrast_limits"] = window[:2]
    return data, attributes, kind


def _mask_layer(image: Image, case: Case, labels: np.ndarray, *, name: str, role: str) -> Labels:
    mask = build_mask_layer(image, case.record.classes, name=name, role=role)
    mask.data = labels[0] if mask.ndim == 2 else labels
    mask.metadata[KEY] = {**own_metadata(mask), "provenance": dict(case.record.provenance)}
    return mask


def _is_case(opened: OpenedFrom | None, ledger: Path, case_id: str) -> bool:
    return opened is not None and (opened.ledger, opened.case_id) == (ledger, case_id)
