"""One viewer's layers, for the controller: images and masks by id, one run at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Layer

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.preview import PreviewRun, has_paint
from napari_tgcnet.segment.sides import SideMarks
from napari_tgcnet.shared import layers, snapshots
from napari_tgcnet.shared.case import (
    CorrectionToSave,
    ImageInfo,
    LayerSource,
    LayerTuple,
    MaskToSave,
)
from tgcnet.domain import Geometry, SegmentationClass
from tgcnet.errors import InputError

if TYPE_CHECKING:
    from napari.components import ViewerModel


class ViewerLayers:
    """Implements :class:`napari_tgcnet.segment.ports.Layers` for a real viewer."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._sides = SideMarks(viewer)
        self._run: PreviewRun | None = None
        self._provenance: Mapping[str, str] = {}

    def images(self) -> tuple[ImageInfo, ...]:
        return layers.list_images(self._viewer.layers)

    def choose(self, image_id: str | None) -> None:
        """Show this image's sides on the canvas."""
        image = layers.find_image(self._viewer.layers, image_id) if image_id else None
        self._sides.follow(image)

    def current_slice(self, image_id: str) -> int:
        return layers.current_slice(self._viewer, self._image(image_id))

    def active_image(self) -> str | None:
        """The image that is selected in the list of layers, or the image of a selected mask."""
        active = self._viewer.layers.selection.active
        if active is None:
            return None
        own = layers.own_metadata(active)
        image_id: str | None = own.get("id" if isinstance(active, Image) else "mask_of")
        return image_id

    def set_modality(self, image_id: str, choice: str) -> None:
        """Remember in the layer which modality the user chose."""
        layers.set_modality(self._image(image_id), choice)

    def has_mask(self, image_id: str) -> bool:
        image = layers.find_image(self._viewer.layers, image_id)
        return image is not None and layers.find_mask(self._viewer.layers, image) is not None

    def has_paint(self, image_id: str, slices: range) -> bool:
        mask = layers.find_mask(self._viewer.layers, self._image(image_id))
        return mask is not None and has_paint(mask, slices)

    def source(self, image_id: str) -> LayerSource:
        return layers.snapshot_source(self._image(image_id))

    def geometry(self, image_id: str) -> Geometry:
        return layers.geometry_of(self._image(image_id))

    def open_run(
        self,
        image_id: str,
        slices: range,
        classes: Sequence[SegmentationClass],
        provenance: Mapping[str, str],
    ) -> None:
        """Add the preview that finished slices go into, and the mask where there is none.

        ``provenance`` is what is known before the run; a run that ends early has no other.
        """
        image = self._image(image_id)
        target = layers.find_mask(self._viewer.layers, image) or layers.build_mask_layer(
            image, classes, name=messages.mask_name(image.name), role="mask_of"
        )
        self._run = PreviewRun(
            self._viewer, image=image, target=target, slices=slices, classes=classes
        )
        self._provenance = provenance

    def add_provenance(self, more: Mapping[str, str]) -> None:
        """Add what became known when the run began."""
        self._provenance = {**self._provenance, **more}

    def write_slice(self, index: int, labels: np.ndarray) -> None:
        if self._run is not None:
            self._run.write_slice(index, labels)

    def commit(self, provenance: Mapping[str, str] | None = None) -> int:
        """End the run and write what changed into the mask. Returns the number of voxels written.

        ``provenance`` None: the run ended early, and keeps what was known when it began.
        """
        run, self._run = self._run, None
        if run is None:
            return 0
        if run.has_slices:
            known = dict(self._provenance if provenance is None else provenance)
            own = dict(layers.own_metadata(run.target))
            own["provenance"] = known
            own["model_mask"] = snapshots.update_model_mask(
                own.get("model_mask"), run.drawn, run.finished_slices, known
            )
            run.target.metadata[layers.KEY] = own
        return run.commit()

    def show_window(self, image_id: str, low: float, high: float) -> None:
        """Set the contrast limits; a colour image has none."""
        image = layers.find_image(self._viewer.layers, image_id)
        if image is not None and not image.rgb and low < high:
            image.contrast_limits = (low, high)

    def shown_window(self, image_id: str) -> tuple[float, float] | None:
        """The contrast limits; None for a colour image, or one that was removed."""
        image = layers.find_image(self._viewer.layers, image_id)
        if image is None or image.rgb:
            return None
        low, high = image.contrast_limits
        return float(low), float(high)

    def snapshot_mask(self, image_id: str) -> MaskToSave:
        mask = layers.find_mask(self._viewer.layers, self._image(image_id))
        if mask is None:
            raise InputError(messages.NO_MASK)
        return snapshots.snapshot_mask(self._viewer.layers, mask)

    def snapshot_correction(self, image_id: str) -> CorrectionToSave:
        image = self._image(image_id)
        mask = layers.find_mask(self._viewer.layers, image)
        if mask is None:
            raise InputError(messages.NO_MASK)
        return snapshots.snapshot_correction(image, mask)

    def add(self, layer: LayerTuple) -> str:
        """Add an image that was just read to the viewer; returns its id."""
        self._viewer.add_layer(Layer.create(*layer))
        image_id: str = layer[1]["metadata"][layers.KEY]["id"]
        return image_id

    def jump_to(self, image_id: str, index: int) -> None:
        layers.show_slice(self._viewer, self._image(image_id), index)

    def close(self) -> None:
        """Stop following the viewer, which may be half deleted already."""
        self._sides.close()

    def clean_up(self) -> None:
        """Commit and clear the canvas of a viewer that stays open without the panel."""
        self.commit()
        self._sides.update()

    def _image(self, image_id: str) -> Image:
        image = layers.find_image(self._viewer.layers, image_id)
        if image is None:
            raise InputError(messages.IMAGE_GONE)
        return image
