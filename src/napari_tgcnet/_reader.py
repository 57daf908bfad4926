"""The readers that the manifest names: files to layers with geometry and modality."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import napari
from napari.utils.notifications import show_error

from napari_tgcnet.segment.files import DiskFiles
from napari_tgcnet.shared.case import LayerTuple
from napari_tgcnet.shared.jobs import WorkerThreads
from napari_tgcnet.study import messages
from napari_tgcnet.study.disk_studies import DiskStudies
from napari_tgcnet.study.recognise import is_large, is_study
from napari_tgcnet.study.study_layers import series_layer_tuple
from tgcnet.errors import InputError
from tgcnet.io.formats import IMAGES, format_of

if TYPE_CHECKING:
    from napari_tgcnet._widget import StudyPanel
    from tgcnet.io.dicom.series import Listing, Series

Paths = str | list[str]
Read = LayerTuple | tuple[None]

NO_LAYER: list[Read] = [(None,)]
"""Means to napari: opened, but not as a layer that it has to add."""


def get_reader(path: Paths) -> Callable[[Paths], list[Read]] | None:
    """A reader for these files or this folder; None where something in them is not ours."""
    if all(_is_picture(one) or is_study(Path(one)) for one in _as_list(path)):
        return read
    return None


def read(path: Paths) -> list[Read]:
    """One image layer a file or series; several series are shown in the panel to choose from.

    Raises
    ------
    InputError
        If a file cannot be read or a series is refused, or if there are several series and no
        window to choose in.
    """
    found: list[Read] = []
    for one in _as_list(path):
        if _is_picture(one):
            found.append(DiskFiles().read_image(Path(one)))
        else:
            found += _read_study(Path(one), napari.current_viewer())
    return found


def _is_picture(path: str) -> bool:
    return format_of(path, IMAGES) is not None and not Path(path).is_dir()


def _read_study(path: Path, viewer: Any) -> list[Read]:
    """The layer of the only series; where there are more, or many files, the panel goes on."""
    if viewer is not None and is_large(path):
        _panel_of(viewer).controller.list_path(str(path), opens_single=True)
        return NO_LAYER
    studies = DiskStudies()
    listing = studies.list_series(path, lambda fraction: True)
    readable = [series for series in listing.series if series.is_readable]
    if not readable:
        raise InputError(messages.none_readable(path.name, _refusals(listing)))
    if viewer is not None and len(listing.series) > 1:  # the panel shows what is refused, too
        _panel_of(viewer).controller.show_listing(path.name, listing)
    if len(readable) == 1:
        return [_open(studies, readable[0], in_background=viewer is not None)]
    if viewer is None:
        raise InputError(messages.several_series(path.name, len(readable)))
    return NO_LAYER


def _open(studies: DiskStudies, series: Series, *, in_background: bool) -> LayerTuple:
    """Open a series lazily; with a window, the rest of it is loaded while a person looks at it."""
    opened = studies.open_series(series)
    if in_background:
        work = partial(studies.load, opened, lambda num_loaded: True)
        WorkerThreads().start(work, lambda _: None, show_error)
    return series_layer_tuple(opened)


def _panel_of(viewer: Any) -> StudyPanel:
    """The panel of this viewer, docked where it is not there yet."""
    _, panel = viewer.window.add_plugin_dock_widget("napari-tgcnet", messages.PANEL)
    docked: StudyPanel = panel
    return docked


def _refusals(listing: Listing) -> tuple[str, ...]:
    sentences = [
        remark.sentence
        for series in listing.series
        for remark in series.remarks
        if not series.is_readable
    ]
    return tuple(dict.fromkeys(sentences or [one.reason for one in listing.skipped[:3]]))


def _as_list(path: Paths) -> list[str]:
    return [path] if isinstance(path, str) else list(path)
