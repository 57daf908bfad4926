"""The data of a recipe: rows read and checked, images decoded, and what is wrong with them."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tgcnet.data.check.findings import counted
from tgcnet.data.check.pixels import pixel_digest
from tgcnet.data.check.sides import (
    image_side_sentence,
    lesion_pixels,
    shares_on_named_side,
    side_count,
)
from tgcnet.data.pixel_cache import PixelCache
from tgcnet.data.row_decoding import Example
from tgcnet.data.rows import Row
from tgcnet.data.sources import SourceRows, common_classes, read_source
from tgcnet.domain import SegmentationClass
from tgcnet.errors import InputError
from tgcnet.train.config import TrainConfig
from tgcnet.train.data.training_set import TrainingSet, load_examples
from tgcnet.train.provenance import check_unchanged, pixels_sha256

_WHY = "expected none, since the best model would be chosen on what it has seen"

logger = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class RecipeRows:
    """What a recipe's folders hold: rows and classes, no pixels yet."""

    sources: tuple[SourceRows, ...]
    validation: SourceRows
    classes: tuple[SegmentationClass, ...]

    @property
    def reports(self) -> list[str]:
        """Of everything that is trained on."""
        return [row.report for source in self.sources for row in source.rows]


def read_data(config: TrainConfig, recipe: str, data: Path) -> RecipeRows:
    """The rows of a recipe's folders below ``data``.

    Raises
    ------
    InputError
        If a folder is not there, cannot be read, or the data do not fit each other.
    """
    _check_sources(config, recipe, data)
    sources = tuple(read_source(data, source) for source in config.sources)
    validation = read_source(data, config.validation.as_source(), is_trained_on=False)
    scored = validation.rows[: config.validation.max_rows]
    check_apart(sources, scored, validation.source.label)
    classes = common_classes([*sources, validation])
    return RecipeRows(sources=sources, validation=validation, classes=classes)


@dataclass(frozen=True, kw_only=True, slots=True)
class DecodedImages:
    """The images and masks of a run, and of its validation."""

    seen: Sequence[Example]
    scored: Sequence[Example]


def decode_images(config: TrainConfig, read: RecipeRows, cache_folder: Path) -> DecodedImages:
    """Pixels, from the cache where they were decoded before."""
    cache = PixelCache(cache_folder, config.preprocess)
    return DecodedImages(
        seen=load_examples(read.sources, cache),
        scored=load_examples([read.validation], cache, max_rows=config.validation.max_rows),
    )


def make_training_set(config: TrainConfig, read: RecipeRows, decoded: DecodedImages) -> TrainingSet:
    """What is trained on, ready to draw samples from."""
    training_set = TrainingSet(
        decoded.seen,
        [source.source.repeats for source in read.sources for _ in source.rows],
        seed=config.seed,
        mix=config.mix,
        augment=config.augment,
        num_classes=len(read.classes),
    )
    logger.info("%d images, %d samples an epoch", len(decoded.seen), len(training_set))
    return training_set


def checked_pixels(found: Path | None, read: RecipeRows, decoded: DecodedImages) -> dict[str, str]:
    """What the provenance says of pixels; known only once they are decoded."""
    check_pixels_apart(decoded.seen, decoded.scored, read.validation.source.label)
    pixels = {
        "train_pixels_sha256": pixels_sha256(decoded.seen),
        "val_pixels_sha256": pixels_sha256(decoded.scored),
    }
    if found is not None:
        check_unchanged(found, pixels)
    return pixels


def log_remarks(read: RecipeRows, decoded: DecodedImages) -> None:
    """Log what does not stop a run but matters to its user."""
    for sentence in held_out_sentences(read.sources):
        logger.info(sentence)
    for entries, examples in ((read.sources, decoded.seen), ((read.validation,), decoded.scored)):
        for sentence in side_warnings(entries, examples):
            logger.warning(sentence)


def _check_sources(config: TrainConfig, recipe: str, data: Path) -> None:
    """Before anything is read: every folder that the recipe names is below ``data``."""
    for folder in (*(source.folder for source in config.sources), config.validation.folder):
        if not (data / folder).is_dir():
            raise InputError(
                f"--data {data.absolute().name} holds no folder {folder}, which recipe "
                f"{recipe!r} expects below it; name the folder that holds {folder}. The data of "
                "'mini' are laid out by training/recipes/prepare_mini_data.py"
            )


def with_classes(config: TrainConfig, classes: Sequence[SegmentationClass]) -> TrainConfig:
    """As many outputs as the data have classes; a recipe may leave it to them, or agree."""
    if config.model.num_classes not in (1, len(classes)):
        raise InputError(
            f"the recipe's model has num_classes={config.model.num_classes} and the data have "
            f"{len(classes)} ({', '.join(entry.name for entry in classes)}); expected the same, or "
            "no num_classes in the recipe, which leaves it to the data"
        )
    return replace(config, model=replace(config.model, num_classes=len(classes)))


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
