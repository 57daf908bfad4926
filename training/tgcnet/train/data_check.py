"""What is wrong with a run's data: validation that was trained on, captions of the image's side."""

from collections.abc import Iterator, Sequence

from tgcnet.data.check.findings import counted
from tgcnet.data.check.pixels import pixel_digest
from tgcnet.data.check.sides import (
    image_side_sentence,
    lesion_pixels,
    shares_on_named_side,
    side_count,
)
from tgcnet.data.row_decoding import Example
from tgcnet.data.rows import Row
from tgcnet.data.sources import SourceRows
from tgcnet.errors import InputError

_WHY = "expected none, since the best model would be chosen on what it has seen"


def check_apart(sources: Sequence[SourceRows], scored: Sequence[Row], label: str) -> None:
    """Refuse a validation that shares subjects, volumes or files with what is trained on.

    Parameters
    ----------
    scored : the rows of the validation that are scored
    label : what the sentence calls the validation

    Raises
    ------
    InputError
        With their numbers; it names no patient.
    """
    seen = [row for read in sources for row in read.rows]
    subjects = {row.subject for row in seen} & {row.subject for row in scored} - {""}
    units = {row.unit for row in seen}
    num_images = sum(row.unit in units for row in scored)
    counts = [(len(subjects), "subject"), (num_images, "image")]
    shared = " and ".join(counted(number, noun) for number, noun in counts if number)
    if shared:
        raise InputError(
            f"{shared} of the validation {label} {_is_or_are(len(subjects) + num_images)} trained "
            f"on too, {_WHY}; name other folders or splits, or list images in exclude= of the "
            "source. Where two sets give one identifier to different patients, rename them in the "
            "column subject"
        )


def check_pixels_apart(seen: Sequence[Example], scored: Sequence[Example], label: str) -> None:
    """Refuse a validation whose images show, to the last pixel, what is trained on.

    On the network's own grid; images of a single value are not compared.

    Raises
    ------
    InputError
        With their number.
    """
    asked = [pixel_digest(example.image) for example in scored]
    wanted = {digest for digest in asked if digest is not None}
    found = wanted.intersection(pixel_digest(example.image) for example in seen)
    number = sum(digest in found for digest in asked)
    if number:
        raise InputError(
            f"{counted(number, 'image')} of the validation {label} {_is_or_are(number)} trained on "
            f"too, in copies with the same pixels, {_WHY}; list them in exclude= of the source, or "
            "name other folders. `tgcnet data check --names` names them in a folder that holds "
            "both side by side"
        )


def side_warnings(read: Sequence[SourceRows], examples: Sequence[Example]) -> Iterator[str]:
    """A sentence for each source whose captions name the side of the image.

    Parameters
    ----------
    examples : of the sources' rows, one after the other; of the last one perhaps not all
    """
    start = 0
    for entry in read:
        rows = entry.rows[: len(examples) - start]
        lesions = [
            lesion_pixels(row.report, examples[i].labels) for i, row in enumerate(rows, start)
        ]
        start += len(rows)
        sides = side_count(share for _, share in shares_on_named_side(rows, lesions))
        if sentence := image_side_sentence(entry.source.folder, sides):
            yield f"{entry.source.label}: {sentence}"


def held_out_sentences(read: Sequence[SourceRows]) -> Iterator[str]:
    """How many rows of each source are left out of training."""
    for entry in read:
        if entry.num_held_out:
            yield (
                f"{entry.source.label}: {counted(entry.num_held_out, 'row')} marked held_out "
                f"{_is_or_are(entry.num_held_out)} not trained on"
            )


def _is_or_are(number: int) -> str:
    return "is" if number == 1 else "are"
