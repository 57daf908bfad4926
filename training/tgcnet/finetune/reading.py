"""What a run reads before it begins, with a word about what it has to leave out."""

from collections.abc import Callable
from dataclasses import replace

from tgcnet.corrections import Ledger, Problem
from tgcnet.corrections.revision import now_utc
from tgcnet.finetune.cases import (
    Snapshot,
    known_until,
    read_cases,
    read_snapshot,
    sort_samples,
    write_snapshot,
)
from tgcnet.finetune.config import FinetuneJob
from tgcnet.finetune.events import Event, Told
from tgcnet.finetune.reference_set import MeasuredRow, keep_apart, load_reference
from tgcnet.finetune.samples import SampleSets
from tgcnet.weights.load import LoadedModel


class ProblemTeller:
    """Tells of each case that is left out, once a run."""

    def __init__(self, tell: Callable[[Event], None]) -> None:
        self._tell = tell
        self._told: set[str] = set()

    def __call__(self, problem: Problem) -> None:
        """Tell of it, unless that was done."""
        if problem.case_id not in self._told:
            self._told.add(problem.case_id)
            self._tell(Told(sentence=f"Case {problem.case_id} is left out: {problem.sentence}"))


def read_samples(
    ledger: Ledger,
    job: FinetuneJob,
    parent: LoadedModel,
    *,
    is_resumed: bool,
    tell: Callable[[Event], None],
    on_problem: Callable[[Problem], object],
) -> tuple[SampleSets, Snapshot]:
    """The corrections as they stand, or as they stood when a resumed run began.

    What is trained on shares no image with what is measured; ``tell`` hears of what was left out.

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
        tell(Told(sentence=sentence))
    if snapshot is None:
        snapshot = Snapshot(revisions=tuple(revisions), taken_utc=taken, ledger=ledger.fingerprint)
        write_snapshot(job.out, snapshot)
    return sets, snapshot
