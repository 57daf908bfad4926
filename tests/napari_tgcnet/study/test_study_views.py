"""The views of studies alone: they show a state and report wishes, nothing else."""

from __future__ import annotations

import pytest
from qtpy.QtCore import QMimeData, QPointF, Qt, QUrl
from qtpy.QtGui import QDropEvent
from qtpy.QtWidgets import QFileDialog

from napari_tgcnet.study import messages
from napari_tgcnet.study.state import Activity, SeriesRow, StudyState
from napari_tgcnet.study.views.panel import StudyPanelView
from napari_tgcnet.study.views.series_model import PATIENT, SERIES
from tgcnet.io.dicom.series import Skipped

ROW = SeriesRow(
    key=0,
    patient="PA••15",
    date="2024-01-02",
    modality="CT",
    description="Thorax",
    num_slices=600,
    rows=512,
    columns=512,
    num_bytes=314_572_800,
    remarks=("Spacing varies by 2 %.",),
)
REFUSED = SeriesRow(
    key=1,
    patient="PA••15",
    date="",
    modality="CT",
    description="Topogram",
    num_slices=2,
    rows=512,
    columns=512,
    num_bytes=1_048_576,
    refusals=("Slice 2 is missing.",),
)
STATE = StudyState(
    source="folder",
    is_listed=True,
    rows=(ROW, REFUSED),
    skipped=(Skipped(name="notes.txt", reason="no DICOM file"),),
    selected=0,
)


@pytest.fixture
def panel(qtbot) -> StudyPanelView:
    panel = StudyPanelView()
    qtbot.addWidget(panel)
    panel.resize(420, 800)
    panel.show_state(STATE)
    panel.show()
    return panel


def cell(panel: StudyPanelView, row: int, column: int, role=Qt.ItemDataRole.DisplayRole) -> object:
    return panel.table.model().index(row, column).data(role)


def test_showing_a_state_reports_nothing(panel) -> None:
    heard: list[object] = []
    panel.series_selected.connect(heard.append)
    panel.open_requested.connect(heard.append)
    panel.skipped_wanted.connect(heard.append)
    panel.show_state(StudyState(rows=(REFUSED,), selected=1, shows_skipped=True))
    panel.show_state(StudyState())
    assert heard == []


def test_a_row_tells_of_its_series(panel) -> None:
    assert cell(panel, 0, PATIENT) == "PA••15"
    assert cell(panel, 0, SERIES) == "Thorax\n512 x 512, 315 MB"
    assert cell(panel, 1, SERIES, Qt.ItemDataRole.ToolTipRole) == "Slice 2 is missing."
    assert messages.summary(STATE) == panel.summary.text() == "2 series, 1 of them cannot be opened"


def test_the_selected_row_says_what_is_amiss_and_a_refused_one_cannot_be_opened(panel) -> None:
    assert panel.about.text() == "Spacing varies by 2 %."
    assert panel.open_button.isEnabled()
    panel.show_state(StudyState(rows=(ROW, REFUSED), selected=1))
    assert panel.about.text() == "This series cannot be opened:\nSlice 2 is missing."
    assert not panel.open_button.isEnabled()


def test_a_click_selects_and_enter_a_button_and_two_clicks_open(panel, qtbot) -> None:
    selected, opened = [], []
    panel.series_selected.connect(selected.append)
    panel.open_requested.connect(opened.append)
    panel.table.selectRow(1)
    assert selected == [1]
    qtbot.keyClick(panel.table, Qt.Key.Key_Return)
    panel.table.doubleClicked.emit(panel.table.model().index(0, 0))
    panel.table.selectRow(0)
    qtbot.mouseClick(panel.open_button, Qt.MouseButton.LeftButton)
    assert opened == [1, 0, 0]


def test_a_file_and_a_folder_are_asked_for(panel, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("a.zip", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "study")
    chosen: list[str] = []
    panel.path_chosen.connect(chosen.append)
    for button in (panel.file_button, panel.folder_button):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert chosen == ["a.zip", "study"]


def test_what_is_dropped_is_chosen(panel, tmp_path) -> None:
    chosen: list[str] = []
    panel.path_chosen.connect(chosen.append)
    dropped = QMimeData()
    dropped.setUrls([QUrl.fromLocalFile(str(tmp_path))])
    event = QDropEvent(
        QPointF(5, 5),
        Qt.DropAction.CopyAction,
        dropped,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    panel.dropEvent(event)
    assert chosen == [str(tmp_path)]


def test_skipped_files_are_counted_and_listed_on_demand(panel, qtbot) -> None:
    wanted: list[bool] = []
    panel.skipped_wanted.connect(wanted.append)
    assert panel.skipped_button.text() == "Show 1 file in no series"
    assert not panel.skipped.isVisible()
    qtbot.mouseClick(panel.skipped_button, Qt.MouseButton.LeftButton)
    assert wanted == [True]
    panel.show_state(StudyState(skipped=STATE.skipped, shows_skipped=True))
    assert panel.skipped.toPlainText() == "notes.txt: no DICOM file"
    assert panel.skipped.isVisible()


def test_a_listing_and_a_loading_show_how_far_they_are_and_can_be_cancelled(panel, qtbot) -> None:
    panel.show_state(StudyState(activity=Activity.LISTING, fraction=0.4))
    assert panel.status.text() == messages.ACTIVITIES[Activity.LISTING]
    assert panel.progress.value() / panel.progress.maximum() == 0.4
    assert not panel.file_button.isEnabled()
    with qtbot.waitSignal(panel.cancel_requested):
        qtbot.mouseClick(panel.cancel_button, Qt.MouseButton.LeftButton)
    panel.show_state(StudyState(num_loaded=7, num_to_load=600))
    assert panel.status.text() == "7 of 600 slices are in memory"
    assert panel.cancel_button.isEnabled()
    panel.show_state(StudyState())
    assert not panel.progress.isVisible()
    assert not panel.cancel_button.isEnabled()


def test_an_empty_panel_says_what_to_do(panel) -> None:
    panel.show_state(StudyState())
    assert panel.instead.isVisible()
    assert panel.instead.text() == messages.DROP_HERE
