"""Stored scores: to disk and back; what contradicts itself is refused."""

import json
from pathlib import Path

import pytest

from tgcnet.errors import InputError, OutputError
from tgcnet.gate.case_scores import CaseScore, PairedScores, read_scores, write_scores


def score(text: str, dice: float) -> CaseScore:
    return CaseScore(case="a.png", group="p1", text=text, dice=dice, intersection_px=5, sum_px=20)


SCORES = PairedScores(
    active=(score("given", 0.5), score("none", 0.25)),
    candidate=(score("given", 1 / 3), score("none", 0.125)),
)


@pytest.mark.parametrize("reference", [None, SCORES])
def test_scores_survive_the_disk(tmp_path: Path, reference: PairedScores | None) -> None:
    write_scores(tmp_path / "scores.json", SCORES, reference)
    assert read_scores(tmp_path / "scores.json") == (SCORES, reference)


def test_scores_are_parted_by_what_was_told() -> None:
    assert SCORES.texts() == ("given", "none")
    assert SCORES.with_text("none") == PairedScores(
        active=(score("none", 0.25),), candidate=(score("none", 0.125),)
    )


@pytest.mark.parametrize(
    ("dice", "both", "total"), [(1.5, 5, 20), (-0.1, 5, 20), (0.5, 11, 20), (0.5, -1, 20)]
)
def test_scores_that_contradict_themselves_are_refused(dice: float, both: int, total: int) -> None:
    with pytest.raises(InputError, match=r"scores of case 'a\.png' contradict themselves"):
        CaseScore(
            case="a.png", group="", text="given", dice=dice, intersection_px=both, sum_px=total
        )


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"schema_version": 99, "held_out": {}}', "[" * 9999]
)
def test_a_damaged_file_is_refused(tmp_path: Path, content: str) -> None:
    (tmp_path / "scores.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"scores\.json holds no scores that this version reads"):
        read_scores(tmp_path / "scores.json")


@pytest.mark.parametrize("change", [{"dice": "high"}, {"surprise": 1}, {"sum_px": None}])
def test_an_odd_case_is_refused(tmp_path: Path, change: dict[str, object]) -> None:
    file = tmp_path / "scores.json"
    write_scores(file, SCORES, None)
    values = json.loads(file.read_text(encoding="utf-8"))
    values["held_out"]["active"][0].update(change)
    file.write_text(json.dumps(values), encoding="utf-8")
    with pytest.raises(InputError, match=r"scores\.json holds no scores"):
        read_scores(file)


def test_an_absent_file_is_named_without_its_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.json holds no scores") as caught:
        read_scores(tmp_path / "absent.json")
    assert str(tmp_path) not in str(caught.value)


def test_scores_that_cannot_be_written_leave_nothing(tmp_path: Path) -> None:
    with pytest.raises(OutputError):
        write_scores(tmp_path / "absent" / "scores.json", SCORES, None)
    assert list(tmp_path.iterdir()) == []
