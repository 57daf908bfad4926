"""The controller of corrections against mocked ports, without a window."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import pytest

from napari_tgcnet.corrections import messages
from napari_tgcnet.corrections.state import Activity, LedgerStatus, MoveResult, OpenedCase
from tgcnet.corrections import Listing, Problem
from tgcnet.domain import Case
from tgcnet.errors import LedgerDamageError, LedgerError

A, B, C = "a" * 16, "b" * 16, "c" * 16


@pytest.fixture
def read_desk(desk):
    desk.workers.work_all()
    return desk


def drawn(desk) -> list[str]:
    return [call.args[0] for call in desk.view.show_thumbnail.call_args_list]


def test_the_list_is_read_in_a_worker_and_thumbnails_follow_newest_first(desk, cases) -> None:
    assert desk.state.is_reading
    desk.ledger_store.list_cases.assert_not_called()
    desk.workers.work()
    assert (desk.state.cases, desk.state.ledger_status) == (cases, LedgerStatus.PRESENT)
    assert not desk.state.is_reading
    assert len(desk.workers.waiting) == 1, "one thumbnail at a time"
    desk.workers.work_all()
    assert drawn(desk) == [B, C, A]


def test_a_thumbnail_is_drawn_once_until_there_is_another_revision(read_desk, cases) -> None:
    read_desk.controller.reload()
    read_desk.workers.work_all()
    assert len(drawn(read_desk)) == 3
    revised = (replace(cases[0], num_revisions=2), *cases[1:])
    read_desk.ledger_store.list_cases.return_value = Listing(cases=revised, problems=())
    read_desk.controller.reload()
    read_desk.workers.work_all()
    assert drawn(read_desk)[3:] == [A]
    assert read_desk.view.show_thumbnail.call_args.args[1] == 2


def test_closing_ends_drawing_and_following(desk) -> None:
    desk.workers.work()
    desk.controller.close()
    shown = desk.view.show_state.call_count
    desk.workers.work_all()
    desk.session.corrections_changed.emit()
    desk.session.choose_ledger(Path("other"))
    assert drawn(desk) == []
    assert desk.view.show_state.call_count == shown
    assert not desk.workers.waiting
    assert desk.ledger_store.list_cases.call_count == 1


def test_a_case_that_cannot_be_drawn_is_named_beside_those_of_the_listing(desk, cases) -> None:
    listed = Problem(case_id="d" * 16, sentence="Case d is damaged.", is_damage=True)
    desk.ledger_store.list_cases.return_value = Listing(cases=cases, problems=(listed,))
    pixels = desk.ledger_store.thumbnail.return_value
    desk.ledger_store.thumbnail.side_effect = [
        LedgerDamageError("Case b is damaged."),
        pixels,
        pixels,
    ]
    desk.workers.work_all()
    assert desk.state.broken == ("Case d is damaged.", "Case b is damaged.")
    assert drawn(desk) == [C, A]
    desk.controller.reload()
    desk.workers.work_all()
    assert desk.ledger_store.thumbnail.call_count == 3, "not tried again"
    assert desk.state.broken == ("Case d is damaged.", "Case b is damaged.")


def test_a_case_moved_before_it_was_drawn_is_no_damage(desk, cases) -> None:
    pixels = desk.ledger_store.thumbnail.return_value
    desk.ledger_store.thumbnail.side_effect = [None, pixels, pixels]
    left = (cases[0], cases[2])
    desk.ledger_store.list_cases.side_effect = [
        Listing(cases=cases, problems=()),
        Listing(cases=left, problems=()),
    ]
    desk.workers.work_all()
    assert (desk.state.cases, desk.state.broken) == (left, ())
    assert drawn(desk) == [C, A]


def test_a_change_while_the_list_is_read_has_it_read_once_more(desk, cases) -> None:
    desk.session.corrections_changed.emit()
    desk.session.corrections_changed.emit()
    assert len(desk.workers.waiting) == 1
    desk.ledger_store.list_cases.return_value = Listing(cases=cases[:1], problems=())
    desk.workers.work_all()
    assert desk.ledger_store.list_cases.call_count == 2
    assert desk.state.cases == cases[:1]


def test_no_ledger_yet_is_no_problem(desk) -> None:
    desk.ledger_store.list_cases.return_value = None
    desk.workers.work_all()
    assert (desk.state.ledger_status, desk.state.problem) == (LedgerStatus.MISSING, "")
    assert messages.placeholder(desk.state) == messages.NO_LEDGER_YET


def test_a_ledger_that_cannot_be_read_is_a_sentence_and_no_row(read_desk) -> None:
    read_desk.ledger_store.list_cases.side_effect = LedgerError("x is no ledger.")
    read_desk.session.choose_ledger(Path("x"))
    read_desk.workers.work_all()
    assert (read_desk.state.problem, read_desk.state.cases) == ("x is no ledger.", ())
    assert read_desk.state.folder == Path("x")
    assert messages.placeholder(read_desk.state) == ""
    read_desk.ledger_store.list_cases.side_effect = None
    read_desk.session.corrections_changed.emit()
    read_desk.workers.work_all()
    assert (read_desk.state.problem, len(read_desk.state.cases)) == ("", 3)


def test_a_chosen_folder_is_checked_before_all_panels_use_it(read_desk) -> None:
    read_desk.ledger_store.check.side_effect = LedgerError("x is no ledger.")
    read_desk.controller.choose_ledger("x")
    assert read_desk.state.activity is Activity.CHOOSING
    read_desk.workers.work_all()
    assert (read_desk.state.problem, read_desk.state.is_busy) == ("x is no ledger.", False)
    assert read_desk.session.ledger == Path("first")
    assert len(read_desk.state.cases) == 3, "the list stays"
    read_desk.ledger_store.check.side_effect = None
    read_desk.controller.choose_ledger("second")
    read_desk.workers.work_all()
    assert read_desk.session.ledger == read_desk.state.folder == Path("second")
    assert read_desk.ledger_store.list_cases.call_args.args == (Path("second"),)
    assert read_desk.state.problem == ""


def test_the_selection_is_kept_over_a_reload_as_far_as_it_is_there(read_desk, cases) -> None:
    read_desk.controller.select([A, B])
    read_desk.ledger_store.list_cases.return_value = Listing(cases=cases[1:], problems=())
    read_desk.controller.reload()
    read_desk.workers.work_all()
    assert read_desk.state.selected == (B,)


def test_deleting_moves_the_selected_announces_it_and_reads_once(read_desk) -> None:
    heard = Mock()
    read_desk.session.corrections_changed.connect(heard)
    read_desk.controller.select([A, C])
    read_desk.controller.delete()
    read_desk.controller.delete()  # an impatient second time
    read_desk.workers.work_all()
    read_desk.ledger_store.move.assert_called_once_with(Path("first"), (A, C), to_bin=True)
    heard.assert_called_once_with()
    assert read_desk.ledger_store.list_cases.call_count == 2
    assert "1 correction moved to the bin" in read_desk.state.notice


def test_restoring_lists_and_moves_what_is_in_the_bin(read_desk, cases) -> None:
    read_desk.controller.select([A])
    read_desk.controller.show_bin(True)
    assert (read_desk.state.cases, read_desk.state.selected) == ((), ())
    read_desk.workers.work_all()
    assert read_desk.ledger_store.list_cases.call_args.kwargs == {"in_bin": True}
    read_desk.controller.select([B])
    read_desk.controller.delete()
    read_desk.controller.open_case(B)
    assert not read_desk.workers.waiting, "neither is for the bin"
    read_desk.controller.restore()
    read_desk.workers.work_all()
    read_desk.ledger_store.move.assert_called_once_with(Path("first"), (B,), to_bin=False)
    assert read_desk.state.notice == "1 correction restored."


def test_what_could_not_be_moved_is_reported_and_the_list_read_again(read_desk) -> None:
    read_desk.ledger_store.move.return_value = MoveResult(
        num_moved=0, problems=("Case a is gone.",)
    )
    read_desk.controller.select([A])
    read_desk.controller.delete()
    read_desk.workers.work_all()
    assert (read_desk.state.problem, read_desk.state.notice) == ("Case a is gone.", "")
    assert read_desk.ledger_store.list_cases.call_count == 2


def test_opening_reads_in_a_worker_and_adds_layers(read_desk) -> None:
    opened = OpenedCase(
        ledger=Path("first"), case=Mock(spec=Case, id=B, revision=4), model_mask=None
    )
    read_desk.ledger_store.open_case.return_value = opened
    read_desk.controller.open_case(B)
    assert read_desk.state.activity is Activity.OPENING
    read_desk.controller.open_case(A)  # an impatient double click elsewhere
    read_desk.workers.work_all()
    read_desk.layers.add.assert_called_once_with(opened)
    assert "revision 4" in read_desk.state.notice
    assert not read_desk.state.is_busy


def test_a_case_that_is_open_is_selected_and_not_read(read_desk) -> None:
    read_desk.layers.select.return_value = True
    read_desk.controller.open_case(B)
    read_desk.layers.select.assert_called_once_with(Path("first"), B)
    assert not read_desk.workers.waiting
    assert read_desk.state.notice.startswith("Case bbbbbb… is open already; its layer is selected")


def test_a_case_deleted_elsewhere_is_a_sentence_and_a_reload(read_desk, cases) -> None:
    read_desk.ledger_store.open_case.side_effect = LedgerError("There is no case b.")
    read_desk.ledger_store.list_cases.return_value = Listing(cases=cases[:1], problems=())
    read_desk.controller.open_case(B)
    read_desk.workers.work_all()
    assert (read_desk.state.problem, read_desk.state.cases) == ("There is no case b.", cases[:1])
    read_desk.layers.add.assert_not_called()
    assert not read_desk.state.is_busy
