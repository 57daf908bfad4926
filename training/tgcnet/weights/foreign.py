"""Other people's pickles to safetensors: in a process of its own, tensors only, within limits.

Nothing in such a file is ever run. What could do harm anyway, a huge claim or a parser's fault,
ends a child process and not this one.
"""

import subprocess
import zipfile
from pathlib import Path

from tgcnet.errors import CheckpointError
from tgcnet.ipc.process import end, start_module
from tgcnet.weights.foreign_child import REFUSED
from tgcnet.weights.registry import is_pickle_or_zip

CHILD_MODULE = "tgcnet.weights.foreign_child"
TIME_LIMIT_S = 600.0
_SCRIPT_MARKS = ("/constants.pkl", "/code/")


def convert_pickle(given: Path, converted: Path, *, time_limit_s: float = TIME_LIMIT_S) -> None:
    """Write the tensors of a file that ``torch.save`` wrote as safetensors.

    Raises
    ------
    CheckpointError
        If it is a TorchScript archive, holds anything but tensors, is damaged, claims more than it
        holds, or takes too long.
    """
    _check_outside(given)
    arguments = (str(given.absolute()), str(converted.absolute()), str(int(time_limit_s)))
    with start_module(CHILD_MODULE, arguments) as process:
        try:
            answer, _ = process.communicate(timeout=time_limit_s)
        except subprocess.TimeoutExpired:
            raise CheckpointError(
                f"{given.name} was not read within {time_limit_s:.0f} s, so it was given up; bring "
                "the same weights as safetensors"
            ) from None
        finally:
            end(process, 0.0)
    if process.returncode == REFUSED:
        raise CheckpointError(f"{given.name} {answer.decode('utf-8', 'replace').strip()}")
    if process.returncode or not converted.is_file():
        raise CheckpointError(
            f"{given.name} cannot be read: its reader ended with status {process.returncode}, "
            "perhaps at its limit of memory or time; bring the same weights as safetensors"
        )


def _check_outside(given: Path) -> None:
    """Refuse what shows without reading a pickle."""
    try:
        is_known, size = is_pickle_or_zip(given), given.stat().st_size
        with given.open("rb") as file:
            is_zip = file.read(2) == b"PK"
        names, claimed = _contents(given) if is_zip else ((), 0)
    except zipfile.BadZipFile:
        raise CheckpointError(
            f"{given.name} is a damaged archive, perhaps cut off on its way; fetch it again"
        ) from None
    except OSError as error:
        raise CheckpointError(
            f"{given.name} cannot be read ({error.strerror or 'refused'}); name a file that can"
        ) from None
    if not is_known:
        raise CheckpointError(
            f"{given.name} is no file that torch wrote, expected one of torch.save or safetensors"
        )
    if any(mark in name for name in names for mark in _SCRIPT_MARKS):
        raise CheckpointError(
            f"{given.name} is a TorchScript archive, which holds code, so it is never opened; "
            "bring the same weights as safetensors (those of OpenAI's ViT-B-16.pt are "
            "open_clip_model.safetensors of timm/vit_base_patch16_clip_224.openai)"
        )
    if claimed > 2 * size:
        raise CheckpointError(
            f"{given.name} has {size} bytes and claims to unpack to {claimed}, which no file of "
            "weights does; bring the same weights as safetensors"
        )


def _contents(given: Path) -> tuple[tuple[str, ...], int]:
    with zipfile.ZipFile(given) as archive:
        entries = archive.infolist()
    return tuple(entry.filename for entry in entries), sum(entry.file_size for entry in entries)
