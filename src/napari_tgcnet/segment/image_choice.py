"""Which image the panel is about, and what a person wrote about each. No Qt."""

from __future__ import annotations

from dataclasses import replace

from napari_tgcnet.segment.identity_check import of_text
from napari_tgcnet.segment.ports import Layers
from napari_tgcnet.segment.state import Draft, ImageInfo, PanelState, Phase, Scope
from napari_tgcnet.shared.store import Store
from tgcnet.io.report_file import ReportFile
from tgcnet.io.report_table import About

_FILE_PHASES = (Phase.READING_FILE, Phase.SAVING_FILE, Phase.SAVING_CORRECTION)


class ImageChoice:
    """Chooses an image and keeps the draft of each: one patient's never meets another's image."""

    def __init__(self, store: Store[PanelState], layers: Layers) -> None:
        self._store, self._layers = store, layers
        self._drafts: dict[str | None, Draft] = {}
        # What came or was selected while a file was being read or written.
        self._missed: str | None = None

    def refresh(self) -> None:
        """Take notice of layers that came, went or were renamed; one that came is chosen."""
        state, images = self._store.state, self._layers.images()
        known = {image.id for image in state.images}
        new = [image.id for image in images if image.id not in known]
        if new and state.phase in _FILE_PHASES:
            self._missed = new[-1]
        if new and not state.is_busy:
            self._choose(images, new[-1])
        elif state.image_id in {image.id for image in images}:
            self._store.become(replace(self._store.state, images=images))
            self._store.become(replace(self._store.state, can_save=self.has_mask()))
        else:
            self._choose(images, images[-1].id if images else None)

    def follow_active(self) -> None:
        """Choose the image that was selected in the list of layers, or whose mask was."""
        image_id = self._layers.active_image()
        if image_id in {image.id for image in self._store.state.images}:
            self.choose(image_id)

    def catch_up(self) -> None:
        """Choose what could not be chosen while a file was being read or written."""
        missed, self._missed = self._missed, None
        if missed in {image.id for image in self._store.state.images}:
            self.choose(missed)

    def choose(self, image_id: str | None) -> None:
        """Choose an image; while a file is being read or written, once that is done."""
        state = self._store.state
        if state.phase in _FILE_PHASES:
            self._missed = image_id
        if image_id != state.image_id and not state.is_busy:
            self._choose(state.images, image_id)

    def choose_modality(self, choice: str) -> None:
        """Say what the chosen image is, or take that back."""
        image_id = self._store.state.image_id
        if image_id is not None:
            self.set_modality(image_id, choice)

    def set_modality(self, image_id: str, choice: str) -> None:
        self._layers.set_modality(image_id, choice)
        self._store.become(replace(self._store.state, images=self._layers.images()))

    def write(self, draft: Draft) -> None:
        """Replace the chosen image's draft."""
        self._keep(draft, self._store.state.image_id)

    def edit_report(self, text: str) -> None:
        """Keep what a person typed or pasted; whose it is stays known while it is an edit."""
        draft = self._store.state.draft
        identity = of_text(draft, text)
        self._keep(
            replace(
                draft,
                report=text,
                identity=identity,
                is_confirmed=draft.is_confirmed and identity == draft.identity,
            ),
            self._store.state.image_id,
        )

    def write_report(self, read: ReportFile, image_id: str | None) -> None:
        """Keep a file's report with its image, which may not be the chosen one any more."""
        draft = self._drafts.get(image_id, Draft())
        self._keep(
            replace(draft, report=read.text, identity=read.identity, is_confirmed=False), image_id
        )

    def confirm_report(self) -> None:
        """A person uses the report although it is of another patient or study."""
        self._keep(replace(self._store.state.draft, is_confirmed=True), self._store.state.image_id)

    def about(self) -> About:
        """The chosen image, as a table of reports may name it."""
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
        # What was written before there was any image is for the first one.
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
