"""A recipe of the smallest networks there are, as a user would write it; what it trains on."""

from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from tgcnet.config import (
    DecoderConfig,
    ImageTowerConfig,
    PreprocessConfig,
    SseConfig,
    TextTowerConfig,
    TgcNetConfig,
    TmcaConfig,
    TowerConfig,
)
from tgcnet.data.sources import Source
from tgcnet.domain import Modality
from tgcnet.train.config import Phase, PretrainConfig, TrainConfig, ValidationSource

CNN = "test_efficientnet"
_TEXT = TextTowerConfig(
    width=8,
    layers=1,
    heads=1,
    quick_gelu=True,
    words=("infection", "left", "lower", "lung", "pulmonary", "right", "upper"),
)
_DECODER = DecoderConfig(channels=(8, 8, 8, 8), head_channels=4)
TGCNET = TgcNetConfig(
    name="compat",
    towers=TowerConfig(
        embed_dim=8,
        image=ImageTowerConfig(
            width=8, layers=4, heads=1, patch_px=16, side_px=64, quick_gelu=True
        ),
        text=_TEXT,
    ),
    sse=SseConfig(cnn=CNN),
    decoder=_DECODER,
)
TMCA = TmcaConfig(name="compat-tmca", text=_TEXT, cnn=CNN, joint_dim=8, decoder=_DECODER)


def recipe() -> TrainConfig:
    """Two steps of towers, two of the rest."""
    return TrainConfig(
        model=TGCNET,
        sources=(Source(folder="seen", modality=Modality.XRAY),),
        validation=ValidationSource(folder="scored", max_rows=1),
        pretrain=PretrainConfig(phases=(Phase(epochs=1, side_px=32),), batch_size=2),
        phases=(Phase(epochs=1, side_px=64),),
        batch_size=2,
        starts_from_imagenet=False,
        ema_decay=0.5,
        warmup_steps=1,
        checkpoint_every=1,
        preprocess=PreprocessConfig(side_px=64),
        licence="none: phantoms",
    )


def tmca() -> TrainConfig:
    """The same of a TMCA, which has no towers to align first."""
    return replace(recipe(), model=TMCA, pretrain=None)


def write_training_data(folder: Path) -> Path:
    """The folders that the recipe names, the same in every pixel each time."""
    for name, number in (("seen", 4), ("scored", 1)):
        for part in ("images", "masks"):
            (folder / name / part).mkdir(parents=True)
        table = "image,mask,report\n"
        for index in range(number):
            labels = np.zeros((48, 64), dtype=np.uint8)
            left = 8 if index % 2 else 40
            labels[8 + index : 24 + index, left : left + 12] = 1
            image = np.where(labels, 180, 60) + np.arange(64) % (7 + index + 5 * number)
            Image.fromarray(image.astype(np.uint8)).save(folder / name / f"images/p{index}.png")
            Image.fromarray(labels).save(folder / name / f"masks/p{index}.png")
            side = "right" if index % 2 else "left"
            table += f"p{index}.png,p{index}.png,Infection in the {side} lung.\n"
        (folder / name / "captions.csv").write_text(table, encoding="utf-8")
    return folder
