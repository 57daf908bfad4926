"""``python -m napari_tgcnet``: napari with the shipped radiograph and the panel beside it."""

from __future__ import annotations

import napari


def main() -> None:
    """Open the window; returns when it is closed."""
    viewer = napari.Viewer()
    viewer.open_sample("napari-tgcnet", "radiograph")
    viewer.window.add_plugin_dock_widget("napari-tgcnet", "TGC-Net: segment")
    napari.run()


if __name__ == "__main__":
    main()
