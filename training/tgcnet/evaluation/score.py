"""Segment a set of slices and compare the masks with the references."""

import statistics
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import cast

import numpy as np

from tgcnet.data.check.sides import lesion_pixels
from tgcnet.data.layouts import read_dataset
from tgcnet.data.rows import naming
from tgcnet.data.slices_to_score import SliceToScore, row_slices
from tgcnet.domain import Geometry, Modality, Presence, Report, Side, Volume
from tgcnet.evaluation.calibration import CalibrationMeter
from tgcnet.evaluation.class_match import UNION_ONLY, ClassMatch, match_classes
from tgcnet.evaluation.results import Drawn, Evaluation, ImageResult
from tgcnet.evaluation.text_modes import TextMode, edit_texts
from tgcnet.inference.predictor import Predictor
from tgcnet.metrics import MetricAccumulator
from tgcnet.report import read_report

OnDrawn = Callable[[SliceToScore, Drawn], object]


def evaluate_modes(
    predictor: Predictor,
    slices: Sequence[SliceToScore],
    modes: Sequence[TextMode],
    *,
    classes: ClassMatch = UNION_ONLY,
    seed: int = 0,
    meter: CalibrationMeter | None = None,
    on_progress: Callable[[float], object] = lambda fraction: None,
) -> tuple[Evaluation, ...]:
    """Evaluate the same slices under each text mode.

    Parameters
    ----------
    modes : in the order wanted; the first is the one that is calibrated
    seed : of the shuffled texts
    meter : receives what was predicted under the first mode
    on_progress : receives the finished fraction in [0, 1]

    Raises
    ------
    InputError
        If there is no slice, or one cannot be read or segmented; the message names it.
    """

    def measure(_: SliceToScore, drawn: Drawn) -> None:
        if meter is not None:
            meter.add(drawn)

    def share(index: int) -> Callable[[float], object]:
        return lambda done: on_progress((index + done) / len(modes))

    return tuple(
        evaluate_slices(
            predictor,
            slices,
            mode=mode,
            classes=classes,
            seed=seed,
            on_progress=share(index),
            on_drawn=measure if index == 0 and meter is not None else None,
        )
        for index, mode in enumerate(modes)
    )


def evaluate_folder(
    predictor: Predictor,
    folder: Path,
    *,
    mode: TextMode = TextMode.GIVEN,
    modality: Modality | None = None,
    seed: int = 0,
    on_progress: Callable[[float], object] | None = None,
) -> Evaluation:
    """Segment every image of a data folder and compare with its mask.

    Parameters
    ----------
    folder : in any layout that is known, such as ``images/``, ``masks/`` and ``captions.csv``
    modality : of all images; None means what their files say
    seed : of the shuffled texts
    on_progress : receives the finished fraction in [0, 1]

    Raises
    ------
    InputError
        If the folder lacks something, has other classes than the model, or an image and its mask
        do not fit each other.
    """
    dataset = read_dataset(folder)
    return evaluate_slices(
        predictor,
        row_slices(dataset.rows, modality),
        mode=mode,
        classes=match_classes(predictor.manifest.classes, dataset.classes),
        seed=seed,
        on_progress=on_progress,
    )


def evaluate_slices(
    predictor: Predictor,
    slices: Sequence[SliceToScore],
    *,
    mode: TextMode = TextMode.GIVEN,
    classes: ClassMatch = UNION_ONLY,
    seed: int = 0,
    on_progress: Callable[[float], object] | None = None,
    on_drawn: OnDrawn | None = None,
) -> Evaluation:
    """Segment every slice and compare with its mask; parameters as of :func:`evaluate_folder`.

    Parameters
    ----------
    classes : what is scored beside the union of all classes; nothing unless stated
    on_drawn : receives each slice with what was predicted on it

    Raises
    ------
    InputError
        If there is none, or one cannot be read or segmented; the message names it.
    """
    texts = edit_texts([entry.report for entry in slices], mode, seed)
    union = MetricAccumulator()
    each = [MetricAccumulator() for _ in classes.names]
    images: list[ImageResult] = []
    for index, (entry, text) in enumerate(zip(slices, texts, strict=True)):
        # First calls build kernels and caches, so the first image is run once before it is timed.
        drawn, seconds = draw(predictor, entry, text, classes, is_warm_up=index == 0)
        images.append(_measure(entry, drawn, seconds, union, each))
        if on_drawn is not None:
            on_drawn(entry, drawn)
        if on_progress is not None:
            on_progress((index + 1) / len(slices))
    return Evaluation(
        mode=mode,
        class_names=classes.names,
        metrics=union.result(),
        class_metrics=tuple(one.result() for one in each),
        seconds_per_image=statistics.median(image.seconds for image in images),
        side_leak=_side_leak(images),
        median_area=statistics.median(image.area for image in images),
        max_area=max(image.area for image in images),
        images=tuple(images),
    )


