"""A disk that is full while tensors are written: a sentence, the old file, nothing beside it."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import torch
from tests.tgcnet.finetune.conftest import phantom_correction
from torch import nn

from tgcnet.corrections import Ledger
from tgcnet.errors import OutputError
from tgcnet.finetune.compared_masks import ComparedMasks, write_compared
from tgcnet.finetune.samples import samples_of_case
from tgcnet.train.checkpoint import Progress, save_checkpoint
from tgcnet.train.data.fixed_views import VARIANTS
from tgcnet.train.frozen_features import FeatureCache
from tgcnet.train.network_inputs import PixelScale
from tgcnet.train.validation import BestModel
from tgcnet.weights.load import load_model

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such limit")


@contextmanager
def files_of_at_most(size_bytes: int) -> Iterator[None]:
    import resource

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def checkpoint(folder: Path, model: Path) -> None:
    network = nn.Linear(64, 64)
    save_checkpoint(
        folder / "run.safetensors",
        model=network,
        optimizer=torch.optim.AdamW(network.parameters()),
        progress=Progress(stage="finetune"),
        config={},
    )


def best(folder: Path, model: Path) -> None:
    BestModel(folder / "best.safetensors").offer(load_model(str(model)).model, step=1, score=0.0)


def masks(folder: Path, model: Path) -> None:
    mask = np.ones((256, 256), dtype=bool)
    write_compared(folder, "case", {0: ComparedMasks(before=mask, after=mask)})


def features(folder: Path, model: Path) -> None:
    parent = load_model(str(model))
    preprocess, classes = parent.manifest.preprocess, parent.manifest.classes
    ledger = Ledger.create(folder.with_name(f"ledger of {folder.name}"))
    if not ledger.cases().cases:
        ledger.save(phantom_correction(0, patient="one"))
    [sample] = samples_of_case(next(iter(ledger.load_reviewed(print))), preprocess, classes)
    cache = FeatureCache(folder, parent.model, PixelScale(preprocess), weights_key="key")
    cache._compute(sample, VARIANTS[0])


@pytest.mark.parametrize("write", [checkpoint, best, masks, features])
def test_what_is_too_large_for_the_disk_leaves_the_old_file(
    tmp_path: Path, tiny_model_folder: Path, write: Callable[[Path, Path], None]
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    write(folder, tiny_model_folder)
    [file] = (path for path in folder.rglob("*") if path.is_file())
    content = file.read_bytes()
    with (
        files_of_at_most(len(content) // 2),
        pytest.raises(OutputError, match=rf"{file.name} was not written, files of that size") as e,
    ):
        write(folder, tiny_model_folder)
    assert str(tmp_path) not in str(e.value)
    assert [path for path in folder.rglob("*") if path.is_file()] == [file]
    assert file.read_bytes() == content
