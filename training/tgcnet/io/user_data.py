"""Where a user's own models, corrections and runs lie."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path


def user_folder(
    name: str,
    variable: str,
    environment: Mapping[str, str] = os.environ,
    platform: str = sys.platform,
) -> Path:
    """The folder that an environment variable states, else ``name`` in the platform's data folder.

    It need not be there.
    """
    if stated := environment.get(variable):
        return Path(stated).expanduser()
    if platform == "win32":
        base = Path(environment.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif platform == "darwin":
        base = Path.home() / "Library" / "Application Support"
    else:
        base = Path(environment.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    return base / "napari-tgcnet" / name
