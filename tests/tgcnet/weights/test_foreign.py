"""Hostile and damaged pickles: nothing runs, nothing grows, each ends in a sentence."""

import os
import pickle
import zipfile
from pathlib import Path

import pytest
import torch

from tgcnet.errors import CheckpointError
from tgcnet.weights.foreign import convert_pickle
from tgcnet.weights.foreign_child import RefusedError, read_tensors


class Bomb:
    """Makes a file when it is unpickled carelessly."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.marker}",)


def refusal(given: Path) -> str:
    converted = given.with_name("converted.safetensors")
    with pytest.raises(CheckpointError) as refused:
        convert_pickle(given, converted)
    assert not converted.exists()
    sentence = str(refused.value)
    assert sentence.startswith(given.name)
    assert str(given.parent) not in sentence
    return sentence


def refusal_in_child(given: Path) -> str:
    """What the child says, without the second that a process takes."""
    with pytest.raises(RefusedError) as refused:
        read_tensors(given)
    return str(refused.value)


def test_tensors_are_converted_and_wrappers_opened(tmp_path: Path) -> None:
    weights = {"module.a": torch.randn(3, 2).T, "module.b": torch.nn.Parameter(torch.ones(2))}
    torch.save({"epoch": 3, "state_dict": weights, "optimizer": {}}, tmp_path / "given.pt")
    converted = read_tensors(tmp_path / "given.pt")
    assert converted.keys() == {"a", "b"}
    torch.testing.assert_close(converted["a"], weights["module.a"])


@pytest.mark.parametrize("is_zip", [True, False])
def test_a_pickle_that_would_run_code_does_not_run(tmp_path: Path, is_zip: bool) -> None:
    marker = tmp_path / "marker"
    given = tmp_path / "given.bin"
    bomb = {"a": torch.ones(2), "b": Bomb(marker)}
    torch.save(bomb, given, _use_new_zipfile_serialization=is_zip)
    said = refusal(given) if is_zip else refusal_in_child(given)
    assert "holds more than tensors and could run code" in said
    assert not marker.exists()
    pickle.loads(pickle.dumps(Bomb(marker)))  # noqa: S301 - the trap is a real one
    assert marker.exists()


def test_a_torchscript_archive_is_never_opened(tmp_path: Path) -> None:
    given = tmp_path / "ViT-B-16.pt"
    torch.jit.script(torch.nn.Linear(2, 2)).save(str(given))
    assert "is a TorchScript archive, which holds code" in refusal(given)


def test_a_view_that_claims_a_huge_tensor_takes_no_memory(tmp_path: Path) -> None:
    given = tmp_path / "given.pt"
    torch.save({"a": torch.zeros(1).expand(1 << 40)}, given)
    assert f"claims {4 << 40} of tensors, which no file of weights does" in refusal_in_child(given)


def test_an_archive_that_claims_to_unpack_to_more_is_refused(tmp_path: Path) -> None:
    given = tmp_path / "given.pt"
    with zipfile.ZipFile(given, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("given/data/0", bytes(10_000_000))
    assert "claims to unpack to 10000000" in refusal(given)


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/statm").is_file(), reason="no limit of memory here")
def test_a_legacy_file_that_claims_a_huge_storage_is_stopped(tmp_path: Path) -> None:
    """The old format says how much to allocate before it says what is in there."""
    given = tmp_path / "given.pt"
    torch.save({"a": torch.zeros(1_000_003)}, given, _use_new_zipfile_serialization=False)
    content = given.read_bytes()
    small, huge = (1_000_003).to_bytes(4, "little"), (2_000_000_000).to_bytes(4, "little")
    assert small in content
    given.write_bytes(content[:20_000].replace(small, huge))
    assert "claims more memory than a file of its size can hold" in refusal(given)


def test_a_truncated_archive_is_a_sentence(tmp_path: Path) -> None:
    given = tmp_path / "given.pt"
    torch.save({"a": torch.randn(1000)}, given)
    given.write_bytes(given.read_bytes()[:2000])
    assert "is a damaged archive, perhaps cut off on its way" in refusal(given)


def test_a_file_of_another_kind_is_a_sentence(tmp_path: Path) -> None:
    given = tmp_path / "given.pt"
    given.write_bytes(b"not at all")
    assert "is no file that torch wrote" in refusal(given)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([torch.ones(1)], "holds a list, expected names and their tensors"),
        ({}, "holds a dict, expected names"),
        ({"a": torch.ones(1), "b": 3}, "holds a int under 'b', expected a tensor"),
        ({3: torch.ones(1)}, "holds a Tensor under '3', expected a tensor under each name"),
        ({"a": torch.eye(2).to_sparse()}, "a sparse, quantised or empty tensor under 'a'"),
    ],
)
def test_what_is_no_state_dict_is_a_sentence(tmp_path: Path, value: object, words: str) -> None:
    torch.save(value, tmp_path / "given.pt")
    assert words in refusal_in_child(tmp_path / "given.pt")


def test_a_pickle_cut_off_is_a_sentence(tmp_path: Path) -> None:
    given = tmp_path / "given.pt"
    torch.save({"a": torch.randn(1000)}, given, _use_new_zipfile_serialization=False)
    given.write_bytes(given.read_bytes()[:1000])
    assert "is damaged, perhaps cut off" in refusal_in_child(given)


def test_a_reader_that_takes_too_long_is_given_up(tmp_path: Path) -> None:
    torch.save({"a": torch.ones(1)}, tmp_path / "given.pt")
    with pytest.raises(CheckpointError, match=r"given\.pt was not read within 0 s"):
        convert_pickle(tmp_path / "given.pt", tmp_path / "out.safetensors", time_limit_s=0.01)
