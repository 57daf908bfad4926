"""Actions of the user and events of the engine -> one frozen state; no Qt, no torch."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from napari_tgcnet.segment.file_jobs import FileJobs
from napari_tgcnet.segment.image_choice import ImageChoice
from napari_tgcnet.segment.model_choices import AUTO, CPU, ModelChoices
from napari_tgcnet.segment.ports import Engine, Files, Layers
from napari_tgcnet.segment.reports import Reports
from napari_tgcnet.segment.run_control import RunControl
from napari_tgcnet.segment.save_correction import CorrectionSaver
from napari_tgcnet.segment.state import SegmentState
from napari_tgcnet.segment.windows import Windows
from napari_tgcnet.shared.case import LayerTuple
from napari_tgcnet.shared.session import Session
from napari_tgcnet.shared.store import Store, View, Workers
from tgcnet.engine.protocol import Event, Ready


class SegmentController:
    """Decides what happens, and is with its parts the only one to replace the panel's state."""

    def __init__(
        self,
        *,
        view: View[SegmentState],
        layers: Layers,
        engine: Engine,
        workers: Workers,
        files: Files,
        session: Session,
    ) -> None:
        self._store = Store(view, SegmentState(devices=(AUTO, CPU)))
        self._layers, self._engine = layers, engine
        self._images = ImageChoice(self._store, layers)
        self._file_jobs = FileJobs(
            store=self._store,
            layers=layers,
            workers=workers,
            files=files,
            when_idle=self._images.choose_postponed,
        )
        self.reports = Reports(store=self._store, images=self._images, file_jobs=self._file_jobs)
        self.corrections = CorrectionSaver(
            store=self._store,
            images=self._images,
            layers=layers,
            file_jobs=self._file_jobs,
            files=files,
            session=session,
        )
        self.windows = Windows(self._store, layers)
        session.models_changed.connect(self.refresh_models)
        self._models = ModelChoices(self._store)
        self.run = RunControl(
            store=self._store,
            layers=layers,
            engine=engine,
            images=self._images,
            models=self._models,
            windows=self.windows,
        )

    @property
    def state(self) -> SegmentState:
        """What the panel shows now."""
        return self._store.state

    def open_panel(self) -> None:
        """Start the model's process and show what there is; returns at once."""
        self.run.guard(self._engine.start)
        self.corrections.show_ledger()
        self.refresh_images()
        self.follow_active()

    def refresh_models(self) -> None:
        """Ask the engine again: a model was added, removed or made active."""
        if not self._store.is_closed and self.state.engine_ready:
            self.run.guard(self._engine.describe)

    def refresh_images(self) -> None:
        """Update the list of images: a layer was added, removed, moved or renamed."""
        if not self._store.is_closed:
            self._images.refresh()

    def follow_active(self) -> None:
        """Choose the image of the layer that was selected in napari's list."""
        if not self._store.is_closed:
            self._images.follow_active()

    def choose_image(self, image_id: str) -> None:
        self._images.choose(image_id)

    def choose_modality(self, choice: str) -> None:
        if not self.state.is_busy:
            self.run.guard(lambda: self._images.choose_modality(choice))

    def choose_model(self, name: str) -> None:
        self._models.choose(name)

    def choose_device(self, name: str) -> None:
        self._store.become(replace(self.state, device=name))

    def set_threshold(self, threshold: float) -> None:
        self._store.become(replace(self.state, threshold=threshold))

    def open_image(self, path: str) -> None:
        self._file_jobs.open_image(Path(path), self._image_read)

    def save_mask(self, path: str, deidentify: bool = False) -> None:
        self._file_jobs.save_mask(Path(path), deidentify=deidentify)

    def jump_to_largest(self) -> None:
        image_id, result = self.state.image_id, self.state.result
        if image_id is not None and result is not None and result.largest_slice is not None:
            index = result.largest_slice
            self.run.guard(lambda: self._layers.jump_to(image_id, index))

    def close(self) -> None:
        """End the model's process and let go of the viewer; nothing is shown any more."""
        if not self._store.is_closed:
            self._store.is_closed = True
            self._engine.close()
            self._layers.close()

    def handle_event(self, event: Event) -> None:
        """Show what an event of the engine says; called on the Qt thread."""
        if self._store.is_closed:
            return
        if isinstance(event, Ready):
            self._models.update(event)
        else:
            self.run.handle_event(event)

    def _image_read(self, layer: LayerTuple) -> None:
        image_id = self._layers.add(layer)
        self.refresh_images()
        self.choose_image(image_id)
