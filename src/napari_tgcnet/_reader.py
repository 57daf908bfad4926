"""Readers the manifest names: files to layers that know their geometry and modality."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from napari_tgcnet.files import ENDINGS, DiskFiles
from napari_tgcnet.ports import LayerTuple

Paths = str | list[str]


def get_reader(path: Paths) -> Callable[[Paths], list[LayerTuple]] | None:
    """A reader for these files, None where one of them has another ending."""
    if all(one.lower().endswith(ENDINGS) for one in _as_list(path)):
        return read
    return None


def read(path: Paths) -> list[LayerTuple]:
    """One image layer a file."""
    files = DiskFiles()
    return [files.read_image(Path(one)) for one in _as_list(path)]


def _as_list(path: Paths) -> list[str]:
    return [path] if isinstance(path, str) else list(path)
