"""TGC-Net with BiomedCLIP's towers: timm's ViT-B/16 and PubMedBERT, frozen, at a length of 256.

    tgcnet train training/recipes/biomedclip.py --data FOLDER --out RUN

Fetches the weights by their hub's name, unless they are in the folder of pretrained weights.
Everything else is as in ``vit_b16``; mean and deviation are OpenAI's there too.
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
        model=named_configs()["vit-b16-biomedclip"],
        pretrain=None,
        clip_weights="hf-hub:microsoft/BiomedCLIP-PubMedBERT_256-vit_base_patch16_224",
        phases=(Phase(epochs=20, side_px=224),),
        preprocess=PreprocessConfig(),
        batch_size=32,
        learning_rate=3e-4,
    )
