"""The windows that a file proposes."""

import math

from tgcnet.domain import NamedWindow
from tgcnet.io.dicom.header import FrameHeader
from tgcnet.io.dicom.values import is_colour, is_inverted, uses_table, value_range


def windows_of(header: FrameHeader) -> tuple[NamedWindow, ...]:
    """Windows in the units of the decoded values, each once; those without a width are left out.

    None where the values went through a lookup table or are a picture's colours: the file's
    windows are meant for other numbers. Where the values were inverted, so are the windows.
    """
    if uses_table(header) or is_colour(header):
        return ()
    found: dict[tuple[float, float], NamedWindow] = {}
    for number, (explanation, centre, width) in enumerate(header.windows, start=1):
        # Half a grey level less on either side by the letter of the standard, which nobody sees.
        low, high = centre - width / 2, centre + width / 2
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            continue
        if is_inverted(header):
            low, high = (sum(value_range(header)) - end for end in (high, low))
        name = explanation or ("file" if len(header.windows) == 1 else f"file {number}")
        found.setdefault((low, high), NamedWindow(name=name, low=low, high=high))
    return tuple(found.values())
