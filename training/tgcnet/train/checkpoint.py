"""A run's checkpoints: each one safetensors file with all that a resumed run needs, and no pickle.

Tensors are named ``model/...``, ``average/...``, ``optimizer/<index>/<key>`` and ``random``; the
JSON beside them (step, epoch, configuration, loss scale, what the run was made with) travels in
the file's own metadata, so that one rename makes a checkpoint whole or leaves the one before. A
run's folder keeps the last two, named by stage and step.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from tgcnet.errors import CheckpointError, InputError, OutputError
from tgcnet.io import write_bytes_atomically
from tgcnet.train.optimisation import MovingAverage

FOLDER = "checkpoints"
_NUM_KEPT = 2
_ENDING = ".safetensors"


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Where a run stands: the next batch is ``batch`` of ``epoch``; ``step`` counts all.

    ``halvings`` of the learning rate were needed because the run diverged; ``recent`` are the
    losses that fine-tuning compares a new one with; ``best`` is the best validation so far, and
    ``stale_epochs`` went by since; ``unlogged`` are the losses of the steps since the log's last
    line.
    """

    stage: str
    epoch: int = 0
    batch: int = 0
    step: int = 0
    halvings: int = 0
    recent: tuple[float, ...] = ()
    best: float | None = None
    stale_epochs: int = 0
    unlogged: tuple[float, ...] = ()


def save_checkpoint(
    path: Path,
    *,
    model: nn.Module,
    optimizer: Optimizer,
    progress: Progress,
    config: Mapping[str, Any],
    average: MovingAverage | None = None,
    loss_scale: Mapping[str, Any] | None = None,
    provenance: Mapping[str, str] | None = None,
) -> None:
    """Write the run's state; the file before stays whole until this one is.

    Parameters
    ----------
    loss_scale : state of the scaler that fp16 needs
    provenance : seed, versions and data that the run was made with
    """
    tensors = {f"model/{k}": v for k, v in model.state_dict().items()}
    if average is not None:
        tensors |= {f"average/{k}": v for k, v in average.state().items()}
    state = optimizer.state_dict()
    for index, values in state["state"].items():
        tensors |= {f"optimizer/{index}/{k}": torch.as_tensor(v) for k, v in values.items()}
    tensors["random"] = torch.get_rng_state()
    metadata = {
        "progress": json.dumps(asdict(progress)),
        "groups": json.dumps(state["param_groups"]),
        "config": json.dumps(config),
        "loss_scale": json.dumps(loss_scale or {}),
        "provenance": json.dumps(provenance or {}),
    }
    contiguous = {k: v.detach().contiguous() for k, v in tensors.items()}
    write_bytes_atomically(path, safetensors.torch.save(contiguous, metadata))


def read_provenance(path: Path) -> dict[str, str]:
    """What the run of this checkpoint was made with: seed, versions, data.

    Raises
    ------
    CheckpointError
        If the file is damaged.
    """
    try:
        values: dict[str, str] = json.loads(_metadata(path)["provenance"])
    except (OSError, safetensors.SafetensorError, KeyError, ValueError) as error:
        raise _unreadable(path, error) from error
    return values


def read_progress(path: Path, config: Mapping[str, Any]) -> Progress:
    """Where the run of this checkpoint stood.

    Raises
    ------
    CheckpointError
        If the file is damaged or another configuration wrote it.
    """
    try:
        metadata = _metadata(path)
        written_with = json.loads(metadata["config"])
        values = json.loads(metadata["progress"])
        # Checkpoints of earlier versions have none unlogged.
        lists = {name: tuple(values.get(name, ())) for name in ("recent", "unlogged")}
        progress = Progress(**{**values, **lists})
    # Damaged, of another version, or no checkpoint at all.
    except (OSError, safetensors.SafetensorError, KeyError, ValueError, TypeError) as error:
        raise _unreadable(path, error) from error
    if written_with != json.loads(json.dumps(config)):
        raise CheckpointError(
            f"the checkpoint {path.name} was written with another configuration; resume with the "
            "recipe that wrote it, or start without --resume in another folder"
        )
    return progress


