"""Weights to disk and back; what does not fit stops before anything is loaded."""

import errno
import hashlib
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch

from tgcnet.errors import CheckpointError, OutputError
from tgcnet.weights.load import load_model, save_model, verify
from tgcnet.weights.manifest import WEIGHTS_FILE, read_manifest


@pytest.fixture
def model_copy(tiny_model_folder: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_model_folder, tmp_path / "copy"))


def _set_manifest(folder: Path, change: Callable[[dict[str, Any]], None]) -> None:
    path = folder / "manifest.json"
    values = json.loads(path.read_text(encoding="utf-8"))
    change(values)
    path.write_text(json.dumps(values), encoding="utf-8")


def _replace_weights(folder: Path, content: bytes) -> None:
    """New weights with a hash that is right, so that the next check is met."""
    (folder / WEIGHTS_FILE).write_bytes(content)
    digest = hashlib.sha256(content).hexdigest()
    _set_manifest(folder, lambda values: values.update(sha256=digest))


def _edit_tensors(folder: Path, edit: Callable[[dict[str, torch.Tensor]], None]) -> None:
    tensors = safetensors.torch.load_file(folder / WEIGHTS_FILE)
    edit(tensors)
    _replace_weights(folder, safetensors.torch.save(tensors))


def test_weights_are_stored_as_float16_and_loaded_as_float32(tiny_model_folder: Path) -> None:
    stored = safetensors.torch.load_file(tiny_model_folder / WEIGHTS_FILE)
    floats = [tensor for tensor in stored.values() if tensor.is_floating_point()]
    assert {tensor.dtype for tensor in floats} == {torch.float16}
    loaded = load_model(str(tiny_model_folder))
    assert {p.dtype for p in loaded.model.parameters()} == {torch.float32}
    assert not loaded.model.training
    for key, tensor in loaded.model.state_dict().items():
        torch.testing.assert_close(tensor, stored[key].to(tensor.dtype), rtol=0, atol=0)


def test_saving_what_was_loaded_writes_the_same_bytes(
    tiny_model_folder: Path, tmp_path: Path
) -> None:
    loaded = load_model(str(tiny_model_folder))
    written = save_model(loaded.model, loaded.manifest, tmp_path / "again")
    assert written == loaded.manifest
    again, first = (f / WEIGHTS_FILE for f in (tmp_path / "again", tiny_model_folder))
    assert again.read_bytes() == first.read_bytes()


def test_a_number_too_large_for_float16_is_kept(tiny_model_folder: Path, tmp_path: Path) -> None:
    loaded = load_model(str(tiny_model_folder))
    name, buffer = next(
        (k, b) for k, b in loaded.model.named_buffers() if k.endswith("running_var")
    )
    buffer[0] = 1e6
    save_model(loaded.model, loaded.manifest, tmp_path / "large")
    assert load_model(str(tmp_path / "large")).model.state_dict()[name][0] == 1e6


def test_a_whole_model_passes_verification(tiny_model_folder: Path) -> None:
    verify(tiny_model_folder)


def test_a_wrong_hash_is_refused(model_copy: Path) -> None:
    content = bytearray((model_copy / WEIGHTS_FILE).read_bytes())
    content[-1] ^= 1
    (model_copy / WEIGHTS_FILE).write_bytes(bytes(content))
    with pytest.raises(CheckpointError, match=r"has SHA-256 .* its manifest says"):
        load_model(str(model_copy))


