"""A run's preview layer, and the one write that copies its result into the mask.

Measured on napari 0.9: assigning ``Labels.data`` keeps a stale undo history, one write a slice
floods the history (100 items), ``editable = False`` empties it, and ``block_history`` held across
event-loop turns is split by a brush stroke. Hence slices go into a layer of their own, in place,
and the mask is written once, at the end.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from napari.layers import Image, Labels
from qtpy.QtCore import QTimer

from napari_tgcnet.segment import messages
from napari_tgcnet.shared.layers import build_mask_layer
from tgcnet.domain import SegmentationClass

if TYPE_CHECKING:
    from napari.components import ViewerModel

_PAGE_BYTES = 4096

REFRESH_MS = 80
"""The least time between two redraws of the preview, whatever the speed of the model."""


class PreviewRun:
    """From the first slice of a run to its commit.

    Parameters
    ----------
    image : the layer the run works on
    target : the mask to write into; added to the viewer where it is not in it yet
    slices : the slices the run covers
    classes : for the colours of the preview
    """

    def __init__(
        self,
        viewer: ViewerModel,
        *,
        image: Image,
        target: Labels,
        slices: range,
        classes: Sequence[SegmentationClass],
    ) -> None:
        self._viewer, self._image = viewer, image
        self._target, self._slices = target, slices
        self._is_new_target = target not in viewer.layers
        if self._is_new_target:
            viewer.add_layer(target)
        self._finished: set[int] = set()
        # The mask when the run began: what differs from it later was painted meanwhile.
        self._before = _stack(target)[slices.start : slices.stop].copy()
        self._changes = _Changes()
        self._preview = build_mask_layer(
            image, classes, name=messages.PREVIEW_NAME, role="preview_of"
        )
        self._preview.editable = False
        viewer.add_layer(self._preview)
        viewer.layers.selection.active = target
        self._timer = QTimer()
        self._timer.setSingleShot(True)
        self._timer.setInterval(REFRESH_MS)
        self._timer.timeout.connect(self._redraw)

    @property
    def target(self) -> Labels:
        return self._target

    @property
    def has_slices(self) -> bool:
        """Whether any slice was finished."""
        return bool(self._finished)

    @property
    def finished_slices(self) -> tuple[int, ...]:
        return tuple(sorted(self._finished))

    @property
    def drawn(self) -> np.ndarray:
        """(Z, Y, X) uint8, what the model drew; valid in the finished slices, zero elsewhere."""
        return _stack(self._preview)

    def write_slice(self, index: int, labels: np.ndarray) -> None:
        """Show a finished slice; ``labels`` is (Y, X) uint8 on the image's own grid."""
        self._finished.add(index)
        _stack(self._preview)[index] = labels
        before = self._before[index - self._slices.start]
        # Compared while the model works on the next slice, so that the commit has less to do.
        self._changes.put(index, labels, before)
        _allocate(_stack(self._target)[index])
        if not self._timer.isActive():
            self._timer.start()

    def commit(self) -> int:
        """Write what the run changed and nobody painted meanwhile, as one step of the undo history.

        Returns
        -------
        int
            How many voxels were written.
        """
        if not self.has_slices:
            self._remove_preview()
            return 0
        try:
            indices, values = self._collect()
            if self._target not in self._viewer.layers:  # removed during the run
                self._viewer.add_layer(self._target)
            if values.size:
                self._target.data_setitem(indices[-self._target.ndim :], values)
        finally:
            self._remove_preview()
        return int(values.size)

    def _remove_preview(self) -> None:
        """Remove the preview, and a mask made for this run that nothing was written into."""
        self._timer.stop()
        layers = self._viewer.layers
        if self._preview in layers:
            layers.remove(self._preview)
        if self._target not in layers:
            return
        if self._is_new_target and not self.has_slices and not self._target.data.any():
            layers.remove(self._target)
            if self._image in layers:
                layers.selection.active = self._image
        else:
            layers.selection.active = self._target

    def _collect(self) -> tuple[tuple[np.ndarray, ...], np.ndarray]:
        """Indices (z, y, x) and label values of what is to be written."""
        target = _stack(self._target)
        zs, ys, xs, values = self._changes.arrays()
        is_painted = np.array(
            [
                not np.array_equal(target[z], before)
                for z, before in zip(self._slices, self._before, strict=True)
            ]
        )
        # Voxels are compared only in slices that somebody painted in.
        if is_painted.any():
            in_painted = np.flatnonzero(is_painted[zs - self._slices.start])
            index = zs[in_painted], ys[in_painted], xs[in_painted]
            before = self._before[index[0] - self._slices.start, index[1], index[2]]
            keep = np.ones(zs.size, dtype=bool)
            keep[in_painted[target[index] != before]] = False
            zs, ys, xs, values = zs[keep], ys[keep], xs[keep], values[keep]
        return (zs, ys, xs), values

    def _redraw(self) -> None:
        if self._preview in self._viewer.layers:
            self._preview.refresh(thumbnail=False, highlight=False, extent=False)


class _Changes:
    """Changed voxels in buffers that grow by doubling.

    Gathered while the model works on the next slice: millions of indices allocated at the end
    would freeze the window for a good part of a second.
    """

    def __init__(self) -> None:
        self._size = 0
        self._zyx = [np.empty(1024, dtype=np.intp) for _ in range(3)]
        self._values = np.empty(1024, dtype=np.uint8)

    def put(self, z: int, labels: np.ndarray, before: np.ndarray) -> None:
        """Add what differs in one slice, each slice once."""
        ys, xs = np.nonzero(labels != before)
        end = self._size + ys.size
        if end > self._values.size:
            room = max(end, 2 * self._values.size)
            self._zyx = [np.resize(one, room) for one in self._zyx]
            self._values = np.resize(self._values, room)
        added = (np.full(ys.size, z), ys, xs)
        for buffer, indices in zip(self._zyx, added, strict=True):
            buffer[self._size : end] = indices
        self._values[self._size : end] = labels[ys, xs]
        self._size = end

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """z, y, x and label value of every changed voxel."""
        zs, ys, xs = (one[: self._size] for one in self._zyx)
        return zs, ys, xs, self._values[: self._size]


def _allocate(plane: np.ndarray) -> None:
    """Make the operating system allocate a plane's memory now, slice by slice.

    A new mask of zeros has no memory allocated yet; the commit would wait for all of it at once.
    """
    plane.reshape(-1)[::_PAGE_BYTES] += 0


def has_paint(target: Labels, slices: range) -> bool:
    """Whether a mask holds any label in these slices."""
    return bool(_stack(target)[slices.start : slices.stop].any())


def _stack(layer: Labels) -> np.ndarray:
    """The layer's own array as (Z, Y, X); a view, so writing into it writes into the layer."""
    data: np.ndarray = layer.data
    return data[None] if data.ndim == 2 else data
