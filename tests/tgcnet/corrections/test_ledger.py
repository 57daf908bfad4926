"""Cases and revisions: found again, never overwritten, moved whole."""

import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tgcnet.corrections import Correction, Ledger
from tgcnet.domain import Modality
from tgcnet.errors import InputError, LedgerDamageError, LedgerError, OutputError

MakeCorrection = Callable[..., Correction]
PRIVATE = (b"DOE", b"JOHN-4711", b"1.2.840.113619", b"Consolidation", b"bermut")


def test_a_later_save_is_a_revision(ledger: Ledger, make_correction: MakeCorrection) -> None:
    first = make_correction()
    saved = ledger.save(first)
    later = replace(first, labels=np.zeros_like(first.labels), report="second reading")
    assert ledger.save(later, saved.case_id).revision == 2
    assert ledger.save(later).revision == 3  # the same picture is the same case
    assert ledger.save(later).case_id == saved.case_id
    assert ledger.load(saved.case_id).revision == 4
    np.testing.assert_array_equal(ledger.load(saved.case_id, 1).labels, first.labels)
    assert ledger.load(saved.case_id, 1).report == first.report
    assert not ledger.load(saved.case_id, 2).labels.any()
    with pytest.raises(LedgerError, match=r"has no revision 9, expected one from 1 to 4; name"):
        ledger.load(saved.case_id, 9)


def test_the_summary_is_of_the_latest(ledger: Ledger, make_correction: MakeCorrection) -> None:
    correction = make_correction()
    saved = ledger.save(correction)
    [before] = ledger.cases().cases
    same = replace(correction, model_labels=correction.labels, reviewed_slices=(1,))
    ledger.save(same, saved.case_id)
    [after] = ledger.cases().cases
    assert [before.dice_pooled, before.dice_mean] == pytest.approx([2 / 3, 0.5])
    assert (after.dice_pooled, after.dice_mean) == (1.0, 1.0)
    assert (before.num_revisions, after.num_revisions) == (1, 2)
    assert (before.num_slices, before.reviewed_slices) == (3, (1, 2))
    assert after.reviewed_slices == (1,)
    assert before.created_utc == after.created_utc
    assert after.saved_utc >= before.saved_utc
    assert (after.model, after.classes) == ("mini", ("infection", "effusion"))


def test_another_grid_is_refused(ledger: Ledger, make_correction: MakeCorrection) -> None:
    correction = make_correction()
    saved = ledger.save(correction)
    with pytest.raises(InputError, match=r"\(3 x 6 x 7 voxels\) is not the one of case [0-9a-f]+"):
        ledger.save(make_correction(1), saved.case_id)
    geometry = correction.volume.geometry
    moved = replace(geometry, affine_lps=geometry.affine_lps + np.eye(4) * 0.5)
    elsewhere = replace(correction, volume=replace(correction.volume, geometry=moved))
    with pytest.raises(InputError, match="its place in the patient differ"):
        ledger.save(elsewhere, saved.case_id)
    assert ledger.save(elsewhere).case_id != saved.case_id


def test_a_picture_is_found_again(ledger: Ledger, make_correction: MakeCorrection) -> None:
    correction = make_correction()
    assert ledger.find(correction.volume) is None
    saved = ledger.save(correction)
    assert Ledger.open(ledger.folder).find(correction.volume) == saved.case_id
    assert ledger.save(correction, as_new=True).case_id != saved.case_id
    assert ledger.find(correction.volume) == saved.case_id


def test_the_modality_may_be_stated_later(ledger: Ledger, make_correction: MakeCorrection) -> None:
    correction = make_correction()
    unknown = replace(correction.volume, modality=Modality.UNKNOWN, intensity_unit="stored")
    saved = ledger.save(replace(correction, volume=unknown))
    assert ledger.save(correction).case_id == saved.case_id
    assert ledger.load(saved.case_id, 1).volume.modality is Modality.UNKNOWN
    assert ledger.load(saved.case_id).volume.modality is Modality.CT


def test_to_the_bin_and_back(ledger: Ledger, make_correction: MakeCorrection) -> None:
    saved = ledger.save(make_correction())
    ledger.delete(saved.case_id)
    assert ledger.cases().cases == ()
    assert [case.case_id for case in ledger.deleted().cases] == [saved.case_id]
    with pytest.raises(LedgerError, match=rf"There is no case '{saved.case_id}' in cases/"):
        ledger.load(saved.case_id)
    again = ledger.save(make_correction())
    assert again.case_id != saved.case_id
    ledger.restore(saved.case_id)
    assert len(ledger.cases().cases) == 2
    with pytest.raises(LedgerError, match=r"There is no case .* in bin/"):
        ledger.restore(saved.case_id)


