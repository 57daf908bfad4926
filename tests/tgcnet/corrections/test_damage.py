"""What is damaged is named, set aside and skipped; what cannot be read now is left alone."""

import errno
import json
import os
import random
from collections.abc import Callable
from pathlib import Path

import pytest

from tgcnet.corrections import Correction, Ledger, Problem, sealed
from tgcnet.errors import LedgerDamageError, LedgerError, OutputError

MakeCorrection = Callable[..., Correction]


def flip_a_byte(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)


def halve(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def remove(path: Path) -> None:
    path.unlink()


def change_a_word(path: Path) -> None:
    values = json.loads(path.read_bytes())
    values["reviewed_slices"] = [0, 1, 2]
    path.write_text(json.dumps(values))


DAMAGES = [
    ("image.nii.gz", flip_a_byte),
    ("case.json", halve),
    ("revisions/0001/person.nii.gz", flip_a_byte),
    ("revisions/0001/model.nii.gz", remove),
    ("revisions/0001/record.json", halve),
    ("revisions/0002/changed.nii.gz", halve),
    ("revisions/0002/report.txt", flip_a_byte),
    ("revisions/0002/record.json", change_a_word),
    ("case.json", remove),
    ("image.nii.gz", remove),
]


def test_a_tenth_of_the_cases_is_damaged(ledger: Ledger, make_correction: MakeCorrection) -> None:
    ids = [ledger.save(make_correction(seed), as_new=True).case_id for seed in range(50)]
    damaged = random.Random(3).sample(ids, 5)
    for case_id, (name, damage) in zip(damaged, DAMAGES[:5], strict=True):
        damage(ledger.folder / "cases" / case_id / name)
    listing = Ledger.open(ledger.folder).check()
    assert sorted(problem.case_id for problem in listing.problems) == sorted(damaged)
    assert all(problem.is_damage for problem in listing.problems)
    by_id = {problem.case_id: problem.sentence for problem in listing.problems}
    for case_id, (name, _) in zip(damaged, DAMAGES[:5], strict=True):
        assert Path(name).name in by_id[case_id]
        assert case_id in by_id[case_id]
        # Nothing is deleted: the other files lie where they were set aside.
        assert (ledger.folder / "damaged" / case_id / "revisions" / "0001").is_dir()
    whole = [case_id for case_id in ids if case_id not in damaged]
    assert sorted(case.case_id for case in ledger.cases().cases) == sorted(whole)
    assert all(ledger.load(case_id).revision == 1 for case_id in whole)
    assert ledger.check().problems == ()


@pytest.mark.parametrize(("name", "damage"), DAMAGES)
def test_each_damage_is_found_in_each_file(
    ledger: Ledger, make_correction: MakeCorrection, name: str, damage: Callable[[Path], None]
) -> None:
    for _ in range(2):
        saved = ledger.save(make_correction())
    damage(ledger.folder / "cases" / saved.case_id / name)
    [problem] = ledger.check().problems
    assert problem.is_damage
    assert problem.sentence.startswith(f"{Path(name).name} of ")
    assert "is damaged: " in problem.sentence


def test_a_save_goes_on_beside_damage(ledger: Ledger, make_correction: MakeCorrection) -> None:
    saved = ledger.save(make_correction())
    halve(ledger.folder / "cases" / saved.case_id / "case.json")
    with pytest.raises(LedgerDamageError, match=r"case\.json of case .* is not valid JSON"):
        Ledger.open(ledger.folder).save(make_correction(), saved.case_id)
    again = Ledger.open(ledger.folder).save(make_correction())
    assert again.case_id != saved.case_id
    ledger.set_aside(saved.case_id)
    assert [case.case_id for case in ledger.cases().cases] == [again.case_id]


def test_reading_for_training_skips_and_names(
    ledger: Ledger, make_correction: MakeCorrection
) -> None:
    ids = [ledger.save(make_correction(seed)).case_id for seed in range(4)]
    flip_a_byte(ledger.folder / "cases" / ids[0] / "image.nii.gz")
    halve(ledger.folder / "cases" / ids[2] / "revisions" / "0001" / "record.json")
    problems: list[Problem] = []
    read = [case.id for case in ledger.load_reviewed(problems.append)]
    assert sorted(read) == sorted([ids[1], ids[3]])
    assert {problem.case_id for problem in problems} == {ids[0], ids[2]}
    assert sorted(p.name for p in (ledger.folder / "damaged").iterdir()) == sorted([ids[0], ids[2]])


def refuse_reading(monkeypatch: pytest.MonkeyPatch, name: str, code: int) -> None:
    real = Path.read_bytes

    def read_bytes(self: Path) -> bytes:
        if self.name == name:
            raise OSError(code, os.strerror(code), str(self))
        return real(self)

    monkeypatch.setattr(Path, "read_bytes", read_bytes)


@pytest.mark.parametrize("code", [errno.EACCES, errno.EIO])
@pytest.mark.parametrize("name", ["case.json", "image.nii.gz", "record.json", "person.nii.gz"])
def test_what_cannot_be_read_now_is_no_damage(
    ledger: Ledger,
    make_correction: MakeCorrection,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    code: int,
) -> None:
    saved = ledger.save(make_correction())
    with monkeypatch.context() as patched:
        refuse_reading(patched, name, code)
        listing = ledger.check()
        [problem] = listing.problems
        assert not problem.is_damage
        assert os.strerror(code) in problem.sentence
        assert str(ledger.folder) not in problem.sentence
        with pytest.raises(LedgerError, match="check the permissions and the disk") as caught:
            ledger.load(saved.case_id)
        assert not isinstance(caught.value, LedgerDamageError)
    assert ledger.load(saved.case_id).revision == 1


def test_a_later_schema_is_no_damage(
    ledger: Ledger, make_correction: MakeCorrection, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(sealed, "SCHEMA_VERSION", 2)
        ledger.save(make_correction())
    [problem] = ledger.check().problems
    assert not problem.is_damage
    assert "has schema version 2, this tgcnet reads 1. Install" in problem.sentence


def test_line_ends_may_change_on_the_way(ledger: Ledger, make_correction: MakeCorrection) -> None:
    saved = ledger.save(make_correction())
    file = ledger.folder / "cases" / saved.case_id / "case.json"
    file.write_bytes(file.read_bytes().replace(b"\n", b"\r\n"))
    assert ledger.check().problems == ()


def test_a_case_without_a_revision_is_damaged(
    ledger: Ledger, make_correction: MakeCorrection
) -> None:
    saved = ledger.save(make_correction())
    revisions = ledger.folder / "cases" / saved.case_id / "revisions"
    revisions.rename(ledger.folder / "elsewhere")
    [problem] = ledger.check().problems
    assert "it has no revision, expected at least one" in problem.sentence


def test_a_case_that_moves_meanwhile_is_no_damage(
    ledger: Ledger, make_correction: MakeCorrection, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another window deletes the case just before its first file is read."""
    saved, real = ledger.save(make_correction()), Path.read_bytes

    def read_bytes(self: Path) -> bytes:
        if self.name == "case.json":
            ledger.delete(saved.case_id)
        return real(self)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "read_bytes", read_bytes)
        with pytest.raises(LedgerError, match="There is no case") as caught:
            ledger.load(saved.case_id)
    assert not isinstance(caught.value, LedgerDamageError)
    for look in (ledger.cases, ledger.check):
        ledger.restore(saved.case_id)
        with monkeypatch.context() as patched:
            patched.setattr(Path, "read_bytes", read_bytes)
            assert (look().cases, look().problems) == ((), ())


FULL, READ_ONLY, FORBIDDEN = errno.ENOSPC, errno.EROFS, errno.EACCES
SENTENCES = {FULL: "the disk is full. Free some space", READ_ONLY: "the disk is read-only",
             FORBIDDEN: "writing there is not permitted"}  # fmt: skip


@pytest.mark.parametrize("code", SENTENCES)
@pytest.mark.parametrize("call", ["fsync", "mkdir", "rename"])
def test_a_disk_that_refuses_leaves_the_old_state(
    ledger: Ledger,
    make_correction: MakeCorrection,
    monkeypatch: pytest.MonkeyPatch,
    call: str,
    code: int,
) -> None:
    saved = ledger.save(make_correction())

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code), str(ledger.folder))

    for correction, case_id in ((make_correction(5), None), (make_correction(), saved.case_id)):
        with monkeypatch.context() as patched:
            patched.setattr(os, call, refuse)
            with pytest.raises(OutputError, match=SENTENCES[code]) as caught:
                ledger.save(correction, case_id)
        assert "What stood there before is unchanged" in str(caught.value)
        assert str(ledger.folder) not in str(caught.value)
    reopened = Ledger.open(ledger.folder)
    assert reopened.check().problems == ()
    assert [case.num_revisions for case in reopened.cases().cases] == [1]
    assert list((ledger.folder / "unfinished").iterdir()) == []


def test_a_read_only_ledger_is_listed_and_read(
    ledger: Ledger, make_correction: MakeCorrection, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [ledger.save(make_correction(seed)).case_id for seed in range(2)]
    flip_a_byte(ledger.folder / "cases" / ids[1] / "image.nii.gz")

    def refuse(*_: object, **__: object) -> None:
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    for call in ("mkdir", "rename", "unlink", "rmdir", "link", "fsync"):
        monkeypatch.setattr(os, call, refuse)
    reopened = Ledger.open(ledger.folder)
    assert reopened.load(ids[0]).revision == 1
    [problem] = reopened.check().problems
    assert problem.is_damage
    assert "the disk is read-only" in problem.sentence
