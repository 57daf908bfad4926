"""Ledgers, models and image files that an earlier version wrote still say all they said."""

import gzip
import json
import re
from dataclasses import replace
from pathlib import Path

import highdicom
import nibabel
import numpy as np
import pytest
import tifffile
from PIL import Image
from tests.compat import phantoms
from tests.compat.conftest import Opened
from tgcnet.weights.pretrained import read_record, record_as_json

from tgcnet.cli import main
from tgcnet.config import TgcNetConfig, TmcaConfig
from tgcnet.corrections import Correction, Ledger
from tgcnet.domain import Case, DicomSource, ModelIdentity, Volume
from tgcnet.io import load_volume, save_labels
from tgcnet.io.report_key import report_provenance
from tgcnet.models.source_files import Stated
from tgcnet.weights.active import read_active, write_active
from tgcnet.weights.import_pretrained import open_pretrained
from tgcnet.weights.load import load_model
from tgcnet.weights.manifest import read_manifest, write_manifest

RADIOGRAPH, STACK, BINNED = "8480821509f39122", "afe99a8e559aa91d", "f7b048e63b2751f8"
TUNED = "compat-ft-20261201-0039"
MINI_SHA256 = "f7e84697fe49e2b4fe424f87b0b1d7264e5d41696dcb41d6dfd01fc3460b3bd1"
TGCNET_SHA256 = "b83632def7136e877030d9369cec87df29450c71fd3ded859612bd4c0bafa66b"
TMCA_SHA256 = "12fd6413d272f361b52d1b08cd64a7619ae51211ff5ed2569556073b9b201672"
TUNED_SHA256 = "b09b0514d96f8dfe0a9ba2339a1bf333aa4b88b8276b1dee9db648209d01d6de"
REPORT_HMAC = "2199045b50eb2016e667cfc7dfbb82e533727356888a7f3807f117960664a4d5"
TIME_AND_SEAL = re.compile(r'"(created_utc|saved_utc|seal_sha256)": "[^"]*"')


@pytest.fixture
def ledger(opened: Opened) -> Ledger:
    return Ledger.open(opened("ledger"))


@pytest.fixture
def ct(opened: Opened) -> Volume:
    return load_volume(opened("io") / "ct.nii.gz")


def assert_is(case: Case, correction: Correction) -> None:
    """All that a correction holds came back, identifiers apart."""
    volume, expected, record = case.volume, correction.volume, case.record
    np.testing.assert_array_equal(volume.array, expected.array, strict=True)
    np.testing.assert_array_equal(volume.geometry.affine_lps, expected.geometry.affine_lps)
    frame = volume.geometry.source_frame
    assert frame.keys() == expected.geometry.source_frame.keys()
    for name, values in expected.geometry.source_frame.items():
        np.testing.assert_array_equal(frame[name], values)
    for name in ("unit", "side_knowledge", "source_axes", "source_flips"):
        assert getattr(volume.geometry, name) == getattr(expected.geometry, name)
    for name in ("modality", "intensity_unit", "is_display_ready"):
        assert getattr(volume, name) == getattr(expected, name)
    np.testing.assert_array_equal(case.labels, correction.labels, strict=True)
    if correction.model_labels is None:
        assert case.model_labels is None
    else:
        np.testing.assert_array_equal(case.model_labels, correction.model_labels, strict=True)
    assert case.reviewed_slices == tuple(sorted(correction.reviewed_slices))
    assert case.report == correction.report
    said = {k: v for k, v in correction.provenance.items() if k != "notice"}
    assert dict(record.provenance) == said
    for name in ("classes", "window", "seconds", "notes", "model_slices"):
        assert getattr(record, name) == getattr(correction, name)


def test_a_ledger_lists_what_it_held(ledger: Ledger) -> None:
    assert ledger.fingerprint == "12421ccc2ce5a6a8"
    listing = ledger.cases()
    assert listing.problems == ledger.check().problems == ()
    radiograph, stack = listing.cases
    assert (radiograph.case_id, radiograph.num_revisions, radiograph.num_slices) == (
        RADIOGRAPH, 1, 1,
    )  # fmt: skip
    assert radiograph.patient_key == "6ee87043c2af185342a0575486e50c72"
    assert (radiograph.is_held_out, radiograph.model, radiograph.dice_mean) == (False, None, None)
    assert radiograph.created_utc == "2026-12-01T00:39:18.297+00:00"
    assert (stack.case_id, stack.num_revisions, stack.num_slices) == (STACK, 2, 4)
    assert stack.patient_key == "d15eed8222b337eeeb654246e34290d9"
    assert (stack.is_held_out, stack.model, stack.reviewed_slices) == (True, "compat", (1, 2, 3))
    assert stack.classes == ("infection", "effusion")
    assert stack.saved_utc == "2026-12-01T00:39:18.311+00:00"
    assert stack.dice_pooled == 0.9130434782608695
    assert stack.dice_mean == 0.9085714285714286
    assert [case.case_id for case in ledger.deleted().cases] == [BINNED]


