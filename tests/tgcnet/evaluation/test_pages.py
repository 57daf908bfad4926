"""Pages and diagrams: which cases, what is drawn, what is not told."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tgcnet.config import PreprocessConfig
from tgcnet.data.slices_to_score import folder_slices
from tgcnet.domain import Geometry, Modality, SegmentationClass, Volume
from tgcnet.errors import OutputError
from tgcnet.evaluation.calibration import CalibrationMeter
from tgcnet.evaluation.overlay import BOTH, Look, difference_of, grey_of
from tgcnet.evaluation.page_cases import PageCase, choose_cases, draw_cases
from tgcnet.evaluation.pages import write_pages
from tgcnet.evaluation.reliability_diagram import draw_diagram
from tgcnet.evaluation.results import Drawn, Evaluation
from tgcnet.evaluation.score import evaluate_modes
from tgcnet.evaluation.text_modes import TextMode
from tgcnet.inference.predictor import Predictor

MadeUp = Callable[..., Evaluation]
REPORT = "unilateral pulmonary infection, lower left lung."


@pytest.mark.parametrize(
    ("dices", "expected"),
    [
        ([0.5], {"best": (0,)}),
        ([0.5, 0.7], {"best": (1,), "worst": (0,)}),
        ([0.1, 0.9, 0.5], {"best": (1,), "median": (2,), "worst": (0,)}),
        (
            [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6],
            {"best": (6, 5), "median": (4, 3), "worst": (1, 0)},
        ),
        ([0.5] * 4, {"best": (0,), "median": (1,), "worst": (3,)}),
    ],
)
def test_no_case_is_shown_twice(
    made_up: MadeUp, dices: list[float], expected: dict[str, tuple[int, ...]]
) -> None:
    assert choose_cases(made_up(dices).images) == expected


def test_at_most_four_a_page(made_up: MadeUp) -> None:
    pages = choose_cases(made_up([index / 100 for index in range(60)]).images)
    assert pages == {
        "best": (59, 58, 57, 56), "median": (31, 30, 29, 28), "worst": (3, 2, 1, 0)
    }  # fmt: skip


def scene(*, num_classes: int = 1, unit: str = "pixel") -> Drawn:
    """A reference and a prediction that overlap, both at the image's edge."""
    reference, labels = np.zeros((2, 20, 30), dtype=np.uint8)
    reference[0:10, 0:12] = 1
    labels[4:14, 0:12] = num_classes
    affine = np.diag([1.0, 2.0, 1.0, 1.0])[[2, 1, 0, 3]]
    return Drawn(
        volume=Volume(
            array=np.random.default_rng(0).integers(0, 255, (1, 20, 30)).astype(np.uint8),
            geometry=Geometry(affine_lps=affine, unit=unit),
            modality=Modality.XRAY,
            is_display_ready=True,
        ),
        text="a text of $5",
        reference=reference,
        labels=labels,
        probability=np.zeros((num_classes, 20, 30), np.float16),
    )


def look(*names: str, tells_apart: bool = False) -> Look:
    classes = tuple(SegmentationClass(name=name, colour=(200, 50, 90)) for name in names)
    return Look(preprocess=PreprocessConfig(side_px=32), classes=classes, tells_apart=tells_apart)


def test_the_difference_by_pixels() -> None:
    both, missed, added, other = difference_of(scene(), tells_apart=False)
    assert [int(mask.sum()) for mask in (both, missed, added, other)] == [72, 48, 48, 0]
    both, _, _, other = difference_of(scene(num_classes=2), tells_apart=True)
    assert (int(both.sum()), int(other.sum())) == (0, 72)
    assert not difference_of(scene(num_classes=2), tells_apart=False)[3].any()


