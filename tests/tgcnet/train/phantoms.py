"""What the tests of training share: phantoms, a tiny network, a run of it."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from lightning_fabric import Fabric

from tgcnet.config import (
    ClipImageConfig,
    ClipTextConfig,
    DecoderConfig,
    PreprocessConfig,
    TgcNetConfig,
    TmcaConfig,
    TowerConfig,
)
from tgcnet.data.row_decoding import Example
from tgcnet.data.text_requests import RequestMix
from tgcnet.domain import Modality
from tgcnet.models import SegmentationModel, build_model
from tgcnet.train.checkpoint import Progress
from tgcnet.train.config import Phase, PretrainConfig, TrainConfig, ValidationSource
from tgcnet.train.data.augment import AugmentConfig
from tgcnet.train.data.training_set import TrainingSet
from tgcnet.train.options import RunOptions
from tgcnet.train.run_log import RunLog, Sink
from tgcnet.train.trainer import Trainer
from tgcnet.train.validation import Validator

STILL = AugmentConfig(
    rotation_deg=0.0,
    log_zoom=0.0,
    shift=0.0,
    log_gamma=0.0,
    contrast=0.0,
    brightness=0.0,
    noise=0.0,
)
GIVEN = RequestMix(
    no_text=0.0, reworded=0.0, one_side=0.0, some_zones=0.0, one_lesion=0.0, wrong_side=0.0,
    nothing=0.0,
)  # fmt: skip
_TEXT = ClipTextConfig(width=32, layers=2, heads=2, quick_gelu=True)
_DECODER = DecoderConfig(channels=(8, 16, 16, 16), head_channels=8)
MODEL = TgcNetConfig(
    name="phantom",
    towers=TowerConfig(
        embed_dim=16,
        image=ClipImageConfig(
            width=32, layers=4, heads=2, patch_px=16, side_px=64, quick_gelu=True
        ),
        text=_TEXT,
    ),
    decoder=_DECODER,
)
TMCA = TmcaConfig(
    name="phantom-tmca", text=_TEXT, cnn="tf_efficientnet_lite0", joint_dim=16, decoder=_DECODER
)


class NoScores(Validator):
    """A validator with nothing to score."""

    def __init__(self) -> None:
        pass

    def score(self, model: SegmentationModel) -> dict[str, float]:
        return {}


class Kept(Sink):
    """A sink that remembers every number."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, dict[str, float]]] = []

    def stepped(self, progress: Progress, total: int) -> None:
        pass

    def write(self, progress: Progress, values: Mapping[str, float]) -> None:
        self.rows.append((progress.stage, progress.step, dict(values)))

    def close(self) -> None:
        pass


def phantoms(
    mix: RequestMix = GIVEN, augment: AugmentConfig = STILL, *, repeats: int = 1
) -> TrainingSet:
    """Four pictures with a bright blob each, in a place of its own that the text names."""
    places = {"upper right": (8, 8), "lower right": (40, 8), "upper left": (8, 40),
              "lower left": (40, 40)}  # fmt: skip
    examples = []
    for place, (top, left) in places.items():
        labels = np.zeros((64, 64), dtype=np.uint8)
        labels[top : top + 18, left : left + 16] = 1
        image = np.where(labels, 190, 60).astype(np.uint8)
        report = f"Infection in the {place} lung."
        examples.append(Example(image=image, labels=labels, report=report, modality=Modality.XRAY))
    return TrainingSet(examples, [repeats] * 4, seed=0, mix=mix, augment=augment)


def config_for(epochs: int, *, pretrain: int = 0) -> TrainConfig:
    return TrainConfig(
        model=MODEL,
        sources=(),
        validation=ValidationSource(folder="none", max_rows=1),
        phases=(Phase(epochs=epochs, side_px=64),),
        pretrain=PretrainConfig(phases=(Phase(epochs=pretrain, side_px=64),), batch_size=4)
        if pretrain
        else None,
        mix=GIVEN,
        augment=STILL,
        batch_size=4,
        learning_rate=3e-3,
        warmup_steps=5,
        ema_decay=0.8,
        checkpoint_every=1,
        preprocess=PreprocessConfig(side_px=64),
    )


def trainer(
    config: TrainConfig,
    out: Path,
    validator: Validator | None = None,
    *,
    model: SegmentationModel | None = None,
    training_set: TrainingSet | None = None,
    fabric: Fabric | None = None,
    num_workers: int = 0,
    sinks: tuple[Sink, ...] = (),
    log_every: int = 1,
) -> Trainer:
    torch.manual_seed(0)
    out.mkdir(exist_ok=True)
    return Trainer(
        config=config,
        model=model or build_model(config.model),
        training_set=training_set or phantoms(config.mix, config.augment),
        validator=validator or NoScores(),
        out=out,
        fabric=fabric or Fabric(accelerator="cpu", devices=1),
        options=RunOptions(num_workers=num_workers, log_every=log_every),
        log=RunLog(sinks),
        provenance={"seed": "0"},
    )
