"""How good a model is on a folder, with its text, without it, and with a wrong one."""

import csv
import random
import statistics
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import chain
from pathlib import Path

import numpy as np

from tgcnet.data.folder import naming
from tgcnet.data.slices import SliceToScore, folder_slices
from tgcnet.domain import Modality, Presence, Report, Side, Volume
from tgcnet.inference.predictor import Predictor
from tgcnet.io import write_atomically
from tgcnet.metrics import MetricAccumulator, Metrics
from tgcnet.report import read_report
from tgcnet.report.edits import contradict, swap_sides, without_location


class TextMode(StrEnum):
    """What the model is told about each image."""

    GIVEN = "given"
    """The folder's report."""
    NONE = "none"
    """Nothing."""
    SWAPPED = "swapped"
    """The report with left and right exchanged."""
    SHUFFLED = "shuffled"
    """Another image's report, one that reads differently."""
    CONTRADICTORY = "contradictory"
    """The report with its findings denied."""
    NO_LOCATION = "no-location"
    """The report without sides, lobes and zones."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageResult:
    """One image's figures.

    Attributes
    ----------
    predicted_px, reference_px, intersection_px : pixels of the mask predicted, of the reference,
        and of both
    area : share of the image predicted, in [0, 1]
    wrong_side_px : predicted pixels in the half not asked for; None where the text names no
        side, or both
    seconds : preprocessing, encoders, decoder and inverse
    """

    image: str
    dice: float
    iou: float
    hd95_px: float | None
    predicted_px: int
    reference_px: int
    intersection_px: int
    area: float
    wrong_side_px: int | None
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """A folder's figures.

    Attributes
    ----------
    seconds_per_image : median; an image is one run of its own, its text encoded anew
    side_leak : share of predicted pixels in the image half not asked for, pooled over the images
        whose text names one side only; None without such an image or without such a pixel
    median_area, max_area : of the predicted share of the image, in [0, 1]
    """

    metrics: Metrics
    seconds_per_image: float
    side_leak: float | None
    median_area: float
    max_area: float
    images: tuple[ImageResult, ...]


def evaluate_folder(
    predictor: Predictor,
    folder: Path,
    *,
    mode: TextMode = TextMode.GIVEN,
    modality: Modality | None = None,
    seed: int = 0,
    on_progress: Callable[[float], object] | None = None,
) -> Evaluation:
    """Segment every image of a folder and compare with its mask.

    Parameters
    ----------
    folder : holds ``images/``, ``masks/`` and ``captions.csv`` (``image,mask,report``)
    modality : of all images; None means what their files say
    seed : of the shuffled texts
    on_progress : receives the finished fraction in [0, 1]

    Raises
    ------
    InputError
        If the folder lacks something, or an image and its mask do not fit each other.
    """
    return evaluate_slices(
        predictor, folder_slices(folder, modality), mode=mode, seed=seed, on_progress=on_progress
    )


def evaluate_slices(
    predictor: Predictor,
    slices: Sequence[SliceToScore],
    *,
    mode: TextMode = TextMode.GIVEN,
    seed: int = 0,
    on_progress: Callable[[float], object] | None = None,
    on_mask: Callable[[SliceToScore, np.ndarray], object] | None = None,
) -> Evaluation:
    """Segment every slice and compare with its mask; parameters as of :func:`evaluate_folder`.

    Parameters
    ----------
    on_mask : receives each slice with what was predicted on it, (Y, X) bool

    Raises
    ------
    InputError
        If there is none, or one cannot be read or segmented; the message names it.
    """
    texts = edit_texts([entry.report for entry in slices], mode, seed)
    pooled = MetricAccumulator()
    images: list[ImageResult] = []
    for index, (entry, text) in enumerate(zip(slices, texts, strict=True)):
        volume, reference = entry.read()
        with naming(entry.name):
            if index == 0:
                predictor.segment(volume, text)  # warm-up: first calls build kernels and caches
            start = time.perf_counter()
            labels = predictor.segment(volume, text).labels
            seconds = time.perf_counter() - start
        predicted = labels[0] > 0
        score = pooled.add(predicted, reference)
        side = named_side(read_report(text))
        wrong = None if side is None else predicted & wrong_half(volume, side)
        images.append(
            ImageResult(
                image=entry.name,
                dice=score.dice,
                iou=score.iou,
                hd95_px=score.hd95_px,
                predicted_px=int(predicted.sum()),
                reference_px=int(reference.sum()),
                intersection_px=int((predicted & reference).sum()),
                area=float(predicted.mean()),
                wrong_side_px=None if wrong is None else int(wrong.sum()),
                seconds=seconds,
            )
        )
        if on_mask is not None:
            on_mask(entry, predicted)
        if on_progress is not None:
            on_progress((index + 1) / len(slices))
    return _summary(pooled.result(), images)


def edit_texts(reports: Sequence[str], mode: TextMode, seed: int = 0) -> list[str]:
    """What the model is told, per image; "" is nothing."""
    edits: dict[TextMode, Callable[[str], str]] = {
        TextMode.GIVEN: str,
        TextMode.NONE: lambda _: "",
        TextMode.SWAPPED: swap_sides,
        TextMode.CONTRADICTORY: contradict,
        TextMode.NO_LOCATION: without_location,
    }
    if mode is TextMode.SHUFFLED:
        return shuffle_texts(reports, seed)
    return [edits[mode](report) for report in reports]


def shuffle_texts(reports: Sequence[str], seed: int) -> list[str]:
    """Give every image another's text, one that reads differently wherever that is possible.

    Equal texts lie next to each other in a random order of the texts, and the row is turned by the
    size of the largest group: then nobody meets their own text, unless that group is more than
    half of all.
    """
    generator = random.Random(seed)  # reproducible, not secret
    groups: dict[str, list[int]] = {}
    for index, report in enumerate(reports):
        groups.setdefault(report, []).append(index)
    shuffled = list(groups.values())
    generator.shuffle(shuffled)
    for group in shuffled:
        generator.shuffle(group)
    order = list(chain.from_iterable(shuffled))
    turn = max(Counter(reports).values(), default=0)
    texts = [""] * len(order)
    for position, index in enumerate(order):
        texts[index] = reports[order[(position + turn) % len(order)]]
    return texts


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


def write_table(images: Sequence[ImageResult], path: Path) -> None:
    """One row an image, as CSV; no text of any report.

    Raises
    ------
    OutputError
        If it cannot be written; what stood there before is intact.
    """
    write_atomically(path, lambda temporary: _write_csv(images, temporary))


def _write_csv(images: Sequence[ImageResult], path: Path) -> None:
    columns = list(ImageResult.__dataclass_fields__)
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(columns)
        writer.writerows([getattr(image, column) for column in columns] for image in images)


def _summary(metrics: Metrics, images: Sequence[ImageResult]) -> Evaluation:
    one_sided = [image for image in images if image.wrong_side_px is not None]
    num_asked = sum(image.predicted_px for image in one_sided)
    num_wrong = sum(image.wrong_side_px or 0 for image in one_sided)
    return Evaluation(
        metrics=metrics,
        seconds_per_image=statistics.median(image.seconds for image in images),
        side_leak=num_wrong / num_asked if num_asked else None,
        median_area=statistics.median(image.area for image in images),
        max_area=max(image.area for image in images),
        images=tuple(images),
    )
