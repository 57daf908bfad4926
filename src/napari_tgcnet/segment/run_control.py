"""One run of the model: requested, asked about, segmented, ended. No Qt, no torch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.identity_check import check_identity
from napari_tgcnet.segment.image_choice import ImageChoice
from napari_tgcnet.segment.model_choices import ModelChoices
from napari_tgcnet.segment.ports import Engine, Layers
from napari_tgcnet.segment.run import (
    MODALITY_QUESTION,
    NO,
    REPLACE_QUESTION,
    RunRecord,
    build_request,
    clamp_range,
    known_provenance,
    preflight_notices,
    preflight_question,
)
from napari_tgcnet.segment.state import Asking, Phase, Question, Scope, SegmentState
from napari_tgcnet.segment.windows import Windows
from napari_tgcnet.shared.case import SegmentRequest
from napari_tgcnet.shared.messages import NO_MEMORY
from napari_tgcnet.shared.store import Store
from tgcnet.engine.protocol import (
    Begun,
    Cancelled,
    Died,
    Event,
    Failed,
    Finished,
    Notice,
    Progress,
    ReportRead,
    SliceDone,
)
from tgcnet.errors import EngineError, ModalityUnknownError, TgcnetError

T = TypeVar("T")


class RunControl:
    """Leads a run through its phases, from what the user asked for to its result."""

    def __init__(
        self,
        *,
        store: Store[SegmentState],
        layers: Layers,
        engine: Engine,
        images: ImageChoice,
        models: ModelChoices,
        windows: Windows,
    ) -> None:
        self._store, self._layers, self._engine = store, layers, engine
        self._images, self._models, self._windows = images, models, windows
        self._run: RunRecord | None = None
        self._request: SegmentRequest | None = None
        # Of the requested run; the last run's stay visible until it begins.
        self._notices: tuple[str, ...] = ()

    @property
    def state(self) -> SegmentState:
        """What the panel shows now."""
        return self._store.state

    def choose_scope(self, scope: str) -> None:
        self._store.become(replace(self.state, scope=Scope(scope)))

    def set_range(self, first: int, last: int) -> None:
        """Choose a range of slices, both ends included; it is clamped to the stack."""
        first, last = clamp_range(self.state.image, first, last)
        self._store.become(replace(self.state, range_first=first, range_last=last))

    def start(self) -> None:
        """Read the report, ask the questions that arise, then segment."""
        if not self.state.can_run:
            return
        request = self.guard(self._build_request)
        if request is None:
            return
        self._request, self._run, self._notices = request, None, ()
        self._store.become(replace(self.state, problem="", fraction=0.0, seconds_left=None))
        if request.report.strip():
            self._store.become(replace(self.state, phase=Phase.READING_REPORT))
            self.guard(lambda: self._engine.read_report(request.report, model=request.model))
        else:
            self._notices = (messages.NO_REPORT,)
            self._ask_before_replacing()

    def cancel(self) -> None:
        """Stop the run; finished slices are kept."""
        if self.state.phase is Phase.RUNNING:
            self._store.become(replace(self.state, phase=Phase.CANCELLING))
            self._engine.cancel()
        elif self.state.can_cancel:
            self._request = None
            self._become_idle()

    def answer(self, value: str) -> None:
        """Go on with the answer to the question that the panel shows."""
        question = self.state.question
        if question is None or self._request is None:
            return
        self._store.become(replace(self.state, question=None))
        if value == NO.value:
            self._request = None
            self._become_idle()
        elif question.kind is Asking.MODALITY:
            image_id = self._request.image_id
            self.guard(lambda: self._images.set_modality(image_id, value))
            self._segment()
        elif question.kind is Asking.REPLACE:
            self._segment()
        else:
            self._ask_before_replacing()

    def retry_engine(self) -> None:
        """Start the model's process again, after it ended before it was ready."""
        self._store.become(replace(self.state, engine_problem=""))
        self.guard(self._engine.describe)

    def handle_event(self, event: Event) -> None:
        """Show what an event of the engine says, unless it only describes the models."""
        state = self.state
        match event:
            case ReportRead():
                self._report_read(event)
            case Begun():
                self._run_begun(event)
            case Progress(done=done, total=total, seconds_left=seconds_left):
                fraction = done / max(total, 1)
                self._store.become(replace(state, fraction=fraction, seconds_left=seconds_left))
            case SliceDone(z=z):
                self._slice_done(z)
            case Notice(sentence=sentence):
                self._store.become(replace(state, notices=(*state.notices, sentence)))
            case Finished():
                self._finished(event)
            case Cancelled():
                self._end(self._keep_finished(messages.cancelled, messages.CANCELLED_BEFORE))
            case Failed(sentence=sentence, kind=kind):
                self._failed(sentence, kind)
            case Died(sentence=sentence):
                self._failed(sentence, EngineError.__name__, is_guess=True)

    def guard(self, step: Callable[[], T]) -> T | None:
        """Call ``step``; an expected error makes the panel idle and is shown as its sentence."""
        try:
            return step()
        except TgcnetError as error:
            self._end("", problem=str(error))
            return None
        except MemoryError:
            self._end("", problem=NO_MEMORY)
            return None

    def _report_read(self, event: ReportRead) -> None:
        if self.state.phase is not Phase.READING_REPORT:
            return
        self._notices = preflight_notices(event)
        question = preflight_question(event)
        if question is not None:
            self._ask(question)
        else:
            self._ask_before_replacing()

    def _run_begun(self, event: Begun) -> None:
        """Show the image as the model sees it, before the first slice is finished."""
        window = event.window
        if self._run is not None:
            self._run.record_window(window)
            self._layers.add_provenance(event.about_report)
        if self._request is not None:
            self._layers.show_window(self._request.image_id, window.low, window.high)

    def _slice_done(self, index: int) -> None:
        if self._run is not None:
            labels = self._engine.slice_labels(index)
            self._run.count(index, labels)
            self._layers.write_slice(index, labels)

    def _finished(self, event: Finished) -> None:
        run, request = self._pop_run(), self._request
        self._layers.commit(event.provenance)
        self._become_idle()
        if run is None or request is None:
            return
        if request.image_id == self.state.image_id:
            self._store.become(
                replace(
                    self.state,
                    result=run.summary(messages.took(event.seconds, event.device)),
                )
            )
        else:
            self._store.become(
                replace(self.state, notices=(*self.state.notices, messages.RESULT_ELSEWHERE))
            )
        self._engine.describe()

    def _failed(self, sentence: str, kind: str, *, is_guess: bool = False) -> None:
        """End what the engine could not do.

        ``is_guess``: the sentence guesses the reason, and must not replace a known one.
        """
        if self._request is None:
            self._failed_without_run(sentence, is_guess=is_guess)
            return
        if kind == ModalityUnknownError.__name__:
            self._pop_run()
            self._layers.commit()
            self._ask(MODALITY_QUESTION)
            return
        kept = self._keep_finished(messages.kept_after_failure, "")
        self._end(kept, problem=sentence)

    def _failed_without_run(self, sentence: str, *, is_guess: bool) -> None:
        state = self.state
        if state.engine_ready:
            known = state.problem if is_guess else ""
            self._store.become(replace(state, problem=known or sentence))
        else:
            known = state.engine_problem if is_guess else ""
            self._store.become(replace(state, engine_problem=known or sentence))

    def _build_request(self) -> SegmentRequest:
        check_identity(self.state)
        return build_request(self.state, self._layers.current_slice, self._windows.for_model)

    def _ask_before_replacing(self) -> None:
        request = self._request
        if request is None:
            return
        painted = self.guard(lambda: self._layers.has_paint(request.image_id, request.slices))
        if painted:
            self._ask(REPLACE_QUESTION)
        elif painted is not None:
            self._segment()

    def _ask(self, question: Question) -> None:
        self._store.become(replace(self.state, phase=Phase.ASKING, question=question))

    def _segment(self) -> None:
        request = self._request
        if request is not None:
            self.guard(lambda: self._begin(request))

    def _begin(self, request: SegmentRequest) -> None:
        model = self._models.info(request.model)
        geometry = self._layers.geometry(request.image_id)
        source = self._layers.source(request.image_id)
        provenance = known_provenance(model, request)
        self._layers.open_run(request.image_id, request.slices, model.classes, provenance)
        self._run = RunRecord(
            classes=model.classes, geometry=geometry, planar=source.ndim == 2, slices=request.slices
        )
        self._store.become(
            replace(
                self.state,
                phase=Phase.RUNNING,
                fraction=0.0,
                seconds_left=None,
                result=None,
                notices=self._notices,
            )
        )
        self._engine.segment(request, source)

    def _keep_finished(self, sentence: Callable[[int, int], str], otherwise: str) -> str:
        """Commit the finished slices of a run that ended early and show their summary.

        Returns the notice: ``sentence`` of the number of slices and voxels, or ``otherwise``.
        """
        run, request = self._pop_run(), self._request
        num_voxels = self._layers.commit()
        if run is None or not run.num_seen:
            return otherwise
        if request is not None and request.image_id == self.state.image_id:
            self._store.become(replace(self.state, result=run.summary()))
        return sentence(run.num_seen, num_voxels)

    def _pop_run(self) -> RunRecord | None:
        """The record of the run, only once: a commit that failed is not tried again."""
        run, self._run = self._run, None
        return run

    def _end(self, notice: str, *, problem: str = "") -> None:
        self._become_idle()
        notices = (*self.state.notices, notice) if notice else self.state.notices
        self._store.become(replace(self.state, notices=notices, problem=problem))

    def _become_idle(self) -> None:
        self._run, self._request = None, None
        self._store.become(
            replace(
                self.state,
                phase=Phase.IDLE,
                question=None,
                fraction=0.0,
                seconds_left=None,
                can_save=self._images.has_mask(),
            )
        )
