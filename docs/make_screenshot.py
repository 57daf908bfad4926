"""Make ``docs/images/panel.png``: a viewer and the panel after a run on the shipped radiograph.

Run ``python docs/make_screenshot.py`` where there is a display; without one put
``xvfb-run -a -s "-screen 0 1600x1000x24"`` before it.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

import napari
from napari.layers import Layer
from qtpy.QtWidgets import QApplication

from napari_tgcnet._sample_data import radiograph
from napari_tgcnet._widget import SegmentPanel
from napari_tgcnet.state import PanelState

OUTPUT = Path(__file__).parent / "images" / "panel.png"
SIZE_PX = (1400, 900)
TIMEOUT_S = 120.0
SETTLE_S = 1.0


def wait_until(condition: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> bool:
    """Let Qt work until the condition holds; False where it never did."""
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)
    return condition()


def make(output: Path, model: str | None) -> str:
    """Run the sample and save the window; returns a sentence on what went wrong, or nothing."""
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE_PX)
    panel = SegmentPanel(viewer)
    viewer.window.add_dock_widget(panel, name="TGC-Net: segment")
    controller = panel.controller

    def state() -> PanelState:
        return controller.state

    try:
        viewer.add_layer(Layer.create(*radiograph()[0]))
        if not wait_until(lambda: state().engine_ready and state().can_run):
            return f"No model got ready. {state().problem}"
        if model is not None:
            controller.choose_model(model)
        controller.use_sample_report()
        controller.run()
        if not wait_until(lambda: not state().is_busy) or state().result is None:
            return f"The run did not finish. {state().problem}"
        viewer.reset_view()
        wait_until(lambda: False, SETTLE_S)  # a canvas is drawn some turns later
        output.parent.mkdir(parents=True, exist_ok=True)
        viewer.window.screenshot(str(output), canvas_only=False, flash=False)
        return ""
    finally:
        controller.close()
        viewer.close()


def main() -> None:
    """Read the command line, make the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=OUTPUT)
    parser.add_argument("--model", default=None, help="a registered name; the first one if absent")
    options = parser.parse_args()
    sys.exit(make(options.out, options.model) or 0)


if __name__ == "__main__":
    main()
