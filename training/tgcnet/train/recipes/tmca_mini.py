"""TMCA at the size of ``mini``, on the data of ``mini``."""

from dataclasses import replace

from tgcnet.models import named_configs
from tgcnet.train.config import Phase, TrainConfig
from tgcnet.train.recipes import mini


def recipe() -> TrainConfig:
    """Train ``tmca-mini``: an ImageNet CNN and the frozen text tower of the embedded ``mini``.

    Data, requests, augmentation and loss are those of ``mini``, with contrastive alignment in the
    place of its alignment of similarity maps.
    """
    return replace(
        mini.recipe(),
        model=named_configs()["tmca-mini"],
        towers_of="mini",
        pretrain=None,
        phases=(
            Phase(epochs=3, side_px=160),
            Phase(epochs=5, side_px=224, restarts_rate=True),
        ),
    )
