"""A run: its request, the notices and questions before it, its result after it. No Qt."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.state import Asking, Option, Question, ResultSummary, Scope, SegmentState
from napari_tgcnet.shared import messages as shared_messages
from napari_tgcnet.shared.case import ImageInfo, SegmentRequest
from tgcnet.domain import Geometry, Modality, SegmentationClass
from tgcnet.engine.protocol import ModelInfo, ReportRead, ShownWindow
from tgcnet.errors import InputError

YES, NO = Option(value="yes", label=messages.YES), Option(value="no", label=messages.NO)

REPLACE_QUESTION = Question(kind=Asking.REPLACE, text=messages.REPLACE, options=(YES, NO))
MODALITY_QUESTION = Question(
    kind=Asking.MODALITY,
    text=messages.WHICH_MODALITY,
    options=(
        Option(value=Modality.CT.value, label=messages.IS_CT),
        Option(value=Modality.XRAY.value, label=messages.IS_XRAY),
        Option(value=NO.value, label=messages.CANCEL),
    ),
)


def slices_of(state: SegmentState, image: ImageInfo, current: Callable[[str], int]) -> range:
    """Which slices of an image the scope covers; ``current`` gives the one on the canvas."""
    if state.scope is Scope.ALL or image.num_slices == 1:
        return range(image.num_slices)
    if state.scope is Scope.CURRENT:
        index = current(image.id)
        return range(index, index + 1)
    return range(state.range_first, state.range_last + 1)


def clamp_range(image: ImageInfo | None, first: int, last: int) -> tuple[int, int]:
    """Clamp a range of slices, both ends included, to an image's stack and put it in order."""
    top = image.num_slices - 1 if image else 0
    first = min(max(first, 0), top)
    return first, min(max(last, first), top)


def build_request(
    state: SegmentState,
    current: Callable[[str], int],
    window: Callable[[str], tuple[float, float] | None],
) -> SegmentRequest:
    """The run that the state describes.

    Parameters
    ----------
    current : as of :func:`slices_of`
    window : gives, for an image, centre and width of what the model is to see; None for its own

    Raises
    ------
    InputError
        If there is no image, or it is neither an image nor a stack.
    """
    image, model = state.image, state.model
    if image is None or model is None:
        raise InputError(messages.NO_IMAGE)
    if image.num_axes not in (2, 3):
        raise InputError(shared_messages.wrong_axes(image.num_axes))
    return SegmentRequest(
        image_id=image.id,
        model=model,
        device=state.device,
        report=state.report,
        slices=slices_of(state, image, current),
        threshold=state.threshold,
        window_hu=window(image.id),
    )


def known_provenance(model: ModelInfo, request: SegmentRequest) -> dict[str, str]:
    """The provenance of a mask that is known before its run has ended; no patient data."""
    window = request.window_hu
    stated = {} if window is None else {"window_hu": f"{window[0]:g}/{window[1]:g}"}
    return {
        "model": model.name,
        "sha256": model.sha256,
        "threshold": f"{request.threshold:g}",
        **stated,
    }


def preflight_notices(reading: ReportRead) -> tuple[str, ...]:
    """One sentence for each part of the report that the model does not read or cannot segment."""
    notices = []
    if not reading.sentences_kept:
        notices.append(messages.NOTHING_READ)
    if reading.not_segmentable:
        notices.append(messages.not_segmentable(reading.not_segmentable))
    past_end = reading.sentences_past_end
    unreadable = [s for s in reading.sentences_left_out if s not in past_end]
    left_out: tuple[tuple[Callable[[Sequence[str]], str], Sequence[str]], ...] = (
        (messages.sentences_left_out, unreadable),
        (messages.sentences_past_end, past_end),
        (messages.words_left_out, reading.words_left_out),
        (messages.words_past_end, reading.words_past_end),
    )
    notices += [sentence(parts) for sentence, parts in left_out if parts]
    return tuple(notices)


def preflight_question(reading: ReportRead) -> Question | None:
    """The question to ask about a report before a run; None where there is none."""
    if reading.only_absent:
        text = messages.ONLY_ABSENT
    elif reading.not_segmentable and not reading.segmentable:
        text = messages.nothing_segmentable(reading.not_segmentable)
    else:
        return None
    return Question(kind=Asking.REPORT, text=text, options=(YES, NO))


class RunRecord:
    """Counts what a run finds, slice by slice.

    Parameters
    ----------
    planar : the image is a single one, so findings have an area; in a stack they have a volume
    slices : those the run covers
    """

    def __init__(
        self,
        *,
        classes: Sequence[SegmentationClass],
        geometry: Geometry,
        planar: bool,
        slices: range,
    ) -> None:
        self._classes, self._geometry = tuple(classes), geometry
        self._planar, self._slices = planar, slices
        self._counts: dict[int, np.ndarray] = {}
        self._window: tuple[str, ...] = ()

    @property
    def num_seen(self) -> int:
        return len(self._counts)

    def record_window(self, window: ShownWindow) -> None:
        """Remember the window the model sees, for the summary."""
        self._window = (messages.model_window(window.low, window.high, window.unit),)

    def count(self, index: int, labels: np.ndarray) -> None:
        """Count a finished slice; ``labels`` is (Y, X) uint8, class index + 1."""
        num_values = len(self._classes) + 1
        self._counts[index] = np.bincount(labels.ravel(), minlength=num_values)[1:num_values]

    def summary(self, *last_lines: str) -> ResultSummary:
        """Extent per class, slices with findings, then ``last_lines``, known only at the end."""
        lines = []
        per_slice = {index: int(counts.sum()) for index, counts in self._counts.items()}
        found = [index for index in sorted(per_slice) if per_slice[index]]
        largest = max(found, key=lambda index: per_slice[index], default=None)
        if largest is None:
            lines.append(messages.NOTHING_FOUND)
        else:
            lines += self._extents()
            if len(self._slices) > 1:
                lines.append(messages.slices_with_findings(len(found), self.num_seen, largest))
        return ResultSummary(lines=(*lines, *self._window, *last_lines), largest_slice=largest)

    def _extents(self) -> list[str]:
        totals = np.sum(list(self._counts.values()), axis=0)
        return [
            messages.extent(
                one.name,
                int(total),
                spacing_zyx=self._geometry.spacing_zyx,
                unit=self._geometry.unit,
                planar=self._planar,
            )
            for one, total in zip(self._classes, totals, strict=True)
            if total
        ]
