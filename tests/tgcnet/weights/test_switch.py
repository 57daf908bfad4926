"""Switching on, going back, deleting: verified first, and the active model stays otherwise."""

import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from tgcnet.errors import CheckpointError, OutputError
from tgcnet.weights.active import ACTIVE_FILE, read_active, write_active
from tgcnet.weights.manifest import WEIGHTS_FILE, read_manifest, write_manifest
from tgcnet.weights.switch import activate, remove, rollback


@pytest.fixture
def models(tiny_model_folder: Path, no_user_models: Path) -> Path:
    """The user's folder with two models, ``one`` and ``two``."""
    for name in ("one", "two"):
        folder = no_user_models / name
        shutil.copytree(tiny_model_folder, folder)
        write_manifest(replace(read_manifest(folder), name=name), folder)
    return no_user_models


def names() -> list[str]:
    active = read_active()
    return [entry.name for entry in (*active.history, active.current)]


def test_every_switch_can_be_taken_back(models: Path) -> None:
    assert activate("one").current.name == "one"
    activate("two")
    assert names() == ["mini", "one", "two"]
    assert rollback().active.current.name == "one"
    assert names() == ["mini", "one"]
    rollback()
    assert names() == ["mini"]
    with pytest.raises(CheckpointError, match=r"nothing to go back to: .*before 'mini'"):
        rollback()


def test_switching_on_what_is_on_is_no_step(models: Path) -> None:
    activate("one")
    activate("one")
    assert names() == ["mini", "one"]


def test_a_damaged_model_is_not_switched_on(models: Path) -> None:
    activate("one")
    (models / "two" / WEIGHTS_FILE).write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="has SHA-256"):
        activate("two")
    assert names() == ["mini", "one"]


def damage(models: Path) -> None:
    (models / "one" / WEIGHTS_FILE).write_bytes(b"damaged")


def exchange(models: Path) -> None:
    write_manifest(replace(read_manifest(models / "one"), sha256="f" * 64), models / "one")


def take_away(models: Path) -> None:
    remove("one")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        (damage, "one is skipped. .*has SHA-256"),
        (exchange, "one is skipped. .*was active before, 'one', is not what was switched"),
        (take_away, "one is skipped. .*'one', is not there any more"),
    ],
)
def test_what_is_not_there_whole_is_skipped_on_the_way_back(
    models: Path, change: Callable[[Path], None], sentence: str
) -> None:
    activate("one")
    activate("two")
    change(models)
    done = rollback()
    assert done.active.current.name == "mini"
    [said] = done.skipped
    assert re.match(sentence, said)
    assert names() == ["mini"]


def test_with_nothing_whole_to_go_back_to_all_stays(models: Path) -> None:
    activate("one")
    activate("two")
    active = read_active()
    write_active(replace(active, history=active.history[1:]))
    remove("one")
    with pytest.raises(CheckpointError, match=r"'two' stays active: .*'one', is not there any mo"):
        rollback()
    assert names() == ["one", "two"]


def test_an_exchanged_model_can_be_switched_on_anew(models: Path) -> None:
    activate("one")
    activate("two")
    content = (models / ACTIVE_FILE).read_text(encoding="utf-8")
    sha256 = read_active().current.sha256
    (models / ACTIVE_FILE).write_text(content.replace(sha256, "f" * 64), encoding="utf-8")
    assert activate("two").current.sha256 == sha256
    assert names() == ["mini", "one", "two"]


def test_switching_on_mends_a_damaged_choice(models: Path) -> None:
    (models / ACTIVE_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(CheckpointError, match="is damaged"):
        rollback()
    activate("one")
    assert names() == ["one"]


def test_a_choice_that_cannot_be_written_changes_nothing(models: Path) -> None:
    activate("one")
    (models / ACTIVE_FILE).chmod(0o444)
    for switch in (lambda: activate("two"), rollback):
        with pytest.raises(OutputError, match=r"active\.json is write-protected"):
            switch()
    assert names() == ["mini", "one"]


def test_the_active_model_is_not_deleted(models: Path) -> None:
    activate("one")
    with pytest.raises(CheckpointError, match="'one' is active, so it is not deleted"):
        remove("one")
    assert (models / "one" / WEIGHTS_FILE).is_file()
    remove("two")
    assert not (models / "two").exists()


def test_without_a_known_choice_nothing_is_deleted(models: Path) -> None:
    (models / ACTIVE_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(CheckpointError, match="is damaged"):
        remove("one")
    assert (models / "one").is_dir()


def test_what_came_with_the_package_is_not_deleted(models: Path) -> None:
    activate("one")
    with pytest.raises(CheckpointError, match="'mini' came with the package and stays"):
        remove("mini")


def test_of_a_linked_model_only_the_link_is_deleted(models: Path, tmp_path: Path) -> None:
    shutil.move(models / "two", tmp_path / "elsewhere")
    (models / "two").symlink_to(tmp_path / "elsewhere")
    remove("two")
    assert not (models / "two").is_symlink()
    assert (tmp_path / "elsewhere" / WEIGHTS_FILE).is_file()


def test_a_model_that_cannot_be_deleted_whole_is_none_any_more(
    models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: Path) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(shutil, "rmtree", refuse)
    with pytest.raises(OutputError, match=r"'two' was not deleted whole .*by hand"):
        remove("two")
    with pytest.raises(CheckpointError, match="no registered model called 'two'"):
        activate("two")
