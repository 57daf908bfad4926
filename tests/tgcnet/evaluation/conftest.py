"""What tests of the evaluation share: tiny models, folders of phantoms, results made by hand."""

import csv
import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tgcnet.domain import SegmentationClass
from tgcnet.evaluation.results import Evaluation, ImageResult
from tgcnet.evaluation.text_modes import TextMode
from tgcnet.inference.predictor import Predictor, load_predictor
from tgcnet.metrics import ImageScore, sum_up

TWO_CLASSES = (
    SegmentationClass(name="ground glass", colour=(230, 160, 60)),
    SegmentationClass(name="consolidation", colour=(60, 120, 230)),
)


@pytest.fixture(scope="package")
def predictor(tiny_model_folder: Path) -> Predictor:
    return load_predictor(str(tiny_model_folder), "cpu")


@pytest.fixture(scope="package")
def two_class_predictor(
    tiny_model_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Predictor:
    """The tiny network with a second output."""
    from tgcnet.models import build_model
    from tgcnet.weights.load import save_model
    from tgcnet.weights.manifest import read_manifest

    manifest = read_manifest(tiny_model_folder)
    config = replace(manifest.model, num_classes=2)
    folder = tmp_path_factory.mktemp("models") / "two"
    save_model(
        build_model(config),
        replace(manifest, name="two", model=config, classes=TWO_CLASSES, sha256=""),
        folder,
    )
    return load_predictor(str(folder), "cpu")


@pytest.fixture
def phantoms() -> Callable[..., Path]:
    """Makes a folder: noise with a square of class 1 and, where asked, one of class 2 beside it."""

    def make(
        folder: Path,
        reports: Sequence[str],
        *,
        classes: Sequence[str] = (),
        subjects: Sequence[str] | None = None,
        value: int = 255,
    ) -> Path:
        generator = np.random.default_rng(0)
        for name in ("images", "masks"):
            (folder / name).mkdir(parents=True)
        rows = [["image", "mask", "report", "subject"]]
        for index, report in enumerate(reports):
            mask = np.zeros((40, 50), dtype=np.uint8)
            if index < len(reports) - 1:  # the last image has no lesion
                mask[10:25, 30:45] = 1 if classes else value
                mask[30:38, 5:10] = 2 if classes else 0
            name = f"phantom-{index}.png"
            image = generator.integers(0, 255, mask.shape).astype(np.uint8)
            Image.fromarray(image).save(folder / "images" / name)
            Image.fromarray(mask).save(folder / "masks" / name)
            rows.append([name, name, report, subjects[index] if subjects else ""])
        with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
            csv.writer(file).writerows(rows)
        if classes:
            named = [{"name": name, "colour": [9, 9, 9]} for name in classes]
            (folder / "classes.json").write_text(json.dumps(named), encoding="utf-8")
        return folder

    return make


@pytest.fixture
def made_up() -> Callable[..., Evaluation]:
    """An evaluation of images whose Dice is given, a hundred pixels in both masks together."""

    def make(
        dices: Sequence[float],
        *,
        subjects: Sequence[str] | None = None,
        mode: TextMode = TextMode.GIVEN,
        distances: Sequence[float | None] | None = None,
    ) -> Evaluation:
        scores = [
            ImageScore(
                dice=dice,
                iou=dice / (2 - dice),
                predicted_px=60,
                reference_px=40,
                intersection_px=round(dice * 50),
                hd95_px=None if distances is None else distances[index],
            )
            for index, dice in enumerate(dices)
        ]
        images = [
            ImageResult(
                image=f"{index}.png",
                place=f"row {index + 2}",
                subject=subjects[index] if subjects else "",
                score=score,
                class_scores=(),
                area=0.1,
                wrong_side_px=None,
                seconds=0.5,
            )
            for index, score in enumerate(scores)
        ]
        return Evaluation(
            mode=mode,
            class_names=(),
            metrics=sum_up(scores),
            class_metrics=(),
            seconds_per_image=0.5,
            side_leak=0.25,
            median_area=0.1,
            max_area=0.1,
            images=tuple(images),
        )

    return make
