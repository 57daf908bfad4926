"""The side that a text asks for, and what lies on the other one.  No torch."""

import numpy as np

from tgcnet.domain import Presence, Report, Side, Volume


def named_side(report: Report) -> Side | None:
    """The one side of the patient that a report's present findings name; None for none or both."""
    sides = {
        finding.side
        for finding in report.findings
        if finding.side is not None and finding.presence in (Presence.PRESENT, Presence.UNCERTAIN)
    }
    return sides.pop() if len(sides) == 1 and Side.BILATERAL not in sides else None


def wrong_half(volume: Volume, side: Side) -> np.ndarray:
    """(Y, X) bool: the half of the image where the other side of the patient lies.

    The middle column of an odd width belongs to neither half.
    """
    height, width = volume.array.shape[1:]
    from_middle = np.arange(width) - (width - 1) / 2
    # LPS: x grows towards the patient's left.
    towards_left = from_middle * np.sign(volume.geometry.affine_lps[0, 2])
    wrong = towards_left < 0 if side is Side.LEFT else towards_left > 0
    return np.broadcast_to(wrong, (height, width))
