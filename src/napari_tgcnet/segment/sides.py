"""The patient's left and right on the canvas, whatever the plane, flip or transpose."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from napari.components.overlays import TextOverlay
from napari.layers import Image

from napari_tgcnet.segment import messages
from napari_tgcnet.shared.layers import header_of
from tgcnet.domain import SideKnowledge

if TYPE_CHECKING:
    from napari.components import ViewerModel

PLACES = {
    "left": "middle_left",
    "right": "middle_right",
    "top": "top_center",
    "bottom": "bottom_center",
    "note": "top_left",
}
_LAYER_EVENTS = ("scale", "affine", "rotate", "shear", "visible")
LETTER_SIZE, NOTE_SIZE = 16, 9


def letters_at_edges(
    affine_lps: np.ndarray, data_right: np.ndarray, data_down: np.ndarray
) -> dict[str, str]:
    """Which edges of the canvas are the patient's left (L) and right (R).

    Parameters
    ----------
    affine_lps : (4, 4), array index (z, y, x) to LPS
    data_right, data_down : (3,), steps in (z, y, x) towards the canvas' right and lower edge

    Returns
    -------
    dict
        "left" and "right", or "top" and "bottom", to a letter; empty where the plane shows
        neither, as a sagittal one.
    """
    letters: dict[str, str] = {}
    for step, ends in ((data_right, ("left", "right")), (data_down, ("top", "bottom"))):
        in_patient = affine_lps[:3, :3] @ step  # (x, y, z) in LPS: +x is the patient's left
        if int(np.argmax(np.abs(in_patient))) == 0 and in_patient[0]:
            positive_is_left = in_patient[0] > 0
            letters[ends[0]] = "R" if positive_is_left else "L"
            letters[ends[1]] = "L" if positive_is_left else "R"
    return letters


class SideMarks:
    """Keeps the letters of one image on the canvas in step with the view."""

    def __init__(self, viewer: ViewerModel) -> None:
        self._viewer = viewer
        self._image: Image | None = None
        # napari 0.9 moved camera and overlays; the old names warn there.
        self._camera = viewer.scene.camera if hasattr(viewer, "scene") else viewer.camera
        self._overlays = self._build_overlays()
        viewer.dims.events.order.connect(self.update)
        viewer.dims.events.ndisplay.connect(self.update)
        self._camera.events.orientation.connect(self.update)

    def follow(self, image: Image | None) -> None:
        """Show the sides of this image from now on; None clears the canvas."""
        if image is not self._image:
            self._connect(self._image, connect=False)
            self._connect(image, connect=True)
            self._image = image
        self.update()

    def texts(self) -> dict[str, str]:
        """The text at each place now; places without text are left out."""
        if self._image is None or not self._image.visible:
            return {}
        header = header_of(self._image)
        if header is None or header.geometry.side_knowledge is SideKnowledge.UNKNOWN:
            return {"note": messages.SIDE_UNKNOWN}
        # A rotated scene has no fixed edges.
        if self._viewer.dims.ndisplay == 3:
            return {}
        letters = letters_at_edges(header.geometry.affine_lps, *self._screen_steps(self._image))
        if letters and header.geometry.side_knowledge is SideKnowledge.ASSUMED:
            return {**letters, "note": messages.SIDE_ASSUMED}
        return letters

    def update(self, event: Any = None) -> None:
        """Update the letters; connected to everything that can move them."""
        texts = self.texts()
        if "all" in self._overlays:
            overlay = self._overlays["all"]
            overlay.text = messages.sides_in_one_line(texts)
            overlay.visible = bool(texts)
            return
        for edge, overlay in self._overlays.items():
            overlay.text = texts.get(edge, "")
            overlay.visible = edge in texts

    def close(self) -> None:
        """Disconnect; the canvas is not touched, as it may be deleted already."""
        self._connect(self._image, connect=False)
        self._image = None
        self._viewer.dims.events.order.disconnect(self.update)
        self._viewer.dims.events.ndisplay.disconnect(self.update)
        self._camera.events.orientation.disconnect(self.update)

    def _build_overlays(self) -> dict[str, Any]:
        canvas = getattr(self._viewer, "canvas", None)
        if canvas is None:
            overlay = self._viewer.text_overlay
            overlay.position = "top_center"
            return {"all": overlay}
        overlays = {}
        for edge, position in PLACES.items():
            name = f"patient_side_{edge}"
            size = NOTE_SIZE if edge == "note" else LETTER_SIZE
            if name not in canvas.overlays:
                canvas.overlays[name] = TextOverlay(
                    text="", position=position, font_size=size, visible=False
                )
            overlays[edge] = canvas.overlays[name]
        return overlays

    def _connect(self, image: Image | None, *, connect: bool) -> None:
        if image is None:
            return
        for name in _LAYER_EVENTS:
            emitter = getattr(image.events, name)
            (emitter.connect if connect else emitter.disconnect)(self.update)

    def _screen_steps(self, image: Image) -> tuple[np.ndarray, np.ndarray]:
        """One step to the right and one down on the canvas, in (z, y, x) of the array."""
        dims = self._viewer.dims
        down_axis, right_axis = dims.displayed[-2:]
        _, vertical, horizontal = (str(way) for way in self._camera.orientation)
        steps = []
        for axis, is_reversed in (
            (right_axis, horizontal == "left"),
            (down_axis, vertical == "up"),
        ):
            world = np.zeros(dims.ndim)
            world[axis] = -1.0 if is_reversed else 1.0
            moved = np.array(image.world_to_data(world)) - np.array(
                image.world_to_data(np.zeros(dims.ndim))
            )
            steps.append(np.concatenate([np.zeros(3 - moved.size), moved]))
        return steps[0], steps[1]
