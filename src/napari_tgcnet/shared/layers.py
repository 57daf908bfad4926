"""napari layers <-> volumes and labels, linked by ids in ``layer.metadata``, never by name."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import pint
from napari.layers import Image, Labels
from napari.utils.colormaps import DirectLabelColormap

from napari_tgcnet.shared import messages
from napari_tgcnet.shared.case import AUTOMATIC, ImageInfo, LayerSource, LayerTuple
from napari_tgcnet.shared.window_presets import first_limits, offered_windows
from tgcnet.domain import (
    Geometry,
    Modality,
    SegmentationClass,
    SideKnowledge,
    Volume,
    VolumeHeader,
)
from tgcnet.errors import InputError

if TYPE_CHECKING:
    from napari.components import LayerList, ViewerModel

KEY = "tgcnet"
"""Our one entry in ``layer.metadata``; nobody else changes it."""

SHOWN_ONLY = "comparison"
"""In our entry: the layer only shows a comparison, and is not to be segmented or corrected."""

AXIS_LABELS = ("z", "y", "x")


def own_metadata(layer: Any) -> dict[str, Any]:
    """Our entry in a layer's metadata, empty where the layer is not ours."""
    entry = layer.metadata.get(KEY, {})
    return entry if isinstance(entry, dict) else {}


def image_layer_tuple(volume: Volume, name: str, *, report: str | None = None) -> LayerTuple:
    """A layer data tuple with everything that belongs to the volume.

    A volume of one slice becomes a two-dimensional layer, as napari shows radiographs best.
    """
    planar = volume.array.shape[0] == 1
    spacing, origin = volume.geometry.spacing_zyx, _origin_zyx(volume.geometry)
    first = 1 if planar else 0
    attributes: dict[str, Any] = {
        "name": name,
        "scale": spacing[first:],
        "translate": origin[first:],
        "units": (volume.geometry.unit,) * (3 - first),
        "axis_labels": AXIS_LABELS[first:],
        "metadata": {KEY: image_metadata(volume, report)},
    }
    limits = first_limits(volume)
    if limits is not None:
        attributes["contrast_limits"] = limits
    if not isinstance(volume.array, np.ndarray):
        # Slices stay with the array once they are decoded; dask's own cache would hold them twice.
        attributes |= {"cache": False, "multiscale": False, "rgb": False}
    return (volume.array[0] if planar else volume.array, attributes, "image")


def image_metadata(volume: Volume, report: str | None = None) -> dict[str, Any]:
    """What links an image layer to its volume; the pixels stay in the layer."""
    return {"id": uuid.uuid4().hex, "header": volume.header, "report": report}


def header_of(layer: Any) -> VolumeHeader | None:
    """What a layer's file said beside the pixels; None where the layer is not from our reader.

    Of a mask, that of the image it was made for. The identifiers in it stay in memory.
    """
    header: VolumeHeader | None = own_metadata(layer).get("header")
    return header


def _origin_zyx(geometry: Geometry) -> tuple[float, float, float]:
    if geometry.unit != "mm":
        return (0.0, 0.0, 0.0)
    x, y, z = (float(value) for value in geometry.affine_lps[:3, 3])
    return (z, y, x)


def list_images(layers: Iterable[Any]) -> tuple[ImageInfo, ...]:
    """Every image layer, in the order of the list; each gets an id of its own.

    A duplicated layer carries its original's metadata, so an id seen twice is renewed.
    """
    found: dict[str, ImageInfo] = {}
    for layer in layers:
        if not isinstance(layer, Image) or SHOWN_ONLY in own_metadata(layer):
            continue
        own = dict(own_metadata(layer))
        if own.get("id", "") in found or "id" not in own:
            own["id"] = uuid.uuid4().hex
            layer.metadata[KEY] = own
        found[own["id"]] = _describe(layer, own)
    return tuple(found.values())