def test_every_revision_of_a_ledger_is_read(ledger: Ledger, ct: Volume) -> None:
    radiograph = ledger.load(RADIOGRAPH)
    assert_is(radiograph, phantoms.of_radiograph())
    assert int(radiograph.labels.sum()) == 15
    assert int(radiograph.volume.array.sum()) == 11916
    first, second = ledger.load(STACK, 1), ledger.load(STACK)
    assert (first.revision, second.revision) == (1, 2)
    assert_is(first, phantoms.of_stack(ct, revision=1))
    assert_is(second, phantoms.of_stack(ct, revision=2))
    assert (int(first.labels.sum()), int(second.labels.sum())) == (37, 39)
    assert second.model_labels is not None
    assert int(second.model_labels.sum()) == 36
    assert int(second.volume.array.sum()) == -70164
    assert np.isnan(second.volume.geometry.source_frame["qoffset_x"][0])
    assert (second.record.notes, second.record.seconds) == (phantoms.NOTES[1], 25.0)
    assert (second.record.saved_by, second.record.num_changed_voxels) == ("0.1.0", 4)
    assert second.record.window == (-1350.0, 150.0, "HU")
    assert (second.record.model_slices, second.reviewed_slices) == ((1, 2), (1, 2, 3))
    assert second.report == "Consolidation in the left lower lobe.\r\nNo effusion.\n"


def test_a_ledger_knows_its_images_and_patients_and_is_added_to(ledger: Ledger, ct: Volume) -> None:
    named = replace(ct, patient_id=phantoms.PATIENT_STACK)
    assert ledger.find(phantoms.radiograph()) == RADIOGRAPH
    assert ledger.find(named) == STACK
    saved = ledger.save(phantoms.of_stack(named, revision=2))
    assert (saved.case_id, saved.revision) == (STACK, 3)
    new = ledger.save(phantoms.of_stack(named, revision=1), as_new=True)
    assert ledger.load(new.case_id).is_held_out
    ledger.restore(BINNED)
    assert_is(ledger.load(BINNED), phantoms.of_radiograph())


def test_a_ledger_is_written_as_it_was(opened: Opened, tmp_path: Path, ct: Volume) -> None:
    """The same corrections under the same salt: every file, but for the times and their seal."""
    before, after = opened("ledger"), tmp_path / "again"
    after.mkdir()
    (after / "ledger.json").write_bytes((before / "ledger.json").read_bytes())
    ledger = Ledger.open(after)
    named = replace(ct, patient_id=phantoms.PATIENT_STACK)
    radiograph = ledger.save(phantoms.of_radiograph()).case_id
    for revision in (1, 2):
        stack = ledger.save(phantoms.of_stack(named, revision=revision)).case_id
    for old, new in ((RADIOGRAPH, radiograph), (STACK, stack)):
        files = sorted(p for p in (before / "cases" / old).rglob("*") if p.is_file())
        again = after / "cases" / new
        assert len(files) == len([path for path in again.rglob("*") if path.is_file()])
        for file in files:
            path = again / file.relative_to(before / "cases" / old)
            assert _without_times(path) == _without_times(file), path.name
    for number in ("000001", "000002"):
        entry = Path("split") / number / "patient.json"
        assert (after / entry).read_bytes() == (before / entry).read_bytes()


def _without_times(path: Path) -> str | bytes:
    """What a file says, whichever zlib compressed it."""
    if path.suffix == ".gz":
        return gzip.decompress(path.read_bytes())
    return TIME_AND_SEAL.sub("", path.read_bytes().decode("utf-8"))


