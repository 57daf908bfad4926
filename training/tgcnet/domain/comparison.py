"""Two models compared, and what the gate makes of it."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelIdentity:
    """A model by its name and by what cannot be renamed: the SHA-256 of its weights."""

    name: str
    sha256: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Change:
    """A Dice of both models, and ``after - before`` with its 95 % interval."""

    before: float
    after: float
    difference: float
    low: float
    high: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Comparison:
    """A set of cases with one kind of text, under both models."""

    text: str
    num_cases: int
    num_patients: int
    dice_mean: Change
    dice_pooled: Change


@dataclass(frozen=True, kw_only=True, slots=True)
class GateReport:
    """Figures of both models, and what follows from them. No case is named.

    Attributes
    ----------
    held_out, reference : one entry for each kind of text; ``reference`` is empty without a set
    recommended : whether the gate recommends the candidate; it switches nothing
    reasons : sentences, one for each condition
    date_utc : ISO 8601
    versions : of what computed the figures
    seed, num_resamples : of the bootstrap
    """

    active: ModelIdentity
    candidate: ModelIdentity
    held_out: tuple[Comparison, ...]
    reference: tuple[Comparison, ...]
    recommended: bool
    reasons: tuple[str, ...]
    date_utc: str
    versions: tuple[str, ...]
    seed: int
    num_resamples: int
