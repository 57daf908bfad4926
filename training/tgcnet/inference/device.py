"""Which processor a model runs on."""

import logging
import re
from dataclasses import dataclass

import torch

from tgcnet.errors import DeviceError

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceInfo:
    """A device to choose; memory is None for the processor, or where a GPU does not report it."""

    name: str
    label: str
    free_bytes: int | None = None
    total_bytes: int | None = None


def resolve_device(name: str) -> torch.device:
    """The device with a name.

    Parameters
    ----------
    name : "auto" (the first CUDA device if there is one, else the processor), "cpu", "cuda" or
        "cuda:N"

    Raises
    ------
    DeviceError
        If the name is none of these, or that device is not there.
    """
    num_cuda = torch.cuda.device_count() if torch.cuda.is_available() else 0
    if name == "auto":
        return torch.device("cuda:0" if num_cuda else "cpu")
    if name == "cpu":
        return torch.device("cpu")
    match = re.fullmatch(r"cuda(?::(\d{1,3}))?", name)
    if match is None:
        raise DeviceError(
            f"{name!r} is no device; expected auto, cpu, cuda or cuda:N with a number."
        )
    index = int(match.group(1) or 0)
    if index >= num_cuda:
        present = ", ".join(["cpu", *(f"cuda:{i}" for i in range(num_cuda))])
        raise DeviceError(
            f"Device {name!r} is not here; this machine has: {present}. Choose one of them, or "
            "auto."
        )
    return torch.device("cuda", index)


def describe_devices() -> tuple[DeviceInfo, ...]:
    """Every device there is, the processor first, with the memory free right now."""
    devices = [DeviceInfo(name="cpu", label="CPU")]
    for index in range(torch.cuda.device_count() if torch.cuda.is_available() else 0):
        devices.append(_describe_gpu(index))
    return tuple(devices)


def _describe_gpu(index: int) -> DeviceInfo:
    """A GPU that another process holds alone, or a broken one, must not hide the other devices."""
    name = label = f"cuda:{index}"
    try:
        label = torch.cuda.get_device_name(index)
        free, total = torch.cuda.mem_get_info(index)
    except RuntimeError as error:
        _LOG.warning("%s does not report its memory: %s", name, error)
        return DeviceInfo(name=name, label=label)
    return DeviceInfo(name=name, label=label, free_bytes=free, total_bytes=total)
