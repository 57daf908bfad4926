"""The results of an evaluation: figures and, until they are used, masks."""

from dataclasses import dataclass

import numpy as np

from tgcnet.data.check.sides import LesionPixels
from tgcnet.domain import Volume
from tgcnet.evaluation.text_modes import TextMode
from tgcnet.metrics import ImageScore, Metrics


@dataclass(frozen=True, kw_only=True, slots=True)
class ImageResult:
    """One image's figures.

    Attributes
    ----------
    image : its name
    place : what to call it without naming a file, such as its row in a table
    subject : the patient, or what else belongs together; "" where the image stands alone
    score : of all classes together
    class_scores : of each class that is scored by itself
    area : share of the image predicted, in [0, 1]
    wrong_side_px : predicted pixels in the half not asked for; None where the text names no
        side, or both
    seconds : preprocessing, encoders, decoder and inverse
    lesion : of the reference, by the side that the report as given names; None where it names both
        or neither
    """

    image: str
    place: str
    subject: str
    score: ImageScore
    class_scores: tuple[ImageScore, ...]
    area: float
    wrong_side_px: int | None
    seconds: float
    lesion: LesionPixels | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Evaluation:
    """A set's figures under one text mode.

    Attributes
    ----------
    class_names : of the classes scored one by one; empty where only their union is
    metrics : of all classes together
    class_metrics : of each class; the distances of a class are averaged over its own images
    seconds_per_image : median; an image is one run of its own, its text encoded anew
    side_leak : share of predicted pixels in the image half not asked for, pooled over the images
        whose text names one side only; None without such an image or without such a pixel
    median_area, max_area : of the predicted share of the image, in [0, 1]
    """

    mode: TextMode
    class_names: tuple[str, ...]
    metrics: Metrics
    class_metrics: tuple[Metrics, ...]
    seconds_per_image: float
    side_leak: float | None
    median_area: float
    max_area: float
    images: tuple[ImageResult, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class Drawn:
    """What a model drew on one slice, and what it is compared with.

    Attributes
    ----------
    volume : (1, Y, X), the slice
    text : what the model was given
    reference, labels : (Y, X) uint8 in the model's label values; where only the union of classes
        is scored, a reference is 1 for whatever is marked
    probability : (C, Y, X) float16 in [0, 1]
    """

    volume: Volume
    text: str
    reference: np.ndarray
    labels: np.ndarray
    probability: np.ndarray
