"""The panel of corrections in a real napari window, on a ledger of phantom corrections."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from napari.layers import Image, Labels
from qtpy.QtCore import Qt, QThreadPool

from napari_tgcnet._widget import CorrectionsPanel
from napari_tgcnet.corrections.ledger_store import DiskLedgerStore
from napari_tgcnet.corrections.views.case_model import CASE_ID_ROLE, PICTURE
from napari_tgcnet.segment.files import DiskFiles
from napari_tgcnet.shared.case import Draft
from napari_tgcnet.shared.layers import KEY, find_mask, list_images, own_metadata
from napari_tgcnet.shared.session import Session
from napari_tgcnet.shared.snapshots import snapshot_correction
from tgcnet.corrections import Ledger

TIMEOUT_MS = 60_000


class Window:
    """A viewer with the panel docked in it."""

    def __init__(self, viewer, session: Session, qtbot) -> None:
        self.viewer, self.session, self.qtbot = viewer, session, qtbot
        self.panel = CorrectionsPanel(viewer, session)
        self.dock = viewer.window.add_dock_widget(self.panel, name="TGC-Net: corrections")
        self.view, self.table = self.panel.view, self.panel.view.table

    @property
    def state(self):
        return self.panel.controller.state

    def wait(self, condition) -> None:
        self.qtbot.waitUntil(condition, timeout=TIMEOUT_MS)

    def rows(self) -> list[tuple[str, bool]]:
        """Case and whether it has a picture, as shown."""
        model = self.table.model()
        cells = [model.index(row, PICTURE) for row in range(model.rowCount())]
        return [
            (cell.data(CASE_ID_ROLE), cell.data(Qt.ItemDataRole.DecorationRole) is not None)
            for cell in cells
        ]

    def wait_for_rows(self, *case_ids: str) -> None:
        wanted = {(case_id, True) for case_id in case_ids}
        self.wait(lambda: set(self.rows()) == wanted and len(self.rows()) == len(case_ids))

    def click_row(self, case_id: str) -> None:
        row = [one for one, _ in self.rows()].index(case_id)
        where = self.table.visualRect(self.table.model().index(row, 1)).center()
        self.qtbot.mouseClick(self.table.viewport(), Qt.MouseButton.LeftButton, pos=where)
        assert self.state.selected == (case_id,)

    def open(self, case_id: str) -> None:
        self.click_row(case_id)
        self.qtbot.mouseClick(self.view.open_button, Qt.MouseButton.LeftButton)
        self.wait(lambda: not self.state.is_busy and bool(self.state.notice or self.state.problem))


@pytest.fixture
def saved(ledger: Ledger, make_correction) -> dict[str, Any]:
    """Case id -> correction: a stack, a radiograph, and one that no model was run for."""
    corrections = (
        make_correction(seed=0),
        make_correction(seed=1, num_slices=1, window=None),
        make_correction(seed=2, model_labels=None, provenance={}, reviewed_slices=()),
    )
    return {ledger.save(one).case_id: one for one in corrections}


@pytest.fixture
def window(make_napari_viewer, qtbot, ledger: Ledger, saved) -> Iterator[Window]:
    window = Window(make_napari_viewer(show=True), Session(ledger.folder), qtbot)
    yield window
    window.panel.controller.close()
    assert QThreadPool.globalInstance().waitForDone(TIMEOUT_MS)


def test_three_rows_one_opened_deleted_and_restored(window: Window, ledger: Ledger, saved) -> None:
    stack, radiograph, bare = saved
    window.wait_for_rows(stack, radiograph, bare)
    window.open(stack)
    image, model, person = window.viewer.layers
    correction = saved[stack]
    assert np.array_equal(image.data, correction.volume.array)
    assert image.data.dtype == correction.volume.array.dtype
    assert np.array_equal(model.data, correction.model_labels)
    assert np.array_equal(person.data, correction.labels)
    own = image.metadata[KEY]
    assert (own["case"].ledger, own["case"].case_id) == (ledger.folder, stack)
    assert own["report"] == correction.report
    assert own["draft"] == Draft(report=correction.report, reviewed="2", notes=correction.notes)
    assert np.array_equal(own["header"].geometry.affine_lps, correction.volume.geometry.affine_lps)
    assert person.metadata[KEY]["mask_of"] == model.metadata[KEY]["model_mask_of"] == own["id"]
    assert person.metadata[KEY]["provenance"] == correction.provenance
    begun_with = person.metadata[KEY]["model_mask"]
    assert np.array_equal(begun_with.labels, correction.model_labels)
    assert begun_with.slices == (0, 1, 2)
    window.click_row(stack)
    window.qtbot.keyClick(window.table, Qt.Key.Key_Delete)
    window.wait(lambda: len(window.state.cases) == 2)
    assert [case.case_id for case in ledger.deleted().cases] == [stack]
    assert len(window.viewer.layers) == 3, "open layers stay"
    window.view.bin_box.click()
    window.wait_for_rows(stack)
    window.click_row(stack)
    window.qtbot.mouseClick(window.view.restore_button, Qt.MouseButton.LeftButton)
    window.wait(lambda: window.state.cases == () and not window.state.is_busy)
    window.view.bin_box.click()
    window.wait_for_rows(stack, radiograph, bare)
    assert ledger.deleted().cases == ()


def test_an_opened_stack_is_ready_to_be_corrected(window: Window, saved) -> None:
    stack, *_ = saved
    window.wait(lambda: len(window.rows()) == 3)
    window.open(stack)
    image, model, person = window.viewer.layers
    short = f"case {stack[:6]}…"
    assert [one.name for one in (image, model, person)] == [
        short,
        f"{short} model",
        f"{short} mask",
    ]
    assert (model.visible, model.editable) == (False, False)
    assert (person.visible, person.editable) == (True, True)
    assert window.viewer.layers.selection.active is person
    assert find_mask(window.viewer.layers, image) is person
    window.viewer.layers.selection.active = model
    assert find_mask(window.viewer.layers, image) is person, "the model's is none to correct"
    assert tuple(image.contrast_limits) == (-1350, 150)
    assert window.viewer.dims.current_step[0] == 2, "the first reviewed slice"
    assert list_images(window.viewer.layers)[0].num_slices == 3
    assert person is not None
    person.paint((2, 30, 30), 1)
    assert person.metadata[KEY]["model_mask"].labels[2, 30, 30] == 0
    assert model.data[2, 30, 30] == 0


def test_a_radiograph_is_two_dimensional_and_opens_once(window: Window, saved) -> None:
    _, radiograph, _ = saved
    window.wait(lambda: len(window.rows()) == 3)
    window.open(radiograph)
    correction = saved[radiograph]
    image, model, person = window.viewer.layers
    assert [one.ndim for one in (image, model, person)] == [2, 2, 2]
    assert np.array_equal(image.data, correction.volume.array[0])
    assert np.array_equal(person.data, correction.labels[0])
    assert person.metadata[KEY]["model_mask"].labels.shape == correction.labels.shape
    window.viewer.layers.selection.active = image
    window.open(radiograph)
    assert "open already" in window.state.notice
    assert len(window.viewer.layers) == 3
    assert window.viewer.layers.selection.active is person


def test_a_case_without_a_models_mask_has_two_layers(window: Window, saved) -> None:
    *_, bare = saved
    window.wait(lambda: len(window.rows()) == 3)
    window.open(bare)
    image, person = window.viewer.layers
    assert isinstance(image, Image)
    assert isinstance(person, Labels)
    assert "model_mask" not in person.metadata[KEY]


@pytest.mark.parametrize("which", [0, 1, 2])
def test_what_is_saved_from_opened_layers_is_a_revision(
    window: Window, ledger: Ledger, saved, which: int
) -> None:
    case_id = list(saved)[which]
    window.wait(lambda: len(window.rows()) == 3)
    window.open(case_id)
    image, person = window.viewer.layers[0], window.viewer.layers[-1]
    nought = np.zeros(4, dtype=int)
    person.data_setitem((*(nought,) * (person.ndim - 1), np.arange(4)), 1)
    own = own_metadata(image)
    taken = snapshot_correction(image, person)
    reviewed = saved[case_id].reviewed_slices
    kept = DiskFiles().save_correction(taken, own["draft"], reviewed, ledger.folder)
    assert (kept.case_id, kept.revision) == (case_id, 2)
    before, after = ledger.load(case_id, 1), ledger.load(case_id, 2)
    assert after.labels[0, 0, :4].all()
    assert np.count_nonzero(after.labels != before.labels) == 4
    if before.model_labels is None:
        assert after.model_labels is None
    else:
        assert after.model_labels is not None
        assert np.array_equal(after.model_labels, before.model_labels)
    assert (after.report, after.record.notes) == (before.report, before.record.notes)
    assert after.record.provenance == before.record.provenance
    window.session.corrections_changed.emit()
    window.wait(lambda: max(case.num_revisions for case in window.state.cases) == 2)
    assert len(window.state.cases) == 3


def test_a_damaged_case_is_a_sentence_and_the_window_lives(window: Window, ledger, saved) -> None:
    stack, radiograph, bare = saved
    window.wait_for_rows(stack, radiograph, bare)
    (ledger.folder / "cases" / stack / "image.nii.gz").write_bytes(b"torn")
    window.open(stack)
    assert "is damaged" in window.state.problem
    assert window.view.problem.isVisible()
    assert len(window.viewer.layers) == 0
    window.open(radiograph)
    assert len(window.viewer.layers) == 3


def test_a_correction_saved_elsewhere_appears(window: Window, ledger, make_correction) -> None:
    window.wait(lambda: len(window.rows()) == 3)
    ledger.save(make_correction(seed=9))
    window.session.corrections_changed.emit()
    window.wait(lambda: len(window.rows()) == 4)


def test_another_ledger_none_yet_and_no_ledger(window: Window, tmp_path) -> None:
    window.wait(lambda: len(window.rows()) == 3)
    window.session.choose_ledger(tmp_path / "later")
    window.wait(lambda: "No correction was saved yet" in window.view.placeholder.text())
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "cat.txt").write_text("no ledger")
    window.view.ledger_chosen.emit(str(tmp_path / "photos"))
    window.wait(lambda: "is no ledger of corrections" in window.view.problem.text())
    assert window.session.ledger == tmp_path / "later"


def test_a_closed_dock_draws_and_follows_no_more(window: Window, saved, monkeypatch) -> None:
    window.wait(lambda: len(window.rows()) == 3)
    listed: list[object] = []
    monkeypatch.setattr(DiskLedgerStore, "list_cases", lambda *_, **__: listed.append(None))
    window.qtbot.mouseClick(window.dock.title.close_button, Qt.MouseButton.LeftButton)
    assert QThreadPool.globalInstance().waitForDone(TIMEOUT_MS)
    window.session.corrections_changed.emit()
    window.session.choose_ledger(window.session.ledger.parent)
    assert QThreadPool.globalInstance().activeThreadCount() == 0
    assert listed == []


def test_closing_the_viewer_while_thumbnails_are_drawn_ends_that(
    make_napari_viewer, qtbot, ledger: Ledger, saved, monkeypatch
) -> None:
    drawn: list[str] = []
    is_closed = threading.Event()
    draw = DiskLedgerStore.thumbnail

    def slow(self, folder, case_id, *, in_bin):
        drawn.append(case_id)
        assert is_closed.wait(TIMEOUT_MS / 1000)
        return draw(self, folder, case_id, in_bin=in_bin)

    monkeypatch.setattr(DiskLedgerStore, "thumbnail", slow)
    window = Window(make_napari_viewer(show=True), Session(ledger.folder), qtbot)
    window.wait(lambda: len(drawn) == 1)
    window.viewer.close()
    is_closed.set()
    assert QThreadPool.globalInstance().waitForDone(TIMEOUT_MS)
    qtbot.wait(100)  # what waits in the event loop would start the next one
    assert QThreadPool.globalInstance().activeThreadCount() == 0
    assert len(drawn) == 1
