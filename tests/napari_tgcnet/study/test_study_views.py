"""The views of studies alone: they show a state and report actions, nothing else."""

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


class Actions:
    """Stands for the controller; keeps what was reported, in order."""

    def __init__(self) -> None:
        self.reported: list[tuple[str, object]] = []

    def list_path(self, path: str) -> None:
        self.reported.append(("list_path", path))

    def select(self, key: int | None) -> None:
        self.reported.append(("select", key))

    def open_series(self, key: int) -> None:
        self.reported.append(("open_series", key))

    def cancel(self) -> None:
        self.reported.append(("cancel", None))

    def show_skipped(self, is_wanted: bool) -> None:
        self.reported.append(("show_skipped", is_wanted))


@pytest.fixture
def actions() -> Actions:
    return Actions()


@pytest.fixture
def panel(qtbot, actions) -> StudyPanelView:
    panel = StudyPanelView()
    panel.connect_to(actions)
    qtbot.addWidget(panel)
    panel.resize(420, 800)
    panel.show_state(STATE)
    panel.show()
    return panel


def cell(panel: StudyPanelView, row: int, column: int, role=Qt.ItemDataRole.DisplayRole) -> object:
    return panel.table.model().index(row, column).data(role)


def test_showing_a_state_reports_nothing(panel, actions) -> None:
    panel.show_state(StudyState(rows=(REFUSED,), selected=1, shows_skipped=True))
    panel.show_state(StudyState())
    assert actions.reported == []


def test_a_row_describes_its_series(panel) -> None:
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


def test_a_click_selects_and_enter_a_button_and_two_clicks_open(panel, actions, qtbot) -> None:
    panel.table.selectRow(1)
    assert actions.reported == [("select", 1)]
    qtbot.keyClick(panel.table, Qt.Key.Key_Return)
    panel.table.doubleClicked.emit(panel.table.model().index(0, 0))
    panel.table.selectRow(0)
    qtbot.mouseClick(panel.open_button, Qt.MouseButton.LeftButton)
    assert actions.reported[1:] == [
        ("open_series", 1),
        ("open_series", 0),
        ("select", 0),
        ("open_series", 0),
    ]


def test_a_file_and_a_folder_are_asked_for(panel, actions, qtbot, monkeypatch) -> None:
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: ("a.zip", ""))
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: "study")
    for button in (panel.file_button, panel.folder_button):
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert actions.reported == [("list_path", "a.zip"), ("list_path", "study")]


def test_what_is_dropped_is_chosen(panel, actions, tmp_path) -> None:
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
    assert actions.reported == [("list_path", str(tmp_path))]


def test_skipped_files_are_counted_and_listed_on_demand(panel, actions, qtbot) -> None:
    assert panel.skipped_button.text() == "Show 1 file in no series"
    assert not panel.skipped.isVisible()
    qtbot.mouseClick(panel.skipped_button, Qt.MouseButton.LeftButton)
    assert actions.reported == [("show_skipped", True)]
    panel.show_state(StudyState(skipped=STATE.skipped, shows_skipped=True))
    assert panel.skipped.toPlainText() == "notes.txt: no DICOM file"
    assert panel.skipped.isVisible()


def test_listing_and_loading_show_their_progress_and_can_be_cancelled(
    panel, actions, qtbot
) -> None:
    panel.show_state(StudyState(activity=Activity.LISTING, fraction=0.4))
    assert panel.status.text() == messages.ACTIVITIES[Activity.LISTING]
    assert panel.progress.value() / panel.progress.maximum() == 0.4
    assert not panel.file_button.isEnabled()
    qtbot.mouseClick(panel.cancel_button, Qt.MouseButton.LeftButton)
    assert actions.reported == [("cancel", None)]
    panel.show_state(StudyState(num_loaded=7, num_to_load=600))
    assert panel.status.text() == "7 of 600 slices are in memory"
    assert panel.cancel_button.isEnabled()
    panel.show_state(StudyState())
    assert not panel.progress.isVisible()
    assert not panel.cancel_button.isEnabled()


def test_an_empty_panel_says_what_to_do(panel) -> None:
    panel.show_state(StudyState())
    assert panel.placeholder.isVisible()
    assert panel.placeholder.text() == messages.DROP_HERE
