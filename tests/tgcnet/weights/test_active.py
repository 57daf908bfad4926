"""The active model: where it is kept, and that nothing else ever takes its place."""

import json
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from tgcnet.domain import ModelIdentity
from tgcnet.errors import CheckpointError, OutputError
from tgcnet.weights.active import (
    ACTIVE_FILE,
    ActiveModel,
    active_folder,
    identity_of,
    read_active,
    write_active,
)
from tgcnet.weights.load import load_model
from tgcnet.weights.manifest import read_manifest, write_manifest


@pytest.fixture
def tiny(tiny_model_folder: Path, no_user_models: Path) -> Path:
    return Path(shutil.copytree(tiny_model_folder, no_user_models / "tiny"))


def test_mini_is_active_until_somebody_switches(no_user_models: Path) -> None:
    active = read_active()
    assert active.current.name == "mini"
    assert active.history == ()
    assert active.current.sha256 == read_manifest(active_folder()).sha256
    assert list(no_user_models.iterdir()) == []


def test_the_choice_survives_the_disk(tiny: Path) -> None:
    active = ActiveModel(current=identity_of("tiny"), history=(identity_of("mini"),))
    write_active(active)
    assert read_active() == active
    assert active_folder() == tiny


def test_the_models_folder_is_made_when_it_is_needed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TGCNET_MODELS", str(tmp_path / "a" / "models"))
    write_active(ActiveModel(current=identity_of("mini")))
    assert (tmp_path / "a" / "models" / ACTIVE_FILE).is_file()


def test_a_folder_that_cannot_be_made_is_a_sentence(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("TGCNET_MODELS", str(tmp_path / "file" / "models"))
    with pytest.raises(OutputError, match=r"models folder cannot be made .* is what it was"):
        write_active(ActiveModel(current=identity_of("mini")))


def test_what_is_loaded_by_default_is_the_active_model(tiny: Path) -> None:
    write_active(ActiveModel(current=identity_of("tiny")))
    assert load_model().manifest.name == "tiny"


MINI = {"name": "mini", "sha256": "0" * 64}


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "[" * 100_000,
        json.dumps({"schema_version": 1, **MINI}),
        json.dumps({"schema_version": 2, **MINI, "history": []}),
        json.dumps({"schema_version": 1, **MINI, "history": "none"}),
        json.dumps({"schema_version": 1, **MINI, "history": ["mini"]}),
        json.dumps({"schema_version": 1, **MINI, "history": [{"name": "mini"}]}),
        json.dumps({"schema_version": 1, "name": "mini", "sha256": None, "history": []}),
    ],
)
def test_a_damaged_choice_is_a_sentence_and_no_other_model(
    no_user_models: Path, content: str
) -> None:
    (no_user_models / ACTIVE_FILE).write_text(content, encoding="utf-8")
    for ask in (read_active, active_folder, load_model):
        with pytest.raises(CheckpointError, match=r"damaged or of another version .*Choose one"):
            ask()


def test_a_link_that_leads_nowhere_is_no_absent_file(no_user_models: Path) -> None:
    (no_user_models / ACTIVE_FILE).symlink_to(no_user_models / "absent.json")
    with pytest.raises(CheckpointError, match="so the active model is unknown"):
        read_active()


def test_an_active_model_that_is_gone_is_not_replaced(
    tiny: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_active(ActiveModel(current=identity_of("tiny")))
    # A folder of that name where the program was started is no registered model.
    monkeypatch.chdir(tmp_path)
    shutil.move(tiny, tmp_path / "tiny")
    with pytest.raises(CheckpointError, match="active model, 'tiny', is not there any more"):
        active_folder()


def test_an_active_model_that_was_exchanged_is_not_used(tiny: Path) -> None:
    write_active(ActiveModel(current=identity_of("tiny")))
    write_manifest(replace(read_manifest(tiny), sha256="f" * 64), tiny)
    with pytest.raises(CheckpointError, match=r"is not what was switched on: .*and have ffffffff"):
        active_folder()


def test_only_a_registered_model_has_an_identity(no_user_models: Path) -> None:
    assert isinstance(identity_of("mini"), ModelIdentity)
    with pytest.raises(CheckpointError, match="no registered model called 'huge'; known are: mini"):
        identity_of("huge")


def test_asking_for_the_active_model_needs_no_torch() -> None:
    code = "import sys, tgcnet.weights.active; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
