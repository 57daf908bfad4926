"""Both models' masks of a held-out case, kept by the gate so that a person can look at them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import safetensors
from safetensors.numpy import load_file, save

from tgcnet.errors import InputError
from tgcnet.io import write_bytes_atomically
from tgcnet.io.atomic import not_written

COMPARED_FOLDER = "compared"


@dataclass(frozen=True, kw_only=True, slots=True)
class ComparedMasks:
    """One slice under both models, given its report; (Y, X) bool on the image's own grid."""

    before: np.ndarray
    after: np.ndarray


def write_compared(run: Path, case_id: str, masks: Mapping[int, ComparedMasks]) -> None:
    """Keep the masks of a case's slices, by their index along Z.

    Raises
    ------
    OutputError
        If they cannot be written.
    """
    tensors = {}
    for z, pair in masks.items():
        tensors[f"{z}/before"] = np.packbits(pair.before)
        tensors[f"{z}/after"] = np.packbits(pair.after)
        tensors[f"{z}/shape"] = np.array(pair.before.shape, dtype=np.int32)
    folder = run / COMPARED_FOLDER
    try:
        folder.mkdir(exist_ok=True)
    except OSError as error:
        raise not_written("What the gate's models drew", error) from None
    write_bytes_atomically(folder / f"{case_id}.safetensors", save(tensors))


def read_compared(run: Path, case_id: str) -> dict[int, ComparedMasks]:
    """What :func:`write_compared` kept.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    try:
        tensors = load_file(run / COMPARED_FOLDER / f"{case_id}.safetensors")
        indices = [int(name.removesuffix("/shape")) for name in tensors if "shape" in name]
        return {
            z: ComparedMasks(
                before=_unpack(tensors, z, "before"), after=_unpack(tensors, z, "after")
            )
            for z in indices
        }
    except (OSError, safetensors.SafetensorError, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"The masks of case {case_id} that the gate kept cannot be read "
            f"({type(error).__name__}); resume the run, which compares the models again."
        ) from None


def _unpack(tensors: Mapping[str, np.ndarray], z: int, when: str) -> np.ndarray:
    height, width = (int(side) for side in tensors[f"{z}/shape"])
    bits = np.unpackbits(tensors[f"{z}/{when}"], count=height * width)
    return bits.reshape(height, width).astype(bool)
