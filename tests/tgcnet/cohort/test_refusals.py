"""What a cohort is refused for, before anything is written or done again."""

import sys

import pytest
from tests.tgcnet.cohort.conftest import MakeTable, Run, rows

from tgcnet.errors import InputError, MissingExtraError, OutputError


@pytest.mark.parametrize("content", ["", "[]", '{"schema_version": 9}'])
def test_a_folder_whose_terms_are_damaged_is_refused(
    cohort: MakeTable, run: Run, content: str
) -> None:
    run(cohort(rows(1)))
    (run.out / "cohort.json").write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=r"cohort\.json in the folder out is damaged"):
        run(cohort(rows(1)))


def test_a_damaged_key_is_no_reason_to_do_all_again_unasked(cohort: MakeTable, run: Run) -> None:
    run(cohort(rows(1)))
    (run.out / "key").write_text("no hexadecimal digits", encoding="ascii")
    with pytest.raises(OutputError, match="key in the cohort's folder out is damaged"):
        run(cohort(rows(1)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"num_workers": 0}, "0 workers were asked for"),
        ({"num_workers": 2, "scheduler": "tcp://127.0.0.1:1"}, "expected one of them"),
        ({"mask_format": "dicom"}, "'dicom' is no format of masks"),
        ({"threshold": 1.5}, "threshold must lie between 0 and 1, got 1.5"),
    ],
)
def test_options_are_refused_before_anything_is_written(
    cohort: MakeTable, run: Run, options: dict[str, object], words: str
) -> None:
    with pytest.raises(InputError, match=words):
        run(cohort(rows(1)), **options)
    assert not run.out.exists()


def test_the_results_table_never_replaces_the_studies_table(cohort: MakeTable, run: Run) -> None:
    run.out.mkdir()
    table = cohort(rows(1)).rename(run.out / "cohort.csv")
    with pytest.raises(InputError, match="move or rename it"):
        run(table)


def test_a_missing_extra_names_its_command(
    cohort: MakeTable, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    monkeypatch.delitem(sys.modules, "tgcnet.cohort.cluster", raising=False)
    with pytest.raises(MissingExtraError, match=r"pip install 'napari-tgcnet\[cluster\]'"):
        run(cohort(rows(1)), num_workers=2)
    assert not run.out.exists()
