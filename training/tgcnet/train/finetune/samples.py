"""What a run learns from: reviewed slices of corrections, and a set that guards against forgetting.

A case's text is shown as it is: the person's mask answers the whole report.
"""

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np

from tgcnet.config import PreprocessConfig
from tgcnet.data.folder import read_folder
from tgcnet.data.reference import MIN_REFERENCE_IMAGES, part_reference
from tgcnet.data.training_set import Example, load_examples
from tgcnet.domain import Case, Modality
from tgcnet.errors import InputError
from tgcnet.preprocess import decide_window, prepare_plane


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One image on the network's square grid, with what it is known by.

    Attributes
    ----------
    example : image (S, S) uint8, mask (S, S) bool, report
    digest : SHA-256 of the image's pixels: the key of its kept features
    case_id : of the correction it comes from; empty for a reference image
    group : the patient's key, so that statistics know who belongs together
    """

    example: Example
    digest: str
    case_id: str = ""
    group: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class SampleSets:
    """Everything one run reads.

    ``new`` is corrected since the parent was trained, ``earlier`` was known to it already,
    ``reference`` is the replayed part of the user's own set, ``held_out`` is scored and never
    trained on. ``num_measured`` images of the user's set are kept for the gate.
    """

    new: tuple[Sample, ...]
    earlier: tuple[Sample, ...] = ()
    reference: tuple[Sample, ...] = ()
    held_out: tuple[Sample, ...] = ()
    num_measured: int = 0

    @property
    def replay(self) -> tuple[Sample, ...]:
        """What a share of each batch is drawn from."""
        return self.earlier + self.reference


def samples_of_case(case: Case, preprocess: PreprocessConfig) -> Iterable[Sample]:
    """The reviewed slices of a correction; what nobody reviewed is not learnt from."""
    window = decide_window(case.volume, preprocess)
    for z in case.reviewed_slices:
        plane, letterbox = prepare_plane(case.volume.array[z], window, preprocess)
        mask = letterbox.apply((case.labels[z] > 0).astype(np.float32)) > 0.5  # any class
        example = Example(
            image=np.round(plane * 255).astype(np.uint8),
            mask=mask,
            report=case.report,
            modality=case.volume.modality,
        )
        yield _sample(example, case_id=case.id, group=case.patient_key)


def load_replayed(folder: Path, preprocess: PreprocessConfig) -> tuple[tuple[Sample, ...], int]:
    """The part of the user's reference folder that is trained on, and how many are measured.

    Raises
    ------
    InputError
        If the folder cannot be read as one, or holds fewer than 100 images.
    """
    rows = read_folder(folder)
    if len(rows) < MIN_REFERENCE_IMAGES:
        raise InputError(
            f"The reference folder {folder.name!r} holds {len(rows)} images, expected at least "
            f"{MIN_REFERENCE_IMAGES}: fewer cannot tell whether the model forgets. Add images, or "
            "leave the reference out."
        )
    parts = part_reference(rows)
    measured = {row.image.name for row in parts.measured}
    examples = load_examples(folder, Modality.UNKNOWN, preprocess, exclude=measured)
    return tuple(_sample(example) for example in examples), len(parts.measured)


def check_enough(sets: SampleSets) -> None:
    """Say what is missing before anything starts.

    Raises
    ------
    InputError
        If there is nothing to train on, or nothing of another patient to score on.
    """
    if not sets.new and not sets.earlier:
        raise InputError(
            "No corrected slice to train on: every case is held out, or no slice was marked as "
            "reviewed. Correct cases of at least two patients and mark the slices you reviewed."
        )
    if not sets.held_out:
        raise InputError(
            "Only one patient has reviewed corrections, expected at least two: one is kept aside "
            "to score the result on. Correct a case of another patient."
        )


class BatchPlan:
    """Which samples make which batch; a function of the seed, the epoch and the batch alone."""

    def __init__(
        self, sets: SampleSets, *, batch_size: int, replay_share: float, seed: int
    ) -> None:
        has_new, has_replay = bool(sets.new), bool(sets.replay)
        self._main: Sequence[Sample] = sets.new if has_new else sets.earlier
        self._replay: Sequence[Sample] = sets.replay if has_new else sets.reference
        share = replay_share if has_replay and self._replay else 0.0
        self._num_replay = min(batch_size - 1, round(batch_size * share))
        self._num_main = batch_size - self._num_replay
        self._seed = seed

    @property
    def batches_per_epoch(self) -> int:
        """Enough that each correction comes once; the last batch may be smaller."""
        return -(-len(self._main) // self._num_main)

    def batch(self, epoch: int, index: int) -> list[tuple[Sample, Random]]:
        """The samples of a batch, each with the random numbers that decide its view and text."""
        order = list(range(len(self._main)))
        Random(f"{self._seed}/{epoch}").shuffle(order)
        chosen = order[index * self._num_main : (index + 1) * self._num_main]
        samples = [self._main[i] for i in chosen]
        draw = Random(f"{self._seed}/{epoch}/{index}")
        num_replay = min(self._num_replay, len(self._replay))
        samples += draw.sample(list(self._replay), num_replay)
        return [
            (sample, Random(f"{self._seed}/{epoch}/{index}/{position}"))
            for position, sample in enumerate(samples)
        ]


def _sample(example: Example, *, case_id: str = "", group: str = "") -> Sample:
    digest = hashlib.sha256(example.image.tobytes()).hexdigest()
    return Sample(example=example, digest=digest, case_id=case_id, group=group)
