"""The report of the chosen image: typed, pasted, from a file, or the sample's own. No Qt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from napari_tgcnet.segment.file_jobs import Filing
from napari_tgcnet.segment.image_choice import ImageChoice
from napari_tgcnet.segment.state import PanelState
from napari_tgcnet.shared.store import Store
from tgcnet.io.report_file import ReportFile
from tgcnet.io.report_text import without_surrogates


class Reports:
    """Keeps each image's report, and whose it is as far as its file says."""

    def __init__(self, *, store: Store[PanelState], images: ImageChoice, filing: Filing) -> None:
        self._store, self._images, self._filing = store, images, filing

    def edit(self, text: str) -> None:
        """Take what was typed or pasted; a clipboard may hold halves of characters."""
        self._images.edit_report(without_surrogates(text))

    def use_sample(self) -> None:
        image = self._store.state.image
        if image is not None and image.sample_report:
            self.edit(image.sample_report)

    def open(self, path: str) -> None:
        """Read a report for the image that is chosen now."""
        image_id = self._store.state.image_id

        def keep(read: ReportFile) -> None:
            self._images.write_report(read, image_id)
            self._filing.say(*read.notices)

        self._filing.open_report(Path(path), self._images.about(), keep)

    def confirm(self) -> None:
        """Use the report although it is of another patient or study than the image."""
        self._images.confirm_report()
        self._store.become(replace(self._store.state, problem=""))
