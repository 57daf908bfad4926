"""What ``tgcnet evaluate`` does once its options are right; needs torch."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import numpy as np

from tgcnet import __version__
from tgcnet.cli.evaluate_tables import print_tables
from tgcnet.cli.output import progress_bar, say_json, warn
from tgcnet.data.check.sides import image_side_sentence, shares_on_named_side, side_count
from tgcnet.data.layouts import DataSet, read_dataset
from tgcnet.data.rows import captions_sha256
from tgcnet.data.slices_to_score import SliceToScore, row_slices
from tgcnet.domain import Modality
from tgcnet.errors import MissingExtraError
from tgcnet.evaluation.calibration import Calibration, CalibrationMeter
from tgcnet.evaluation.class_match import ClassMatch, match_classes
from tgcnet.evaluation.confidence_intervals import Summary, summarise
from tgcnet.evaluation.page_cases import draw_cases
from tgcnet.evaluation.result_tables import Source, to_json, write_images, write_table
from tgcnet.evaluation.results import Evaluation
from tgcnet.evaluation.score import evaluate_modes
from tgcnet.evaluation.text_modes import TextMode
from tgcnet.inference.predictor import Predictor, load_predictor


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateJob:
    """One evaluation, and the files that it writes.

    Attributes
    ----------
    modality : None leaves it to the files
    text : a text mode, or all
    """

    folder: Path
    split: str | None
    model: str | None
    device: str
    modality: Modality | None
    text: str
    seed: int
    table: Path | None
    per_image: Path | None
    calibration: Path | None
    pages: Path | None
    with_texts: bool
    as_json: bool

    def run(self) -> None:
        """Evaluate, write what was asked for, print."""
        if self.calibration is not None or self.pages is not None:
            _check_can_draw()
        dataset = read_dataset(self.folder, self.split)
        slices = row_slices(dataset.rows, self.modality)
        predictor = load_predictor(self.model, self.device)
        classes = match_classes(predictor.manifest.classes, dataset.classes)
        meter = None if self.calibration is None else CalibrationMeter(classes.names)
        with progress_bar("Evaluating", is_quiet=self.as_json) as show:
            evaluations = evaluate_modes(
                predictor,
                slices,
                tuple(TextMode) if self.text == "all" else (TextMode(self.text),),
                classes=classes,
                seed=self.seed,
                meter=meter,
                on_progress=show,
            )
        summary = summarise(evaluations, seed=self.seed)
        source = _source(predictor, dataset, classes, _side_notice(dataset, evaluations[0]))
        calibrations = () if meter is None else meter.result()
        self._write(evaluations, summary, source, calibrations)
        if self.pages is not None:
            self._write_pages(self.pages, predictor, slices, evaluations[0], classes)
        if self.as_json:
            say_json(to_json(evaluations, summary, source, calibrations))
        else:
            print_tables(evaluations, summary, source, calibrations)

    def _write(
        self,
        evaluations: Sequence[Evaluation],
        summary: Summary,
        source: Source,
        calibrations: Sequence[Calibration],
    ) -> None:
        if self.table is not None:
            write_table(summary, source, self.table)
        if self.per_image is not None:
            write_images(evaluations, self.per_image)
        if self.calibration is not None:
            from tgcnet.evaluation.reliability_diagram import draw_diagram

            title = f"{source.model}, text {evaluations[0].mode}, {summary.num_images} images"
            draw_diagram(calibrations, title, self.calibration)

    def _write_pages(
        self,
        folder: Path,
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
            seed=self.seed,
            with_texts=self.with_texts,
        )
        if not pages:
            warn(
                "No page was drawn: in every image both the reference and the prediction are "
                "empty, so there is nothing to see."
            )
            return
        manifest = predictor.manifest
        origin = f"of {len(slices)} by Dice; {manifest.name}, text {evaluation.mode}"
        titles = {name: f"The {len(cases)} {name} {origin}" for name, cases in pages.items()}
        look = Look(
            preprocess=manifest.preprocess,
            classes=manifest.classes,
            tells_apart=bool(classes.names),
        )
        write_pages(pages, titles, look, folder)


def _check_can_draw() -> None:
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
