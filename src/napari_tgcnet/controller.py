"""Wishes of the user and events of the engine -> one frozen state; imports neither Qt nor torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from napari_tgcnet import messages
from napari_tgcnet.choices import AUTO, CPU, device_choices, model_choices
from napari_tgcnet.ports import Engine, Files, Layers, LayerTuple, Order, View, Workers
from napari_tgcnet.run import NO, YES, RunRecord, preflight_notices, preflight_question
from napari_tgcnet.state import (
    Asking,
    ImageInfo,
    Option,
    PanelState,
    Phase,
    Question,
    Scope,
)
from tgcnet.domain import SegmentationClass
from tgcnet.engine.protocol import (
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
    """The only holder of the panel's state."""

    def __init__(
        self, *, view: View, layers: Layers, engine: Engine, workers: Workers, files: Files
    ) -> None:
        self.state = PanelState(devices=(AUTO, CPU))
        self._view, self._layers, self._engine = view, layers, engine
        self._workers, self._files = workers, files
        self._classes: dict[str, tuple[SegmentationClass, ...]] = {}
        self._run: RunRecord | None = None
        self._order: Order | None = None
        self._is_closed = False

    # Wishes.

    def open_panel(self) -> None:
        """Start the model's process and show what there is; returns at once."""
        self._guard(self._engine.start)
        self.refresh_images()

    def refresh_images(self) -> None:
        """Take notice of layers that came, went or were renamed."""
        if self._is_closed:
            return
        images = self._layers.images()
        if self.state.image_id in {image.id for image in images}:
            self._become(images=images)
            self._become(can_save=self._has_mask())
        else:
            self._choose(images, images[-1].id if images else None)

    def choose_image(self, image_id: str) -> None:
        if image_id != self.state.image_id:
            self._choose(self.state.images, image_id)

    def _choose(self, images: tuple[ImageInfo, ...], image_id: str | None) -> None:
        image = next((one for one in images if one.id == image_id), None)
        self._become(
            images=images,
            image_id=image_id,
            result=None,
            problem="",
            notices=(),
            scope=Scope.ALL,
            range_first=0,
            range_last=image.num_slices - 1 if image else 0,
            can_save=image_id is not None and self._layers.has_mask(image_id),
        )
        self._layers.choose(image_id)

    def choose_model(self, name: str) -> None:
        chosen = next(model for model in self.state.models if model.name == name)
        self._become(model=name, threshold=chosen.threshold)

    def choose_device(self, name: str) -> None:
        self._become(device=name)

    def edit_report(self, text: str) -> None:
        self._become(report=text)

    def use_sample_report(self) -> None:
        if self.state.image and self.state.image.sample_report:
            self._become(report=self.state.image.sample_report)

    def choose_scope(self, scope: str) -> None:
        self._become(scope=Scope(scope))

    def set_range(self, first: int, last: int) -> None:
        """The range of slices, both ends included, held inside the stack and in order."""
        top = self.state.image.num_slices - 1 if self.state.image else 0
        first = min(max(first, 0), top)
        self._become(range_first=first, range_last=min(max(last, first), top))

    def set_threshold(self, threshold: float) -> None:
        self._become(threshold=threshold)

    def open_image(self, path: str) -> None:
        self._work(Phase.READING_FILE, lambda: self._files.read_image(Path(path)), self._image_read)

    def open_report(self, path: str) -> None:
        self._work(
            Phase.READING_FILE,
            lambda: self._files.read_report(Path(path)),
            lambda text: self._become(report=text),
        )

    def save_mask(self, path: str) -> None:
        image_id = self.state.image_id
        if image_id is None or self.state.is_busy:
            return
        target = Path(path)
        taken = self._guard(lambda: self._layers.take_mask(image_id))
        if taken is not None:
            self._work(
                Phase.SAVING_FILE,
                lambda: self._files.save_mask(taken, target),
                lambda _: self._become(notices=(messages.saved(target.name),)),
            )

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
        self._order, self._run = order, None
        self._become(problem="", result=None, notices=(), fraction=0.0, seconds_left=None)
        if order.report.strip():
            self._become(phase=Phase.READING_REPORT)
            self._guard(lambda: self._engine.read_report(order.report, model=order.model))
        else:
            self._become(notices=(messages.NO_REPORT,))
            self._ask_before_replacing()

    def cancel(self) -> None:
        """Stop what runs; the slices that are finished are kept."""
        if self.state.phase is Phase.RUNNING:
            self._become(phase=Phase.CANCELLING)
            self._engine.cancel()
        elif self.state.can_cancel:
            self._order = None
            self._free()

    def answer(self, value: str) -> None:
        """Take the answer to the question that stands in the panel."""
        question = self.state.question
        if question is None or self._order is None:
            return
        self._become(question=None)
        if value == NO.value:
            self._order = None
            self._free()
        elif question.kind is Asking.MODALITY:
            image_id = self._order.image_id
            self._guard(lambda: self._layers.set_modality(image_id, value))
            self._become(images=self._layers.images())
            self._segment()
        elif question.kind is Asking.REPLACE:
            self._segment()
        else:
            self._ask_before_replacing()

    def close(self) -> None:
        """End the model's process and leave the viewer alone; nothing is shown any more."""
        if not self._is_closed:
            self._is_closed = True
            self._engine.close()
            self._layers.close()

    # Events of the engine.

    def take_event(self, event: Event) -> None:
        """Turn an event into a state; called on the Qt thread."""
        if self._is_closed:
            return
        match event:
            case Ready():
                self._ready(event)
            case ReportRead():
                self._report_read(event)
            case Progress(done=done, total=total, seconds_left=seconds_left):
                self._become(fraction=done / max(total, 1), seconds_left=seconds_left)
            case SliceDone(z=z):
                self._slice_done(z)
            case Notice(sentence=sentence):
                self._become(notices=(*self.state.notices, sentence))
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
                self._failed(sentence, EngineError.__name__)

    def _ready(self, event: Ready) -> None:
        self._classes = {model.name: model.classes for model in event.models}
        models, devices = model_choices(event), device_choices(event)
        self._become(engine_ready=True, models=models, devices=devices)
        if self.state.device not in {device.name for device in devices}:
            self._become(device=AUTO.name)
        if self.state.model not in self._classes:
            self._become(model=None)
            if models:
                self.choose_model(models[0].name)

    def _report_read(self, event: ReportRead) -> None:
        if self.state.phase is not Phase.READING_REPORT:
            return
        self._become(notices=preflight_notices(event))
        question = preflight_question(event)
        if question is not None:
            self._become(phase=Phase.ASKING, question=question)
        else:
            self._ask_before_replacing()

    def _slice_done(self, index: int) -> None:
        if self._run is not None:
            labels = self._engine.slice_labels(index)
            self._run.count(index, labels)
            self._layers.write_slice(index, labels)

    def _finished(self, event: Finished) -> None:
        run, order = self._run, self._order
        self._layers.commit(event.provenance)
        self._free()
        if run is None or order is None:
            return
        self._layers.show_window(order.image_id, event.window.low, event.window.high)
        self._become(result=run.summary(seconds=event.seconds, device=event.device))
        self._engine.describe()

    def _failed(self, sentence: str, kind: str) -> None:
        if kind == ModalityUnknownError.__name__ and self._order is not None:
            self._layers.commit({})
            self._ask(
                Asking.MODALITY,
                messages.WHICH_MODALITY,
                (
                    Option(value="ct", label=messages.IS_CT),
                    Option(value="xray", label=messages.IS_XRAY),
                    Option(value=NO.value, label=messages.CANCEL),
                ),
            )
            return
        kept = self._keep_finished(messages.kept_after_failure, "")
        self._end(kept, problem=sentence)

    # Steps of a run.

    def _take_order(self) -> Order:
        state = self.state
        image, model = state.image, state.model
        if image is None or model is None:
            raise TgcnetError(messages.NO_IMAGE)
        return Order(
            image_id=image.id,
            model=model,
            device=state.device,
            report=state.report,
            slices=self._slices(image),
            threshold=state.threshold,
        )

    def _slices(self, image: ImageInfo) -> range:
        if self.state.scope is Scope.ALL or image.num_slices == 1:
            return range(image.num_slices)
        if self.state.scope is Scope.CURRENT:
            index = self._layers.current_slice(image.id)
            return range(index, index + 1)
        return range(self.state.range_first, self.state.range_last + 1)

    def _ask_before_replacing(self) -> None:
        order = self._order
        if order is None:
            return
        painted = self._guard(lambda: self._layers.has_paint(order.image_id, order.slices))
        if painted:
            self._ask(Asking.REPLACE, messages.REPLACE, (YES, NO))
        elif painted is not None:
            self._segment()

    def _ask(self, kind: Asking, text: str, options: Sequence[Option]) -> None:
        question = Question(kind=kind, text=text, options=tuple(options))
        self._become(phase=Phase.ASKING, question=question)

    def _segment(self) -> None:
        order = self._order
        if order is not None:
            self._guard(lambda: self._begin(order))

    def _begin(self, order: Order) -> None:
        classes = self._classes[order.model]
        geometry = self._layers.geometry(order.image_id)
        source = self._layers.source(order.image_id)
        self._layers.open_run(order.image_id, order.slices, classes)
        self._run = RunRecord(
            classes=classes, geometry=geometry, planar=source.ndim == 2, slices=order.slices
        )
        self._become(phase=Phase.RUNNING, fraction=0.0, seconds_left=None)
        self._engine.segment(order, source)

    def _keep_finished(self, sentence: Callable[[int, int], str], otherwise: str) -> str:
        """Commit the finished slices of a run that ended early, and say so."""
        num_slices = self._run.num_seen if self._run is not None else 0
        num_voxels = self._layers.commit({})
        return sentence(num_slices, num_voxels) if num_slices else otherwise

    def _end(self, notice: str, *, problem: str = "") -> None:
        self._free()
        notices = (*self.state.notices, notice) if notice else self.state.notices
        self._become(notices=notices, problem=problem)

    def _free(self) -> None:
        self._run, self._order = None, None
        self._become(
            phase=Phase.IDLE,
            question=None,
            fraction=0.0,
            seconds_left=None,
            can_save=self._has_mask(),
        )

    # Files, and what all share.

    def _image_read(self, layer: LayerTuple) -> None:
        image_id = self._layers.add(layer)
        self.refresh_images()
        self.choose_image(image_id)

    def _work(self, phase: Phase, work: Callable[[], T], then: Callable[[T], None]) -> None:
        if self.state.is_busy:
            return
        self._become(phase=phase, problem="")

        def done(result: T) -> None:
            if not self._is_closed:
                self._become(phase=Phase.IDLE)
                then(result)

        def failed(sentence: str) -> None:
            if not self._is_closed:
                self._become(phase=Phase.IDLE, problem=sentence)

        self._workers.start(work, done, failed)

    def _has_mask(self) -> bool:
        return self.state.image_id is not None and self._layers.has_mask(self.state.image_id)

    def _guard(self, step: Callable[[], T]) -> T | None:
        """Take a step; an error of the family frees the panel and is shown as its sentence."""
        try:
            return step()
        except TgcnetError as error:
            self._end("", problem=str(error))
            return None

    def _become(self, **changes: object) -> None:
        changed = replace(self.state, **changes)  # type: ignore[arg-type]  # checked by the dataclass
        if changed != self.state:
            self.state = changed
            self._view.show_state(changed)
