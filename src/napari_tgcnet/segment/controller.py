"""Wishes of the user and events of the engine -> one frozen state; imports neither Qt nor torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.choices import AUTO, CPU, ModelChoices
from napari_tgcnet.segment.file_jobs import Filing
from napari_tgcnet.segment.identity_check import check as check_whose
from napari_tgcnet.segment.image_choice import ImageChoice
from napari_tgcnet.segment.ports import Engine, Files, Layers, LayerTuple, Order, View, Workers
from napari_tgcnet.segment.reports import Reports
from napari_tgcnet.segment.run import (
    MODALITY_QUESTION,
    NO,
    REPLACE_QUESTION,
    RunRecord,
    held_inside,
    known_provenance,
    preflight_notices,
    preflight_question,
    take_order,
)
from napari_tgcnet.segment.save_correction import Correcting
from napari_tgcnet.segment.state import (
    Asking,
    PanelState,
    Phase,
    Question,
    Scope,
)
from napari_tgcnet.shared.session import Session
from napari_tgcnet.shared.store import Store
from napari_tgcnet.shared.windows import Windows
from tgcnet.engine.protocol import (
    Begun,
    Cancelled,
    Died,
    Event,
    Failed,
    Finished,
    Notice,
    Progress,
    Ready,
    ReportRead,
    SliceDone,
)
from tgcnet.errors import EngineError, ModalityUnknownError, TgcnetError

T = TypeVar("T")


class Controller:
    """Replaces the panel's state, with its parts for files and for the choice of an image."""

    def __init__(
        self,
        *,
        view: View[PanelState],
        layers: Layers,
        engine: Engine,
        workers: Workers,
        files: Files,
        session: Session,
    ) -> None:
        self._store = Store(view, PanelState(devices=(AUTO, CPU)))
        self._layers, self._engine = layers, engine
        self._images = ImageChoice(self._store, layers)
        self._filing = Filing(
            store=self._store,
            layers=layers,
            workers=workers,
            files=files,
            when_idle=self._images.catch_up,
        )
        self.reports = Reports(store=self._store, images=self._images, filing=self._filing)
        self.correcting = Correcting(
            store=self._store,
            images=self._images,
            layers=layers,
            filing=self._filing,
            files=files,
            session=session,
        )
        self.windows = Windows(self._store, layers)
        session.models_changed.connect(self.refresh_models)
        self._models = ModelChoices(self._store)
        self._run: RunRecord | None = None
        self._order: Order | None = None
        # Of the run that is asked for: shown from its begin on, until then the last one's stand.
        self._notices: tuple[str, ...] = ()

    @property
    def state(self) -> PanelState:
        """What the panel shows now."""
        return self._store.state

    # Wishes.

    def open_panel(self) -> None:
        """Start the model's process and show what there is; returns at once."""
        self._guard(self._engine.start)
        self.correcting.show_ledger()
        self.refresh_images()
        self.follow_active()

    def retry_engine(self) -> None:
        """Start the model's process again, which ended before it got ready."""
        self._store.become(replace(self._store.state, engine_problem=""))
        self._guard(self._engine.describe)

    def refresh_models(self) -> None:
        """Take notice of models that came, went or were switched on."""
        if not self._store.is_closed and self.state.engine_ready:
            self._guard(self._engine.describe)

    def refresh_images(self) -> None:
        """Take notice of layers that came, went or were renamed."""
        if not self._store.is_closed:
            self._images.refresh()

    def follow_active(self) -> None:
        """Take notice of the layer that was selected."""
        if not self._store.is_closed:
            self._images.follow_active()

    def choose_image(self, image_id: str) -> None:
        self._images.choose(image_id)

    def choose_modality(self, choice: str) -> None:
        if not self.state.is_busy:
            self._guard(lambda: self._images.choose_modality(choice))

    def choose_model(self, name: str) -> None:
        self._models.choose(name)

    def choose_device(self, name: str) -> None:
        self._store.become(replace(self._store.state, device=name))

    def choose_scope(self, scope: str) -> None:
        self._store.become(replace(self._store.state, scope=Scope(scope)))

    def set_range(self, first: int, last: int) -> None:
        """The range of slices, both ends included, held inside the stack and in order."""
        first, last = held_inside(self.state.image, first, last)
        self._store.become(replace(self._store.state, range_first=first, range_last=last))

    def set_threshold(self, threshold: float) -> None:
        self._store.become(replace(self._store.state, threshold=threshold))

    def open_image(self, path: str) -> None:
        self._filing.open_image(Path(path), self._image_read)

    def save_mask(self, path: str, deidentify: bool = False) -> None:
        self._filing.save_mask(Path(path), deidentify=deidentify)

    def jump_to_largest(self) -> None:
        image_id, result = self.state.image_id, self.state.result
        if image_id is not None and result is not None and result.largest_slice is not None:
            index = result.largest_slice
            self._guard(lambda: self._layers.jump_to(image_id, index))

    def run(self) -> None:
        """Read the report, ask what has to be asked, then segment."""
        if not self.state.can_run:
            return
        order = self._guard(self._take_order)
        if order is None:
            return
        self._order, self._run, self._notices = order, None, ()
        self._store.become(replace(self._store.state, problem="", fraction=0.0, seconds_left=None))
        if order.report.strip():
            self._store.become(replace(self._store.state, phase=Phase.READING_REPORT))
            self._guard(lambda: self._engine.read_report(order.report, model=order.model))
        else:
            self._notices = (messages.NO_REPORT,)
            self._ask_before_replacing()

    def cancel(self) -> None:
        """Stop what runs; the slices that are finished are kept."""
        if self.state.phase is Phase.RUNNING:
            self._store.become(replace(self._store.state, phase=Phase.CANCELLING))
            self._engine.cancel()
        elif self.state.can_cancel:
            self._order = None
            self._free()

    def answer(self, value: str) -> None:
        """Take the answer to the question that stands in the panel."""
        question = self.state.question
        if question is None or self._order is None:
            return
        self._store.become(replace(self._store.state, question=None))
        if value == NO.value:
            self._order = None
            self._free()
        elif question.kind is Asking.MODALITY:
            image_id = self._order.image_id
            self._guard(lambda: self._images.set_modality(image_id, value))
            self._segment()
        elif question.kind is Asking.REPLACE:
            self._segment()
        else:
            self._ask_before_replacing()

    def close(self) -> None:
        """End the model's process and leave the viewer alone; nothing is shown any more."""
        if not self._store.is_closed:
            self._store.is_closed = True
            self._engine.close()
            self._layers.close()

    # Events of the engine.

    def take_event(self, event: Event) -> None:
        """Turn an event into a state; called on the Qt thread."""
        if self._store.is_closed:
            return
        match event:
            case Ready():
                self._models.take(event)
            case ReportRead():
                self._report_read(event)
            case Progress(done=done, total=total, seconds_left=seconds_left):
                self._store.become(
                    replace(
                        self._store.state, fraction=done / max(total, 1), seconds_left=seconds_left
                    )
                )
            case Begun():
                self._begun(event)
            case SliceDone(z=z):
                self._slice_done(z)
            case Notice(sentence=sentence):
                self._store.become(
                    replace(self._store.state, notices=(*self.state.notices, sentence))
                )
            case Finished() | Cancelled() | Failed() | Died():
                self._take_end(event)

    def _take_end(self, event: Finished | Cancelled | Failed | Died) -> None:
        match event:
            case Finished():
                self._finished(event)
            case Cancelled():
                self._end(self._keep_finished(messages.cancelled, messages.CANCELLED_BEFORE))
            case Failed(sentence=sentence, kind=kind):
                self._failed(sentence, kind)
            case Died(sentence=sentence):
                self._failed(sentence, EngineError.__name__, is_guess=True)

    def _report_read(self, event: ReportRead) -> None:
        if self.state.phase is not Phase.READING_REPORT:
            return
        self._notices = preflight_notices(event)
        question = preflight_question(event)
        if question is not None:
            self._ask(question)
        else:
            self._ask_before_replacing()

    def _begun(self, event: Begun) -> None:
        """Before the first slice: the image is seen as the model gets it while slices come."""
        window = event.window
        if self._run is not None:
            self._run.take_window(window)
            self._layers.add_provenance(event.about_report)
        if self._order is not None:
            self._layers.show_window(self._order.image_id, window.low, window.high)

    def _slice_done(self, index: int) -> None:
        if self._run is not None:
            labels = self._engine.slice_labels(index)
            self._run.count(index, labels)
            self._layers.write_slice(index, labels)

    def _finished(self, event: Finished) -> None:
        run, order = self._take_run(), self._order
        self._layers.commit(event.provenance)
        self._free()
        if run is None or order is None:
            return
        if order.image_id == self.state.image_id:
            self._store.become(
                replace(
                    self._store.state,
                    result=run.summary(messages.took(event.seconds, event.device)),
                )
            )
        else:
            self._store.become(
                replace(self._store.state, notices=(*self.state.notices, messages.RESULT_ELSEWHERE))
            )
        self._engine.describe()

    def _failed(self, sentence: str, kind: str, *, is_guess: bool = False) -> None:
        """End what the engine could not do; a guess at the reason never hides a known one."""
        if self._order is None:
            self._failed_beside_runs(sentence, is_guess=is_guess)
            return
        if kind == ModalityUnknownError.__name__:
            self._take_run()
            self._layers.commit()
            self._ask(MODALITY_QUESTION)
            return
        kept = self._keep_finished(messages.kept_after_failure, "")
        self._end(kept, problem=sentence)

    def _failed_beside_runs(self, sentence: str, *, is_guess: bool) -> None:
        state = self.state
        if state.engine_ready:
            known = state.problem if is_guess else ""
            self._store.become(replace(state, problem=known or sentence))
        else:
            known = state.engine_problem if is_guess else ""
            self._store.become(replace(state, engine_problem=known or sentence))

    # Steps of a run.

    def _take_order(self) -> Order:
        check_whose(self.state)
        return take_order(self.state, self._layers.current_slice, self.windows.for_model)

    def _ask_before_replacing(self) -> None:
        order = self._order
        if order is None:
            return
        painted = self._guard(lambda: self._layers.has_paint(order.image_id, order.slices))
        if painted:
            self._ask(REPLACE_QUESTION)
        elif painted is not None:
            self._segment()

    def _ask(self, question: Question) -> None:
        self._store.become(replace(self._store.state, phase=Phase.ASKING, question=question))

    def _segment(self) -> None:
        order = self._order
        if order is not None:
            self._guard(lambda: self._begin(order))

    def _begin(self, order: Order) -> None:
        model = self._models.info(order.model)
        geometry = self._layers.geometry(order.image_id)
        source = self._layers.source(order.image_id)
        provenance = known_provenance(model, order)
        self._layers.open_run(order.image_id, order.slices, model.classes, provenance)
        self._run = RunRecord(
            classes=model.classes, geometry=geometry, planar=source.ndim == 2, slices=order.slices
        )
        self._store.become(
            replace(
                self._store.state,
                phase=Phase.RUNNING,
                fraction=0.0,
                seconds_left=None,
                result=None,
                notices=self._notices,
            )
        )
        self._engine.segment(order, source)

    def _keep_finished(self, sentence: Callable[[int, int], str], otherwise: str) -> str:
        """Commit the finished slices of a run that ended early, sum them up, and say so."""
        run, order = self._take_run(), self._order
        num_voxels = self._layers.commit()
        if run is None or not run.num_seen:
            return otherwise
        if order is not None and order.image_id == self.state.image_id:
            self._store.become(replace(self._store.state, result=run.summary()))
        return sentence(run.num_seen, num_voxels)

    def _take_run(self) -> RunRecord | None:
        """Give the record of the run, once: a commit that fails is not tried again."""
        run, self._run = self._run, None
        return run

    def _end(self, notice: str, *, problem: str = "") -> None:
        self._free()
        notices = (*self.state.notices, notice) if notice else self.state.notices
        self._store.become(replace(self._store.state, notices=notices, problem=problem))

    def _free(self) -> None:
        self._run, self._order = None, None
        self._store.become(
            replace(
                self._store.state,
                phase=Phase.IDLE,
                question=None,
                fraction=0.0,
                seconds_left=None,
                can_save=self._images.has_mask(),
            )
        )

    # What all share.

    def _image_read(self, layer: LayerTuple) -> None:
        image_id = self._layers.add(layer)
        self.refresh_images()
        self.choose_image(image_id)

    def _guard(self, step: Callable[[], T]) -> T | None:
        """Take a step; an error of the family frees the panel and is shown as its sentence."""
        try:
            return step()
        except TgcnetError as error:
            self._end("", problem=str(error))
            return None
        except MemoryError:
            self._end("", problem=messages.NO_MEMORY)
            return None
