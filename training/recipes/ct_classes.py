"""Ground glass and consolidation as two classes: a TGC-Net with two classes, on axial CT slices.

    python training/recipes/prepare_mini_data.py --source DATASETS --out DATA
    tgcnet train training/recipes/ct_classes.py --data DATA --out RUN
    tgcnet evaluate DATA/ct_classes/held_out --model RUN/model

Only forty labelled slices are there to train on, and ten to measure on: the recipe shows that
classes reach the layer from the data, not how well they can be separated. The ten that ``mini``
holds out are held out here too.

The report says where, not which class: requests are drawn from both classes merged, so one
that names consolidation alone is answered with the ground glass of that place, too.
"""

from dataclasses import replace

from tgcnet.data.sources import Source
from tgcnet.domain import Modality
from tgcnet.train.config import Phase, TrainConfig, ValidationSource
from tgcnet.train.recipes import mini


def recipe() -> TrainConfig:
    """The run; the number of classes and their names come from the data."""
    base = mini.recipe()
    return replace(
        base,
        model=replace(base.model, name="ct-classes"),
        towers_of="mini",
        pretrain=None,
        sources=(Source(folder="ct_classes/train", modality=Modality.CT, repeats=20),),
        validation=ValidationSource(
            folder="ct_classes/held_out", max_rows=10, modality=Modality.CT
        ),
        phases=(Phase(epochs=12, side_px=224),),
        warmup_steps=50,
        ema_decay=0.99,
        findings=("ground glass opacity", "consolidation"),
    )
