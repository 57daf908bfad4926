"""Names of devices, and those that are not there."""

from typing import NoReturn

import pytest
import torch

from tgcnet.errors import DeviceError
from tgcnet.inference.device import describe_devices, resolve_device


def _pretend_cuda(monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)


def test_auto_takes_cuda_where_there_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend_cuda(monkeypatch, 2)
    assert resolve_device("auto") == torch.device("cuda:0")
    assert resolve_device("cuda") == torch.device("cuda:0")
    assert resolve_device("cuda:1") == torch.device("cuda:1")


def test_auto_takes_the_processor_where_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend_cuda(monkeypatch, 0)
    assert resolve_device("auto") == torch.device("cpu")
    assert resolve_device("cpu") == torch.device("cpu")


@pytest.mark.parametrize(("name", "count"), [("cuda", 0), ("cuda:0", 0), ("cuda:2", 2)])
def test_an_absent_device_is_named_beside_those_that_are_here(
    monkeypatch: pytest.MonkeyPatch, name: str, count: int
) -> None:
    _pretend_cuda(monkeypatch, count)
    here = ", ".join(["cpu", *(f"cuda:{i}" for i in range(count))])
    with pytest.raises(DeviceError, match=f"'{name}' is not here; this machine has: {here}"):
        resolve_device(name)


@pytest.mark.parametrize("name", ["gpu", "cuda:", "cuda:-1", "cuda:x", "mps", "", "cpu:0"])
def test_other_words_are_no_device(name: str) -> None:
    with pytest.raises(DeviceError, match="is no device; expected auto, cpu, cuda or cuda:N"):
        resolve_device(name)


def test_devices_are_described_with_their_free_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    _pretend_cuda(monkeypatch, 1)
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (3, 4))
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "Some GPU")
    cpu, gpu = describe_devices()
    assert (cpu.name, cpu.label, cpu.free_bytes) == ("cpu", "CPU", None)
    assert (gpu.name, gpu.label, gpu.free_bytes, gpu.total_bytes) == ("cuda:0", "Some GPU", 3, 4)


def test_a_gpu_that_tells_nothing_hides_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(index: int) -> NoReturn:
        raise RuntimeError("CUDA error: all CUDA-capable devices are busy or unavailable")

    _pretend_cuda(monkeypatch, 2)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda index: f"GPU {index}")
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda i: busy(i) if i == 0 else (3, 4))
    _, first, second = describe_devices()
    assert (first.name, first.label, first.free_bytes) == ("cuda:0", "GPU 0", None)
    assert (second.name, second.free_bytes, second.total_bytes) == ("cuda:1", 3, 4)
    monkeypatch.setattr(torch.cuda, "get_device_name", busy)
    assert [device.label for device in describe_devices()] == ["CPU", "cuda:0", "cuda:1"]
