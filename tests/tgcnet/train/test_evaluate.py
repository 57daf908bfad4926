"""Evaluation: what the model is told, what is counted, what is refused."""

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tgcnet.domain import Finding, Geometry, Modality, Presence, Report, Side, Volume
from tgcnet.errors import InputError, ModalityUnknownError, OutputError
from tgcnet.inference.predictor import Predictor, load_predictor
from tgcnet.train.evaluate import (
    TextMode,
    edit_texts,
    evaluate_folder,
    named_side,
    shuffle_texts,
    write_table,
    wrong_half,
)

REPORT = "unilateral pulmonary infection, one infected area, lower left lung."


@pytest.fixture(scope="module")
def predictor(tiny_model_folder: Path) -> Predictor:
    return load_predictor(str(tiny_model_folder), "cpu")


def make_folder(folder: Path, reports: list[str], shape: tuple[int, int] = (40, 50)) -> Path:
    """Noise with a square as its mask; the last image has no lesion."""
    generator = np.random.default_rng(0)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True)
    rows = [["image", "mask", "report"]]
    for index, report in enumerate(reports):
        image = generator.integers(0, 255, shape).astype(np.uint8)
        mask = np.zeros(shape, dtype=np.uint8)
        if index < len(reports) - 1:
            mask[10:25, 30:45] = 255
        name = f"phantom-{index}.png"
        Image.fromarray(image).save(folder / "images" / name)
        Image.fromarray(mask).save(folder / "masks" / name)
        rows.append([name, name, report])
    with (folder / "captions.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows(rows)
    return folder


def test_every_image_is_counted_and_timed(predictor: Predictor, tmp_path: Path) -> None:
    fractions: list[float] = []
    result = evaluate_folder(
        predictor, make_folder(tmp_path / "set", [REPORT] * 4), on_progress=fractions.append
    )
    assert result.metrics.num_images == 4
    assert result.metrics.num_empty == 1
    assert fractions == [0.25, 0.5, 0.75, 1.0]
    assert 0 < result.seconds_per_image < 60
    areas = [image.area for image in result.images]
    assert result.median_area == pytest.approx(np.median(areas))
    assert result.max_area == max(areas)
    assert [image.reference_px for image in result.images] == [225, 225, 225, 0]
    dices = [image.dice for image in result.images]
    assert result.metrics.dice_mean == pytest.approx(np.mean(dices))


def test_side_leak_is_the_share_in_the_other_half(predictor: Predictor, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "set", [REPORT, REPORT, "no finding"])
    result = evaluate_folder(predictor, folder)
    asked = [image for image in result.images if image.wrong_side_px is not None]
    assert [image.image for image in asked] == ["phantom-0.png", "phantom-1.png"]
    labels = predictor.segment(
        Volume(
            array=np.asarray(Image.open(folder / "images" / "phantom-0.png"))[None],
            geometry=Geometry(affine_lps=_radiological()),
            modality=Modality.XRAY,
            is_display_ready=True,
        ),
        REPORT,
    ).labels[0]
    # The left lung lies on the image's right; what is predicted on its left leaks.
    assert asked[0].wrong_side_px == np.count_nonzero(labels[:, :25])
    wrong = sum(image.wrong_side_px or 0 for image in asked)
    total = sum(image.predicted_px for image in asked)
    assert total > 0
    assert result.side_leak == wrong / total


def test_the_text_reaches_the_model(
    predictor: Predictor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[str] = []
    segment = Predictor.segment

    def listen(self: Predictor, volume: Volume, report: str) -> object:
        told.append(report)
        return segment(self, volume, report)

    monkeypatch.setattr(Predictor, "segment", listen)
    folder = make_folder(tmp_path / "set", [REPORT, REPORT])
    evaluate_folder(predictor, folder, mode=TextMode.SWAPPED)
    swapped = REPORT.replace("left", "right")
    assert told == [swapped] * 3  # the warm-up, then each image once


def test_texts_are_edited_by_mode() -> None:
    assert edit_texts([REPORT], TextMode.GIVEN) == [REPORT]
    assert edit_texts([REPORT], TextMode.NONE) == [""]
    assert edit_texts([REPORT], TextMode.SWAPPED) == [REPORT.replace("left", "right")]
    assert "left" not in edit_texts([REPORT], TextMode.NO_LOCATION)[0]
    assert edit_texts([REPORT], TextMode.CONTRADICTORY)[0] != REPORT


@pytest.mark.parametrize("seed", range(5))
def test_nobody_keeps_their_own_text(seed: int) -> None:
    reports = ["a"] * 4 + ["b"] * 3 + ["c", "d"]
    shuffled = shuffle_texts(reports, seed)
    assert Counter(shuffled) == Counter(reports)
    assert all(new != old for new, old in zip(shuffled, reports, strict=True))
    assert shuffled == shuffle_texts(reports, seed)


def test_the_seed_decides_the_shuffle() -> None:
    reports = [str(index) for index in range(20)]
    assert shuffle_texts(reports, 1) != shuffle_texts(reports, 2)


def test_a_text_of_the_majority_is_kept_as_rarely_as_can_be() -> None:
    reports = ["a", "a", "a", "b"]
    shuffled = shuffle_texts(reports, 0)
    assert sum(new == old for new, old in zip(shuffled, reports, strict=True)) == 2
    assert shuffle_texts([], 0) == []


def _report(*findings: tuple[Side | None, Presence]) -> Report:
    return Report(
        text="…", findings=tuple(Finding(name="x", side=s, presence=p) for s, p in findings)
    )


def test_the_one_side_that_present_findings_name() -> None:
    present, absent = Presence.PRESENT, Presence.ABSENT
    assert named_side(_report((Side.LEFT, present), (None, present))) is Side.LEFT
    assert named_side(_report((Side.LEFT, present), (Side.RIGHT, absent))) is Side.LEFT
    assert named_side(_report((Side.LEFT, present), (Side.RIGHT, present))) is None
    assert named_side(_report((Side.BILATERAL, present))) is None
    assert named_side(_report((None, present))) is None


def _radiological() -> np.ndarray:
    affine = np.zeros((4, 4))
    affine[2, 0] = affine[1, 1] = affine[0, 2] = affine[3, 3] = 1.0
    return affine


def test_the_wrong_half_follows_the_geometry() -> None:
    affine = _radiological()
    volume = Volume(
        array=np.zeros((1, 2, 5), dtype=np.uint8),
        geometry=Geometry(affine_lps=affine),
        modality=Modality.XRAY,
    )
    # Columns grow towards the patient's left; the middle one is on neither side.
    np.testing.assert_array_equal(wrong_half(volume, Side.LEFT)[0], [1, 1, 0, 0, 0])
    np.testing.assert_array_equal(wrong_half(volume, Side.RIGHT)[0], [0, 0, 0, 1, 1])
    affine[0, 2] = -1.0
    np.testing.assert_array_equal(wrong_half(volume, Side.LEFT)[1], [0, 0, 0, 1, 1])


def test_a_mask_of_another_size_is_refused(predictor: Predictor, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "set", [REPORT, REPORT])
    Image.new("L", (7, 9)).save(folder / "masks" / "phantom-0.png")
    with pytest.raises(InputError, match=r"row 2 of captions\.csv: its image has shape"):
        evaluate_folder(predictor, folder)


def test_a_missing_file_is_refused(predictor: Predictor, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "set", [REPORT, REPORT])
    (folder / "masks" / "phantom-1.png").unlink()
    with pytest.raises(InputError, match=r"row 3 .* names a file of masks/ that is not there"):
        evaluate_folder(predictor, folder)


def test_the_table_has_a_row_an_image_and_no_text(predictor: Predictor, tmp_path: Path) -> None:
    result = evaluate_folder(predictor, make_folder(tmp_path / "set", [REPORT, REPORT]))
    write_table(result.images, tmp_path / "table.csv")
    written = (tmp_path / "table.csv").read_text(encoding="utf-8")
    rows = list(csv.DictReader(written.splitlines()))
    assert [row["image"] for row in rows] == ["phantom-0.png", "phantom-1.png"]
    assert float(rows[0]["dice"]) == result.images[0].dice
    assert "infection" not in written


def test_a_table_that_cannot_be_written_leaves_nothing(
    predictor: Predictor, tmp_path: Path
) -> None:
    with pytest.raises(OutputError):
        write_table([], tmp_path / "absent" / "table.csv")
    assert list(tmp_path.iterdir()) == []


def test_an_image_that_cannot_be_segmented_is_named(predictor: Predictor, tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "set", [REPORT, REPORT])
    Image.new("L", (50, 40)).save(folder / "images" / "phantom-1.png")
    with pytest.raises(InputError, match=r"^phantom-1\.png: Every pixel of the image has the same"):
        evaluate_folder(predictor, folder)
    deep = np.random.default_rng(0).integers(0, 4000, (40, 50)).astype(np.uint16)
    Image.fromarray(deep).save(folder / "images" / "phantom-1.png")
    with pytest.raises(ModalityUnknownError, match=r"^phantom-1\.png: Nothing says whether"):
        evaluate_folder(predictor, folder)