def _describe(layer: Image, own: Mapping[str, Any]) -> ImageInfo:
    # What others' layers lack: nothing is known of them but their data type.
    header = header_of(layer) or _plain_header(layer)
    # A reader that assumed the usual view has added a notice about it.
    is_in_notices = header.geometry.side_knowledge is SideKnowledge.ASSUMED and bool(header.notices)
    modality = _modality(own, header)
    windows, no_windows = offered_windows(
        modality, is_windowed=header.is_display_ready, from_file=header.windows
    )
    return ImageInfo(
        id=own["id"],
        name=layer.name,
        num_slices=int(_shape(layer)[0]) if layer.ndim == 3 else 1,
        num_axes=int(layer.ndim),
        modality=str(modality),
        modality_choice=str(own.get("modality_choice", AUTOMATIC)),
        sides="" if is_in_notices else messages.SIDES[header.geometry.side_knowledge],
        sample_report=own.get("report"),
        draft=own.get("draft"),
        notices=header.notices,
        windows=windows,
        no_windows=no_windows,
        identity=header.identity,
    )


def _modality(own: Mapping[str, Any], header: VolumeHeader) -> Modality:
    """The user's choice, else what the file says."""
    return Modality(own.get("modality_choice", header.modality))


def set_modality(layer: Image, choice: str) -> None:
    """Remember the user's choice in the layer; AUTOMATIC removes it."""
    own = {**own_metadata(layer), "modality_choice": choice}
    if choice == AUTOMATIC:
        del own["modality_choice"]
    layer.metadata[KEY] = own


def _shape(layer: Image) -> tuple[int, ...]:
    data = layer.data[0] if layer.multiscale else layer.data
    return tuple(data.shape)


def mask_shape(layer: Image) -> tuple[int, ...]:
    """The shape of a mask for this image: its own, without colour channels."""
    return _shape(layer)[: layer.ndim]


def snapshot_source(layer: Image) -> LayerSource:
    """What :func:`build_volume` needs of a layer; copies no pixels, for the Qt thread."""
    header = header_of(layer) or _plain_header(layer)
    return LayerSource(
        data=layer.data[0] if layer.multiscale else layer.data,
        is_rgb=bool(layer.rgb),
        ndim=int(layer.ndim),
        header=replace(header, modality=_modality(own_metadata(layer), header)),
    )


def _plain_header(layer: Image) -> VolumeHeader:
    """The header of a layer that others made: spacing at best, sides and modality unknown."""
    return VolumeHeader(
        geometry=geometry_from_attributes(layer.scale, layer.units),
        modality=Modality.UNKNOWN,
        is_display_ready=layer.dtype == np.uint8,
    )


def narrow(source: LayerSource, slices: range) -> tuple[LayerSource, int]:
    """Reduce an array that is not in memory to the slices that a run needs.

    Returns
    -------
    source, first
        ``first`` is the stack's index of the source's first slice: 0 for an array in memory,
        which stays whole, because a radiograph's window reads all of its values.
    """
    if source.ndim != 3 or isinstance(source.data, np.ndarray):
        return source, 0
    affine = np.array(source.header.geometry.affine_lps)
    affine[:3, 3] += affine[:3, 0] * slices.start
    header = replace(
        source.header,
        geometry=replace(source.header.geometry, affine_lps=affine),
        source=None,  # its frames are those of the whole stack
    )
    part = source.data[slices.start : slices.stop]
    return replace(source, data=part, header=header), slices.start


def build_volume(source: LayerSource) -> Volume:
    """Bring a layer's pixels to (Z, Y, X); may take a while, for a worker thread.

    Raises
    ------
    InputError
        If the layer has other than two or three spatial axes, or complex numbers.
    """
    if source.ndim not in (2, 3):
        raise InputError(messages.wrong_axes(source.ndim))
    array = np.asarray(source.data)
    is_8_bit = array.dtype == np.uint8  # as stored: a mask of booleans becomes 8-bit below
    if np.iscomplexobj(array):
        raise InputError(messages.COMPLEX_IMAGE)
    if source.is_rgb:
        array = _to_grey(array)
    if array.dtype == bool:
        array = array.astype(np.uint8)
    elif array.dtype.kind == "f":
        array = array.astype(np.float32, copy=False)
    array = array[None] if source.ndim == 2 else array
    # Whoever replaced a layer's pixels by others kept the header.
    header = replace(source.header, is_display_ready=source.header.is_display_ready and is_8_bit)
    return header.with_array(array)


def _to_grey(colour: np.ndarray) -> np.ndarray:
    """Luminance (ITU-R BT.601) of (..., 3 or 4) pixels, alpha dropped; the dtype is kept."""
    grey = colour[..., :3] @ np.array([0.299, 0.587, 0.114], dtype=np.float32)
    if colour.dtype.kind in "ui":
        return np.asarray(np.rint(grey), dtype=colour.dtype)
    return np.asarray(grey, dtype=np.float32)


