"""Estimates what a run would learn from and how much disk it would take. No torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.state import Estimate, Options
from tgcnet.config import ModelConfig, TgcNetConfig
from tgcnet.corrections import CaseSummary, Ledger, may_become_ledger
from tgcnet.data.layouts.three_columns import read_folder
from tgcnet.data.reference_split import MIN_REFERENCE_IMAGES, split_reference
from tgcnet.errors import InputError, LedgerError
from tgcnet.weights.manifest import Manifest
from tgcnet.weights.registry import registered_models

# A copy of the trainer's constant, whose module imports torch; a test compares the two.
NUM_VIEWS = 4

_NUM_FEATURE_MAPS = 4
_HALF_BYTES = 2


def feature_bytes(model: ModelConfig, *, side_px: int, has_adapters: bool) -> int:
    """Disk space for the frozen image tower's features of one image in one view.

    Four feature maps are cached; with adapters, which change all that follows the first block, only
    that block's tokens. TMCA has no such tower, so nothing is cached.
    """
    if not isinstance(model, TgcNetConfig):
        return 0
    grid = side_px // model.towers.image.patch_px
    if has_adapters:
        return (1 + grid * grid) * model.towers.image.width * _HALF_BYTES
    return _NUM_FEATURE_MAPS * grid * grid * model.towers.image.width * _HALF_BYTES


def estimate(*, ledger: Path, reference: Path | None, model: str, options: Options) -> Estimate:
    """Read the ledger, the reference set and the model's manifest; for a worker thread.

    What a run would lack is a sentence in the estimate, not an error.
    """
    try:
        listing = Ledger.open(ledger).cases()
    except LedgerError as error:
        return Estimate(missing=messages.NO_LEDGER if may_become_ledger(ledger) else str(error))
    learnt = [case for case in listing.cases if not case.is_held_out]
    held_out = [case for case in listing.cases if case.is_held_out]
    num_replayed, num_measured, missing = _reference(reference)
    num_slices, num_patients = _reviewed(learnt)
    num_held_out, num_held_out_patients = _reviewed(held_out)
    if not num_slices + num_held_out:
        missing = messages.NO_REVIEWED_SLICE
    elif num_patients + num_held_out_patients < 2:
        missing = messages.ONE_PATIENT
    elif not num_slices:
        missing = messages.ALL_HELD_OUT
    elif not num_held_out:
        missing = messages.NONE_HELD_OUT
    manifest, _ = registered_models().get(model, (None, None))
    if manifest is None:
        size, missing = 0, missing or messages.model_gone(model)
    else:
        size = _bytes_per_view(manifest, options) * NUM_VIEWS * (num_slices + num_replayed)
        if options.learns == "adapters" and not isinstance(manifest.model, TgcNetConfig):
            missing = missing or messages.no_adapters(model)
    return Estimate(
        num_slices=num_slices,
        num_patients=num_patients,
        num_held_out=num_held_out,
        num_held_out_patients=num_held_out_patients,
        num_damaged=len(listing.problems),
        num_replayed=num_replayed,
        num_measured=num_measured,
        feature_bytes=size,
        missing=missing,
    )


def _reference(folder: Path | None) -> tuple[int, int, str]:
    """Images of a reference set to be replayed and to be measured, and why it cannot be used."""
    if folder is None:
        return 0, 0, ""
    try:
        rows = read_folder(folder)
    except InputError as error:
        return 0, 0, f"{messages.REFERENCE_UNUSABLE} {error}"
    if len(rows) < MIN_REFERENCE_IMAGES:
        return 0, 0, messages.reference_too_small(len(rows), MIN_REFERENCE_IMAGES)
    parts = split_reference(rows)
    return len(parts.replayed), len(parts.measured), ""


def _reviewed(cases: Sequence[CaseSummary]) -> tuple[int, int]:
    """Number of reviewed slices, and of their patients."""
    reviewed = [case for case in cases if case.reviewed_slices]
    patients = {case.patient_key for case in reviewed}
    return sum(len(case.reviewed_slices) for case in reviewed), len(patients)


def _bytes_per_view(manifest: Manifest, options: Options) -> int:
    if options.learns == "all":
        return 0
    model, side_px = manifest.model, manifest.preprocess.side_px
    is_adapted = isinstance(model, TgcNetConfig) and model.sse.adapter_width > 0
    has_adapters = is_adapted or options.learns == "adapters"
    return feature_bytes(model, side_px=side_px, has_adapters=has_adapters)
