"""The linter's run: a data set scanned, every row decoded once, findings in order of severity."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from tgcnet.data.check.copies import find_copies, find_shared_subjects, find_shared_volumes
from tgcnet.data.check.findings import CheckReport, Finding, Found, Severity, counted, each
from tgcnet.data.check.pixels import PixelFacts, read_facts
from tgcnet.data.check.sides import (
    CLEAR_SHARE,
    Convention,
    SideCount,
    image_side_sentence,
    shares_on_named_side,
    side_count,
)
from tgcnet.data.layouts import DataSet, Gap, Part, scan_dataset
from tgcnet.data.rows import Row, captions_sha256, count_distinct

_ORDER = tuple(Severity)


def check_folder(
    folder: Path, *, is_quick: bool = False, on_progress: Callable[[float], object] | None = None
) -> CheckReport:
    """Look for everything that makes a result wrong or a run stop.

    Parameters
    ----------
    folder : a data set in any layout
    is_quick : go by tables and names alone; no image and no mask is opened
    on_progress : receives the finished fraction in [0, 1]

    Raises
    ------
    InputError, MissingExtraError, LedgerError
        If the folder cannot be read as a data set at all, as ``scan_dataset`` says.
    """
    dataset = scan_dataset(folder)
    facts: list[PixelFacts] = []
    for index, row in enumerate(() if is_quick else dataset.rows, start=1):
        facts.append(read_facts(row))
        if on_progress is not None:
            on_progress(index / len(dataset.rows))
    shares = () if is_quick else shares_on_named_side(dataset.rows, [f.lesion for f in facts])
    sides = None if is_quick else side_count(share for _, share in shares)
    findings = [
        *_gaps(dataset.gaps),
        *_texts(dataset.rows),
        *find_shared_subjects(dataset.rows),
        *find_shared_volumes(dataset.rows),
        *_pixels(dataset.rows, facts),
        *find_copies(dataset.rows, [fact.digest for fact in facts]),
        *([] if sides is None else _sides(dataset.name, shares, sides)),
        *(_note("notice", notice) for notice in dataset.notices),
    ]
    return _report(dataset, sides, findings)


def _report(dataset: DataSet, sides: SideCount | None, findings: list[Finding]) -> CheckReport:
    of_split = {s: [row for row in dataset.rows if row.split == s] for s in dataset.splits}
    return CheckReport(
        name=dataset.name,
        layout=dataset.layout,
        classes=tuple(entry.name for entry in dataset.classes),
        num_rows=len(dataset.rows),
        num_subjects=len({row.subject for row in dataset.rows if row.subject}),
        num_captions=count_distinct(dataset.rows),
        splits={split: len(rows) for split, rows in of_split.items()},
        captions_sha256=captions_sha256(dataset.rows),
        captions_sha256_of_split={s: captions_sha256(rows) for s, rows in of_split.items()},
        sides=sides,
        findings=tuple(sorted(findings, key=lambda entry: _ORDER.index(entry.severity))),
    )


def _note(kind: str, sentence: str) -> Finding:
    return Finding(kind=kind, severity=Severity.NOTE, sentence=sentence)


def _gaps(gaps: Sequence[Gap]) -> Iterator[Finding]:
    """Missing parts, one finding a kind; what cannot be read, one each."""
    for gap in gaps:
        if gap.sentence:
            yield Finding(
                kind="unreadable",
                severity=Severity.ERROR,
                sentence=gap.sentence,
                groups=((_of_gap(gap),),),
            )
    kinds: dict[tuple[str, bool], list[Gap]] = defaultdict(list)
    for gap in gaps:
        if not gap.sentence:
            kinds[gap.lacks, gap.is_named].append(gap)
    for (lacks, is_named), same in kinds.items():
        there = "mask" if lacks is Part.IMAGE else "image"
        yield Finding(
            kind=f"no-{lacks}" if is_named else f"unused-no-{lacks}",
            severity=Severity.ERROR if is_named else Severity.WARNING,
            sentence=(
                f"{counted(len(same), 'row')} whose {lacks} is not there."
                if is_named
                else f"{counted(len(same), there)} left out, for want of their {lacks}."
            ),
            groups=tuple((_of_gap(gap),) for gap in same),
        )


def _of_gap(gap: Gap) -> Found:
    return Found(place=gap.place, name="" if gap.path is None else gap.path.name)


def _texts(rows: Sequence[Row]) -> Iterator[Finding]:
    silent = [row for row in rows if not row.report.strip()]
    if silent:
        yield Finding(
            kind="empty-text",
            severity=Severity.WARNING,
            sentence=(
                f"{counted(len(silent), 'row')} without a text; a model learns nothing from words "
                "there."
            ),
            groups=each(silent),
        )


def _pixels(rows: Sequence[Row], facts: Sequence[PixelFacts]) -> Iterator[Finding]:
    pairs = list(zip(rows, facts, strict=False))  # a quick check has no facts
    yield from _problems(pairs)
    if grey := [row for row, fact in pairs if fact.num_values > 2]:
        yield Finding(
            kind="grey-mask",
            severity=Severity.WARNING,
            sentence=(
                f"{counted(len(grey), 'mask')} of one class with more than two values, all of "
                "which but 0 are read as lesion: edges that were smoothed or compressed, or "
                "classes that classes.json should name."
            ),
            groups=each(grey),
        )
    if blank := [row for row, fact in pairs if fact.is_blank]:
        yield Finding(
            kind="blank-image",
            severity=Severity.WARNING,
            sentence=f"{counted(len(blank), 'image')} with one and the same value everywhere.",
            groups=each(blank),
        )
    if empty := [row for row, fact in pairs if fact.is_empty]:
        is_all = len(empty) == len(pairs)
        yield Finding(
            kind="empty-mask",
            severity=Severity.WARNING if is_all else Severity.NOTE,
            sentence=(
                f"{counted(len(empty), 'empty mask')}{', and no other' if is_all else ''}; where "
                "a model marks nothing either, Dice counts 1."
            ),
            groups=each(empty),
        )


def _problems(pairs: Sequence[tuple[Row, PixelFacts]]) -> Iterator[Finding]:
    """Rows that cannot be used, together where the same is wrong with them."""
    alike: dict[tuple[str, str], list[tuple[Row, str]]] = defaultdict(list)
    for row, fact in pairs:
        if fact.problem is not None:
            kind, sentence = fact.problem
            alike[kind, sentence.removeprefix(row.where)].append((row, sentence))
    for (kind, _), same in alike.items():
        (_, first), num_more = same[0], len(same) - 1
        more = f" ({counted(num_more, 'more row')} like it)" if num_more else ""
        yield Finding(
            kind=kind,
            severity=Severity.ERROR,
            sentence=f"{first[0].upper()}{first[1:]}{more}",
            groups=each([row for row, _ in same]),
        )


def _sides(name: str, shares: Sequence[tuple[Row, float]], sides: SideCount) -> Iterator[Finding]:
    convention = sides.convention
    if convention is Convention.IMAGE:
        yield Finding(
            kind="image-side-captions",
            severity=Severity.ERROR,
            sentence=image_side_sentence(name, sides),
        )
    elif convention is Convention.MIXED:
        yield Finding(
            kind="mixed-side-captions",
            severity=Severity.ERROR,
            sentence=f"{sides.in_words()}; correct the captions or the masks.",
        )
    elif sides.num_one_sided:
        yield _note("captions-sides", sides.in_words())
    if convention is Convention.MIXED:
        return
    # Of image-side captions those are odd ones out that name the patient's side.
    is_image = convention is Convention.IMAGE
    odd = [
        row
        for row, share in shares
        if (share >= CLEAR_SHARE if is_image else share <= 1 - CLEAR_SHARE)
    ]
    if odd:
        yield Finding(
            kind="side-contradiction",
            severity=Severity.WARNING,
            sentence=(
                f"{counted(len(odd), 'caption')} on the wrong side: the mask lies on the other one"
                f"{', even read as the half of the image' if is_image else ''}."
            ),
            groups=each(odd),
        )
