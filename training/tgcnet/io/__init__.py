"""Files in and out: pictures, TIFF stacks, NIfTI, DICOM, report texts. Knows no torch.

The public names load what they need when they are first used: the command line's help and the
messages of the window ask ``formats`` alone, and the libraries of images take a second.
"""

from importlib import import_module

# The types of these stand in __init__.pyi.
_PUBLIC = {
    "RESEARCH_NOTICE": "tgcnet.io.write",
    "load_volume": "tgcnet.io.sandbox",
    "read_report": "tgcnet.io.sandbox",
    "read_report_text": "tgcnet.io.sandbox",
    "save_labels": "tgcnet.io.write",
    "write_atomically": "tgcnet.io.atomic",
    "write_bytes_atomically": "tgcnet.io.atomic",
    "write_text_atomically": "tgcnet.io.atomic",
}

__all__ = list(_PUBLIC)


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'tgcnet.io' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
