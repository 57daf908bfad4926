"""What the gate keeps of each case: figures, no image, no mask and no text."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tgcnet.config.json_values import from_json, to_json
from tgcnet.errors import ConfigError, InputError
from tgcnet.io import write_text_atomically

SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class CaseScore:
    """One case under one model and one text mode.

    Attributes
    ----------
    case : unique within its set
    group : the patient; "" where none is known: the case then counts as a patient of its own
    text : a ``TextMode`` by its value
    dice : of this case, in [0, 1]
    intersection_px, sum_px : pixels in both masks, and of both added: what pooling needs
    """

    case: str
    group: str
    text: str
    dice: float
    intersection_px: int
    sum_px: int

    def __post_init__(self) -> None:
        if not (0 <= self.dice <= 1 and 0 <= 2 * self.intersection_px <= self.sum_px):
            raise InputError(
                f"The scores of case {self.case!r} contradict themselves (Dice {self.dice}, "
                f"{self.intersection_px} pixels in both masks, {self.sum_px} in one and the other "
                "added); expected what tgcnet gate writes. Score the case again."
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class PairedScores:
    """A set of cases under the active model and under the candidate."""

    active: tuple[CaseScore, ...]
    candidate: tuple[CaseScore, ...]

    def texts(self) -> tuple[str, ...]:
        """The text modes, in the order of the scores."""
        return tuple(dict.fromkeys(score.text for score in (*self.active, *self.candidate)))

    def with_text(self, text: str) -> "PairedScores":
        """The scores of one text mode."""
        return PairedScores(
            active=tuple(score for score in self.active if score.text == text),
            candidate=tuple(score for score in self.candidate if score.text == text),
        )


def pair(
    before: Sequence[CaseScore], after: Sequence[CaseScore]
) -> tuple[tuple[CaseScore, CaseScore], ...]:
    """Each case's two scores, in the order of ``before``.

    Raises
    ------
    InputError
        If there is no case, one is there twice or under one model only, or its two scores are
        of different patients or text modes.
    """
    later = _by_case(after)
    single = sorted(set(_by_case(before)) ^ set(later))
    if single:
        raise InputError(
            f"{len(single)} cases were scored under one model only (first: {single[0]!r}), "
            "expected every case under both. Score the same folder with both models."
        )
    if not before:
        raise InputError("There is no case to compare, expected at least one; check the folder.")
    pairs = tuple((score, later[score.case]) for score in before)
    for one, other in pairs:
        if (one.group, one.text) != (other.group, other.text):
            raise InputError(
                f"The two scores of case {one.case!r} name another patient or text mode, expected "
                "the same. Score the same folder with both models."
            )
    return pairs


def write_scores(path: Path, held_out: PairedScores, reference: PairedScores | None) -> None:
    """Keep the scores of both sets as JSON, atomically.

    Raises
    ------
    OutputError
        If the file cannot be written; what stood there before is intact.
    """
    values = {
        "schema_version": SCHEMA_VERSION,
        "held_out": to_json(held_out),
        "reference": None if reference is None else to_json(reference),
    }
    text = json.dumps(values, indent=1, ensure_ascii=False) + "\n"
    write_text_atomically(path, text)


def read_scores(path: Path) -> tuple[PairedScores, PairedScores | None]:
    """What :func:`write_scores` kept: held-out corrections, and the reference set if there was one.

    Raises
    ------
    InputError
        If the file cannot be read or is none of these.
    """
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        if values["schema_version"] != SCHEMA_VERSION:
            raise ValueError
        reference = values["reference"]
        return _paired(values["held_out"]), None if reference is None else _paired(reference)
    # "from None": the system's own message holds the whole path, which may name a patient.
    except (OSError, ValueError, RecursionError, KeyError, TypeError, ConfigError) as error:
        raise InputError(
            f"{path.name} holds no scores that this version reads ({type(error).__name__}); "
            "expected what tgcnet gate --scores writes. Run it again."
        ) from None


def _by_case(scores: Sequence[CaseScore]) -> dict[str, CaseScore]:
    by_case: dict[str, CaseScore] = {}
    for score in scores:
        if score.case in by_case:
            raise InputError(
                f"Case {score.case!r} was scored twice, expected once a model and text mode; "
                "remove the second row."
            )
        by_case[score.case] = score
    return by_case


def _paired(values: dict[str, list[object]]) -> PairedScores:
    return PairedScores(
        active=tuple(from_json(CaseScore, entry) for entry in values["active"]),
        candidate=tuple(from_json(CaseScore, entry) for entry in values["candidate"]),
    )
