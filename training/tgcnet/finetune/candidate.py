"""The model a run starts with, what of it learns, and the one it leaves: the candidate."""

from copy import deepcopy
from dataclasses import replace
from pathlib import Path

from tgcnet.config import ModelConfig, TgcNetConfig
from tgcnet.errors import InputError
from tgcnet.finetune.config import (
    FinetuneConfig,
    Learns,
)
from tgcnet.finetune.prepare_folder import MODEL_FOLDER
from tgcnet.finetune.run_data import Snapshot
from tgcnet.models import SegmentationModel, build_model
from tgcnet.weights.load import LoadedModel, save_model
from tgcnet.weights.manifest import Lineage


def config_with_adapters(model: ModelConfig, config: FinetuneConfig) -> ModelConfig:
    """The parent's architecture, with adapters where they are to learn and it has none.

    Raises
    ------
    InputError
        If its network has no place for adapters.
    """
    if config.learns is not Learns.ADAPTERS or adapter_width(model):
        return model
    if not isinstance(model, TgcNetConfig):
        raise InputError(
            f"Model {model.name!r} is a TMCA, whose towers have no place for adapters; expected "
            "another choice of what learns: standard, decoder or all."
        )
    return replace(model, sse=replace(model.sse, adapter_width=config.adapter_width))


def adapter_width(model: ModelConfig) -> int:
    """Bottleneck of the adapters; 0 where there are none."""
    return model.sse.adapter_width if isinstance(model, TgcNetConfig) else 0


def copy_of(parent: LoadedModel, config: ModelConfig) -> SegmentationModel:
    """The parent's weights; adapters that it lacks start at zero and change nothing."""
    if config == parent.manifest.model:
        return deepcopy(parent.model)
    model = build_model(config)
    absent = model.load_state_dict(parent.model.state_dict(), strict=False)
    assert all("adapters" in key for key in absent.missing_keys)  # noqa: S101
    return model


def export_candidate(
    model: SegmentationModel,
    parent: LoadedModel,
    snapshot: Snapshot,
    out: Path,
    config: ModelConfig,
) -> Path:
    """Write the candidate as a model folder with its lineage, under a name of its own.

    Raises
    ------
    OutputError
        If it cannot be written.
    """
    manifest = parent.manifest
    stamp = snapshot.taken_utc[:16].replace("-", "").replace(":", "").replace("T", "-")
    origin = manifest.name.partition("-ft-")[0]
    name = f"{origin}-ft-{stamp}"
    candidate = replace(
        manifest,
        name=name,
        model=config,
        measured={},
        training_data=(*manifest.training_data, "corrections of its user"),
        lineage=Lineage(
            parent=manifest.name,
            parent_sha256=manifest.sha256,
            ledger_snapshot=snapshot.identifier,
        ),
    )
    folder = out / MODEL_FOLDER / name
    save_model(model, candidate, folder)
    return folder


def choose_what_learns(
    model: SegmentationModel, learns: Learns, *, frozen_cnn_stages: int = 2
) -> None:
    """Let the chosen parameters learn, and nothing else."""
    model.requires_grad_(learns in (Learns.STANDARD, Learns.ALL))
    if learns is Learns.ALL:
        return
    model.freeze_towers()
    if learns is Learns.DECODER:
        model.requires_grad_(False)
        model.decoder.requires_grad_(True)
    elif learns is Learns.STANDARD and model.pyramid is not None:
        model.pyramid.freeze_stem(frozen_cnn_stages)
