"""npe2 looks for the manifest inside the package folder, editable installs included.

The root's napari.yaml stays its only source; every build (sdist, wheel, editable) copies it in.
"""

import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class CopyManifest(BuildHookInterface):  # type: ignore[type-arg]  # the config class is hatchling's own
    """Copy napari.yaml into the plugin's package before anything is collected."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Copy; hatchling calls it for each target."""
        root = Path(self.root)
        shutil.copyfile(root / "napari.yaml", root / "src" / "napari_tgcnet" / "napari.yaml")
