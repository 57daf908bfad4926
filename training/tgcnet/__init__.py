"""Text-guided medical image segmentation: models, training and all that needs no window.

Importing this does nothing; the public names load what they need when they are first used.
"""

from importlib import import_module

__version__ = "0.1.0"

# By name, not by import statements: who imports tgcnet must not import torch. The types of these
# stand in __init__.pyi.
_PUBLIC = {
    "load_predictor": "tgcnet.inference.predictor",
    "load_volume": "tgcnet.io",
    "read_report": "tgcnet.report",
}

__all__ = ["__version__", "load_predictor", "load_volume", "read_report"]


def __getattr__(name: str) -> object:
    if name in _PUBLIC:
        return getattr(import_module(_PUBLIC[name]), name)
    raise AttributeError(f"module 'tgcnet' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *_PUBLIC])
