"""Which side the captions name: the patient's, or that of the image.

A radiologist's report names the patient's side, and in the usual view the patient's left is on the
image's right. Captions of published sets often name the half of the image: a model trained on them
marks the wrong lung for a real report. Masks show which it is, wherever a caption names one side.
"""

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import numpy as np

from tgcnet.data.rows import Row
from tgcnet.domain import Presence, Side
from tgcnet.report import read_report

CLEAR_SHARE = 0.75
"""A lesion with this share or more in one half of the image is there, and nowhere else."""

_MIN_SHARE = 0.8
"""Of the captions that name one side: fewer that agree are no convention."""

_Z = 3.29
"""Deviations of a normal distribution: one set of random captions in a thousand goes beyond."""


class Convention(StrEnum):
    """What "left" means in the captions of a data set."""

    PATIENT = "patient"
    IMAGE = "image"
    MIXED = "mixed"
    TOO_FEW = "too few"


@dataclass(frozen=True, kw_only=True, slots=True)
class SideCount:
    """Captions that name one side only, by the half of the image in which most of the lesion lies.

    Attributes
    ----------
    num_patient_side : lesion on the named side of the patient
    num_image_side : lesion in the named half of the image
    """

    num_patient_side: int
    num_image_side: int

    @property
    def num_one_sided(self) -> int:
        """Captions that name one side and whose lesion lies more in one half than in the other."""
        return self.num_patient_side + self.num_image_side

    @property
    def convention(self) -> Convention:
        """The convention that nearly all of them follow.

        A convention is four fifths of the captions, and more than half of them beyond chance:
        the lower end of Wilson's interval at one in a thousand. With all captions agreeing that
        takes eleven; fewer are never called mixed.
        """
        total, most = self.num_one_sided, max(self.num_patient_side, self.num_image_side)
        if total and most >= _MIN_SHARE * total:
            if _low(most, total) <= 0.5:
                return Convention.TOO_FEW
            return Convention.PATIENT if most == self.num_patient_side else Convention.IMAGE
        return Convention.MIXED if _low(total, total) > 0.5 else Convention.TOO_FEW

    def in_words(self) -> str:
        """A sentence."""
        total, image, patient = (
            f"{count:,}"
            for count in (self.num_one_sided, self.num_image_side, self.num_patient_side)
        )
        if self.convention is Convention.IMAGE:
            return (
                f"{image} of {total} one-sided captions name the half of the image in which the "
                "lesion lies, not the patient's side: these are image-side captions, and a model "
                "trained on them marks the wrong lung for a real report"
            )
        if self.convention is Convention.PATIENT:
            return f"{patient} of {total} one-sided captions name the patient's side."
        if self.convention is Convention.TOO_FEW:
            captions = "caption" if total == "1" else "captions"
            return (
                f"One side is named by {total} {captions} only ({patient} the patient's, {image} "
                "that of the image), too few to tell whose sides the captions name."
            )
        return (
            f"Of {total} one-sided captions {patient} name the patient's side and {image} the half "
            "of the image: nothing says whose side any of them means"
        )


def image_side_sentence(name: str, sides: SideCount) -> str:
    """What is wrong with captions that name the side of the image, and what to do; else ""."""
    if sides.convention is not Convention.IMAGE:
        return ""
    return f"{sides.in_words()}; run `tgcnet data convert {name} --patient-side --out NEW`."


def named_side(report: str) -> Side | None:
    """The one side on which a text reports something; None where it names both or neither."""
    return _named_side(report)


@lru_cache(maxsize=8192)  # published captions are few different ones
def _named_side(report: str) -> Side | None:
    sides = {
        finding.side
        for finding in read_report(report).findings
        if finding.presence in (Presence.PRESENT, Presence.UNCERTAIN) and finding.side is not None
    }
    side = next(iter(sides)) if len(sides) == 1 else None
    return None if side is Side.BILATERAL else side


@dataclass(frozen=True, kw_only=True, slots=True)
class LesionPixels:
    """Where a lesion lies in the radiological view, by the side that its text names.

    Attributes
    ----------
    num_named, num_other : pixels on the patient's side that is named, and on the other one
    """

    num_named: int
    num_other: int


def lesion_pixels(report: str, labels: np.ndarray) -> LesionPixels | None:
    """Count the lesion's pixels in both halves.

    Parameters
    ----------
    report : of the row
    labels : (Y, X), not zero in the lesion; the middle column of an odd width belongs to neither

    Returns
    -------
    LesionPixels
        None where the text names both sides or neither.
    """
    side = named_side(report)
    if side is None:
        return None
    width = labels.shape[1]
    in_left_half = int(np.count_nonzero(labels[:, : width // 2]))
    in_right_half = int(np.count_nonzero(labels[:, (width + 1) // 2 :]))
    # The patient's right is on the image's left.
    if side is Side.RIGHT:
        return LesionPixels(num_named=in_left_half, num_other=in_right_half)
    return LesionPixels(num_named=in_right_half, num_other=in_left_half)


def shares_on_named_side(
    rows: Sequence[Row], pixels: Sequence[LesionPixels | None]
) -> tuple[tuple[Row, float], ...]:
    """How much of each lesion lies on the patient's side that its text names, in [0, 1].

    The slices of a volume have one text and one lesion, so they count once, under the first row of
    theirs that has some of it. Without a lesion or a side there is nothing to say.
    """
    sums: dict[Hashable, list[int]] = {}
    first: dict[Hashable, Row] = {}
    for index, (row, counted) in enumerate(zip(rows, pixels, strict=True)):
        if counted is not None and counted.num_named + counted.num_other:
            unit: Hashable = row.unit if row.is_slice else index
            first.setdefault(unit, row)
            total = sums.setdefault(unit, [0, 0])
            total[0] += counted.num_named
            total[1] += counted.num_other
    return tuple((first[unit], named / (named + other)) for unit, (named, other) in sums.items())


def side_count(shares: Iterable[float]) -> SideCount:
    """Shares of :func:`shares_on_named_side`, counted; a share of one half counts for none."""
    known = list(shares)
    return SideCount(
        num_patient_side=sum(share > 0.5 for share in known),
        num_image_side=sum(share < 0.5 for share in known),
    )


def _low(count: int, total: int) -> float:
    """The lower end of Wilson's interval for a share; 0 for nothing."""
    if not total:
        return 0.0
    share, z2 = count / total, _Z * _Z
    spread = _Z * math.sqrt(share * (1 - share) / total + z2 / (4 * total * total))
    return (share + z2 / (2 * total) - spread) / (1 + z2 / total)
