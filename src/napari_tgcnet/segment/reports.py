"""The report of the chosen image: typed, pasted, from a file, or the sample's own. No Qt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from napari_tgcnet.segment.file_jobs import FileJobs
from napari_tgcnet.segment.image_choice import ImageChoice
from napari_tgcnet.segment.state import SegmentState
from napari_tgcnet.shared.store import Store
from tgcnet.io.report_file import ReportFile
from tgcnet.io.report_text import without_surrogates


class Reports:
    """Edits the report of the chosen image."""

    def __init__(
        self, *, store: Store[SegmentState], images: ImageChoice, file_jobs: FileJobs
    ) -> None:
        self._store, self._images, self._file_jobs = store, images, file_jobs

    def edit(self, text: str) -> None:
        """Keep what was typed or pasted; a clipboard may hold halves of characters."""
        self._images.edit_report(without_surrogates(text))

    def use_sample(self) -> None:
        image = self._store.state.image
        if image is not None and image.sample_report:
            self.edit(image.sample_report)

    def open(self, path: str) -> None:
        """Read a file's report for the image that is chosen now."""
        image_id = self._store.state.image_id

        def keep(read: ReportFile) -> None:
            self._images.set_report(read, image_id)
            self._file_jobs.show_notices(*read.notices)

        self._file_jobs.open_report(Path(path), self._images.about(), keep)

    def confirm(self) -> None:
        """Use the report although it is of another patient or study than the image."""
        self._images.confirm_report()
        self._store.become(replace(self._store.state, problem=""))