def test_the_command_line_lists_and_checks_a_ledger(
    opened: Opened, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = str(opened("ledger"))
    assert main(["corrections", "list", folder]) == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{RADIOGRAPH}: saved 2026-12-01 00:39 UTC, 1 revision, 1 of 1 slices reviewed",
        f"{STACK}: saved 2026-12-01 00:39 UTC, 2 revisions, 3 of 4 slices reviewed, "
        "Dice of compat 0.913 pooled, 0.909 mean, held out",
    ]
    assert main(["corrections", "check", folder]) == 0
    assert "2 cases are whole, 0 damaged and set aside, 0 could" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("name", "sha256", "num_tensors", "total"),
    [
        ("compat", TGCNET_SHA256, 323, 4101.149912178516),
        ("compat-v1", TGCNET_SHA256, 323, 4101.149912178516),
        ("compat-tmca", TMCA_SHA256, 214, 1410.3344222903252),
    ],
)
def test_a_model_loads(
    models: Path, name: str, sha256: str, num_tensors: int, total: float
) -> None:
    loaded = load_model(name)
    state, manifest = loaded.model.state_dict(), loaded.manifest
    assert len(state) == num_tensors
    assert sum(float(t.double().sum()) for t in state.values()) == pytest.approx(total, abs=1e-6)
    assert (manifest.name, manifest.sha256) == (name, sha256)
    assert type(manifest.model) is (TmcaConfig if name == "compat-tmca" else TgcNetConfig)
    assert (manifest.postprocess.threshold, manifest.preprocess.side_px) == (0.4, 64)
    assert manifest.findings == ("pulmonary infection",)
    assert (manifest.licence, manifest.notes) == ("none: phantoms", "½")
    assert manifest.training_data == ("nothing",)
    assert manifest.measured == {"val, report given": {"dice_pooled": 0.25}}
    assert [(c.name, c.colour) for c in manifest.classes] == [("infection", (230, 60, 60))]
    assert main(["models", "verify", name]) == 0


def test_a_manifest_of_schema_1_is_read_as_one_of_today(opened: Opened, models: Path) -> None:
    today, first = read_manifest(models / "compat"), read_manifest(models / "compat-v1")
    assert replace(first, name="compat", provenance=today.provenance) == today
    mini = read_manifest(opened("mini-v1"))
    assert (mini.name, mini.sha256) == ("mini", MINI_SHA256)
    assert isinstance(mini.model, TgcNetConfig)
    image, text = mini.model.towers.image, mini.model.towers.text
    assert (image.width, image.layers, image.heads, image.patch_px) == (192, 8, 3, 16)
    assert (text.width, text.layers, text.heads, text.context_length) == (192, 4, 3, 77)
    assert (image.quick_gelu, text.quick_gelu, image.side_px) == (True, True, 224)
    assert text.words[:3] == ("'s", ",", "-")
    assert mini.measured["ct-given"]["dice_pooled"] == 0.8048511499668447