def draw(
    predictor: Predictor,
    entry: SliceToScore,
    text: str,
    classes: ClassMatch,
    *,
    is_warm_up: bool = False,
) -> tuple[Drawn, float]:
    """Segment one slice; with the seconds that it took, without those of a warm-up.

    Raises
    ------
    InputError
        If the slice cannot be read or segmented; the message names it.
    """
    volume, reference = entry.read()
    with naming(entry.name):
        if is_warm_up:
            predictor.segment(volume, text)
        start = time.perf_counter()
        segmentation = predictor.segment(volume, text)
        seconds = time.perf_counter() - start
    drawn = Drawn(
        volume=volume,
        text=text,
        reference=classes.in_model_order(reference),
        labels=segmentation.labels[0],
        # Predictor.segment keeps it by default.
        probability=cast(np.ndarray, segmentation.probability)[:, 0],
    )
    return drawn, seconds


def known_spacing_yx_mm(geometry: Geometry) -> tuple[float, float] | None:
    """Between neighbouring pixels of a slice along y and x; None where the file does not say."""
    return geometry.spacing_zyx[1:] if geometry.unit == "mm" else None


def _measure(
    entry: SliceToScore,
    drawn: Drawn,
    seconds: float,
    union: MetricAccumulator,
    each: Sequence[MetricAccumulator],
) -> ImageResult:
    """One slice's figures, added to those of all classes together and of each."""
    predicted, spacing = drawn.labels > 0, known_spacing_yx_mm(drawn.volume.geometry)
    return ImageResult(
        image=entry.name,
        place=entry.place or entry.name,
        subject=entry.group,
        score=union.add(predicted, drawn.reference > 0, spacing_yx_mm=spacing),
        class_scores=tuple(
            one.add(drawn.labels == value, drawn.reference == value, spacing_yx_mm=spacing)
            for value, one in enumerate(each, start=1)
        ),
        area=float(predicted.mean()),
        wrong_side_px=_wrong_side_px(predicted, drawn.volume, drawn.text),
        seconds=seconds,
        lesion=lesion_pixels(entry.report, drawn.reference),
    )


def _wrong_side_px(predicted: np.ndarray, volume: Volume, text: str) -> int | None:
    side = named_side(read_report(text))
    return None if side is None else int((predicted & wrong_half(volume, side)).sum())


def _side_leak(images: Sequence[ImageResult]) -> float | None:
    one_sided = [image for image in images if image.wrong_side_px is not None]
    num_asked = sum(image.score.predicted_px for image in one_sided)
    num_wrong = sum(image.wrong_side_px or 0 for image in one_sided)
    return num_wrong / num_asked if num_asked else None


def named_side(report: Report) -> Side | None:
    """The one side of the patient that a report's present findings name; None for none or both."""
    sides = {
        finding.side
        for finding in report.findings
        if finding.side is not None and finding.presence in (Presence.PRESENT, Presence.UNCERTAIN)
    }
    return sides.pop() if len(sides) == 1 and Side.BILATERAL not in sides else None


def wrong_half(volume: Volume, side: Side) -> np.ndarray:
    """(Y, X) bool: the half of the image where the other side of the patient lies.

    The middle column of an odd width belongs to neither half.
    """
    height, width = volume.array.shape[1:]
    from_middle = np.arange(width) - (width - 1) / 2
    # LPS: x grows towards the patient's left.
    towards_left = from_middle * np.sign(volume.geometry.affine_lps[0, 2])
    wrong = towards_left < 0 if side is Side.LEFT else towards_left > 0
    return np.broadcast_to(wrong, (height, width))
