"""The panel's views alone: they show a state and report actions, nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from qtpy.QtCore import QSize, Qt
from qtpy.QtGui import QIcon
from qtpy.QtWidgets import QFileDialog, QLabel

from napari_tgcnet.corrections import messages
from napari_tgcnet.corrections.state import Activity, CorrectionsState, LedgerStatus
from napari_tgcnet.corrections.views.case_model import DICE, MODEL, PICTURE, REVIEWED, SAVED
from napari_tgcnet.corrections.views.panel import CorrectionsPanelView
from napari_tgcnet.segment import messages as shared_messages

DASH = messages.NO_DICE
A, B, C = "a" * 16, "b" * 16, "c" * 16
TIP = Qt.ItemDataRole.ToolTipRole


@pytest.fixture
def state(cases) -> CorrectionsState:
    return CorrectionsState(
        folder=Path("some") / "ledger", ledger_status=LedgerStatus.PRESENT, cases=cases
    )


class Actions:
    """Stands for the controller; keeps what was reported, in order."""

    def __init__(self) -> None:
        self.reported: list[tuple[object, ...]] = []

    def choose_ledger(self, folder: str) -> None:
        self.reported.append(("choose_ledger", folder))

    def show_bin(self, shows_bin: bool) -> None:
        self.reported.append(("show_bin", shows_bin))

    def select(self, case_ids: Sequence[str]) -> None:
        self.reported.append(("select", case_ids))

    def open_case(self, case_id: str) -> None:
        self.reported.append(("open_case", case_id))

    def delete(self) -> None:
        self.reported.append(("delete",))

    def restore(self) -> None:
        self.reported.append(("restore",))


@pytest.fixture
def actions() -> Actions:
    return Actions()


@pytest.fixture
def panel(qtbot, state, actions) -> CorrectionsPanelView:
    panel = CorrectionsPanelView()
    panel.connect_to(actions)
    qtbot.addWidget(panel)
    panel.resize(400, 800)
    panel.show_state(state)
    panel.show()
    return panel


@pytest.fixture
def in_tokyo(monkeypatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "Asia/Tokyo")
        time.tzset()
        yield
    time.tzset()


def shown(panel: CorrectionsPanelView, column: int, role: int = Qt.ItemDataRole.DisplayRole):
    model = panel.table.model()
    return [model.index(row, column).data(role) for row in range(model.rowCount())]


def click_heading(panel: CorrectionsPanelView, column: int, qtbot) -> None:
    header = panel.table.horizontalHeader()
    middle = header.rect().center()
    middle.setX(header.sectionViewportPosition(column) + header.sectionSize(column) // 2)
    qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=middle)


def test_showing_a_state_reports_nothing(panel, state, actions) -> None:
    panel.show_state(replace(state, selected=(A, B), shows_bin=True))
    panel.show_state(replace(state, cases=(), selected=()))
    assert actions.reported == []


def test_a_row_says_what_the_ledger_knows(panel, in_tokyo) -> None:
    assert shown(panel, DICE) == ["0.871", DASH, "0.871"]
    assert "0.802 as their mean" in shown(panel, DICE, TIP)[0]
    assert "nothing to compare" in shown(panel, DICE, TIP)[1]
    assert shown(panel, REVIEWED)[0] == "3 of 120"
    assert shown(panel, SAVED)[0] == "2026-01-05\n19:00"
    assert shown(panel, MODEL)[0] == "mini\nfor training\n1 revision"
    assert shown(panel, MODEL)[1] == "no model\nfor training\n1 revision"


def test_held_out_and_revisions_are_shown(panel, state, cases) -> None:
    panel.show_state(replace(state, cases=(replace(cases[0], is_held_out=True, num_revisions=3),)))
    assert shown(panel, MODEL) == ["mini\nheld out\n3 revisions"]
    assert "never trained on" in shown(panel, MODEL, TIP)[0]
    assert "First saved" in shown(panel, SAVED, TIP)[0]


def test_rows_stand_newest_first_and_dice_is_sorted_as_a_number(panel, state, cases, qtbot) -> None:
    assert [one[:10] for one in shown(panel, SAVED)] == ["2026-01-05", "2026-01-03", "2026-01-02"]
    dices = (0.95, 1.0, None)
    changed = tuple(
        replace(case, dice_pooled=dice) for case, dice in zip(cases, dices, strict=True)
    )
    panel.show_state(replace(state, cases=changed))
    click_heading(panel, DICE, qtbot)
    first = shown(panel, DICE)
    click_heading(panel, DICE, qtbot)
    assert sorted([first, shown(panel, DICE)]) == [
        ["0.950", "1.000", DASH],
        ["1.000", "0.950", DASH],
    ]
    click_heading(panel, SAVED, qtbot)
    click_heading(panel, SAVED, qtbot)
    assert shown(panel, DICE) in (["1.000", DASH, "0.950"], ["0.950", DASH, "1.000"])


def test_the_selection_is_kept_over_a_reload_wherever_its_row_goes(panel, state, cases) -> None:
    panel.show_state(replace(state, selected=(C,)))
    newer = replace(cases[0], case_id="d" * 16, saved_utc="2026-02-01T00:00:00.000+00:00")
    panel.show_state(replace(state, cases=(*cases, newer), selected=(C,)))
    assert panel.table.selected_ids() == (C,)
    assert panel.table.selectionModel().selectedRows()[0].row() == 2


def test_selecting_rows_is_reported_in_the_order_seen(panel, actions) -> None:
    panel.table.selectAll()
    assert actions.reported == [("select", (B, C, A))]


def test_keys_and_a_double_click_open_and_delete(panel, state, actions, qtbot) -> None:
    panel.show_state(replace(state, selected=(B,)))
    for key in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Delete):
        qtbot.keyClick(panel.table, key)
    assert actions.reported == [("open_case", B), ("open_case", B), ("delete",)]
    row = panel.table.visualRect(panel.table.model().index(2, REVIEWED)).center()
    qtbot.mouseClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=row)
    qtbot.mouseDClick(panel.table.viewport(), Qt.MouseButton.LeftButton, pos=row)
    assert actions.reported[-1] == ("open_case", A)


def test_buttons_say_what_can_be_done(panel, state, qtbot) -> None:
    def enabled() -> list[bool]:
        buttons = (panel.open_button, panel.delete_button, panel.restore_button)
        return [button.isVisible() and button.isEnabled() for button in buttons]

    assert enabled() == [False, False, False]
    panel.show_state(replace(state, selected=(A,)))
    assert enabled() == [True, True, False]
    panel.show_state(replace(state, selected=(A, B)))
    assert enabled() == [False, True, False]
    panel.show_state(replace(state, selected=(A, B), shows_bin=True))
    assert enabled() == [False, False, True]
    assert panel.bin_box.isChecked()
    panel.show_state(replace(state, selected=(A,), activity=Activity.OPENING))
    assert enabled() == [False, False, False]
    assert panel.notice.text() == "Opening the correction…"


def test_the_buttons_report_actions(panel, state, actions, qtbot) -> None:
    panel.show_state(replace(state, selected=(A,)))
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(panel.open_button, left)
    qtbot.mouseClick(panel.delete_button, left)
    panel.bin_box.click()
    panel.show_state(replace(state, selected=(A,), shows_bin=True))
    qtbot.mouseClick(panel.restore_button, left)
    assert actions.reported == [("open_case", A), ("delete",), ("show_bin", True), ("restore",)]


def test_a_thumbnail_appears_in_the_row_of_its_revision(panel, state, cases) -> None:
    pixels = np.zeros((64, 64, 3), dtype=np.uint8)
    pixels[:, :, 1] = np.arange(64)
    panel.show_thumbnail(C, 1, pixels)
    first, second, third = shown(panel, PICTURE, Qt.ItemDataRole.DecorationRole)
    assert (first, third) == (None, None)
    for mode in (QIcon.Mode.Normal, QIcon.Mode.Selected):
        colour = second.pixmap(QSize(64, 64), mode).toImage().pixelColor(50, 7)
        assert (colour.red(), colour.green(), colour.blue()) == (0, 50, 0)
    panel.show_state(replace(state, cases=cases[2:]))
    assert shown(panel, PICTURE, Qt.ItemDataRole.DecorationRole) != [None]
    panel.show_state(replace(state, cases=(replace(cases[2], num_revisions=2),)))
    assert shown(panel, PICTURE, Qt.ItemDataRole.DecorationRole) == [None]


def test_all_that_is_broken_is_listed_and_takes_no_room_from_the_table(panel, state) -> None:
    sentences = tuple(f"Case {number} is damaged." for number in range(60))
    panel.show_state(replace(state, broken=sentences))
    assert panel.broken.toPlainText().splitlines() == [f"• {one}" for one in sentences]
    assert panel.broken_title.text() == "60 corrections cannot be used:"
    assert panel.table.height() > 400
    panel.show_state(state)
    assert not panel.broken.isVisible()
    assert not panel.broken_title.isVisible()


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"ledger_status": LedgerStatus.UNKNOWN, "is_reading": True}, messages.READING),
        ({"ledger_status": LedgerStatus.MISSING}, messages.NO_LEDGER_YET),
        ({"ledger_status": LedgerStatus.MISSING, "shows_bin": True}, messages.EMPTY_BIN),
        ({}, messages.EMPTY),
        ({"shows_bin": True}, messages.EMPTY_BIN),
        ({"ledger_status": LedgerStatus.UNKNOWN, "problem": "x is no ledger."}, ""),
    ],
)
def test_without_a_row_a_sentence_says_why(panel, state, changes, sentence) -> None:
    panel.show_state(replace(state, cases=(), **changes))
    assert not panel.table.isVisible()
    assert panel.placeholder.text() == sentence
    assert panel.problem.isVisible() == bool(changes.get("problem"))


def test_the_ledger_is_named_and_another_is_chosen(panel, actions, monkeypatch) -> None:
    assert panel.folder.text() == "ledger"
    assert panel.folder.toolTip() == str(Path("some") / "ledger")
    answers = iter(["", "other"])
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: next(answers))
    panel.choose_button.click()
    assert actions.reported == [], "the dialog was cancelled"
    panel.choose_button.click()
    assert actions.reported == [("choose_ledger", "other")]


def test_hundreds_of_rows_are_shown_quickly(panel, state, cases) -> None:
    many = tuple(replace(cases[0], case_id=f"{number:016x}") for number in range(800))
    began = time.process_time()
    panel.show_state(replace(state, cases=many))
    pixels = np.zeros((64, 64, 3), dtype=np.uint8)
    for case in many[:50]:
        panel.show_thumbnail(case.case_id, 1, pixels)
    assert time.process_time() - began < 1.0
    assert panel.summary.text() == "800 corrections"


def test_every_heading_and_button_explains_itself(panel) -> None:
    header = panel.table.model()
    for column in range(header.columnCount()):
        assert header.headerData(column, Qt.Orientation.Horizontal, TIP)
    for button in (panel.choose_button, panel.open_button, panel.delete_button, panel.bin_box):
        assert button.toolTip()
    assert panel.table.accessibleName()
    assert panel.broken.accessibleName()
    spoken = shown(panel, PICTURE, Qt.ItemDataRole.AccessibleTextRole)
    assert spoken[0] == "case bbbbbb…"


def test_the_panel_fits_400_px_and_says_what_it_is_for(panel) -> None:
    assert panel.minimumSizeHint().width() <= 400
    assert panel.table.horizontalHeader().length() <= panel.table.viewport().width()
    assert shared_messages.RESEARCH_USE in [label.text() for label in panel.findChildren(QLabel)]
