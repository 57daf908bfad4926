"""TMCA at full size: ConvNeXt-Tiny and CXR-BERT, on the data of ``mini``.

    tgcnet train training/recipes/tmca.py --data FOLDER --out RUN

Fetches both by their hubs' names, unless they are in the folder of pretrained weights. The BERT is
frozen; of the CNN, stem and first two stages are.
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
        model=named_configs()["tmca"],
        pretrain=None,
        text_weights="hf-hub:microsoft/BiomedVLP-CXR-BERT-general",
        cnn_weights="convnext_tiny.fb_in1k",
        phases=(Phase(epochs=20, side_px=224),),
        # What the ImageNet weights of the CNN were trained with.
        preprocess=PreprocessConfig(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
        batch_size=32,
        learning_rate=3e-4,
    )
