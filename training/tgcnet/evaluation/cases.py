"""Which cases are worth looking at.  No torch."""

from collections.abc import Sequence
from dataclasses import dataclass

from tgcnet.evaluation.results import Drawn, ImageResult

CASES_PER_PAGE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class PageCase:
    """A row of a page.

    Attributes
    ----------
    label : beside it; names a row of a table and a figure, no file
    caption : below it: its file and what the model was told; "" unless somebody asked for it
    """

    drawn: Drawn
    label: str
    caption: str = ""


def choose_cases(
    images: Sequence[ImageResult], per_page: int = CASES_PER_PAGE
) -> dict[str, tuple[int, ...]]:
    """Best, median and worst images by the Dice of all classes together; none is chosen twice.

    An image where nothing is marked and nothing was predicted shows nothing and is left out.

    Returns
    -------
    dict
        Page -> indices into ``images`` by falling Dice, at most a third of the images each; a page
        for which none is left is not there.
    """
    shown = [
        index
        for index, image in enumerate(images)
        if image.score.reference_px or image.score.predicted_px
    ]
    # Equal scores in the order of the table, so that a page is the same the next time.
    shown.sort(key=lambda index: -images[index].score.dice)
    number = max(1, min(per_page, len(shown) // 3))
    best, rest = shown[:number], shown[number:]
    worst = rest[-number:]
    between = rest[: len(rest) - len(worst)]
    # The middle of all, which is the middle of what two equal ends leave.
    start = (len(between) - number) // 2 if len(between) > number else 0
    pages = {"best": best, "median": between[start : start + number], "worst": worst}
    return {name: tuple(indices) for name, indices in pages.items() if indices}
