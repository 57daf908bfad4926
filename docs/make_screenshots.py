"""Make the pictures of the panels: ``docs/images/{panel,study,corrections,finetune,gate}.png``.

On the shipped radiograph and on generated phantoms only. Run ``python docs/make_screenshots.py``
where there is a display; without one put ``xvfb-run -a -s "-screen 0 1600x1000x24"`` before it.
The pictures of fine-tuning come of a real run on phantoms, which takes some minutes.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import napari
from napari.layers import Layer
from phantom_ledger import save_phantoms
from phantom_study import save_study
from qtpy.QtWidgets import QApplication, QWidget

from napari_tgcnet._sample_data import radiograph
from napari_tgcnet._widget import CorrectionsPanel, FinetunePanel, SegmentPanel, StudyPanel
from napari_tgcnet.finetune.state import Phase
from napari_tgcnet.shared.session import Session

IMAGES = Path(__file__).parent / "images"
SIZE_PX = (1400, 900)
TIMEOUT_S = 900.0
SETTLE_S = 1.0
PICTURES = ("panel", "study", "corrections", "finetune")


def wait_until(condition: Callable[[], bool], timeout_s: float = TIMEOUT_S) -> bool:
    """Let Qt work until the condition holds; False where it never did."""
    end = time.monotonic() + timeout_s
    while not condition() and time.monotonic() < end:
        QApplication.processEvents()
        time.sleep(0.01)
    return condition()


def need(condition: Callable[[], bool], otherwise: Callable[[], str]) -> None:
    """Wait, and end with a sentence where it was in vain."""
    if not wait_until(condition):
        sys.exit(otherwise())


@contextmanager
def viewer_with(
    build: Callable[[napari.Viewer], Any], title: str
) -> Iterator[tuple[napari.Viewer, Any]]:
    """A viewer with one panel, closed in the end."""
    viewer = napari.Viewer()
    viewer.window.resize(*SIZE_PX)
    panel = build(viewer)
    viewer.window.add_dock_widget(panel, name=title)
    try:
        yield viewer, panel
    finally:
        panel.controller.close()
        viewer.close()


def take(viewer: napari.Viewer, name: str) -> None:
    """Save the whole window."""
    viewer.reset_view()
    wait_until(lambda: False, SETTLE_S)  # a canvas is drawn some turns later
    IMAGES.mkdir(exist_ok=True)
    viewer.window.screenshot(str(IMAGES / f"{name}.png"), canvas_only=False, flash=False)


def segment() -> None:
    """The shipped radiograph, its report, its mask."""
    with viewer_with(SegmentPanel, "TGC-Net: segment") as (viewer, panel):
        controller = panel.controller
        viewer.add_layer(Layer.create(*radiograph()[0]))
        need(lambda: controller.state.can_run, lambda: "No model got ready.")
        controller.reports.use_sample()
        controller.run.start()
        need(lambda: controller.state.result is not None, lambda: controller.state.problem)
        take(viewer, "panel")


def study(folder: Path) -> None:
    """Two series listed, the second refused, the first one open."""
    save_study(folder)
    with viewer_with(StudyPanel, "TGC-Net: open study") as (viewer, panel):
        controller = panel.controller
        controller.list_path(str(folder), opens_single=True)
        need(lambda: len(viewer.layers) == 1, lambda: controller.state.problem)
        need(lambda: not controller.state.is_loading, lambda: "The slices did not come.")
        controller.select(1)
        take(viewer, "study")


def corrections(session: Session) -> None:
    """The table, with one case opened."""

    def build(viewer: napari.Viewer) -> QWidget:
        return CorrectionsPanel(viewer, session)

    with viewer_with(build, "TGC-Net: corrections") as (viewer, panel):
        need(lambda: bool(panel.controller.state.cases), lambda: "No case was listed.")
        wait_until(lambda: False, 5.0)  # the thumbnails
        panel.controller.open_case(panel.controller.state.cases[0].case_id)
        need(lambda: len(viewer.layers) > 0, lambda: "The case was not opened.")
        take(viewer, "corrections")


def finetune(session: Session) -> None:
    """A run half way, and its end: the gate's report, before and after."""

    def build(viewer: napari.Viewer) -> QWidget:
        return FinetunePanel(viewer, session)

    with viewer_with(build, "TGC-Net: fine-tune") as (viewer, panel):
        controller = panel.controller
        need(lambda: controller.state.can_start, lambda: str(controller.state.estimate))
        controller.run.start()
        need(
            lambda: len(controller.state.progress.scores) > 6 or not controller.state.is_busy,
            lambda: controller.state.ending,
        )
        take(viewer, "finetune")
        need(lambda: controller.state.phase is Phase.ENDED, lambda: "The run did not end.")
        compared = controller.state.progress.slices
        if not compared:
            sys.exit(controller.state.ending)
        controller.comparison.show(max(compared, key=lambda one: one.dice_after - one.dice_before))
        need(lambda: controller.state.shown is not None, lambda: controller.state.show_problem)
        take(viewer, "gate")


def main() -> None:
    """Read the command line, make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=PICTURES, nargs="*", default=PICTURES)
    wanted = parser.parse_args().only
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        # Neither the user's models nor runs are touched, and no name of theirs is in a picture.
        os.environ.update(TGCNET_MODELS=str(work / "models"), TGCNET_RUNS=str(work / "runs"))
        session = Session(work / "corrections")
        if {"corrections", "finetune"} & set(wanted):
            save_phantoms(session.ledger)
        if "panel" in wanted:
            segment()
        if "study" in wanted:
            study(work / "study")
        if "corrections" in wanted:
            corrections(session)
        if "finetune" in wanted:
            finetune(session)


if __name__ == "__main__":
    main()
