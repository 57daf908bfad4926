"""The requests as functions: the same names and errors as those that the child calls."""

from functools import partial
from pathlib import Path

import numpy as np

from tgcnet.domain import Modality, Volume
from tgcnet.errors import InputError
from tgcnet.io.dicom import check_installed
from tgcnet.io.dicom.series import FrameHeader, Listing
from tgcnet.io.read import as_stated, is_dicom
from tgcnet.io.report_file import ReportFile, needs_parser, read_report_file
from tgcnet.io.report_table import About
from tgcnet.io.sandbox.client import (
    OnProgress,
    Sandbox,
    second_sandbox,
    this_process_sandbox,
)


def load_volume(
    path: Path | str, *, modality: Modality | None = None, volume: int | None = None
) -> Volume:
    """Read an image whole, in memory, as :func:`tgcnet.io.read.decode_volume` does.

    It is parsed and decoded in a process of its own; of DICOM each slice is a request.

    Raises
    ------
    InputError
        As there; and if the file makes its reader crash, hang or need too much memory.
    """
    path = Path(path).absolute()  # "." has no name that a sentence could say
    if is_dicom(path):
        check_installed(path.name)
        # Here, so that pictures and NIfTI are read without the extra.
        from tgcnet.io.dicom.volume import load_dicom

        found = load_dicom(
            path, find=partial(_list, this_process_sandbox()), read_frame=decode_frame
        )
        return as_stated(found, path.name, modality, volume)
    read: Volume = this_process_sandbox().ask(
        "decode_volume", name=path.name, path=path, modality=modality, volume=volume
    )
    # The affine is shared with layers and workers: nobody may change it in place.
    read.geometry.affine_lps.setflags(write=False)
    return read


def list_studies(path: Path, on_progress: OnProgress | None = None) -> Listing:
    """List as :func:`tgcnet.io.dicom.gather.list_studies` does, in a child.

    Where slices were decoded already, in another one: a window that shows a study does not wait
    for its next slice until a large folder is listed. ``on_progress`` is called on this thread,
    and must not ask for another file.
    """
    path = path.absolute()
    check_installed(path.name)
    first = this_process_sandbox()
    return _list(second_sandbox() if first.was_asked("decode_frame") else first, path, on_progress)


def _list(sandbox: Sandbox, path: Path, on_progress: OnProgress | None = None) -> Listing:
    listing: Listing = sandbox.ask(
        "list_studies", name=path.name, on_progress=on_progress, path=path
    )
    return listing


def decode_frame(header: FrameHeader) -> np.ndarray:
    """Decode as :func:`tgcnet.io.dicom.pixels.decode_frame` does, in the child: (rows, columns)."""
    frame: np.ndarray = this_process_sandbox().ask(
        "decode_frame", name=Path(header.file).name, header=header
    )
    return frame


def read_report(path: Path | str, *, about: About | None = None) -> ReportFile:
    """Read as :func:`tgcnet.io.report_file.read_report_file` does, DICOM and JSON in the child.

    Raises
    ------
    InputError, MissingExtraError
        As there.
    """
    path = Path(path).absolute()
    if not needs_parser(path):
        return read_report_file(path, about=about)
    read: ReportFile = this_process_sandbox().ask(
        "read_report", name=path.name, path=path, about=about
    )
    return read


def read_report_text(path: Path | str) -> str:
    """The text of :func:`read_report`, which says more."""
    return read_report(path).text


def read_seg_headers(files: tuple[Path, ...], *, deidentify: bool) -> tuple[np.ndarray, ...]:
    """Read as :func:`tgcnet.io.dicom.seg_headers.read_seg_headers` does, in the child."""
    headers: tuple[np.ndarray, ...] = this_process_sandbox().ask(
        "read_seg_headers", name=files[0].name, files=files, deidentify=deidentify
    )
    return headers


def is_segmentation(path: Path) -> bool:
    """Whether a file is a DICOM segmentation, told in the child; what it cannot read is none."""
    path = path.absolute()
    try:
        found: bool = this_process_sandbox().ask("is_segmentation", name=path.name, path=path)
    except InputError:
        return False
    return found
