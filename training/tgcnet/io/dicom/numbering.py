"""What the numbers of a stack's slices tell of slices that are not there."""

from collections.abc import Set
from itertools import pairwise

from tgcnet.io.dicom.header import FrameHeader
from tgcnet.io.dicom.series import Remark, notice, warning


def numbering_remarks(frames: tuple[FrameHeader, ...], numbers: Set[int]) -> list[Remark]:
    """Tell where slices may be missing that the places of the others cannot tell.

    That is every second one, or some at an end. Only numbers that rise or fall evenly with the
    place mean anything: the standard lets a scanner number as it likes.

    Parameters
    ----------
    frames : in stacking order
    numbers : of all that lie with them, slices that were merged, set aside or split off included
    """
    if any(frame.position is None or not frame.orientation for frame in frames):
        return []
    mine = [frame.instance_number for frame in frames]
    steps = {after - before for before, after in pairwise(mine)}
    lowest, highest = min(mine), max(mine)
    if len(steps) != 1 or steps == {0} or lowest < 0:
        return []
    step = abs(steps.pop())
    remarks = []
    if step > 1 and sum(lowest <= number <= highest for number in numbers) <= highest - lowest:
        remarks.append(
            warning(
                "numbers-skipped",
                f"The slices are numbered in steps of {step}, expected steps of 1; slices between "
                "them may be missing, check that the series is whole.",
            )
        )
    # Those of which every second is there may begin with the second.
    first = min(number for number in numbers if number >= 0)
    if lowest > step and first > step:
        remarks.append(
            notice(
                "numbers-begin-late",
                f"The slices are numbered from {first}, expected from 1; earlier slices may be "
                "missing at that end, check that the series is whole.",
            )
        )
    return remarks
