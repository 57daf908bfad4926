"""What a run learns from: reviewed slices of corrections, and a set that guards against forgetting.

A case's text is shown as it is: the person's mask answers the whole report.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from random import Random

import numpy as np

from tgcnet.config import PreprocessConfig
from tgcnet.corrections import Ledger
from tgcnet.data.row_decoding import Example, letterbox_labels
from tgcnet.data.rows import Row
from tgcnet.domain import Case, SegmentationClass
from tgcnet.errors import InputError
from tgcnet.preprocess import decide_window, prepare_plane
from tgcnet.train.data.fixed_views import digest_of


@dataclass(frozen=True, kw_only=True, slots=True)
class Sample:
    """One image on the network's square grid, with what it is known by.

    Attributes
    ----------
    example : image and labels (S, S) uint8, report
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
    trained on. ``measured`` is the part of the user's set that is kept for the gate.
    """

    new: tuple[Sample, ...]
    earlier: tuple[Sample, ...] = ()
    reference: tuple[Sample, ...] = ()
    held_out: tuple[Sample, ...] = ()
    measured: tuple[Row, ...] = ()

    @property
    def replay(self) -> tuple[Sample, ...]:
        """What a share of each batch is drawn from."""
        return self.earlier + self.reference


def samples_of_case(
    case: Case, preprocess: PreprocessConfig, classes: Sequence[SegmentationClass]
) -> Iterable[Sample]:
    """The reviewed slices of a correction; other slices are not learnt from.

    Parameters
    ----------
    classes : of the model that learns

    Raises
    ------
    InputError
        If a class is marked that the model does not have.
    """
    window = decide_window(case.volume, preprocess)
    for z in case.reviewed_slices:
        plane, letterbox = prepare_plane(case.volume.array[z], window, preprocess)
        labels = in_model_classes(case.labels[z], case.record.classes, classes)
        example = Example(
            image=np.round(plane * 255).astype(np.uint8),
            labels=letterbox_labels(letterbox, labels),
            report=case.report,
            modality=case.volume.modality,
        )
        yield sample_of(example, case_id=case.id, group=case.patient_key)


def digests_of_case(case: Case, preprocess: PreprocessConfig) -> Iterable[str]:
    """What the reviewed slices of a correction are known by."""
    window = decide_window(case.volume, preprocess)
    for z in case.reviewed_slices:
        plane, _ = prepare_plane(case.volume.array[z], window, preprocess)
        yield digest_of(np.round(plane * 255).astype(np.uint8))


def sample_of(example: Example, *, case_id: str = "", group: str = "") -> Sample:
    """An image with what it is known by."""
    return Sample(example=example, digest=digest_of(example.image), case_id=case_id, group=group)


def check_enough(sets: SampleSets, ledger: Ledger) -> None:
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
    if sets.held_out:
        return
    if any(case.is_held_out for case in ledger.cases().cases):
        raise InputError(
            "No slice of a held-out patient was marked as reviewed, expected at least one to score "
            "the result on. Open a held-out case, mark the slices you reviewed and save it."
        )
    raise InputError(
        "Only one patient has reviewed corrections, or none of several is held out, expected at "
        "least two, of whom one is kept aside to score the result on. Correct a case of another "
        "patient."
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
        if share and batch_size == 1:
            raise InputError(
                "A batch of one image has no room for one that is replayed, expected at least two "
                "(--batch-size 2), or nothing to replay (--replay-share 0)."
            )
        self._num_replay = min(batch_size - 1, max(1, round(batch_size * share))) if share else 0
        self._num_main = batch_size - self._num_replay
        self._seed = seed

    @property
    def num_replayed(self) -> int:
        """How many of a batch come from what was known before."""
        return self._num_replay

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


def in_model_classes(
    labels: np.ndarray,
    given: Sequence[SegmentationClass],
    model: Sequence[SegmentationClass],
) -> np.ndarray:
    """Label values of one list of classes as those of another, matched by name.

    Parameters
    ----------
    labels : uint8, any shape; a class's index in ``given`` + 1, 0 background

    Returns
    -------
    uint8
        To a model of one class whatever is marked belongs.

    Raises
    ------
    InputError
        If something is marked as a class that a model of several does not have.
    """
    if len(model) == 1:
        return np.asarray(labels > 0, dtype=np.uint8)
    places = {one.name: index for index, one in enumerate(model, start=1)}
    table = np.array([0, *(places.get(one.name, 0) for one in given)], dtype=np.uint8)
    marked = np.unique(labels[labels > 0])
    strange = [given[value - 1].name for value in marked if not table[value]]
    if strange:
        raise InputError(
            f"It marks {', '.join(strange)}, and the model tells apart "
            f"{', '.join(places)}; expected one of these. Correct it under this model, or "
            "fine-tune the model it was corrected under."
        )
    return np.asarray(table[labels])
