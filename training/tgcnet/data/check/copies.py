"""Duplicates: images with the same pixels, and subjects on two sides of a split."""

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tgcnet.data.check.findings import Finding, Found, Severity, counted, found
from tgcnet.data.rows import Row

_SAME_FILE, _COPY, _ENCODED_ANEW = "named twice", "copied", "encoded anew"


@dataclass(frozen=True, kw_only=True, slots=True)
class _Kind:
    how: str
    is_across: bool


def side_of(row: Row) -> str:
    """On which side of a division a row is: its split, held out or not; "" where undivided."""
    held_out = "" if row.held_out is None else f"held out: {row.held_out.lower() or 'false'}"
    return ", ".join(part for part in (row.split, held_out) if part)


def find_shared_subjects(rows: Sequence[Row]) -> Iterator[Finding]:
    """Subjects whose images are on two sides of a division: one row of each side is named."""
    yield from _shared("subject", "images", rows, lambda row: row.subject)


def find_shared_volumes(rows: Sequence[Row]) -> Iterator[Finding]:
    """The same of volumes whose slices name no patient."""
    nameless = [row for row in rows if row.is_slice and not row.subject]
    yield from _shared("volume", "slices", nameless, lambda row: row.unit)


def _shared(
    what: str, parts: str, rows: Sequence[Row], key: Callable[[Row], Hashable]
) -> Iterator[Finding]:
    sides: dict[Hashable, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        if (owner := key(row)) and (side := side_of(row)):
            sides[owner].setdefault(side, row)
    shared = [members for members in sides.values() if len(members) > 1]
    if shared:
        names = sorted({side for members in shared for side in members})
        yield Finding(
            kind=f"shared-{what}",
            severity=Severity.ERROR,
            sentence=(
                f"{counted(len(shared), what)} with {parts} in two or more of "
                f"{'; '.join(names)}: scores there are of patients the model has seen. Divide the "
                f"set anew by {what}."
            ),
            groups=tuple(tuple(found(row) for row in m.values()) for m in shared),
        )


def find_copies(rows: Sequence[Row], digests: Sequence[bytes | None]) -> Iterator[Finding]:
    """Images that are the same to the last pixel, one finding for each kind of copy.

    Parameters
    ----------
    digests : of the decoded images, None where there is nothing to compare; or none at all
    """
    same: dict[bytes, list[Row]] = defaultdict(list)
    for row, digest in zip(rows, digests, strict=False):
        if digest is not None:
            same[digest].append(row)
    kinds: dict[_Kind, list[tuple[Found, ...]]] = defaultdict(list)
    for members in same.values():
        if len(members) > 1:
            kinds[_kind_of(members)].append(tuple(found(row) for row in members))
    for kind, groups in kinds.items():
        yield _finding(kind, groups)


def _kind_of(members: Sequence[Row]) -> _Kind:
    is_across = len({side_of(row) for row in members}) > 1
    if any(row.volume is not None for row in members):
        is_one = len({(row.image, row.z) for row in members}) == 1
        return _Kind(how=_SAME_FILE if is_one else _COPY, is_across=is_across)
    files = {row.image.resolve() for row in members}
    if len(files) == 1:
        return _Kind(how=_SAME_FILE, is_across=is_across)
    return _Kind(how=_COPY if _are_equal(sorted(files)) else _ENCODED_ANEW, is_across=is_across)


def _are_equal(files: Sequence[Path]) -> bool:
    first = files[0].read_bytes()
    return all(file.read_bytes() == first for file in files[1:])


def _finding(kind: _Kind, groups: Sequence[tuple[Found, ...]]) -> Finding:
    what = {
        _SAME_FILE: "named by several rows",
        _COPY: "in several identical files",
        _ENCODED_ANEW: "in several files that differ, encoded anew from the same pixels",
    }[kind.how]
    if kind.is_across:
        severity = Severity.ERROR
        where = " on two sides of a split, so that scores are of images the model has seen"
    else:
        # A referring set consists of images with several requests each.
        severity = Severity.NOTE if kind.how == _SAME_FILE else Severity.WARNING
        where = ""
    return Finding(
        kind=f"{kind.how.replace(' ', '-')}{'-across-splits' if kind.is_across else ''}",
        severity=severity,
        sentence=f"{counted(len(groups), 'image')} {what}{where}.",
        groups=tuple(groups),
    )
