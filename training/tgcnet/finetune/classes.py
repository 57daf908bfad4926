"""Corrected labels in the classes of the model that learns from them.  No torch."""

from collections.abc import Sequence

import numpy as np

from tgcnet.domain import SegmentationClass
from tgcnet.errors import InputError


def in_model_classes(
    labels: np.ndarray,
    given: Sequence[SegmentationClass],
    model: Sequence[SegmentationClass],
) -> np.ndarray:
    """Label values of one list of classes as those of another, matched by name.

    Parameters
    ----------
    labels : uint8, any shape; a class's index in ``given`` + 1, 0 background

    Returns
    -------
    uint8
        To a model of one class whatever is marked belongs.

    Raises
    ------
    InputError
        If something is marked as a class that a model of several does not have.
    """
    if len(model) == 1:
        return np.asarray(labels > 0, dtype=np.uint8)
    places = {one.name: index for index, one in enumerate(model, start=1)}
    table = np.array([0, *(places.get(one.name, 0) for one in given)], dtype=np.uint8)
    marked = np.unique(labels[labels > 0])
    strange = [given[value - 1].name for value in marked if not table[value]]
    if strange:
        raise InputError(
            f"It marks {', '.join(strange)}, and the model tells apart "
            f"{', '.join(places)}; expected one of these. Correct it under this model, or "
            "fine-tune the model it was corrected under."
        )
    return np.asarray(table[labels])
