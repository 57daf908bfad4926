"""Whether a report and an image are of one patient and one study. No Qt."""

from __future__ import annotations

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.state import SegmentState
from napari_tgcnet.shared.case import Draft
from tgcnet.domain import Identity
from tgcnet.errors import InputError

NOBODY = Identity()


def describe(state: SegmentState) -> str:
    """What is the same, what differs and what is unknown; nothing where there is no report."""
    if state.image is None or not state.report.strip():
        return ""
    return messages.identity_compared(state.image.identity.compare(state.draft.identity))


def differs(state: SegmentState) -> bool:
    """Whether image and report both state something, and state it differently."""
    if state.image is None or not state.report.strip():
        return False
    return bool(state.image.identity.differing(state.draft.identity))


def check(state: SegmentState) -> None:
    """Stop what would use a report with another's image, until a person has confirmed it.

    Raises
    ------
    InputError
        If they differ and nobody has.
    """
    if differs(state) and not state.draft.is_confirmed:
        raise InputError(messages.CONFIRM_REPORT)


def of_text(draft: Draft, text: str) -> Identity:
    """Whose a report is once its text is another: still the file's while it is an edit of it."""
    return draft.identity if _is_edit(draft.report, text) else NOBODY


def _is_edit(before: str, after: str) -> bool:
    """Whether at least half of a text is another one's beginning and end."""
    shorter = min(len(before), len(after))
    start = _num_equal(before, after)
    end = min(_num_equal(before[::-1], after[::-1]), shorter - start)
    return bool(after.strip()) and 2 * (start + end) >= len(after)


def _num_equal(one: str, other: str) -> int:
    """Length of the common beginning."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((k for k, (a, b) in pairs if a != b), min(len(one), len(other)))