def test_a_pickle_under_the_right_name_is_never_loaded(model_copy: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return pytest.fail, ("the pickle was opened",)

    _replace_weights(model_copy, pickle.dumps(Trap()))
    with pytest.raises(CheckpointError, match="is a pickle or an archive of pickles"):
        load_model(str(model_copy))


def test_a_torch_archive_under_the_right_name_is_never_loaded(model_copy: Path) -> None:
    torch.save({"weight": torch.ones(1)}, model_copy / WEIGHTS_FILE)
    _replace_weights(model_copy, (model_copy / WEIGHTS_FILE).read_bytes())
    with pytest.raises(CheckpointError, match="is a pickle or an archive of pickles"):
        load_model(str(model_copy))


def test_other_bytes_are_no_safetensors(model_copy: Path) -> None:
    _replace_weights(model_copy, b"no weights at all")
    with pytest.raises(CheckpointError, match="is not a safetensors file"):
        load_model(str(model_copy))


def test_missing_and_unknown_parameters_are_counted(model_copy: Path) -> None:
    def rename(tensors: dict[str, torch.Tensor]) -> None:
        tensors["decoder.surprise"] = tensors.pop("taps.0.project.weight")

    _edit_tensors(model_copy, rename)
    with pytest.raises(CheckpointError) as caught:
        load_model(str(model_copy))
    assert "1 parameters are absent (first: taps.0.project.weight)" in str(caught.value)
    assert "1 are unknown (first: decoder.surprise)" in str(caught.value)


def test_another_shape_is_refused(model_copy: Path) -> None:
    def crop(tensors: dict[str, torch.Tensor]) -> None:
        tensors["taps.0.project.weight"] = tensors["taps.0.project.weight"][:-1].contiguous()

    _edit_tensors(model_copy, crop)
    with pytest.raises(CheckpointError, match=r"1 parameters have another shape \(first: taps\.0"):
        load_model(str(model_copy))


def test_another_architecture_is_refused(model_copy: Path) -> None:
    _set_manifest(model_copy, lambda values: values["model"]["vlcm"].update(enabled=False))
    with pytest.raises(CheckpointError, match=r"0 parameters are absent .* are unknown"):
        load_model(str(model_copy))


def test_a_vocabulary_of_another_size_is_refused(model_copy: Path) -> None:
    _set_manifest(
        model_copy, lambda values: values["model"]["towers"]["text"].update(words=["lung"])
    )
    with pytest.raises(
        CheckpointError, match=r"have another shape \(first: text_tower\.token_embedding"
    ):
        load_model(str(model_copy))


def test_an_unknown_network_is_refused(model_copy: Path) -> None:
    _set_manifest(model_copy, lambda values: values["model"]["sse"].update(cnn="no_such_net"))
    with pytest.raises(CheckpointError, match="cannot be built"):
        load_model(str(model_copy))


def test_a_senseless_size_is_refused(model_copy: Path) -> None:
    _set_manifest(model_copy, lambda values: values["model"]["towers"]["image"].update(patch_px=0))
    with pytest.raises(CheckpointError, match=r"usable model: patch_px must be at least 1, got 0"):
        load_model(str(model_copy))


def test_weights_that_cannot_be_read_are_named_without_their_path(
    model_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(CheckpointError, match=r"cannot be read \(Permission denied\)") as caught:
        load_model(str(model_copy))
    assert str(model_copy) not in str(caught.value)


def test_verification_finds_numbers_that_are_not_finite(model_copy: Path) -> None:
    def spoil(tensors: dict[str, torch.Tensor]) -> None:
        tensors["taps.0.project.weight"][0] = torch.nan

    _edit_tensors(model_copy, spoil)
    with pytest.raises(CheckpointError, match="not finite in 1 parameters"):
        verify(model_copy)


def test_a_folder_that_cannot_be_made_is_named(tiny_model_folder: Path, tmp_path: Path) -> None:
    loaded = load_model(str(tiny_model_folder))
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(OutputError, match="'model' cannot be made"):
        save_model(loaded.model, loaded.manifest, tmp_path / "file" / "model")


def test_saving_leaves_no_temporary_file(tiny_model_folder: Path) -> None:
    names = sorted(path.name for path in tiny_model_folder.iterdir())
    assert names == ["manifest.json", "weights.safetensors"]
    assert len(read_manifest(tiny_model_folder).sha256) == 64
