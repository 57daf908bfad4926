"""Foreign files are parsed and decoded in a process of its own, within limits of time and memory.

A decoder's crash, hang or hunger ends that process and nothing else; here it is an InputError.
"""

from tgcnet.io.sandbox.ask import (
    decode_frame,
    is_segmentation,
    list_studies,
    load_volume,
    read_report,
    read_report_text,
    read_seg_headers,
)

__all__ = [
    "decode_frame",
    "is_segmentation",
    "list_studies",
    "load_volume",
    "read_report",
    "read_report_text",
    "read_seg_headers",
]