def test_the_active_model_its_history_and_its_lineage_are_read(
    models: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    active = read_active()
    assert active.current == ModelIdentity(name=TUNED, sha256=TUNED_SHA256)
    assert active.history == (
        ModelIdentity(name="mini", sha256=MINI_SHA256),
        ModelIdentity(name="compat-tmca", sha256=TMCA_SHA256),
    )
    lineage = load_model().manifest.lineage
    assert lineage is not None
    assert (lineage.parent, lineage.parent_sha256) == ("compat", TGCNET_SHA256)
    assert lineage.ledger_snapshot == (
        "2026-12-01T00:39:20.292+00:00 70c0672d75b1ac78 026664af5d7b4788"
    )
    assert lineage.gate is not None
    assert (lineage.gate["recommended"], lineage.gate["num_resamples"]) == (False, 10000)
    assert main(["models", "list", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["active"] == TUNED
    assert main(["models", "rollback"]) == 0
    assert "Active now: compat-tmca." in capsys.readouterr().out
    assert read_active().current.name == "compat-tmca"


def test_manifests_and_the_active_model_are_written_as_they_were(
    models: Path, tmp_path: Path
) -> None:
    for name in ("compat", "compat-tmca", TUNED):
        write_manifest(read_manifest(models / name), tmp_path)
        written = (tmp_path / "manifest.json").read_bytes()
        assert written == (models / name / "manifest.json").read_bytes()
    before = (models / "active.json").read_bytes()
    write_active(read_active())
    assert (models / "active.json").read_bytes() == before


def test_imported_weights_are_found(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = opened("pretrained")
    monkeypatch.setenv("TGCNET_PRETRAINED", str(folder))
    record = read_record(folder / "clip")
    assert (record.name, record.given, record.licence) == ("clip", "given.safetensors", "none")
    assert record.imported_utc == "2026-12-01T00:39:18+00:00"
    assert record.towers is not None
    assert (record.towers.image.width, record.towers.text.layers) == (64, 1)
    written = (folder / "clip" / "pretrained.json").read_bytes()
    assert record_as_json(record).encode() == written
    weights = open_pretrained("clip", architecture="ViT-B-16", otherwise=Stated())
    assert weights.towers == record.towers


def test_masks_are_read_with_what_made_them(opened: Opened) -> None:
    folder = opened("io")
    expected = {"mask.nii.gz": 168, "oblique.nii": 168, "oblique.tif": 168, "mask.png": 42}
    for name, total in expected.items():
        volume = load_volume(folder / name)
        labels = phantoms.labels_for_files(len(volume.array))
        np.testing.assert_array_equal(volume.array, labels, strict=True)
        assert int(volume.array.sum()) == total
        said = json.loads(_comment(folder / name))
        assert said["report_hmac_sha256"] == REPORT_HMAC
        assert (said["model"], said["sha256"], said["threshold"]) == ("compat", "ab" * 32, "0.5")
        assert said["edited"] == ("yes" if name.startswith("oblique") else "no")
        assert said["notice"] == "Research use only. Not a medical device."
    spacing = load_volume(folder / "oblique.tif").geometry.spacing_zyx
    np.testing.assert_allclose(spacing, phantoms.oblique().spacing_zyx, rtol=1e-6)


def test_masks_are_written_as_they_were(opened: Opened, tmp_path: Path, ct: Volume) -> None:
    said = phantoms.PROVENANCE | {"report_hmac_sha256": REPORT_HMAC}
    stack, flat = phantoms.labels_for_files(4), phantoms.labels_for_files(1)
    radiograph = phantoms.radiograph().geometry
    save_labels(stack, ct.geometry, tmp_path / "mask.nii.gz", provenance=said)
    save_labels(flat, radiograph, tmp_path / "mask.png", provenance=said)
    for name in ("oblique.nii", "oblique.tif"):
        oblique = phantoms.oblique()
        save_labels(stack, oblique, tmp_path / name, provenance=said, is_edited=True)
    before = opened("io")
    for name in ("mask.nii.gz", "oblique.nii"):
        assert _without_times_of_nifti(tmp_path / name) == _without_times_of_nifti(before / name)
    for name in ("mask.png", "oblique.tif"):  # compressed by whichever zlib there is
        assert _comment(tmp_path / name) == _comment(before / name)


def _without_times_of_nifti(path: Path) -> bytes:
    content = path.read_bytes()
    return gzip.decompress(content) if path.suffix == ".gz" else content


def _comment(path: Path) -> str:
    """The JSON that says what made a mask, as others' programs find it."""
    if path.suffix == ".png":
        with Image.open(path) as picture:
            return str(picture.info["Comment"])
    if path.suffix == ".tif":
        with tifffile.TiffFile(path) as file:
            return str((file.imagej_metadata or {})["provenance"])
    [extension] = nibabel.Nifti1Image.from_filename(path).header.extensions
    return bytes(extension.get_content()).decode().rstrip("\0")


def test_a_dicom_segmentation_is_read_and_may_be_written_over(opened: Opened) -> None:
    folder = opened("io")
    files = tuple(sorted((folder / "series").iterdir()))
    labels = phantoms.labels_for_files(4)
    classes = (phantoms.INFECTION, phantoms.EFFUSION)
    assert load_volume(folder / "series").array.sum() == -158004
    before = _seg(folder / "mask.dcm", files)
    np.testing.assert_array_equal(before, labels)
    save_labels(
        labels.clip(0, 1),
        phantoms.oblique(),
        folder / "mask.dcm",
        source=DicomSource(files=files, frames=(0,) * 4),
        classes=classes,
    )
    np.testing.assert_array_equal(_seg(folder / "mask.dcm", files), labels.clip(0, 1))


def _seg(path: Path, files: tuple[Path, ...]) -> np.ndarray:
    seg = highdicom.seg.segread(path)
    assert [s.SegmentLabel for s in seg.SegmentSequence] == ["infection", "effusion"]
    kind = seg.SegmentSequence[0].SegmentedPropertyTypeCodeSequence[0]
    assert kind.CodeValue == phantoms.INFECTION.code
    names = [highdicom.imread(file).SOPInstanceUID for file in files]
    pixels: np.ndarray = seg.get_pixels_by_source_instance(
        names,
        combine_segments=True,
        ignore_spatial_locations=True,
        assert_missing_frames_are_empty=True,
    )
    return pixels


def test_a_report_has_the_hash_it_had(opened: Opened, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TGCNET_KEYS", str(opened("keys")))
    assert report_provenance(phantoms.REPORT_2D) == {"report_hmac_sha256": REPORT_HMAC}
