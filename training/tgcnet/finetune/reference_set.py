"""The user's reference set in a run: checked whole before training, and kept apart from it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tgcnet.config import PreprocessConfig
from tgcnet.corrections import Ledger, Problem
from tgcnet.data.classes import read_classes
from tgcnet.data.layouts.three_columns import read_folder
from tgcnet.data.reference_split import MIN_REFERENCE_IMAGES, split_reference
from tgcnet.data.row_decoding import decode_row
from tgcnet.data.rows import Row, at_row
from tgcnet.domain import Modality
from tgcnet.errors import InputError
from tgcnet.finetune.samples import Sample, SampleSets, digests_of_case, in_model_classes, sample_of
from tgcnet.train.data.fixed_views import digest_of
from tgcnet.weights.manifest import Manifest


@dataclass(frozen=True, kw_only=True, slots=True)
class MeasuredRow:
    """A reference image that is kept for the gate.

    Attributes
    ----------
    digest : of its pixels, as of a :class:`Sample`
    """

    row: Row
    digest: str


def load_reference(
    folder: Path, manifest: Manifest
) -> tuple[tuple[Sample, ...], tuple[MeasuredRow, ...]]:
    """What is replayed of a reference folder, and what is measured; every image is read.

    Parameters
    ----------
    manifest : of the model that learns; to a model of one class whatever is marked belongs

    Raises
    ------
    InputError
        If the folder cannot be read as one, an image is named twice, cannot be read or does not
        fit its mask, its classes are not the model's, or there are fewer than 100 images.
    """
    given, preprocess = read_classes(folder), manifest.preprocess
    rows = tuple(replace(row, num_classes=len(given)) for row in read_folder(folder))
    _check_named_once(folder, rows)
    if len(rows) < MIN_REFERENCE_IMAGES:
        raise _too_small(folder, f"{len(rows)} images")
    parts = split_reference(rows)
    replayed = []
    for row in parts.replayed:
        example = decode_row(row, Modality.UNKNOWN, preprocess)
        with at_row(row):
            labels = in_model_classes(example.labels, given, manifest.classes)
        replayed.append(sample_of(replace(example, labels=labels)))
    return tuple(replayed), measured_rows(parts.measured, preprocess)


def measured_rows(
    rows: Sequence[Row], preprocess: PreprocessConfig, modality: Modality | None = None
) -> tuple[MeasuredRow, ...]:
    """Rows with what their pixels are known by; errors as of :func:`load_reference`."""
    stated = modality or Modality.UNKNOWN
    return tuple(
        MeasuredRow(row=row, digest=digest_of(decode_row(row, stated, preprocess).image))
        for row in rows
    )


def keep_apart(
    sets: SampleSets, measured: Sequence[MeasuredRow], folder: Path | None
) -> tuple[SampleSets, tuple[str, ...]]:
    """Leave out what would be trained on and measured: images that share their pixels.

    A patient who is held out may be in the reference set too, and one image in it twice.

    Returns
    -------
    sets : the samples that are left, and the measured rows among them
    sentences : how many were left out, and why

    Raises
    ------
    InputError
        If fewer than 100 measured images remain.
    """
    held_out = {sample.digest for sample in sets.held_out}
    new, earlier = _without(sets.new, held_out), _without(sets.earlier, held_out)
    trained_on = {sample.digest for sample in new + earlier}
    kept = tuple(entry for entry in measured if entry.digest not in trained_on)
    images = {entry.digest for entry in kept}
    if folder is not None and len(images) < MIN_REFERENCE_IMAGES:
        raise _too_small(folder, f"{len(images)} different images that no training has seen")
    replayed = _without(sets.reference, held_out | images)
    left_out = (
        (_CORRECTIONS, len(sets.new + sets.earlier) - len(new + earlier)),
        (_REPLAYED, len(sets.reference) - len(replayed)),
        (MEASURED_LEFT_OUT, len(measured) - len(kept)),
    )
    apart = replace(
        sets,
        new=new,
        earlier=earlier,
        reference=replayed,
        measured=tuple(entry.row for entry in kept),
    )
    return apart, tuple(sentence.format(number) for sentence, number in left_out if number)


def rows_apart(
    rows: Sequence[Row],
    ledger: Ledger,
    preprocess: PreprocessConfig,
    modality: Modality | None,
    on_problem: Callable[[Problem], object],
) -> tuple[Row, ...]:
    """Reference rows without the pixels of any correction that is trained on, as a run has them.

    Raises
    ------
    InputError
        If an image cannot be read or does not fit its mask.
    """
    cases = (case for case in ledger.load_reviewed(on_problem) if not case.is_held_out)
    trained_on = {digest for case in cases for digest in digests_of_case(case, preprocess)}
    measured = measured_rows(rows, preprocess, modality)
    return tuple(entry.row for entry in measured if entry.digest not in trained_on)


def _without(samples: Sequence[Sample], digests: set[str]) -> tuple[Sample, ...]:
    return tuple(sample for sample in samples if sample.digest not in digests)


def _check_named_once(folder: Path, rows: Sequence[Row]) -> None:
    first: dict[Path, int] = {}
    for row in rows:
        if (number := first.setdefault(row.image, row.number)) != row.number:
            raise InputError(
                f"The reference folder {folder.absolute().name!r} names one image twice, in row "
                f"{number} and row {row.number} of captions.csv, expected each image once: twice "
                "measured it counts twice. Remove one of the rows."
            )


def _too_small(folder: Path, holds: str) -> InputError:
    return InputError(
        f"The reference folder {folder.absolute().name!r} holds {holds}, expected at least "
        f"{MIN_REFERENCE_IMAGES}: fewer cannot tell whether the model forgets. Add images, or "
        "leave the reference out."
    )


_CORRECTIONS = (
    "Corrected slices that are not trained on, because a held-out slice has the same pixels: {}."
)
_REPLAYED = (
    "Reference images that are not replayed, because a held-out slice or a measured image has the "
    "same pixels: {}."
)
MEASURED_LEFT_OUT = (
    "Reference images that are not measured, because a corrected slice that is trained on has the "
    "same pixels: {}."
)