def test_grey_values_fill_the_scale() -> None:
    dull = scene()
    volume = Volume(
        array=(dull.volume.array // 5 + 90).astype(np.uint8),
        geometry=dull.volume.geometry,
        modality=Modality.XRAY,
        is_display_ready=True,
    )
    grey = grey_of(volume, PreprocessConfig())
    assert (grey.min(), grey.max(), grey.dtype.name) == (0, 1, "float32")


def test_a_page_is_a_picture_with_the_difference_in_its_colours(tmp_path: Path) -> None:
    pages = {"worst": [PageCase(drawn=scene(unit="mm"), label="row 7\nDice 0.600")]}
    write_pages(pages, {"worst": "The worst"}, look("opacity"), tmp_path / "pages")
    assert [path.name for path in (tmp_path / "pages").iterdir()] == ["worst.png"]
    picture = np.asarray(Image.open(tmp_path / "pages" / "worst.png").convert("RGB")).astype(int)
    assert picture.shape[1] > picture.shape[0]
    green = np.array([int(BOTH[i : i + 2], 16) for i in (1, 3, 5)])
    near_green = (np.abs(picture - green) < 8).all(axis=2)
    # Lines of it in the difference, the last of four pictures, and in the legend below.
    columns = near_green[: -picture.shape[0] // 6].nonzero()[1]
    assert len(columns) > 100
    assert columns.min() > picture.shape[1] * 0.7


@pytest.mark.parametrize("tells_apart", [True, False])
def test_a_page_of_several_classes(tmp_path: Path, tells_apart: bool) -> None:
    case = PageCase(drawn=scene(num_classes=2), label="row 2", caption="0.png\n" + "word " * 99)
    style = look("a", "b", tells_apart=tells_apart)
    write_pages({"best": [case, case]}, {"best": "Two"}, style, tmp_path / "pages")
    assert (tmp_path / "pages" / "best.png").stat().st_size > 10_000


def test_pages_replace_nothing_and_a_failure_leaves_nothing(tmp_path: Path) -> None:
    case = PageCase(drawn=scene(), label="row 2")
    (tmp_path / "pages").mkdir()
    with pytest.raises(OutputError, match="The folder pages is there already, expected a name"):
        write_pages({"best": [case]}, {"best": ""}, look("a"), tmp_path / "pages")
    with pytest.raises(KeyError):
        write_pages({"best": [case]}, {}, look("a"), tmp_path / "other")
    assert list(tmp_path.rglob("*")) == [tmp_path / "pages"]


def test_names_and_texts_only_where_asked_for(
    predictor: Predictor, phantoms: Callable[..., Path], tmp_path: Path
) -> None:
    slices = folder_slices(phantoms(tmp_path / "set", [REPORT] * 4))
    fractions: list[float] = []
    modes = (TextMode.SWAPPED, TextMode.NONE)
    meter = CalibrationMeter()
    evaluation, _ = evaluate_modes(
        predictor, slices, modes, meter=meter, on_progress=fractions.append
    )
    assert fractions == [(index + 1) / 8 for index in range(8)]
    assert meter.result()[0].whole.num_pixels.sum() == 4 * 40 * 50  # of the first mode alone
    pages = draw_cases(predictor, slices, evaluation)
    cases = [case for page in pages.values() for case in page]
    dices = [image.score.dice for image in evaluation.images]
    assert [case.label for case in pages["best"]] == [
        f"row {dices.index(max(dices)) + 2}\nDice {max(dices):.3f}"
    ]
    assert {case.caption for case in cases} == {""}
    assert {case.drawn.text for case in cases} == {REPORT.replace("left", "right")}
    told = draw_cases(predictor, slices, evaluation, with_texts=True)
    assert "phantom-" in told["best"][0].caption
    assert "lower right lung" in told["best"][0].caption


def test_a_diagram_of_classes(tmp_path: Path) -> None:
    meter = CalibrationMeter(("a", "b"))
    meter.add(scene(num_classes=2))
    draw_diagram(meter.result(), "tiny", tmp_path / "diagram.png")
    wide = Image.open(tmp_path / "diagram.png")
    union = CalibrationMeter()
    union.add(scene())
    draw_diagram(union.result(), "tiny", tmp_path / "diagram.png")
    assert wide.size[0] > 1.5 * Image.open(tmp_path / "diagram.png").size[0]
    assert [path.name for path in tmp_path.iterdir()] == ["diagram.png"]


def test_the_users_style_is_left_alone(tmp_path: Path) -> None:
    import matplotlib

    before = dict(matplotlib.rcParams)
    meter = CalibrationMeter()
    meter.add(scene())
    draw_diagram(meter.result(), "tiny", tmp_path / "diagram.png")
    assert dict(matplotlib.rcParams) == before
