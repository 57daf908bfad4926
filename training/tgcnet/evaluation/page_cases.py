"""Which cases are worth looking at, drawn again for pages."""

from collections.abc import Sequence
from dataclasses import dataclass

from tgcnet.data.slices_to_score import SliceToScore
from tgcnet.evaluation.class_match import UNION_ONLY, ClassMatch
from tgcnet.evaluation.results import Drawn, Evaluation, ImageResult
from tgcnet.evaluation.score import draw
from tgcnet.evaluation.text_modes import edit_texts
from tgcnet.inference.predictor import Predictor

CASES_PER_PAGE = 4


@dataclass(frozen=True, kw_only=True, slots=True)
class PageCase:
    """A row of a page.

    Attributes
    ----------
    label : beside it; names a row of a table and a figure, no file
    caption : below it: its file and the text that the model was given; "" unless asked for
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


def draw_cases(
    predictor: Predictor,
    slices: Sequence[SliceToScore],
    evaluation: Evaluation,
    *,
    classes: ClassMatch = UNION_ONLY,
    seed: int = 0,
    with_texts: bool = False,
) -> dict[str, list[PageCase]]:
    """Segment the best, median and worst cases again, for pages; masks were not kept.

    Parameters
    ----------
    evaluation : of these slices, under the same seed
    with_texts : whether a case's file and text stand below it; both may name a patient

    Returns
    -------
    dict
        Page -> its cases, from the best to the worst.
    """
    texts = edit_texts([entry.report for entry in slices], evaluation.mode, seed)
    pages = {}
    for name, indices in choose_cases(evaluation.images).items():
        cases = []
        for index in indices:
            entry, image = slices[index], evaluation.images[index]
            cases.append(
                PageCase(
                    drawn=draw(predictor, entry, texts[index], classes)[0],
                    label=f"{_short(image.place)}\nDice {image.score.dice:.3f}",
                    caption=f"{entry.name}\n{texts[index] or 'no text'}" if with_texts else "",
                )
            )
        pages[name] = cases
    return pages


def _short(place: str) -> str:
    """A row of the table that every folder has needs no name of the table."""
    return place.replace(" of captions.csv", "", 1)
