"""Weights from and to a model folder; what does not match its manifest is never used."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import safetensors
import safetensors.torch
import torch
from torch import Tensor

from tgcnet.config import ModelConfig
from tgcnet.errors import CheckpointError, ConfigError, OutputError
from tgcnet.io import write_bytes_atomically
from tgcnet.models import SegmentationModel, build_model
from tgcnet.weights.active import active_folder
from tgcnet.weights.manifest import WEIGHTS_FILE, Manifest, read_manifest, write_manifest
from tgcnet.weights.registry import find_model, is_pickle_or_zip


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadedModel:
    """A network with its weights, in eval mode, and the manifest they came with."""

    model: SegmentationModel
    manifest: Manifest


def load_model(name_or_path: str | None = None, device: str = "cpu") -> LoadedModel:
    """Load a model by its registered name or from its folder, as float32.

    Parameters
    ----------
    name_or_path : None means the active model
    device : where the network is put, in torch's words

    Raises
    ------
    CheckpointError
        If there is no such model, or its weights are damaged, of another architecture, or in a
        refused format.
    """
    folder = active_folder() if name_or_path is None else find_model(name_or_path)
    manifest = read_manifest(folder)
    state = _read_weights(folder / WEIGHTS_FILE, manifest)
    model = _build(manifest.model)
    _check_fit(model.state_dict(), state, folder.name)
    model.load_state_dict(state)
    if manifest.prompt == "findings":
        model.reader.prompted_findings = manifest.findings
    return LoadedModel(model=model.to(device).eval(), manifest=manifest)


def verify(folder: Path | str) -> None:
    """Check that a model folder is whole: manifest, hash, format, architecture, finite numbers.

    Raises
    ------
    CheckpointError
        Saying what is wrong.
    """
    state = load_model(str(Path(folder).resolve())).model.state_dict()
    broken = [key for key, tensor in state.items() if not bool(torch.isfinite(tensor).all())]
    if broken:
        raise CheckpointError(
            f"Model folder {Path(folder).name!r} holds numbers that are not finite in "
            f"{len(broken)} parameters (first: {broken[0]}). Its training diverged; use another."
        )


def save_model(model: SegmentationModel, manifest: Manifest, folder: Path) -> Manifest:
    """Write a model folder: the weights as float16, then the manifest with their hash.

    Parameters
    ----------
    manifest : its ``sha256`` and ``dtype`` are filled in here

    Returns
    -------
    Manifest
        As written.

    Raises
    ------
    OutputError
        If the folder cannot be written. Should the machine stop between the two files, the hash
        no longer fits and the folder is refused rather than half new.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The model folder {folder.name!r} cannot be made ({error.strerror}); give a path "
            "whose parent can be written."
        ) from error
    state = {key: _as_stored(tensor) for key, tensor in model.state_dict().items()}
    written = safetensors.torch.save(state)
    write_bytes_atomically(folder / WEIGHTS_FILE, written)
    complete = replace(manifest, sha256=hashlib.sha256(written).hexdigest(), dtype="float16")
    write_manifest(complete, folder)
    return complete


def _as_stored(tensor: Tensor) -> Tensor:
    """Floats as float16; what overflows there (a variance may) stays as it is."""
    tensor = tensor.detach().cpu().contiguous()
    if not tensor.is_floating_point():
        return tensor.clone()
    half = tensor.half()
    overflows = bool(torch.isfinite(tensor).all()) and not bool(torch.isfinite(half).all())
    return tensor.clone() if overflows else half


def _read_weights(path: Path, manifest: Manifest) -> dict[str, Tensor]:
    """The tensors of a weights file, floats as float32.

    Hash and parser get the same bytes, so the file cannot change in between.
    """
    try:
        is_refused, content = is_pickle_or_zip(path), path.read_bytes()
    except OSError as error:
        # "from None": the system's own message holds the whole path.
        raise CheckpointError(
            f"{path.name} of model {manifest.name!r} cannot be read "
            f"({error.strerror or 'refused'}); fetch or write the model again."
        ) from None
    if is_refused:
        raise CheckpointError(
            f"{path.name} of model {manifest.name!r} is a pickle or an archive of pickles under "
            "another name and is never loaded; expected safetensors."
        )
    actual = hashlib.sha256(content).hexdigest()
    if actual != manifest.sha256:
        raise CheckpointError(
            f"{path.name} of model {manifest.name!r} has SHA-256 {actual[:12]}…, its manifest "
            f"says {manifest.sha256[:12] or 'nothing'}…. The file is damaged or another model's: "
            "fetch or write the model again."
        )
    try:
        tensors = safetensors.torch.load(content)
    except safetensors.SafetensorError as error:
        raise CheckpointError(
            f"{path.name} of model {manifest.name!r} is not a safetensors file ({error}); fetch "
            "or write the model again."
        ) from error
    return {
        key: tensor.float() if tensor.is_floating_point() else tensor
        for key, tensor in tensors.items()
    }


def _build(config: ModelConfig) -> SegmentationModel:
    """The architecture with random weights."""
    try:
        return build_model(config)
    # Numbers of a right type and a senseless size, or a network that timm does not know.
    except (ConfigError, RuntimeError, ValueError, TypeError, ArithmeticError) as error:
        raise CheckpointError(
            f"The architecture {config.name!r} that the manifest describes cannot be built: "
            f"{error}. Use a folder that this version of tgcnet wrote."
        ) from error


def _check_fit(expected: Mapping[str, Tensor], given: Mapping[str, Tensor], where: str) -> None:
    """Names and shapes of all parameters, before a single one is copied."""
    missing = sorted(set(expected) - set(given))
    unexpected = sorted(set(given) - set(expected))
    if missing or unexpected:
        raise CheckpointError(
            f"{WEIGHTS_FILE} in {where!r} does not fit this architecture: {len(missing)} "
            f"parameters are absent (first: {next(iter(missing), 'none')}) and {len(unexpected)} "
            f"are unknown (first: {next(iter(unexpected), 'none')}). It was probably trained with "
            "another ModelConfig; load it with the manifest it was written with."
        )
    reshaped = [key for key, tensor in expected.items() if tensor.shape != given[key].shape]
    if reshaped:
        first = reshaped[0]
        raise CheckpointError(
            f"{WEIGHTS_FILE} in {where!r} does not fit this architecture: {len(reshaped)} "
            f"parameters have another shape (first: {first}, {tuple(given[first].shape)} instead "
            f"of {tuple(expected[first].shape)}). Load it with the manifest it was written with."
        )
