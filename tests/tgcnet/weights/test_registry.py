"""Finding models by name and by path; refusing everything else."""

import json
import pickle
import shutil
import subprocess
import sys
from pathlib import Path

import platformdirs
import pytest

from tgcnet.errors import CheckpointError
from tgcnet.weights.registry import (
    find_model,
    is_pickle_or_zip,
    list_models,
    user_models_folder,
)


def test_a_users_model_is_found_by_its_name(tiny_model_folder: Path, no_user_models: Path) -> None:
    shutil.copytree(tiny_model_folder, no_user_models / "any folder name")
    assert "tiny" in [manifest.name for manifest in list_models()]
    assert find_model("tiny") == no_user_models / "any folder name"


def test_a_model_is_found_by_its_path(tiny_model_folder: Path, no_user_models: Path) -> None:
    assert find_model(str(tiny_model_folder)) == tiny_model_folder


def test_an_unknown_name_lists_the_known_ones(
    tiny_model_folder: Path, no_user_models: Path
) -> None:
    shutil.copytree(tiny_model_folder, no_user_models / "tiny")
    with pytest.raises(CheckpointError, match=r"no model called 'huge'; known are: .*tiny"):
        find_model("huge")


def test_of_two_models_with_one_name_the_first_counts(
    tiny_model_folder: Path, no_user_models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for name in ("a", "b"):
        shutil.copytree(tiny_model_folder, no_user_models / name)
    assert find_model("tiny").name == "a"
    assert "a second model called 'tiny' is left out" in caplog.text


def test_a_damaged_model_is_left_out_and_explained_when_asked_for(
    no_user_models: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (no_user_models / "broken").mkdir()
    (no_user_models / "broken" / "manifest.json").write_text("{")
    assert "broken" not in [manifest.name for manifest in list_models()]
    assert "model folder 'broken' is left out" in caplog.text
    with pytest.raises(CheckpointError, match="'broken' is not valid JSON"):
        find_model("broken")


def test_an_odd_manifest_hides_no_other_model(
    tiny_model_folder: Path, no_user_models: Path
) -> None:
    shutil.copytree(tiny_model_folder, no_user_models / "tiny")
    values = json.loads((tiny_model_folder / "manifest.json").read_text(encoding="utf-8"))
    values["model"]["sse"] = None
    (no_user_models / "odd").mkdir()
    (no_user_models / "odd" / "manifest.json").write_text(json.dumps(values), encoding="utf-8")
    assert find_model("tiny") == no_user_models / "tiny"


def test_a_registered_model_without_weights_is_named_without_its_path(
    tiny_model_folder: Path, no_user_models: Path
) -> None:
    (no_user_models / "half").mkdir()
    shutil.copy(tiny_model_folder / "manifest.json", no_user_models / "half")
    with pytest.raises(CheckpointError, match=r"'half' holds no weights\.safetensors") as caught:
        find_model("tiny")
    assert str(no_user_models) not in str(caught.value)


def test_a_path_to_nothing_is_named(no_user_models: Path, tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"There is no model at .*nowhere"):
        find_model(str(tmp_path / "nowhere"))


def test_a_folder_without_weights_is_refused(
    tiny_model_folder: Path, tmp_path: Path, no_user_models: Path
) -> None:
    shutil.copy(tiny_model_folder / "manifest.json", tmp_path)
    with pytest.raises(CheckpointError, match=r"holds no weights\.safetensors; expected a folder"):
        find_model(str(tmp_path))


@pytest.mark.parametrize("name", ["weights.pt", "weights.ckpt", "pytorch_model.bin", "no-ending"])
def test_a_pickle_is_refused_whatever_its_name(
    tmp_path: Path, no_user_models: Path, name: str
) -> None:
    (tmp_path / name).write_bytes(pickle.dumps({"weight": 1}))
    with pytest.raises(CheckpointError, match=r"is a pickle or an archive .*never loaded"):
        find_model(str(tmp_path / name))


def test_half_a_model_asks_for_its_folder(tiny_model_folder: Path, no_user_models: Path) -> None:
    with pytest.raises(CheckpointError, match="give the folder that holds it"):
        find_model(str(tiny_model_folder / "weights.safetensors"))


def test_any_other_file_says_what_a_model_is(tmp_path: Path, no_user_models: Path) -> None:
    (tmp_path / "notes.txt").write_text("words")
    with pytest.raises(CheckpointError, match=r"is a file, but a model is a folder holding"):
        find_model(str(tmp_path / "notes.txt"))


def test_a_header_length_that_looks_like_a_pickle_is_none(tmp_path: Path) -> None:
    # 0x0280 bytes of header: the first two bytes are those of a protocol 2 pickle.
    path = tmp_path / "weights.safetensors"
    path.write_bytes((0x0280).to_bytes(8, "little") + b"{" + b" " * 0x027E + b"}")
    assert not is_pickle_or_zip(path)
    path.write_bytes(b"PK\x03\x04 and more of an archive")
    assert is_pickle_or_zip(path)


def test_where_a_users_models_lie(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TGCNET_MODELS", "/models")
    assert user_models_folder() == Path("/models")
    monkeypatch.delenv("TGCNET_MODELS")
    assert user_models_folder() == (
        platformdirs.user_data_path("napari-tgcnet", appauthor=False) / "models"
    )


def test_the_registry_needs_no_torch() -> None:
    code = "import sys, tgcnet.weights.registry; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
