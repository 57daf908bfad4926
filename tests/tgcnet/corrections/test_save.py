"""Saving a correction: its case, the reviews it keeps, and what it reports back."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tgcnet.corrections import Correction, Ledger, OpenedFrom, save_correction
from tgcnet.errors import LedgerError

MakeCorrection = Callable[..., Correction]


def opened_from(ledger: Path, case_id: str) -> OpenedFrom:
    key = Ledger.open(ledger).load(case_id).patient_key
    return OpenedFrom(ledger=ledger, case_id=case_id, patient_key=key)


def test_changed_slices_that_nobody_reviewed_are_reported(
    make_correction: MakeCorrection, tmp_path: Path
) -> None:
    correction = make_correction(reviewed_slices=(1,))
    first = save_correction(correction, tmp_path / "ledger")
    assert (first.revision, first.is_new_ledger, first.carried_over) == (1, True, ())
    assert first.changed_not_reviewed == (0, 2)
    without_model = replace(correction, model_labels=None, provenance={})
    again = save_correction(without_model, tmp_path / "ledger")
    assert (again.case_id, again.revision, again.is_new_ledger) == (first.case_id, 2, False)
    assert again.changed_not_reviewed == (0, 2)


def test_a_case_is_saved_to_itself_only_in_its_own_ledger(
    make_correction: MakeCorrection, tmp_path: Path
) -> None:
    correction = make_correction()
    first = save_correction(correction, tmp_path / "a")
    opened = opened_from(tmp_path / "a", first.case_id)
    assert save_correction(correction, tmp_path / "a", opened).revision == 2
    elsewhere = save_correction(correction, tmp_path / "b", opened)
    assert (elsewhere.revision, elsewhere.case_id == first.case_id) == (1, False)


def test_an_opened_case_carries_nothing_over(
    make_correction: MakeCorrection, tmp_path: Path
) -> None:
    first = save_correction(make_correction(reviewed_slices=(0, 1)), tmp_path / "a")
    opened = opened_from(tmp_path / "a", first.case_id)
    second = save_correction(make_correction(reviewed_slices=(2,)), tmp_path / "a", opened)
    assert second.carried_over == ()
    assert Ledger.open(tmp_path / "a").load(first.case_id).reviewed_slices == (2,)


def test_slices_reviewed_on_another_day_stand_in_the_next_revision(
    make_correction: MakeCorrection, tmp_path: Path
) -> None:
    before = make_correction(reviewed_slices=(0, 1), model_slices=(0, 1))
    first = save_correction(before, tmp_path / "ledger")
    blank = np.zeros_like(before.labels)
    after = replace(
        before, labels=blank, model_labels=blank, reviewed_slices=(2,), model_slices=(2,)
    )
    second = save_correction(after, tmp_path / "ledger")
    assert (second.case_id, second.revision) == (first.case_id, 2)
    assert (second.carried_over, second.is_new_ledger) == ((0, 1), False)
    case = Ledger.open(tmp_path / "ledger").load(first.case_id)
    assert case.reviewed_slices == (0, 1, 2)
    np.testing.assert_array_equal(case.labels[:2], before.labels[:2])
    assert case.model_labels is not None
    assert before.model_labels is not None
    np.testing.assert_array_equal(case.model_labels[:2], before.model_labels[:2])
    assert not case.labels[2].any()
    assert not case.model_labels[2].any()
    assert case.record.model_slices == (0, 1, 2)
    without_model = replace(after, model_labels=None, model_slices=None)
    save_correction(without_model, tmp_path / "ledger")
    case = Ledger.open(tmp_path / "ledger").load(first.case_id)
    assert (case.reviewed_slices, case.model_labels) == ((0, 1, 2), None)


def test_what_another_model_drew_is_not_attributed_to_this_one(
    make_correction: MakeCorrection, tmp_path: Path
) -> None:
    correction = make_correction(reviewed_slices=(0, 1), model_slices=(0, 1))
    first = save_correction(correction, tmp_path / "ledger")
    other = replace(correction, reviewed_slices=(1,), provenance={"model": "other", "sha256": "cd"})
    save_correction(other, tmp_path / "ledger")
    case = Ledger.open(tmp_path / "ledger").load(first.case_id)
    assert (case.reviewed_slices, case.record.model_slices) == ((0, 1), (1,))
    assert case.model_labels is not None
    assert not case.model_labels[0].any()


def test_a_case_that_went_to_the_bin_comes_back_with_its_correction(
    make_correction: MakeCorrection, tmp_path: Path
) -> None:
    correction = make_correction()
    first = save_correction(correction, tmp_path / "a")
    opened = opened_from(tmp_path / "a", first.case_id)
    ledger = Ledger.open(tmp_path / "a")
    ledger.delete(first.case_id)
    restored = save_correction(correction, tmp_path / "a", opened)
    assert (restored.case_id, restored.revision, restored.was_in_bin) == (first.case_id, 2, True)
    ledger.set_aside(first.case_id)
    new = save_correction(correction, tmp_path / "a", opened)
    assert (new.revision, new.case_id == first.case_id) == (1, False)
    assert ledger.load(new.case_id).patient_key == opened.patient_key
    (tmp_path / "a").rename(tmp_path / "elsewhere")
    with pytest.raises(LedgerError, match="holds no ledger any more"):
        save_correction(correction, tmp_path / "a", opened)
    assert not (tmp_path / "a").exists()
