"""``tgcnet demo``: the main job on the shipped sample."""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from tgcnet.cli.options import DeviceOption
from tgcnet.cli.output import say, warn
from tgcnet.domain import Segmentation, Volume
from tgcnet.errors import OutputError


@dataclass(frozen=True, kw_only=True, slots=True)
class DemoCommand:
    """Segment the shipped sample and show it."""

    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="where mask and picture are written")
    ] = Path("demo-out")
    model: Annotated[
        str, typer.Option("--model", metavar="NAME|PATH", help="registered name or folder")
    ] = "mini"
    device: DeviceOption = "auto"
    no_window: Annotated[
        bool, typer.Option("--no-window", help="do not open napari, even where there is a display")
    ] = False

    def run(self) -> int:
        """Write the mask and a picture of it; open napari where somebody could see it."""
        self._write()
        if not self.no_window and has_display():
            say("Opening napari; press Run in the panel to segment it there.")
            status = open_napari()
            if status:
                warn(
                    f"tgcnet: napari ended with status {status}; mask and picture are written. If "
                    "it did not open, a Qt binding may be missing: pip install 'napari-tgcnet[all]'"
                )
                return 1
        return 0

    def _write(self) -> None:
        from PIL import Image

        from tgcnet.io import load_volume, save_labels, write_atomically
        from tgcnet.samples import list_samples, sample_path

        sample = list_samples()[0]
        source = sample_path(sample.name)
        volume = load_volume(source, modality=sample.modality)
        _make_folder(self.out)

        from tgcnet.inference.predictor import load_predictor

        predictor = load_predictor(self.model, self.device)
        segmentation = predictor.segment(volume, sample.report)
        mask = self.out / f"{sample.name}-mask.png"
        picture = self.out / f"{sample.name}-overlay.png"
        save_labels(
            segmentation.labels, segmentation.geometry, mask, provenance=segmentation.provenance
        )
        overlay = draw_overlay(volume, segmentation)
        write_atomically(picture, lambda path: Image.fromarray(overlay).save(path))
        share = float(np.mean(segmentation.labels > 0))
        say(f"{sample.title} ({sample.licence}, {sample.source_url})")
        say(f"Report: {sample.report}")
        say(f"Segmented {share:.1%} of the picture on {segmentation.provenance['device']}.")
        say(f"Mask: {mask}")
        say(f"Picture: {picture}")
        say(segmentation.provenance["notice"])


def has_display(environment: dict[str, str] | None = None, platform: str = sys.platform) -> bool:
    """Whether a window could be seen; only X11 and Wayland say so in the environment."""
    values = dict(os.environ) if environment is None else environment
    if platform in ("win32", "darwin"):
        return True
    return bool(values.get("DISPLAY") or values.get("WAYLAND_DISPLAY"))


def open_napari() -> int:
    """Open the sample beside the panel, in a process of its own: tgcnet never imports napari.

    Returns
    -------
    int
        The exit status, once the window is closed.
    """
    return subprocess.run([sys.executable, "-m", "napari_tgcnet"], check=False).returncode


def draw_overlay(volume: Volume, segmentation: Segmentation) -> np.ndarray:
    """The first slice in grey with each class filled thinly and outlined, (Y, X, 3) uint8."""
    from scipy import ndimage

    plane = volume.array[0].astype(np.float32)
    low, high = float(plane.min()), float(plane.max())
    grey = (plane - low) / max(high - low, 1e-6) * 255.0
    picture = np.repeat(grey[..., None], 3, axis=2)
    for index, entry in enumerate(segmentation.classes):
        mask = segmentation.labels[0] == index + 1
        outline = mask & ~ndimage.binary_erosion(mask, iterations=2)
        colour = np.asarray(entry.colour, dtype=np.float32)
        picture[mask] = 0.7 * picture[mask] + 0.3 * colour
        picture[outline] = colour
    rounded: np.ndarray = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return rounded


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"--out {folder.name} cannot be made ({error.strerror}); choose a folder of yours."
        ) from None
