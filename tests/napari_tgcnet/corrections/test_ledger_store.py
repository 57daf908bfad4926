"""The ledger store on a real disk, with phantom corrections."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from napari_tgcnet.corrections.ledger_store import DiskLedgerStore
from tgcnet.errors import LedgerDamageError, LedgerError

SHELF = DiskLedgerStore()


def test_where_no_ledger_was_made_yet_there_is_none_and_none_is_made(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "empty" / ".hidden").touch()
    for folder in (tmp_path / "absent", tmp_path / "empty"):
        SHELF.check(folder)
        assert SHELF.list_cases(folder, in_bin=False) is None
    assert [path.name for path in tmp_path.rglob("*")] == ["empty", ".hidden"]


def test_a_folder_of_something_else_is_refused_with_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("something else")
    for ask in (SHELF.check, lambda folder: SHELF.list_cases(folder, in_bin=True)):
        for folder in (tmp_path, tmp_path / "letter.txt"):
            with pytest.raises(LedgerError, match="is no ledger of corrections"):
                ask(folder)


def test_an_opened_case_shares_no_array(ledger, make_correction) -> None:
    correction = make_correction(model_slices=(1, 2))
    saved = ledger.save(correction)
    opened = SHELF.open_case(ledger.folder, saved.case_id)
    mask = opened.model_mask
    assert mask is not None
    assert np.array_equal(mask.labels, correction.model_labels)
    assert not np.shares_memory(mask.labels, opened.case.model_labels)
    assert (mask.slices, mask.provenance, mask.since_s) == ((1, 2), correction.provenance, None)


def test_a_model_that_segmented_all_slices_and_none_at_all(ledger, make_correction) -> None:
    saved = ledger.save(make_correction())
    whole = SHELF.open_case(ledger.folder, saved.case_id).model_mask
    assert whole is not None
    assert whole.slices == (0, 1, 2)
    bare = ledger.save(make_correction(seed=1, model_labels=None, provenance={}))
    assert SHELF.open_case(ledger.folder, bare.case_id).model_mask is None


def test_moving_names_what_could_not_be_moved_and_moves_the_rest(ledger, make_correction) -> None:
    ids = [ledger.save(make_correction(seed)).case_id for seed in range(2)]
    moved = SHELF.move(ledger.folder, [ids[0], "f" * 16, ids[1]], to_bin=True)
    assert moved.num_moved == 2
    assert len(moved.problems) == 1
    assert "f" * 16 in moved.problems[0]
    deleted = SHELF.list_cases(ledger.folder, in_bin=True)
    assert deleted is not None
    assert {case.case_id for case in deleted.cases} == set(ids)
    left = SHELF.list_cases(ledger.folder, in_bin=False)
    assert left is not None
    assert left.cases == ()
    assert SHELF.move(ledger.folder, ids, to_bin=False).num_moved == 2
    assert len(ledger.cases().cases) == 2


def test_thumbnails_of_cases_that_lie_or_lay_where_they_are_sought(ledger, make_correction) -> None:
    case_id = ledger.save(make_correction()).case_id
    here = SHELF.thumbnail(ledger.folder, case_id, in_bin=False)
    assert SHELF.thumbnail(ledger.folder, case_id, in_bin=True) is None
    ledger.delete(case_id)
    there = SHELF.thumbnail(ledger.folder, case_id, in_bin=True)
    assert here is not None
    assert there is not None
    assert np.array_equal(there, here)
    assert SHELF.thumbnail(ledger.folder, case_id, in_bin=False) is None


def test_a_damaged_case_has_no_thumbnail_but_a_sentence(ledger, make_correction) -> None:
    case_id = ledger.save(make_correction()).case_id
    (ledger.folder / "cases" / case_id / "image.nii.gz").write_bytes(b"torn")
    with pytest.raises(LedgerDamageError, match="is damaged"):
        SHELF.thumbnail(ledger.folder, case_id, in_bin=False)
