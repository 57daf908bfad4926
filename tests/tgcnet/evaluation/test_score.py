"""Scores of a folder: what is counted, what is told, what is refused."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tgcnet.domain import Geometry, Modality, Volume
from tgcnet.errors import InputError, ModalityUnknownError
from tgcnet.evaluation.score import evaluate_folder
from tgcnet.evaluation.text_modes import TextMode
from tgcnet.inference.predictor import Predictor

MakePhantoms = Callable[..., Path]
REPORT = "unilateral pulmonary infection, one infected area, lower left lung."
RADIOLOGICAL = np.eye(4)[[2, 1, 0, 3]]


def test_every_image_is_counted_and_timed(
    predictor: Predictor, phantoms: MakePhantoms, tmp_path: Path
) -> None:
    fractions: list[float] = []
    result = evaluate_folder(
        predictor, phantoms(tmp_path / "set", [REPORT] * 4), on_progress=fractions.append
    )
    assert result.metrics.num_images == 4
    assert result.metrics.num_empty == 1
    assert fractions == [0.25, 0.5, 0.75, 1.0]
    assert 0 < result.seconds_per_image < 60
    areas = [image.area for image in result.images]
    assert result.median_area == pytest.approx(np.median(areas))
    assert result.max_area == max(areas)
    assert [image.score.reference_px for image in result.images] == [225, 225, 225, 0]
    dices = [image.score.dice for image in result.images]
    assert result.metrics.dice_mean == pytest.approx(np.mean(dices))


def test_side_leak_is_the_share_in_the_other_half(
    predictor: Predictor, phantoms: MakePhantoms, tmp_path: Path
) -> None:
    folder = phantoms(tmp_path / "set", [REPORT, REPORT, "no finding"])
    result = evaluate_folder(predictor, folder)
    asked = [image for image in result.images if image.wrong_side_px is not None]
    assert [image.image for image in asked] == ["phantom-0.png", "phantom-1.png"]
    labels = predictor.segment(
        Volume(
            array=np.asarray(Image.open(folder / "images" / "phantom-0.png"))[None],
            geometry=Geometry(affine_lps=RADIOLOGICAL),
            modality=Modality.XRAY,
            is_display_ready=True,
        ),
        REPORT,
    ).labels[0]
    # The left lung lies on the image's right; what is predicted on its left leaks.
    assert asked[0].wrong_side_px == np.count_nonzero(labels[:, :25])
    wrong = sum(image.wrong_side_px or 0 for image in asked)
    total = sum(image.score.predicted_px for image in asked)
    assert total > 0
    assert result.side_leak == wrong / total


def test_the_text_reaches_the_model(
    predictor: Predictor, phantoms: MakePhantoms, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    segment = Predictor.segment

    def listen(self: Predictor, volume: Volume, report: str) -> object:
        told.append(report)
        return segment(self, volume, report)

    monkeypatch.setattr(Predictor, "segment", listen)
    folder = phantoms(tmp_path / "set", [REPORT, REPORT])
    evaluate_folder(predictor, folder, mode=TextMode.SWAPPED)
    swapped = REPORT.replace("left", "right")
    assert told == [swapped] * 3  # the warm-up, then each image once


def test_a_mask_of_another_size_is_refused(
    predictor: Predictor, phantoms: MakePhantoms, tmp_path: Path
) -> None:
    folder = phantoms(tmp_path / "set", [REPORT, REPORT])
    Image.new("L", (7, 9)).save(folder / "masks" / "phantom-0.png")
    with pytest.raises(InputError, match=r"row 2 of captions\.csv: its image has shape"):
        evaluate_folder(predictor, folder)


def test_a_missing_file_is_refused(
    predictor: Predictor, phantoms: MakePhantoms, tmp_path: Path
) -> None:
    folder = phantoms(tmp_path / "set", [REPORT, REPORT])
    (folder / "masks" / "phantom-1.png").unlink()
    with pytest.raises(InputError, match=r"row 3 of captions\.csv has no mask"):
        evaluate_folder(predictor, folder)


def test_an_image_that_cannot_be_segmented_is_named(
    predictor: Predictor, phantoms: MakePhantoms, tmp_path: Path
) -> None:
    folder = phantoms(tmp_path / "set", [REPORT, REPORT])
    Image.new("L", (50, 40)).save(folder / "images" / "phantom-1.png")
    with pytest.raises(InputError, match=r"^phantom-1\.png: Every pixel of the image has the same"):
        evaluate_folder(predictor, folder)
    deep = np.random.default_rng(0).integers(0, 4000, (40, 50)).astype(np.uint16)
    Image.fromarray(deep).save(folder / "images" / "phantom-1.png")
    with pytest.raises(ModalityUnknownError, match=r"^phantom-1\.png: Nothing says whether"):
        evaluate_folder(predictor, folder)


CLASSES = ("consolidation", "ground glass")  # in another order than the model's


def test_classes_are_matched_by_name(
    two_class_predictor: Predictor, phantoms: MakePhantoms, tmp_path: Path
) -> None:
    folder = phantoms(tmp_path / "set", [REPORT] * 3, classes=CLASSES)
    result = evaluate_folder(two_class_predictor, folder)
    assert result.class_names == ("ground glass", "consolidation")
    # The folder's first class, the large square, is the model's second.
    sizes = [[score.reference_px for score in image.class_scores] for image in result.images]
    assert sizes == [[40, 225], [40, 225], [0, 0]]
    assert [image.score.reference_px for image in result.images] == [265, 265, 0]
    assert [metrics.num_empty for metrics in result.class_metrics] == [1, 1]
    predicted = [sum(s.predicted_px for s in image.class_scores) for image in result.images]
    assert predicted == [image.score.predicted_px for image in result.images]


def test_a_model_of_one_class_is_scored_on_the_union(
    predictor: Predictor, phantoms: MakePhantoms, tmp_path: Path
) -> None:
    result = evaluate_folder(predictor, phantoms(tmp_path / "set", [REPORT] * 2, classes=CLASSES))
    assert (result.class_names, result.class_metrics) == ((), ())
    assert result.images[0].score.reference_px == 265


def test_other_classes_are_refused(
    two_class_predictor: Predictor, phantoms: MakePhantoms, tmp_path: Path
) -> None:
    folder = phantoms(tmp_path / "set", [REPORT], classes=("consolidation", "effusion"))
    with pytest.raises(
        InputError,
        match=r"model's classes are ground glass, consolidation .* are consolidation, effusion",
    ):
        evaluate_folder(two_class_predictor, folder)
