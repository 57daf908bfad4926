"""Files in and out: pictures, TIFF stacks, NIfTI, DICOM, report texts. Knows no torch."""

from tgcnet.io.atomic import (
    write_atomically,
    write_bytes_atomically,
    write_text_atomically,
)
from tgcnet.io.sandbox import load_volume, read_report, read_report_text
from tgcnet.io.write import RESEARCH_NOTICE, save_labels

__all__ = [
    "RESEARCH_NOTICE",
    "load_volume",
    "read_report",
    "read_report_text",
    "save_labels",
    "write_atomically",
    "write_bytes_atomically",
    "write_text_atomically",
]
