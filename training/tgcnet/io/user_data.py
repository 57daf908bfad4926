"""Where a user's own models, corrections and runs lie."""

import os
import sys
from pathlib import Path

import platformdirs

_APPLICATION = "napari-tgcnet"


def user_folder(name: str, variable: str) -> Path:
    """The folder that an environment variable states, else ``name`` in the platform's data folder.

    It need not be there.
    """
    if stated := os.environ.get(variable):
        return Path(stated).expanduser()
    folder = platformdirs.user_data_path(_APPLICATION, appauthor=False) / name
    former = _former_folder(name)
    return former if former is not None and former.is_dir() and not folder.is_dir() else folder


def _former_folder(name: str) -> Path | None:
    """Where earlier versions looked on systems that keep data elsewhere since; there it stays."""
    bases = {
        "win32": Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local"),
        "darwin": Path.home() / "Library" / "Application Support",
    }
    base = bases.get(sys.platform)
    return None if base is None else base / _APPLICATION / name
