"""Lists, opens and decodes studies on a disk, for worker threads. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np

from napari_tgcnet.study import messages
from napari_tgcnet.study.state import OpenedSeries
from tgcnet.io.dicom.series import Listing, Series
from tgcnet.io.dicom.stack import LazyStack, middle_out
from tgcnet.io.sandbox import decode_frame, list_studies


class DiskStudies:
    """The :class:`napari_tgcnet.study.ports.Studies` of a real disk.

    Foreign files are parsed and decoded in a process of their own, the sandbox.
    """

    def list_series(self, path: Path, on_progress: Callable[[float], bool]) -> Listing:
        """List what a file, a folder, a DICOMDIR or an archive holds; no pixel is read.

        Raises
        ------
        InputError
            If it is absent, or cannot be read.
        Cancelled
            If ``on_progress`` returned False.
        """
        with ThreadPoolExecutor(max_workers=1) as pool:
            # Importing dask takes longer than decoding a slice: done while the sandbox lists.
            pool.submit(_import_decoders)
            return list_studies(path, on_progress=on_progress)

    def open_series(self, series: Series) -> OpenedSeries:
        """Build the volume of a series; only its middle slice is decoded.

        Raises
        ------
        InputError
            If the series is refused, takes more memory than is free, or its middle slice cannot
            be decoded.
        """
        # Imported here: pydicom is in an extra, and reading pictures and NIfTI needs none.
        from tgcnet.io.dicom.volume import lazy_volume, stack_of, volume_in_memory

        stack = stack_of(series, read_frame=decode_frame)
        if len(series.frames) == 1:
            volume = volume_in_memory(series, stack)
        else:
            volume = lazy_volume(series, stack)
        first_slice = len(volume.array) // 2
        np.asarray(volume.array[first_slice])  # decodes it; the stack keeps it
        return OpenedSeries(
            name=_name_of(series), volume=volume, first_slice=first_slice, stack=stack
        )

    def load(self, opened: OpenedSeries, on_slice: Callable[[int], bool]) -> None:
        """Decode all slices that are not in memory yet, from the middle outwards.

        Raises
        ------
        InputError
            If one cannot be decoded.
        """
        stack = opened.stack
        for index in middle_out(stack.shape[0]):
            stack.decode(index)
            if not on_slice(stack.num_decoded):
                return


def _import_decoders() -> None:
    from tgcnet.io.dicom.volume import stack_of  # noqa: F401

    # Dask imports most of itself when it computes its first array.
    np.asarray(LazyStack(lambda k: np.zeros((1, 1)), (1, 1, 1), np.dtype(np.float64)).as_dask())


def _name_of(series: Series) -> str:
    first = series.first
    name = messages.series_name(first.series_description, first.series_number)
    return f"{first.modality} {name}".strip()
