"""From a ledger to what one run reads; written down, so that a resumed run reads the same."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from tgcnet.config.json_values import to_json
from tgcnet.corrections import Ledger, Problem
from tgcnet.corrections.revision import now_utc
from tgcnet.domain import Case
from tgcnet.errors import InputError, LedgerError
from tgcnet.finetune.config import FinetuneJob
from tgcnet.finetune.events import Event, Message
from tgcnet.finetune.reference_set import MeasuredRow, keep_apart, load_reference
from tgcnet.finetune.samples import Sample, SampleSets, samples_of_case
from tgcnet.io import write_text_atomically
from tgcnet.weights.load import LoadedModel
from tgcnet.weights.manifest import Manifest

CaseRevision = tuple[str, int]
RUN_FILE = "run.json"


@dataclass(frozen=True, kw_only=True, slots=True)
class Snapshot:
    """The corrections as they stood when a run began.

    Attributes
    ----------
    revisions : case ids with the revision read of each, in the ledger's order
    taken_utc : ISO 8601; what was saved later is new to the model that comes of it
    ledger : its fingerprint
    """

    revisions: tuple[CaseRevision, ...]
    taken_utc: str
    ledger: str

    @property
    def identifier(self) -> str:
        """Time, hash and ledger, for a model's lineage; names no case."""
        lines = "\n".join(f"{case_id} {revision}" for case_id, revision in sorted(self.revisions))
        digest = hashlib.sha256(lines.encode()).hexdigest()[:16]
        return f"{self.taken_utc} {digest} {self.ledger}"


def known_until(identifier: str, ledger: str) -> str:
    """Up to when a model knows a ledger's corrections; "" where it learnt from another one.

    Parameters
    ----------
    identifier : of the snapshot that the model was trained on; "" where there was none
    ledger : the ledger's fingerprint
    """
    taken_utc, _, rest = identifier.partition(" ")
    return taken_utc if rest.endswith(f" {ledger}") else ""


def read_cases(
    ledger: Ledger, snapshot: Snapshot | None, on_problem: Callable[[Problem], object]
) -> Iterator[Case]:
    """The cases of a snapshot; without one, the latest of every case that has a reviewed slice.

    Raises
    ------
    LedgerError
        If a case of the snapshot is gone or damaged: a resumed run must see what it saw.
    """
    if snapshot is None:
        yield from ledger.load_reviewed(on_problem)
        return
    for case_id, revision in snapshot.revisions:
        if not ledger.has(case_id):
            raise LedgerError(
                f"Case {case_id}, which this run began with, is not in the ledger "
                f"{ledger.folder.name}, expected all that it began with. Choose the corrections it "
                "began with, restore the case if it was deleted, or start a new run."
            )
        yield ledger.load(case_id, revision)


def sort_samples(
    cases: Iterable[Case],
    manifest: Manifest,
    on_problem: Callable[[Problem], object],
    *,
    known_until_utc: str,
) -> tuple[SampleSets, list[CaseRevision]]:
    """Samples of all cases, split into new, earlier and held out.

    Parameters
    ----------
    manifest : of the model that learns
    on_problem : receives a case that marks what the model has no class for, and is left out
    known_until_utc : when the parent's own corrections were read; "" where it had none
    """
    new: list[Sample] = []
    earlier: list[Sample] = []
    held_out: list[Sample] = []
    revisions: list[CaseRevision] = []
    for case in cases:
        try:
            samples = tuple(samples_of_case(case, manifest.preprocess, manifest.classes))
        except InputError as error:
            on_problem(Problem(case_id=case.id, sentence=str(error), is_damage=False))
            continue
        revisions.append((case.id, case.revision))
        # Both times are ISO 8601 in UTC with the same fields, so they sort as texts.
        is_known = case.record.saved_utc <= known_until_utc
        target = held_out if case.is_held_out else earlier if is_known else new
        target.extend(samples)
    return SampleSets(new=tuple(new), earlier=tuple(earlier), held_out=tuple(held_out)), revisions


def write_snapshot(out: Path, snapshot: Snapshot) -> None:
    """Keep a snapshot in the run's folder, atomically."""
    text = json.dumps(to_json(snapshot), indent=1) + "\n"
    write_text_atomically(out / RUN_FILE, text)


def read_snapshot(out: Path) -> Snapshot:
    """What :func:`write_snapshot` kept.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        values = json.loads((out / RUN_FILE).read_text(encoding="utf-8"))
        revisions = tuple((str(case), int(number)) for case, number in values["revisions"])
        return Snapshot(
            revisions=revisions,
            taken_utc=str(values["taken_utc"]),
            ledger=str(values["ledger"]),
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{RUN_FILE} of {out.name} cannot be read ({type(error).__name__}), so nobody knows "
            "which corrections the run was trained on; start anew in another folder."
        ) from None


class ProblemReporter:
    """Sends a message about each case that is left out, once a run."""

    def __init__(self, on_event: Callable[[Event], None]) -> None:
        self._on_event = on_event
        self._reported: set[str] = set()

    def __call__(self, problem: Problem) -> None:
        """Send it, unless that was done."""
        if problem.case_id not in self._reported:
            self._reported.add(problem.case_id)
            self._on_event(
                Message(sentence=f"Case {problem.case_id} is left out: {problem.sentence}")
            )


def read_samples(
    ledger: Ledger,
    job: FinetuneJob,
    parent: LoadedModel,
    *,
    is_resumed: bool,
    on_event: Callable[[Event], None],
    on_problem: Callable[[Problem], object],
) -> tuple[SampleSets, Snapshot]:
    """The corrections as they stand, or as they stood when a resumed run began.

    What is trained on shares no image with what is measured; messages say what was left out.

    Raises
    ------
    InputError
        If the reference folder, or the snapshot of a resumed run, cannot be used, or too few
        images remain to be measured.
    LedgerError
        If a case of the snapshot is gone or damaged.
    OutputError
        If the snapshot cannot be written.
    """
    manifest, lineage = parent.manifest, parent.manifest.lineage
    snapshot = read_snapshot(job.out) if is_resumed else None
    known = "" if lineage is None else known_until(lineage.ledger_snapshot, ledger.fingerprint)
    taken = now_utc()
    cases = read_cases(ledger, snapshot, on_problem)
    sets, revisions = sort_samples(cases, manifest, on_problem, known_until_utc=known)
    measured: tuple[MeasuredRow, ...] = ()
    if job.reference is not None:
        replayed, measured = load_reference(job.reference, manifest)
        sets = replace(sets, reference=replayed)
    sets, sentences = keep_apart(sets, measured, job.reference)
    for sentence in sentences:
        on_event(Message(sentence=sentence))
    if snapshot is None:
        snapshot = Snapshot(revisions=tuple(revisions), taken_utc=taken, ledger=ledger.fingerprint)
        write_snapshot(job.out, snapshot)
    return sets, snapshot
