"""Tables: what stands in them, to the letter where people read it."""

import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from tgcnet.errors import OutputError
from tgcnet.evaluation.confidence_intervals import Estimate, Summary, summarise
from tgcnet.evaluation.result_tables import Source, in_words, to_markdown, write_images, write_table
from tgcnet.evaluation.results import Evaluation
from tgcnet.evaluation.text_modes import TextMode

MadeUp = Callable[..., Evaluation]
SOURCE = Source(
    model="tiny",
    model_sha256="0123456789abcdef" * 4,
    device="cpu",
    captions_sha256="fedcba9876543210" * 4,
    versions=("tgcnet 0", "torch 0"),
    notices=("Only the union.",),
)


@pytest.fixture
def evaluations(made_up: MadeUp) -> list[Evaluation]:
    return [
        made_up([0.4, 0.6], distances=[2.0, 4.0]),
        made_up([0.2, 0.2], mode=TextMode.NONE),
    ]


@pytest.fixture
def summary(evaluations: list[Evaluation]) -> Summary:
    return summarise(evaluations, num_resamples=100)


def test_a_figure_with_its_interval() -> None:
    estimate = Estimate(value=0.8818, low=0.8702, high=0.8934)
    assert in_words("dice_mean", estimate) == "0.882 [0.870, 0.893]"
    assert in_words("hd95_px", Estimate(value=14.38, low=None, high=None)) == "14.4"
    assert in_words("hd95_px", Estimate(value=None, low=None, high=None)) == "-"
    nothing = Estimate(value=-0.0001, low=-0.02, high=-0.0)
    assert in_words("dice_mean", nothing, is_signed=True) == "+0.000 [-0.020, +0.000]"
    change = Estimate(value=0.05, low=-0.01, high=0.1)
    assert in_words("iou_mean", change, is_signed=True) == "+0.050 [-0.010, +0.100]"


def test_the_markdown_page(summary: Summary) -> None:
    lines = to_markdown(summary, SOURCE).splitlines()
    assert lines[0] == "Model tiny (0123456789ab), captions fedcba987654; tgcnet 0, torch 0, cpu."
    assert lines[1] == "2 images of 2 subjects, 0 with an empty reference."
    assert "Only the union." in lines
    heads = next(line for line in lines if line.startswith("| text"))
    # No column of what no row has: nobody knows the pixels' size here.
    assert heads == (
        "| text | class | Dice pooled | Dice mean | IoU pooled | IoU mean | HD95, px | wrong side "
        "| empty |"
    )
    given, none = (
        next(line for line in lines if line.startswith(f"| {t} |")) for t in ("given", "none")
    )
    assert given.startswith("| given | any | 0.500 [")
    assert given.endswith("| 25.0% | 0 |")
    assert "| - | 25.0% | 0 |" in none
    changes = lines[lines.index("Difference from the report as given, on the same images:") :]
    assert any(line.startswith("| none | any | -0.300 [") for line in changes)
    assert not any(line.startswith("| given") for line in changes)
    assert "100 draws of the subjects (seed 0). Research use only." in lines[-1]


def test_a_name_cannot_break_a_row(made_up: MadeUp) -> None:
    from dataclasses import replace

    evaluation = made_up([0.4])
    odd = replace(
        evaluation,
        class_names=("a|b",),
        class_metrics=(evaluation.metrics,),
        images=tuple(replace(i, class_scores=(i.score,)) for i in evaluation.images),
    )
    assert r"| given | a\|b | 0.400 |" in to_markdown(summarise([odd], num_resamples=5), SOURCE)


def test_the_csv_has_every_number(summary: Summary, tmp_path: Path) -> None:
    write_table(summary, SOURCE, tmp_path / "table.csv")
    with (tmp_path / "table.csv").open(newline="", encoding="utf-8") as file:
        given, none = csv.DictReader(file)
    assert (given["text"], none["text"], given["class"]) == ("given", "none", "any")
    assert float(given["dice_mean"]) == pytest.approx(0.5)
    assert float(given["dice_mean_low"]) <= 0.5 <= float(given["dice_mean_high"])
    assert float(none["dice_pooled_difference"]) == pytest.approx(-0.3)
    assert given["dice_pooled_difference"] == none["hd95_px"] == given["hd95_mm"] == ""
    assert (given["model_sha256"], given["captions_sha256"]) == (
        SOURCE.model_sha256, SOURCE.captions_sha256
    )  # fmt: skip
    assert (given["num_subjects"], given["side_leak"]) == ("2", "0.25")


def test_each_image_under_each_text(evaluations: list[Evaluation], tmp_path: Path) -> None:
    write_images(evaluations, tmp_path / "images.csv")
    with (tmp_path / "images.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["text"], row["place"], row["image"]) for row in rows] == [
        ("given", "row 2", "0.png"), ("given", "row 3", "1.png"),
        ("none", "row 2", "0.png"), ("none", "row 3", "1.png"),
    ]  # fmt: skip
    assert [float(row["dice"]) for row in rows] == [0.4, 0.6, 0.2, 0.2]
    assert (rows[0]["hd95_px"], rows[0]["hd95_mm"], rows[0]["seconds"]) == ("2.0", "", "0.5")


def test_what_cannot_be_written_leaves_nothing(summary: Summary, tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_table(summary, SOURCE, tmp_path / "absent" / "table.md")
    assert list(tmp_path.iterdir()) == []
