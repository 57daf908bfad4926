"""The process that reads a foreign pickle: ``python -m tgcnet.weights.foreign_child IN OUT TIME``.

It may use no more memory than such a file can need, and no more time than it is given.
"""

import pickle  # for the name of its error alone
import sys
from collections.abc import Mapping
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from tgcnet.ipc.process import take_pipes

REFUSED = 3
"""The exit status where standard output says why."""

# Where training programs keep the weights among other things.
_WRAPPERS = ("state_dict", "model_state_dict", "model")
_SPARE_BYTES = 512_000_000
_MAX_DEPTH = 3


class RefusedError(Exception):
    """Why the file is not taken, as the end of a sentence that starts with its name."""


def main(arguments: list[str]) -> int:
    """Convert; the exit status says how it went."""
    given, converted, seconds = Path(arguments[0]), Path(arguments[1]), int(arguments[2])
    # What torch prints goes nowhere: it quotes what it read.
    _, answer = take_pipes(keep_stderr=False)
    _limit(given.stat().st_size, seconds)
    try:
        safetensors.torch.save_file(read_tensors(given), converted)
    except RefusedError as refused:
        answer.write(f"{refused}\n".encode())
        answer.close()
        return REFUSED
    return 0


def _limit(size: int, seconds: int) -> None:
    """Memory relative to what torch takes already: its libraries alone reserve gigabytes."""
    try:
        import resource
    except ImportError:
        return  # Windows has no such limits; the checks on what is claimed remain
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (2 * size + _SPARE_BYTES,) * 2)
    statistics = Path("/proc/self/statm")
    if statistics.is_file():
        used = int(statistics.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + 3 * size + _SPARE_BYTES,) * 2)


def read_tensors(given: Path) -> dict[str, Tensor]:
    """The tensors of a pickle, each with memory of its own.

    Raises
    ------
    RefusedError
        If there is anything else in it, or it is damaged.
    """
    tensors = _unwrap(_load(given))
    prefix = "module." if all(key.startswith("module.") for key in tensors) else ""
    claimed = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    size = given.stat().st_size
    # Before anything is copied: a view may repeat one number a billion times.
    if claimed > 2 * size:
        raise RefusedError(
            f"has {size} bytes and claims {claimed} of tensors, which no file of weights does; "
            "bring the same weights as safetensors"
        )
    return {
        key.removeprefix(prefix): tensor.detach().contiguous().clone()
        for key, tensor in tensors.items()
    }


def _load(given: Path) -> object:
    try:
        return torch.load(given, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise RefusedError(
            "is a pickle that holds more than tensors and could run code when opened, so it is "
            "not read; bring the same weights as safetensors, or the state_dict alone"
        ) from error
    except MemoryError as error:
        raise _too_large() from error
    # torch reports damage and a lack of memory alike; its old format, whatever it stumbles on.
    except (RuntimeError, EOFError, ValueError, KeyError, OSError, AttributeError) as error:
        if "alloc" in str(error) or "memory" in str(error):
            raise _too_large() from error
        raise RefusedError("is damaged, perhaps cut off on its way; fetch it again") from error


def _too_large() -> RefusedError:
    return RefusedError(
        "claims more memory than a file of its size can hold; bring the same weights as safetensors"
    )


def _unwrap(value: object, depth: int = 0) -> dict[str, Tensor]:
    if isinstance(value, Mapping) and depth < _MAX_DEPTH:
        for name in _WRAPPERS:
            if isinstance(value.get(name), Mapping):
                return _unwrap(value[name], depth + 1)
    if not isinstance(value, Mapping) or not value:
        raise RefusedError(
            f"holds a {type(value).__name__}, expected names and their tensors; bring a state_dict"
        )
    for key, entry in value.items():
        if not isinstance(key, str) or type(entry) not in (Tensor, torch.nn.Parameter):
            raise RefusedError(
                f"holds a {type(entry).__name__} under {str(key)[:60]!r}, expected a tensor under "
                "each name; bring the state_dict alone"
            )
        if entry.layout != torch.strided or entry.is_quantized or entry.is_meta:
            raise RefusedError(
                f"holds a sparse, quantised or empty tensor under {key[:60]!r}, expected plain "
                "ones; bring the weights as they were before"
            )
    return dict(value)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
