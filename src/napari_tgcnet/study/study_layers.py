"""Opened series as layers of a viewer."""

from __future__ import annotations

from typing import TYPE_CHECKING

from napari.layers import Layer

from napari_tgcnet.segment.ports import LayerTuple
from napari_tgcnet.shared.layers import KEY, find_image, image_layer_tuple, show_slice
from napari_tgcnet.study.state import OpenedSeries

if TYPE_CHECKING:
    from napari.components import ViewerModel


class ViewerStudies:
    """The :class:`napari_tgcnet.study.ports.StudyLayers` of a real viewer."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer

    def add(self, opened: OpenedSeries) -> str:
        """Add a series to the viewer, go to its ``first_slice``, and return the layer's id."""
        layer = Layer.create(*series_layer_tuple(opened))
        self._viewer.add_layer(layer)
        show_slice(self._viewer, layer, opened.first_slice)
        image_id: str = layer.metadata[KEY]["id"]
        return image_id

    def has(self, image_id: str) -> bool:
        return find_image(self._viewer.layers, image_id) is not None


def series_layer_tuple(opened: OpenedSeries) -> LayerTuple:
    """The layer data tuple of an opened series."""
    return image_layer_tuple(opened.volume, opened.name)
