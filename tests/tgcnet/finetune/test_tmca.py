"""A TMCA is fine-tuned as a TGC-Net is."""

from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
from tests.tgcnet.finetune.conftest import Tune

from tgcnet.errors import InputError
from tgcnet.finetune.config import Learns
from tgcnet.finetune.events import Begun, Stepped
from tgcnet.weights.load import load_model
from tgcnet.weights.manifest import WEIGHTS_FILE


def test_a_candidate_comes_of_it(tune: Tune, tiny_tmca_folder: Path) -> None:
    folder, told = tune(
        job_changes={"model": str(tiny_tmca_folder)},
        epochs=8,
        learning_rate=3e-3,
        distil_weight=0.0,
    )
    assert load_model(str(folder)).manifest.architecture == "tmca"
    assert next(event for event in told if isinstance(event, Begun)).cache_bytes == 0
    losses = [event.loss for event in told if isinstance(event, Stepped)]
    assert np.mean(losses[-4:]) < 0.9 * np.mean(losses[:4])


def test_only_what_was_chosen_learns(tune: Tune, tiny_tmca_folder: Path) -> None:
    folder, _ = tune(job_changes={"model": str(tiny_tmca_folder)}, learns=Learns.DECODER)
    before = safetensors.torch.load_file(tiny_tmca_folder / WEIGHTS_FILE)
    after = safetensors.torch.load_file(folder / WEIGHTS_FILE)
    changed = {key.split(".")[0] for key in before if not before[key].equal(after[key])}
    assert changed == {"decoder"}


def test_adapters_have_no_place(tune: Tune, tiny_tmca_folder: Path) -> None:
    with pytest.raises(InputError, match="is a TMCA, whose towers have no place for adapters"):
        tune(job_changes={"model": str(tiny_tmca_folder)}, learns=Learns.ADAPTERS)