def test_a_restore_overwrites_nothing(ledger: Ledger, make_correction: MakeCorrection) -> None:
    saved = ledger.save(make_correction())
    ledger.delete(saved.case_id)
    (ledger.folder / "cases" / saved.case_id).mkdir()
    with pytest.raises(LedgerError, match="a case of that id is there already"):
        ledger.restore(saved.case_id)
    assert [case.case_id for case in ledger.deleted().cases] == [saved.case_id]


@pytest.mark.parametrize("case_id", ["../bin", "..", "", "0123456789abcdef", "x" * 16])
def test_an_id_never_leads_elsewhere(ledger: Ledger, case_id: str) -> None:
    for use in (ledger.load, ledger.delete, ledger.restore, ledger.set_aside):
        with pytest.raises(LedgerError, match="There is no case"):
            use(case_id)


def test_a_ledger_is_made_once(tmp_path: Path, make_correction: MakeCorrection) -> None:
    folder = tmp_path / "new" / "ledger"
    saved = Ledger.create(folder).save(make_correction())
    before = (folder / "ledger.json").read_bytes()
    assert Ledger.create(folder).load(saved.case_id).revision == 1
    assert (folder / "ledger.json").read_bytes() == before


def test_what_is_no_ledger_is_said(tmp_path: Path) -> None:
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(OutputError, match="holds something else already, expected an empty fold"):
        Ledger.create(tmp_path)
    for folder in (tmp_path, tmp_path / "absent"):
        with pytest.raises(LedgerError, match=f"{folder.name} is no ledger of corrections"):
            Ledger.open(folder)


def test_a_damaged_ledger_file_is_said(ledger: Ledger) -> None:
    (ledger.folder / "ledger.json").write_text("{}")
    with pytest.raises(LedgerDamageError, match=r"Restore this one file from a backup"):
        Ledger.open(ledger.folder)


def test_the_split_is_by_patient_and_fixed(ledger: Ledger, make_correction: MakeCorrection) -> None:
    flags = {}
    for index in range(40):
        patient = f"patient {index}"
        case = ledger.load(ledger.save(make_correction(index, patient=patient)).case_id)
        flags[patient] = (case.patient_key, case.is_held_out)
    # Of every four patients one is held out, and of the first four the second.
    order = [is_held_out for _, is_held_out in flags.values()]
    assert [sum(order[i : i + 4]) for i in range(0, 40, 4)] == [1] * 10
    assert order[:4] == [False, True, False, False]
    assert len({tuple(order[i : i + 4]) for i in range(4, 40, 4)}) > 1
    reopened = Ledger.open(ledger.folder)
    for index, (patient, expected) in enumerate(flags.items()):
        case = reopened.load(reopened.save(make_correction(100 + index, patient=patient)).case_id)
        assert (case.patient_key, case.is_held_out) == expected


def test_the_split_outlives_its_list(ledger: Ledger, make_correction: MakeCorrection) -> None:
    """A damaged entry changes nobody's side: the patient's cases know it, in the bin too."""
    ids = [ledger.save(make_correction(i, patient=f"patient {i}")).case_id for i in range(2)]
    ledger.delete(ids[1])
    for entry in ledger.folder.glob("split/*/*.json"):
        entry.write_bytes(b"damaged")
    reopened = Ledger.open(ledger.folder)
    sides = [
        reopened.load(reopened.save(make_correction(10 + i, patient=f"patient {i}")).case_id)
        for i in range(3)
    ]
    assert [case.is_held_out for case in sides] == [False, True, False]


def test_a_picture_without_a_patient_is_its_own(
    ledger: Ledger, make_correction: MakeCorrection
) -> None:
    ids = [
        ledger.save(make_correction(seed, patient=None), as_new=True).case_id for seed in (0, 0, 1)
    ]
    keys = [ledger.load(case_id).patient_key for case_id in ids]
    assert keys[0] == keys[1] != keys[2]


def test_another_ledger_hashes_otherwise(tmp_path: Path, make_correction: MakeCorrection) -> None:
    keys = set()
    for name in ("one", "two"):
        ledger = Ledger.create(tmp_path / name)
        keys.add(ledger.load(ledger.save(make_correction()).case_id).patient_key)
    assert len(keys) == 2


def test_nothing_of_the_patient_is_written_but_the_report(
    ledger: Ledger, make_correction: MakeCorrection
) -> None:
    saved = ledger.save(make_correction())
    case = ledger.load(saved.case_id)
    assert (case.volume.patient_id, case.volume.series_id) == (None, None)
    for path in ledger.folder.rglob("*"):
        content = path.read_bytes() if path.is_file() and path.name != "report.txt" else b""
        for private in PRIVATE:
            assert private not in content
            assert private not in os.fsencode(path.relative_to(ledger.folder))
    for shown in (repr(case), repr(make_correction()), repr(ledger.cases())):
        assert not any(private.decode() in shown for private in PRIVATE)
        assert "rim too wide" not in shown
