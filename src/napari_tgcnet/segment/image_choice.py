"""Which image the panel is about, and what a person wrote about each. No Qt."""

from __future__ import annotations

from dataclasses import replace

from napari_tgcnet.segment.identity_check import identity_after_edit
from napari_tgcnet.segment.ports import Layers
from napari_tgcnet.segment.state import Phase, Scope, SegmentState
from napari_tgcnet.shared.case import Draft, ImageInfo
from napari_tgcnet.shared.store import Store
from tgcnet.io.report_file import ReportFile
from tgcnet.io.report_table import About

_FILE_PHASES = (Phase.READING_FILE, Phase.SAVING_FILE, Phase.SAVING_CORRECTION)


class ImageChoice:
    """Chooses an image, and keeps a draft for each, so that none is used with another image."""

    def __init__(self, store: Store[SegmentState], layers: Layers) -> None:
        self._store, self._layers = store, layers
        self._drafts: dict[str | None, Draft] = {}
        # The image to choose once the file that is being read or written is done.
        self._postponed: str | None = None

    def refresh(self) -> None:
        """Update the list of images after layers changed; a new image is chosen."""
        state, images = self._store.state, self._layers.images()
        known = {image.id for image in state.images}
        new = [image.id for image in images if image.id not in known]
        if new and state.phase in _FILE_PHASES:
            self._postponed = new[-1]
        if new and not state.is_busy:
            self._choose(images, new[-1])
        elif state.image_id in {image.id for image in images}:
            self._store.become(replace(self._store.state, images=images))
            self._store.become(replace(self._store.state, can_save=self.has_mask()))
        else:
            self._choose(images, images[-1].id if images else None)

    def follow_active(self) -> None:
        """Choose the image that is selected in napari's list, or the image of a selected mask."""
        image_id = self._layers.active_image()
        if image_id in {image.id for image in self._store.state.images}:
            self.choose(image_id)

    def choose_postponed(self) -> None:
        """Choose the image that could not be chosen while a file was being read or written."""
        postponed, self._postponed = self._postponed, None
        if postponed in {image.id for image in self._store.state.images}:
            self.choose(postponed)

    def choose(self, image_id: str | None) -> None:
        """Choose an image, or postpone that while a file is being read or written."""
        state = self._store.state
        if state.phase in _FILE_PHASES:
            self._postponed = image_id
        if image_id != state.image_id and not state.is_busy:
            self._choose(state.images, image_id)

    def choose_modality(self, choice: str) -> None:
        """State the modality of the chosen image; :data:`AUTOMATIC` undoes that."""
        image_id = self._store.state.image_id
        if image_id is not None:
            self.set_modality(image_id, choice)

    def set_modality(self, image_id: str, choice: str) -> None:
        self._layers.set_modality(image_id, choice)
        self._store.become(replace(self._store.state, images=self._layers.images()))

    def replace_draft(self, draft: Draft) -> None:
        """Replace the chosen image's draft."""
        self._keep(draft, self._store.state.image_id)

    def edit_report(self, text: str) -> None:
        """Keep what a person typed or pasted; its identity stays known while it is an edit."""
        draft = self._store.state.draft
        identity = identity_after_edit(draft, text)
        self._keep(
            replace(
                draft,
                report=text,
                identity=identity,
                is_confirmed=draft.is_confirmed and identity == draft.identity,
            ),
            self._store.state.image_id,
        )

    def set_report(self, read: ReportFile, image_id: str | None) -> None:
        """Keep a file's report for the image it was opened for, chosen or not."""
        draft = self._drafts.get(image_id, Draft())
        self._keep(
            replace(draft, report=read.text, identity=read.identity, is_confirmed=False), image_id
        )

    def confirm_report(self) -> None:
        """Use the report although it is of another patient or study than the image."""
        self._keep(replace(self._store.state.draft, is_confirmed=True), self._store.state.image_id)

    def about(self) -> About:
        """How a table of reports may refer to the chosen image."""
        image = self._store.state.image
        return About(name=image.name, identity=image.identity) if image else About()

    def _keep(self, draft: Draft, image_id: str | None) -> None:
        self._drafts[image_id] = draft
        if image_id == self._store.state.image_id:
            self._store.become(replace(self._store.state, draft=draft))

    def has_mask(self) -> bool:
        image_id = self._store.state.image_id
        return image_id is not None and self._layers.has_mask(image_id)

    def _choose(self, images: tuple[ImageInfo, ...], image_id: str | None) -> None:
        image = next((one for one in images if one.id == image_id), None)
        # A draft that was written before there was any image belongs to the first one.
        first = self._drafts.pop(None, Draft())
        if image is not None and image.draft is not None:
            first = image.draft
        self._store.become(
            replace(
                self._store.state,
                images=images,
                image_id=image_id,
                draft=self._drafts.setdefault(image_id, first),
                result=None,
                problem="",
                notices=(),
                scope=Scope.ALL,
                range_first=0,
                range_last=image.num_slices - 1 if image else 0,
                can_save=image_id is not None and self._layers.has_mask(image_id),
            )
        )
        self._layers.choose(image_id)