def geometry_of(image: Image) -> Geometry:
    """The geometry an image was read with, or what its layer's attributes say."""
    return (header_of(image) or _plain_header(image)).geometry


def find_image(layers: Iterable[Any], image_id: str) -> Image | None:
    """The image layer with this id; None where it was removed."""
    return next(
        (
            layer
            for layer in layers
            if isinstance(layer, Image) and own_metadata(layer).get("id") == image_id
        ),
        None,
    )


def find_mask(layers: LayerList, image: Image) -> Labels | None:
    """The mask of an image; None where none belongs to it and has its shape.

    Of several, the selected one, else the newest. Of a mask and its duplicate, which has the same
    id, the original.
    """
    image_id = own_metadata(image).get("id")
    fitting = [
        layer
        for layer in layers
        if isinstance(layer, Labels)
        and own_metadata(layer).get("mask_of") == image_id
        and tuple(layer.data.shape) == mask_shape(image)
    ]
    if layers.selection.active in fitting:
        return cast(Labels, layers.selection.active)
    originals: dict[str, Labels] = {}
    for layer in fitting:
        originals.setdefault(own_metadata(layer).get("id", layer.name), layer)
    return list(originals.values())[-1] if originals else None


def build_mask_layer(
    image: Image, classes: Sequence[SegmentationClass], *, name: str, role: str
) -> Labels:
    """An empty Labels layer that lies exactly on an image.

    Parameters
    ----------
    role : "mask_of" for a mask, "preview_of" for the layer slices stream into
    """
    own = own_metadata(image)
    entry = {"id": uuid.uuid4().hex, role: own["id"], "classes": tuple(classes)}
    # So that a mask can be saved without its image, on the file's grid and with its frames.
    if "header" in own:
        entry["header"] = own["header"]
    return Labels(
        np.zeros(mask_shape(image), dtype=np.uint8),
        name=name,
        scale=image.scale,
        translate=image.translate,
        rotate=image.rotate,
        shear=image.shear,
        affine=image.affine,
        units=image.units,
        axis_labels=image.axis_labels,
        colormap=class_colormap(classes),
        opacity=0.5,
        metadata={KEY: entry},
    )


def class_colormap(classes: Sequence[SegmentationClass]) -> DirectLabelColormap:
    """Label value k has the colour of class k - 1; background and other labels are transparent."""
    colours: dict[int | None, np.ndarray] = {None: np.zeros(4), 0: np.zeros(4)}
    for value, one in enumerate(classes, start=1):
        colours[value] = np.array([*(channel / 255 for channel in one.colour), 1.0])
    return DirectLabelColormap(color_dict=colours)


def geometry_from_attributes(scale: Sequence[float], units: Sequence[Any]) -> Geometry:
    """Geometry from a layer's scale and units alone; sides unknown."""
    try:
        factors = [float(pint.Quantity(1, unit).to("mm").magnitude) for unit in units]
        unit = "mm"
    except pint.DimensionalityError:
        factors, unit = [1.0] * len(scale), "pixel"
    spacing = [abs(float(step)) * factor for step, factor in zip(scale, factors, strict=True)]
    affine = np.zeros((4, 4))
    affine[2, 0], affine[1, 1], affine[0, 2] = ([1.0] * 3 + spacing)[-3:]
    affine[3, 3] = 1.0
    return Geometry(affine_lps=affine, unit=unit, side_knowledge=SideKnowledge.UNKNOWN)


def current_slice(viewer: ViewerModel, image: Image) -> int:
    """Index, along the image's first axis, of the slice the viewer shows."""
    if image.ndim != 3:
        return 0
    position = image.world_to_data(viewer.dims.point)
    return int(np.clip(round(float(position[-3])), 0, _shape(image)[0] - 1))


def show_slice(viewer: ViewerModel, image: Image, index: int) -> None:
    """Move the viewer to a slice of the image's first axis."""
    if image.ndim != 3:
        return
    centre = np.array([index, *(size // 2 for size in _shape(image)[1:3])], dtype=float)
    world = image.data_to_world(centre)
    for axis, value in zip(range(viewer.dims.ndim - 3, viewer.dims.ndim), world, strict=True):
        viewer.dims.set_point(axis, float(value))
