"""Corrections saved from the panel: drafts, the ledger chosen, what is handed over and said."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from napari.components import ViewerModel
from napari.layers import Layer

from napari_tgcnet.segment import messages
from napari_tgcnet.segment.files import DiskFiles
from napari_tgcnet.segment.viewer_layers import ViewerLayers
from napari_tgcnet.shared import layers
from napari_tgcnet.shared.case import CorrectionToSave, Draft, ImageInfo
from napari_tgcnet.shared.layers import image_layer_tuple
from tgcnet.corrections import Ledger, OpenedFrom, SavedCorrection
from tgcnet.domain import SegmentationClass
from tgcnet.engine.protocol import ModelInfo
from tgcnet.errors import InputError, LedgerError, OutputError
from tgcnet.samples import phantom_stack

CLASSES = (SegmentationClass(name="infection", colour=(230, 60, 60)),)
KNOWN = {"model": "mini", "sha256": "ab", "threshold": "0.4"}


def test_a_correction_is_handed_over_with_its_draft_and_ledger(desk) -> None:
    told: list[None] = []
    desk.session.corrections_changed.connect(lambda: told.append(None))
    corrections = desk.controller.corrections
    desk.controller.reports.edit("left lower zone")
    corrections.edit_notes("rim too wide")
    corrections.edit_reviewed("0, 3")
    corrections.mark_current()
    assert desk.state.draft.reviewed == "0, 2-3"
    corrections.choose_ledger("/elsewhere/other")
    assert (desk.state.ledger, desk.state.ledger_path) == ("other", str(Path("/elsewhere/other")))
    corrections.save()
    draft = Draft(report="left lower zone", reviewed="0, 2-3", notes="rim too wide")
    desk.files.save_correction.assert_called_once_with(
        desk.layers.snapshot_correction.return_value, draft, (0, 2, 3), Path("/elsewhere/other")
    )
    assert desk.state.notices == ("Correction saved as case 3fa2c1.",)
    assert len(told) == 1
    corrections.mark_all()
    assert desk.state.draft.reviewed == "0-3"


def test_what_will_not_be_learnt_from_is_said(desk) -> None:
    corrections = desk.controller.corrections
    corrections.save()
    assert messages.NONE_REVIEWED in desk.state.notices
    desk.files.save_correction.return_value = SavedCorrection(
        case_id="3fa2c1d4e5f60718", revision=2, changed_not_reviewed=(1, 2, 3)
    )
    corrections.edit_reviewed("0")
    corrections.save()
    assert desk.state.notices == (
        "Correction saved as case 3fa2c1, revision 2; earlier ones are kept.",
        "Changed but not marked as reviewed: slices 1-3. They are kept, and neither learnt from "
        "nor scored.",
    )


def test_a_refusal_is_a_sentence_and_nothing_is_said_to_be_saved(desk) -> None:
    corrections = desk.controller.corrections
    corrections.edit_reviewed("2-9")
    corrections.save()
    assert "“2-9” is outside the stack" in desk.state.problem
    desk.files.save_correction.assert_not_called()
    corrections.edit_reviewed("2")
    desk.files.save_correction.side_effect = OutputError("The disk is full.")
    corrections.save()
    assert (desk.state.problem, desk.state.notices) == ("The disk is full.", ())


def test_each_image_has_its_own_draft_and_an_opened_case_brings_one(desk) -> None:
    corrections = desk.controller.corrections
    corrections.edit_notes("of the first")
    opened = Draft(report="of the case", reviewed="1", notes="from the ledger")
    desk.layers.images.return_value = (
        ImageInfo(id="a", name="chest", num_slices=4),
        ImageInfo(id="b", name="case", num_slices=4, draft=opened),
    )
    desk.controller.refresh_images()
    assert (desk.state.image_id, desk.state.draft) == ("b", opened)
    desk.controller.choose_image("a")
    assert desk.state.draft.notes == "of the first"


def test_a_planar_image_is_reviewed_as_a_whole(desk) -> None:
    desk.layers.images.return_value = (ImageInfo(id="p", name="radiograph"),)
    desk.controller.refresh_images()
    desk.controller.corrections.save()
    assert desk.files.save_correction.call_args.args[2] == (0,)


def test_the_panel_follows_what_is_switched_on_and_keeps_a_choice(desk, desk_class) -> None:
    def models(active: str) -> tuple[ModelInfo, ...]:
        base = ModelInfo(
            name="mini", findings=(), classes=CLASSES, threshold=0.4, licence="", sha256="0"
        )
        tuned = replace(base, name="tuned", threshold=0.3)
        return tuple(replace(one, is_active=one.name == active) for one in (base, tuned))

    desk.session.models_changed.emit()
    assert desk.engine.describe.called
    desk.controller.handle_event(replace(desk.ready(), models=models("tuned")))
    assert (desk.state.model, desk.state.threshold) == ("tuned", 0.3)
    assert [one.label for one in desk.state.models] == ["mini", "tuned (active)"]
    desk.controller.choose_model("mini")
    desk.controller.handle_event(replace(desk.ready(), models=models("tuned")))
    assert desk.state.model == "mini"
    desk.controller.handle_event(replace(desk.ready(), models=models("mini")))
    assert desk.state.model == "mini"
    fresh = desk_class()
    fresh.controller.choose_model("mini")
    fresh.controller.handle_event(replace(desk.ready(), models=models("neither")[1:]))
    assert (fresh.state.model, fresh.state.problem) == (None, messages.NO_ACTIVE_MODEL)


@pytest.fixture
def viewer(qapp) -> ViewerModel:
    return ViewerModel()


@pytest.fixture
def bridge(viewer: ViewerModel) -> ViewerLayers:
    return ViewerLayers(viewer)


def add_phantom(viewer: ViewerModel, bridge: ViewerLayers) -> str:
    viewer.add_layer(Layer.create(*image_layer_tuple(phantom_stack(), "scan")))
    return bridge.images()[-1].id


def run(bridge: ViewerLayers, image_id: str, slices: range, value: int = 1) -> None:
    bridge.open_run(image_id, slices, CLASSES, KNOWN)
    for z in slices:
        plane = np.zeros(phantom_stack().array.shape[1:], dtype=np.uint8)
        plane[:5, :5] = value
        bridge.write_slice(z, plane)
    bridge.commit()


def save(taken: CorrectionToSave, ledger: Path) -> SavedCorrection:
    return DiskFiles().save_correction(taken, Draft(), (0,), ledger)


def test_from_a_run_and_a_stroke_into_the_ledger(viewer, bridge, tmp_path) -> None:
    image_id = add_phantom(viewer, bridge)
    run(bridge, image_id, range(2, 5))
    run(bridge, image_id, range(4, 6))
    mask = layers.find_mask(viewer.layers, viewer.layers[0])
    assert mask is not None
    mask.paint((3, 20, 20), 1)
    mask.paint((9, 20, 20), 1)
    viewer.layers[0].contrast_limits = (-900, 100)
    taken = bridge.snapshot_correction(image_id)
    draft = Draft(report="Left lower zone.", notes="rim")
    kept = DiskFiles().save_correction(taken, draft, (2, 3), tmp_path / "ledger")
    assert (kept.revision, kept.changed_not_reviewed) == (1, (9,))
    assert kept.is_new_ledger
    case = Ledger.open(tmp_path / "ledger").load(kept.case_id)
    np.testing.assert_array_equal(case.volume.array, phantom_stack().array)
    np.testing.assert_array_equal(case.labels, mask.data)
    assert case.model_labels is not None
    assert [bool(plane.any()) for plane in case.model_labels[:7]] == [False] * 2 + [True] * 4 + [
        False
    ]
    assert not case.model_labels[3, 20, 20]
    record = case.record
    assert (record.model_slices, case.reviewed_slices) == ((2, 3, 4, 5), (2, 3))
    assert record.num_changed_voxels == np.count_nonzero(case.labels[2:6] != case.model_labels[2:6])
    assert record.window == (-900.0, 100.0, "HU")
    assert (record.provenance["model"], record.notes) == ("mini", "rim")
    assert case.report == "Left lower zone."
    assert record.seconds is not None
    assert 0 <= record.seconds < 60
    again = save(bridge.snapshot_correction(image_id), tmp_path / "ledger")
    assert (again.case_id, again.revision) == (kept.case_id, 2)


def test_a_case_is_saved_to_itself_only_in_its_own_ledger(viewer, bridge, tmp_path) -> None:
    image_id = add_phantom(viewer, bridge)
    run(bridge, image_id, range(2))
    draft = Draft()
    first = DiskFiles().save_correction(
        bridge.snapshot_correction(image_id), draft, (0,), tmp_path / "a"
    )
    key = Ledger.open(tmp_path / "a").load(first.case_id).patient_key
    opened = OpenedFrom(ledger=tmp_path / "a", case_id=first.case_id, patient_key=key)
    taken = replace(bridge.snapshot_correction(image_id), case=opened)
    assert DiskFiles().save_correction(taken, draft, (0,), tmp_path / "a").revision == 2
    elsewhere = DiskFiles().save_correction(taken, draft, (0,), tmp_path / "b")
    assert (elsewhere.revision, elsewhere.case_id == first.case_id) == (1, False)


def test_labels_that_cannot_be_kept_are_refused(viewer, bridge, tmp_path) -> None:
    image_id = add_phantom(viewer, bridge)
    run(bridge, image_id, range(2))
    taken = bridge.snapshot_correction(image_id)
    high = replace(taken, labels=taken.labels.astype(np.int32) + 300)
    with pytest.raises(OutputError, match="The mask holds labels from 0 to 301"):
        DiskFiles().save_correction(high, Draft(), (0,), tmp_path / "ledger")
    assert not (tmp_path / "ledger").exists()


def test_an_image_without_a_mask_cannot_be_saved(viewer, bridge) -> None:
    with pytest.raises(InputError, match="no mask yet"):
        bridge.snapshot_correction(add_phantom(viewer, bridge))


def test_slices_reviewed_on_another_day_stand_in_the_next_revision(
    viewer, bridge, tmp_path
) -> None:
    image_id = add_phantom(viewer, bridge)
    run(bridge, image_id, range(2, 4))
    mask = layers.find_mask(viewer.layers, viewer.layers[0])
    assert mask is not None
    mask.paint((3, 20, 20), 1)
    first = DiskFiles().save_correction(
        bridge.snapshot_correction(image_id), Draft(), (2, 3), tmp_path / "ledger"
    )
    before = Ledger.open(tmp_path / "ledger").load(first.case_id)
    viewer.layers.clear()
    again = add_phantom(viewer, bridge)
    run(bridge, again, range(5, 7))
    second = DiskFiles().save_correction(
        bridge.snapshot_correction(again), Draft(), (5,), tmp_path / "ledger"
    )
    assert (second.case_id, second.revision) == (first.case_id, 2)
    assert (second.carried_over, second.is_new_ledger) == ((2, 3), False)
    case = Ledger.open(tmp_path / "ledger").load(first.case_id)
    assert case.reviewed_slices == (2, 3, 5)
    np.testing.assert_array_equal(case.labels[2:4], before.labels[2:4])
    assert case.model_labels is not None
    assert before.model_labels is not None
    np.testing.assert_array_equal(case.model_labels[2:4], before.model_labels[2:4])
    assert case.record.model_slices == (2, 3, 5, 6)
    other = replace(bridge.snapshot_correction(again), model=None)
    DiskFiles().save_correction(other, Draft(), (5, 6), tmp_path / "ledger")
    case = Ledger.open(tmp_path / "ledger").load(first.case_id)
    assert (case.reviewed_slices, case.model_labels) == ((2, 3, 5, 6), None)


def test_a_stated_patient_keeps_images_together(viewer, bridge, tmp_path) -> None:
    for value in (1, 2):
        array = phantom_stack().array + value
        volume = replace(phantom_stack(), array=array)
        viewer.add_layer(Layer.create(*image_layer_tuple(volume, "scan")))
        image_id = bridge.images()[-1].id
        run(bridge, image_id, range(2))
        taken = bridge.snapshot_correction(image_id)
        DiskFiles().save_correction(
            taken, Draft(patient=" MRS-SMITH-4711 "), (0,), tmp_path / "ledger"
        )
    cases = Ledger.open(tmp_path / "ledger").cases().cases
    assert len(cases) == 2
    assert len({case.patient_key for case in cases}) == 1
    assert b"SMITH" not in b"".join(
        path.read_bytes() for path in (tmp_path / "ledger").rglob("*") if path.is_file()
    )


def test_a_folder_that_is_no_ledger_is_not_chosen(desk, tmp_path) -> None:
    desk.files.check_ledger.side_effect = LedgerError("No ledger.")
    desk.controller.corrections.choose_ledger(str(tmp_path))
    assert (desk.state.problem, desk.state.ledger) == ("No ledger.", "ledger")


def test_an_image_that_came_during_a_save_is_chosen_after_it(desk) -> None:
    second = ImageInfo(id="b", name="other", num_slices=4)

    def come(*_: Any) -> SavedCorrection:
        desk.layers.images.return_value = (*desk.state.images, second)
        desk.controller.refresh_images()
        assert desk.state.image_id == "a"
        return SavedCorrection(case_id="3fa2c1d4e5f60718", revision=1)

    desk.files.save_correction.side_effect = come
    desk.controller.corrections.edit_reviewed("0")
    desk.controller.corrections.save()
    assert desk.state.image_id == "b"
    assert "Correction saved" in desk.state.notices[0]
