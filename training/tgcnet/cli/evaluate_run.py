"""What ``tgcnet evaluate`` does once its options are right; needs torch."""

import argparse
from collections.abc import Sequence
from importlib.metadata import version

import numpy as np

from tgcnet import __version__
from tgcnet.cli.evaluate import ALL_TEXTS
from tgcnet.cli.evaluate_tables import print_tables
from tgcnet.cli.output import progress_bar, say_json, stated_modality, warn
from tgcnet.data.check.sides import image_side_sentence, shares_on_named_side, side_count
from tgcnet.data.layouts import DataSet, read_dataset
from tgcnet.data.rows import captions_sha256
from tgcnet.data.slices_to_score import SliceToScore, row_slices
from tgcnet.errors import MissingExtraError
from tgcnet.evaluation.calibration import CalibrationMeter
from tgcnet.evaluation.class_match import ClassMatch, match_classes
from tgcnet.evaluation.confidence_intervals import summarise
from tgcnet.evaluation.page_cases import draw_cases
from tgcnet.evaluation.result_tables import Source, to_json, write_images, write_table
from tgcnet.evaluation.results import Evaluation
from tgcnet.evaluation.score import evaluate_modes
from tgcnet.evaluation.text_modes import TextMode
from tgcnet.inference.predictor import Predictor, load_predictor


def evaluate(arguments: argparse.Namespace) -> None:
    """Evaluate, write what was asked for, print."""
    if arguments.calibration is not None or arguments.pages is not None:
        check_can_draw()
    dataset = read_dataset(arguments.folder, arguments.split)
    slices = row_slices(dataset.rows, stated_modality(arguments))
    predictor = load_predictor(arguments.model, arguments.device)
    classes = match_classes(predictor.manifest.classes, dataset.classes)
    meter = None if arguments.calibration is None else CalibrationMeter(classes.names)
    with progress_bar("Evaluating", is_quiet=arguments.json) as show:
        evaluations = evaluate_modes(
            predictor,
            slices,
            _modes(arguments.text),
            classes=classes,
            seed=arguments.seed,
            meter=meter,
            on_progress=show,
        )
    summary = summarise(evaluations, seed=arguments.seed)
    source = _source(predictor, dataset, classes, _side_notice(dataset, evaluations[0]))
    if arguments.table is not None:
        write_table(summary, source, arguments.table)
    if arguments.per_image is not None:
        write_images(evaluations, arguments.per_image)
    calibrations = () if meter is None else meter.result()
    if arguments.calibration is not None:
        from tgcnet.evaluation.reliability_diagram import draw_diagram

        title = f"{source.model}, text {evaluations[0].mode}, {summary.num_images} images"
        draw_diagram(calibrations, title, arguments.calibration)
    if arguments.pages is not None:
        _write_pages(arguments, predictor, slices, evaluations[0], classes)
    if arguments.json:
        say_json(to_json(evaluations, summary, source, calibrations))
    else:
        print_tables(evaluations, summary, source, calibrations)


def check_can_draw() -> None:
    """Find out before minutes of work.

    Raises
    ------
    MissingExtraError
        If matplotlib is not installed.
    """
    try:
        import matplotlib  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "matplotlib":
            raise
        raise MissingExtraError(
            "--calibration and --pages draw with matplotlib, which is not installed; run: "
            "pip install 'napari-tgcnet[train]'"
        ) from None


def _modes(text: str) -> tuple[TextMode, ...]:
    return tuple(TextMode) if text == ALL_TEXTS else (TextMode(text),)


def _side_notice(dataset: DataSet, evaluation: Evaluation) -> str:
    """That the captions name the side of the image, by the rule of ``tgcnet data check``."""
    lesions = [image.lesion for image in evaluation.images]
    sides = side_count(share for _, share in shares_on_named_side(dataset.rows, lesions))
    return image_side_sentence(dataset.name, sides)


def _source(
    predictor: Predictor, dataset: DataSet, classes: ClassMatch, side_notice: str
) -> Source:
    further = (classes.notice, side_notice)
    return Source(
        model=predictor.manifest.name,
        model_sha256=predictor.manifest.sha256,
        device=str(predictor.device),
        captions_sha256=captions_sha256(dataset.rows),
        versions=(
            f"tgcnet {__version__}",
            f"torch {version('torch')}",
            f"numpy {np.__version__}",
        ),
        notices=(*dataset.notices, *(notice for notice in further if notice)),
    )


def _write_pages(
    arguments: argparse.Namespace,
    predictor: Predictor,
    slices: Sequence[SliceToScore],
    evaluation: Evaluation,
    classes: ClassMatch,
) -> None:
    from tgcnet.evaluation.overlay import Look
    from tgcnet.evaluation.pages import write_pages

    pages = draw_cases(
        predictor,
        slices,
        evaluation,
        classes=classes,
        seed=arguments.seed,
        with_texts=arguments.with_texts,
    )
    if not pages:
        warn(
            "No page was drawn: in every image both the reference and the prediction are empty, "
            "so there is nothing to see."
        )
        return
    manifest = predictor.manifest
    said = f"of {len(slices)} by Dice; {manifest.name}, text {evaluation.mode}"
    titles = {name: f"The {len(cases)} {name} {said}" for name, cases in pages.items()}
    look = Look(
        preprocess=manifest.preprocess,
        classes=manifest.classes,
        tells_apart=bool(classes.names),
    )
    write_pages(pages, titles, look, arguments.pages)
