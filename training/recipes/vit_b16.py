"""TGC-Net at full size: OpenAI's CLIP ViT-B/16, frozen, on the data of ``mini``.

    tgcnet train training/recipes/vit_b16.py --data FOLDER --out RUN

Fetches the towers by open_clip's tag "openai", unless weights of that name are in the folder of
pretrained weights (``tgcnet models import``). A path or another name in ``clip_weights`` does as
well: an open_clip file, a transformers folder such as that of openai/clip-vit-base-patch16. AdamW
3e-4 at batch 32; data, loss and requests are those of ``mini``.
"""

from dataclasses import replace

from tgcnet.config import PreprocessConfig
from tgcnet.models import named_configs
from tgcnet.train.config import Phase, TrainConfig
from tgcnet.train.recipes import mini


def recipe() -> TrainConfig:
    """The run."""
    return replace(
        mini.recipe(),
        model=named_configs()["vit-b16"],
        pretrain=None,
        clip_weights="openai",
        phases=(Phase(epochs=20, side_px=224),),
        # OpenAI's own mean and deviation, which the frozen image tower needs.
        preprocess=PreprocessConfig(),
        batch_size=32,
        learning_rate=3e-4,
    )
