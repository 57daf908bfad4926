"""Features kept before training: each image in each view, by each process its share."""

from pathlib import Path
from unittest.mock import Mock

import pytest
import torch
from lightning_fabric import Fabric
from tests.tgcnet.train.phantoms import MODEL, phantoms

from tgcnet.config import PreprocessConfig
from tgcnet.models import SegmentationModel, build_model
from tgcnet.train.data.fixed_views import VARIANTS
from tgcnet.train.data.training_set import TrainingSet
from tgcnet.train.frozen_features import FEATURES_FOLDER, with_kept_features
from tgcnet.train.network_inputs import PixelScale


@pytest.fixture
def model() -> SegmentationModel:
    torch.manual_seed(0)
    model = build_model(MODEL)
    model.freeze_towers()
    return model


def keep(model: SegmentationModel, cache: Path, fabric: Fabric) -> TrainingSet:
    tower, pixels = MODEL.towers.image, PixelScale(PreprocessConfig(side_px=64))
    return with_kept_features(phantoms(), model, tower, pixels, fabric, cache)


def files_in(cache: Path) -> set[str]:
    return {file.name for file in (cache / FEATURES_FOLDER).rglob("*.safetensors")}


def one_process() -> Fabric:
    return Fabric(accelerator="cpu", devices=1)


def test_samples_come_with_the_features_of_their_view(
    model: SegmentationModel, tmp_path: Path
) -> None:
    kept = keep(model, tmp_path, one_process())
    sample = kept[kept.order(0, 64)[0]]
    image = PixelScale(PreprocessConfig(side_px=64))(sample.image[None])
    with torch.inference_mode():
        expected = model.frozen_features(image)
    assert sample.frozen is not None
    assert len(sample.frozen) == len(expected)
    for ours, theirs in zip(sample.frozen, expected, strict=True):
        torch.testing.assert_close(ours.float(), theirs[0], rtol=1e-2, atol=1e-2)


def test_what_is_kept_is_not_computed_again(model: SegmentationModel, tmp_path: Path) -> None:
    keep(model, tmp_path, one_process())
    model.frozen_features = Mock(wraps=model.frozen_features)  # type: ignore[method-assign]
    keep(model, tmp_path, one_process())
    assert model.frozen_features.call_count == 1  # to know their size


def test_two_processes_share_the_images(model: SegmentationModel, tmp_path: Path) -> None:
    shares = []
    for rank in range(2):
        fabric = Mock(spec=Fabric, global_rank=rank, world_size=2)
        keep(model, tmp_path / str(rank), fabric)
        shares.append(files_in(tmp_path / str(rank)))
    keep(model, tmp_path / "alone", one_process())
    assert [len(share) for share in shares] == [2 * len(VARIANTS)] * 2
    assert shares[0] | shares[1] == files_in(tmp_path / "alone")
