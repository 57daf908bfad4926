"""What may be asked of the process that reads foreign files, by name, and what it answers."""

from dataclasses import dataclass
from typing import Any

import numpy as np

from tgcnet.domain import Volume
from tgcnet.io.dicom.series import Listing
from tgcnet.io.report_file import ReportFile


@dataclass(frozen=True, kw_only=True, slots=True)
class Request:
    """A function that the child may call.

    Attributes
    ----------
    module, function : imported in the child alone: it may need libraries that are large
    answer : the type of what it returns
    tells_progress : whether it takes ``on_progress``
    """

    module: str
    function: str
    answer: Any
    tells_progress: bool = False


REQUESTS = {
    "decode_volume": Request(module="tgcnet.io.read", function="decode_volume", answer=Volume),
    "decode_frame": Request(
        module="tgcnet.io.dicom.pixels", function="decode_frame", answer=np.ndarray
    ),
    "list_studies": Request(
        module="tgcnet.io.dicom.gather",
        function="list_studies",
        answer=Listing,
        tells_progress=True,
    ),
    "read_seg_headers": Request(
        module="tgcnet.io.dicom.seg_headers",
        function="read_seg_headers",
        answer=tuple[np.ndarray, ...],
        tells_progress=True,
    ),
    "is_segmentation": Request(
        module="tgcnet.io.dicom.seg_headers", function="is_segmentation", answer=bool
    ),
    "read_report": Request(
        module="tgcnet.io.report_file", function="read_report_file", answer=ReportFile
    ),
}
