"""A recipe as users write them, of a tiny network on the folders ``seen`` and ``scored``."""

from tests.tgcnet.train.phantoms import MODEL

from tgcnet.config import PreprocessConfig
from tgcnet.data.sources import Source
from tgcnet.domain import Modality
from tgcnet.train.config import Phase, PretrainConfig, TrainConfig, ValidationSource


def recipe() -> TrainConfig:
    """One epoch of towers, two of the rest, two steps each."""
    return TrainConfig(
        model=MODEL,
        sources=(Source(folder="seen", modality=Modality.XRAY),),
        validation=ValidationSource(folder="scored", max_rows=2),
        pretrain=PretrainConfig(phases=(Phase(epochs=1, side_px=32),), batch_size=4),
        phases=(Phase(epochs=2, side_px=64),),
        batch_size=4,
        starts_from_imagenet=False,
        ema_decay=0.5,
        warmup_steps=1,
        checkpoint_every=1,
        preprocess=PreprocessConfig(side_px=64),
        licence="none: phantoms",
    )
