"""Which of a model's classes can be scored on a folder's masks."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tgcnet.domain import SegmentationClass
from tgcnet.errors import InputError

UNION = "any"
"""What the figures of all classes together are called."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ClassMatch:
    """How references become labels in a model's order.

    Attributes
    ----------
    names : the classes scored one by one, in the model's order; empty where only their union is
    place_of : for each label value of the folder, 0 included, the model's
    notice : a sentence where the union alone is scored although there are more classes, else ""
    """

    names: tuple[str, ...] = ()
    place_of: tuple[int, ...] = ()
    notice: str = ""

    def in_model_order(self, reference: np.ndarray) -> np.ndarray:
        """A folder's reference in the model's label values, or 1 for whatever is marked.

        Parameters
        ----------
        reference : (Y, X) uint8, as :class:`tgcnet.data.slices_to_score.SliceToScore` gives it

        Returns
        -------
        (Y, X) uint8
        """
        if not self.names:
            return np.asarray(reference > 0, dtype=np.uint8)
        ordered: np.ndarray = np.asarray(self.place_of, dtype=np.uint8)[reference]
        return ordered


UNION_ONLY = ClassMatch()


def match_classes(
    model: Sequence[SegmentationClass], folder: Sequence[SegmentationClass]
) -> ClassMatch:
    """Match a model's classes with a folder's, by their names; the order may differ.

    Where one of the two has a single class, only the union is scored.

    Raises
    ------
    InputError
        If both have several classes and not the same.
    """
    names, others = [c.name for c in model], [c.name for c in folder]
    if len(folder) == 1:
        return ClassMatch(notice=_union_of_model(names) if len(model) > 1 else "")
    if len(model) == 1:
        return ClassMatch(
            notice=f"The model has the one class {names[0]!r}; it is scored on the union of the "
            f"data set's classes ({', '.join(others)})."
        )
    if set(names) != set(others):
        raise InputError(
            f"The model's classes are {', '.join(names)} and the data set's are "
            f"{', '.join(others)}; expected the same names. Correct them in the data set (in "
            "classes.json beside captions.csv), or name a model of these classes."
        )
    places = (0, *(names.index(name) + 1 for name in others))
    return ClassMatch(names=tuple(names), place_of=places)


def _union_of_model(names: Sequence[str]) -> str:
    return (
        "The data set's masks tell no classes apart; the union of the model's classes "
        f"({', '.join(names)}) is scored."
    )