def restore_checkpoint(
    path: Path,
    *,
    model: nn.Module,
    optimizer: Optimizer,
    average: MovingAverage | None = None,
) -> dict[str, Any]:
    """Put a run's state back, random numbers included; the loss scale's is returned."""
    tensors = safetensors.torch.load_file(path)
    model.load_state_dict(_part(tensors, "model/"))
    if average is not None:
        average.load(_part(tensors, "average/"))
    metadata = _metadata(path)
    groups = json.loads(metadata["groups"])
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in _part(tensors, "optimizer/").items():
        index, key = name.split("/")
        state.setdefault(int(index), {})[key] = _laid_out_like(parameters[int(index)], value)
    optimizer.load_state_dict({"state": state, "param_groups": groups})
    torch.set_rng_state(tensors["random"])
    scale: dict[str, Any] = json.loads(metadata["loss_scale"])
    return scale


def _metadata(path: Path) -> dict[str, str]:
    with safetensors.safe_open(path, framework="pt") as file:
        return file.metadata() or {}


def _unreadable(path: Path, error: Exception) -> CheckpointError:
    return CheckpointError(
        f"the checkpoint {path.name} cannot be read ({type(error).__name__}); resume from the one "
        "before it by its path, --resume FILE, or start without --resume in another folder"
    )


def _laid_out_like(parameter: Tensor, value: Tensor) -> Tensor:
    """The fused AdamW walks parameter and moments by memory, so both need the same strides."""
    if value.shape != parameter.shape:
        return value
    return torch.empty_like(parameter, device=value.device).copy_(value)


def _part(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


class Checkpoints:
    """The checkpoints in a run's folder; only the run's first process changes them."""

    def __init__(self, out: Path) -> None:
        self._folder = out / FOLDER

    def all(self) -> list[Path]:
        """Oldest first: "pretrain" sorts before "train", and steps have leading zeros."""
        return sorted(self._folder.glob(f"[!.]*{_ENDING}"))

    def latest(self) -> Path | None:
        """The newest; None where there is none."""
        found = self.all()
        return found[-1] if found else None

    def place_for(self, stage: str, step: int) -> Path:
        """Where the checkpoint of a step goes.

        Raises
        ------
        OutputError
            If its folder cannot be made.
        """
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise OutputError(
                f"the run's folder {FOLDER!r} cannot be made ({error.strerror or 'refused'}); make "
                "room or lift the protection, then go on with --resume"
            ) from None
        return self._folder / f"{stage}-{step:08}{_ENDING}"

    def drop_old(self) -> None:
        """Delete all but the last two; call it once the newest is on the disk.

        Files that a kill left half-written, whose names begin with a dot, are deleted too.
        """
        for path in (*self.all()[:-_NUM_KEPT], *self._folder.glob(f".*{_ENDING}")):
            path.unlink(missing_ok=True)

    def go_back_to(self, path: Path) -> None:
        """Delete the checkpoints after one of this folder, since the run resumes from it."""
        for later in self.all():
            if later.name > path.name:
                later.unlink(missing_ok=True)


def checkpoint_to_resume(out: Path, named: Path | None) -> Path | None:
    """The checkpoint that a run resumes from: the one named, else the newest of its folder.

    Raises
    ------
    InputError
        If the one named is not there.
    CheckpointError
        If it belongs to another folder's run.
    """
    if named is None:
        return Checkpoints(out).latest()
    if not named.is_file():
        raise InputError(
            f"--resume names {named.name}, which is not there; expected a file of the run's folder "
            f"{FOLDER!r}, or no name at all for the newest"
        )
    if named.resolve().parent != (out / FOLDER).resolve():
        raise CheckpointError(
            f"--resume names {named.name}, which does not lie in {FOLDER!r} of the run's folder; "
            "expected one of its own checkpoints: give the folder it lies in as --out"
        )
    return named
