"""Scores for the gate from a real, tiny model and a folder of phantoms."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tgcnet.data.slices_to_score import folder_slices
from tgcnet.evaluation.score import evaluate_folder
from tgcnet.evaluation.text_modes import TextMode
from tgcnet.gate.compare_models import score_both
from tgcnet.inference.predictor import load_predictor

REPORT = "Unilateral pulmonary infection, lower left lung."


@pytest.fixture
def phantoms(tmp_path: Path) -> Path:
    """Three images of two patients; the last has no lesion."""
    generator = np.random.default_rng(0)
    for name in ("images", "masks"):
        (tmp_path / name).mkdir()
    rows = [["image", "mask", "report", "subject"]]
    for index, subject in enumerate(("p1", "p1", "")):
        mask = np.zeros((40, 50), dtype=np.uint8)
        mask[10:25, 30:45] = 255 * (index < 2)
        name = f"{index}.png"
        image = generator.integers(0, 255, mask.shape).astype(np.uint8)
        Image.fromarray(image).save(tmp_path / "images" / name)
        Image.fromarray(mask).save(tmp_path / "masks" / name)
        rows.append([name, name, REPORT, subject])
    with (tmp_path / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return tmp_path


def test_both_models_are_scored_as_the_evaluation_does(
    tiny_model_folder: Path, phantoms: Path
) -> None:
    predictor = load_predictor(str(tiny_model_folder), "cpu")
    fractions: list[float] = []
    scores = score_both(predictor, predictor, folder_slices(phantoms), on_progress=fractions.append)
    assert scores.active == scores.candidate
    assert scores.texts() == ("given", "none")
    for mode in (TextMode.GIVEN, TextMode.NONE):
        evaluation = evaluate_folder(predictor, phantoms, mode=mode)
        told = scores.with_text(str(mode)).active
        assert [s.case for s in told] == ["0.png", "1.png", "2.png"]
        assert [s.group for s in told] == ["p1", "p1", ""]
        assert [s.dice for s in told] == [image.score.dice for image in evaluation.images]
        pooled = 2 * sum(s.intersection_px for s in told) / sum(s.sum_px for s in told)
        assert pooled == pytest.approx(evaluation.metrics.dice_pooled)
    assert fractions == pytest.approx([(index + 1) / 12 for index in range(12)])
