"""A whole evaluation: several text modes in one run, then the cases to look at."""

from collections.abc import Callable, Sequence

from tgcnet.data.slices_to_score import SliceToScore
from tgcnet.evaluation.calibration import CalibrationMeter
from tgcnet.evaluation.cases import PageCase, choose_cases
from tgcnet.evaluation.class_match import UNION_ONLY, ClassMatch
from tgcnet.evaluation.results import Drawn, Evaluation
from tgcnet.evaluation.score import draw, evaluate_slices
from tgcnet.evaluation.text_modes import TextMode, edit_texts
from tgcnet.inference.predictor import Predictor


def evaluate_modes(
    predictor: Predictor,
    slices: Sequence[SliceToScore],
    modes: Sequence[TextMode],
    *,
    classes: ClassMatch = UNION_ONLY,
    seed: int = 0,
    meter: CalibrationMeter | None = None,
    on_progress: Callable[[float], object] = lambda fraction: None,
) -> tuple[Evaluation, ...]:
    """Evaluate the same slices under each text mode.

    Parameters
    ----------
    modes : in the order wanted; the first is the one that is calibrated
    seed : of the shuffled texts
    meter : receives what was predicted under the first mode
    on_progress : receives the finished fraction in [0, 1]

    Raises
    ------
    InputError
        If there is no slice, or one cannot be read or segmented; the message names it.
    """

    def measure(_: SliceToScore, drawn: Drawn) -> None:
        if meter is not None:
            meter.add(drawn)

    def share(index: int) -> Callable[[float], object]:
        return lambda done: on_progress((index + done) / len(modes))

    return tuple(
        evaluate_slices(
            predictor,
            slices,
            mode=mode,
            classes=classes,
            seed=seed,
            on_progress=share(index),
            on_drawn=measure if index == 0 and meter is not None else None,
        )
        for index, mode in enumerate(modes)
    )


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
