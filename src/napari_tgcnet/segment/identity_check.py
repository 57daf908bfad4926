"""Check that a report and an image are of the same patient and the same study. No Qt."""

from __future__ import annotations

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.state import SegmentState
from napari_tgcnet.shared.case import Draft
from tgcnet.domain import Identity
from tgcnet.errors import InputError

UNKNOWN = Identity()


def describe(state: SegmentState) -> str:
    """A sentence on what is the same, what differs and what is unknown; empty without a report."""
    if state.image is None or not state.report.strip():
        return ""
    return messages.identity_compared(state.image.identity.compare(state.draft.identity))


def differs(state: SegmentState) -> bool:
    """Whether image and report both state an identifier, and state it differently."""
    if state.image is None or not state.report.strip():
        return False
    return bool(state.image.identity.differing(state.draft.identity))


def check_identity(state: SegmentState) -> None:
    """Refuse to use a report with another patient's image, unless a person has confirmed it.

    Raises
    ------
    InputError
        If they differ and nobody has confirmed it.
    """
    if differs(state) and not state.draft.is_confirmed:
        raise InputError(messages.CONFIRM_REPORT)


def identity_after_edit(draft: Draft, text: str) -> Identity:
    """The identity of a report whose text was replaced.

    It stays the file's while the new text is an edit of the old one, else it is unknown.
    """
    return draft.identity if _is_edit(draft.report, text) else UNKNOWN


def _is_edit(before: str, after: str) -> bool:
    """Whether at least half of the new text is the beginning and the end of the old one."""
    shorter = min(len(before), len(after))
    start = _num_equal(before, after)
    end = min(_num_equal(before[::-1], after[::-1]), shorter - start)
    return bool(after.strip()) and 2 * (start + end) >= len(after)


def _num_equal(one: str, other: str) -> int:
    """Length of the common prefix."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((k for k, (a, b) in pairs if a != b), min(len(one), len(other)))
