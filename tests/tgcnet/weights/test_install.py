"""A model is installed completely or not at all, and never over another."""

import errno
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tgcnet.errors import CheckpointError, OutputError
from tgcnet.weights import install
from tgcnet.weights.install import STAGING_FOLDER, install_model
from tgcnet.weights.load import load_model, save_model, verify
from tgcnet.weights.manifest import WEIGHTS_FILE, read_manifest
from tgcnet.weights.registry import find_model, list_models


@pytest.fixture
def other(tiny_model_folder: Path, tmp_path: Path) -> Path:
    """A model of the same name with other weights."""
    loaded = load_model(str(tiny_model_folder))
    with torch.no_grad():
        next(loaded.model.parameters()).add_(1.0)
    save_model(loaded.model, loaded.manifest, tmp_path / "other")
    return tmp_path / "other"


def folders(models: Path) -> list[str]:
    return sorted(path.name for path in models.iterdir() if path.name != STAGING_FOLDER)


def test_it_is_registered_with_the_same_weights(
    tiny_model_folder: Path, no_user_models: Path
) -> None:
    assert install_model(tiny_model_folder) == "tiny"
    verify(no_user_models / "tiny")
    assert read_manifest(no_user_models / "tiny") == read_manifest(tiny_model_folder)
    assert find_model("tiny") == no_user_models / "tiny"
    assert not list((no_user_models / STAGING_FOLDER).iterdir())


def test_the_models_folder_is_made(
    tiny_model_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TGCNET_MODELS", str(tmp_path / "not" / "there"))
    assert install_model(tiny_model_folder) == "tiny"


def test_twice_is_once(tiny_model_folder: Path, no_user_models: Path) -> None:
    install_model(tiny_model_folder)
    assert install_model(tiny_model_folder) == "tiny"
    assert folders(no_user_models) == ["tiny"]


def test_another_model_of_that_name_stays(
    tiny_model_folder: Path, other: Path, no_user_models: Path
) -> None:
    install_model(tiny_model_folder)
    kept = (no_user_models / "tiny" / WEIGHTS_FILE).read_bytes()
    assert install_model(other) == "tiny-2"
    assert install_model(other) == "tiny-2"
    assert (no_user_models / "tiny" / WEIGHTS_FILE).read_bytes() == kept
    installed = read_manifest(no_user_models / "tiny-2")
    assert installed == replace(read_manifest(other), name="tiny-2")
    assert [m.name for m in list_models() if m.name.startswith("tiny")] == ["tiny", "tiny-2"]


def test_a_damaged_one_or_anything_else_of_that_name_stays(
    tiny_model_folder: Path, no_user_models: Path
) -> None:
    install_model(tiny_model_folder)
    (no_user_models / "tiny" / WEIGHTS_FILE).write_bytes(b"damaged")
    (no_user_models / "tiny-2").write_text("a file")
    assert install_model(tiny_model_folder) == "tiny-3"
    assert folders(no_user_models) == ["tiny", "tiny-2", "tiny-3"]


def test_a_damaged_model_is_not_installed(
    tiny_model_folder: Path, no_user_models: Path, tmp_path: Path
) -> None:
    damaged = Path(shutil.copytree(tiny_model_folder, tmp_path / "damaged"))
    (damaged / WEIGHTS_FILE).write_bytes(b"damaged")
    with pytest.raises(CheckpointError, match="has SHA-256"):
        install_model(damaged)
    assert folders(no_user_models) == []


def test_a_full_disk_leaves_the_models_as_they_were(
    tiny_model_folder: Path, no_user_models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(install, "write_manifest", full)
        with pytest.raises(OutputError, match="'tiny' was not written, the disk is full"):
            install_model(tiny_model_folder)
    assert folders(no_user_models) == []
    assert install_model(tiny_model_folder) == "tiny"


def test_an_unfinished_one_is_never_listed(tiny_model_folder: Path, no_user_models: Path) -> None:
    left = no_user_models / STAGING_FOLDER / ".tgcnet-00000000-1-000000000000"
    shutil.copytree(tiny_model_folder, left)
    assert "tiny" not in [manifest.name for manifest in list_models()]
