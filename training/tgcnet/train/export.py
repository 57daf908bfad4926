"""From a trained network to a model folder: weights, manifest, what it may be asked for."""

from pathlib import Path

from tgcnet.config import PostprocessConfig
from tgcnet.data.classes import LUNG_OPACITY
from tgcnet.models import SegmentationModel
from tgcnet.train.config import TrainConfig
from tgcnet.weights.load import save_model
from tgcnet.weights.manifest import Manifest


def export_model(model: SegmentationModel, config: TrainConfig, folder: Path) -> Path:
    """Write the network as a model folder that every part of tgcnet can load."""
    manifest = Manifest(
        name=config.model.name,
        model=config.model,
        preprocess=config.preprocess,
        postprocess=PostprocessConfig(
            threshold=config.threshold, min_region_px=config.min_region_px
        ),
        classes=(LUNG_OPACITY,),
        findings=config.findings,
        licence=config.licence,
        training_data=tuple(source.folder for source in config.sources),
    )
    save_model(model, manifest, folder)
    return folder
