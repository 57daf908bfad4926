"""From a trained network to a model folder: weights, manifest, what it may be asked for."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from tgcnet.config import PostprocessConfig
from tgcnet.domain import SegmentationClass
from tgcnet.models import SegmentationModel
from tgcnet.train.config import TrainConfig
from tgcnet.weights.load import save_model
from tgcnet.weights.manifest import Manifest


def export_model(
    model: SegmentationModel,
    config: TrainConfig,
    folder: Path,
    *,
    classes: Sequence[SegmentationClass],
    provenance: Mapping[str, str],
) -> Path:
    """Write the network as a model folder that every part of tgcnet can load."""
    manifest = Manifest(
        name=config.model.name,
        model=config.model,
        preprocess=config.preprocess,
        postprocess=PostprocessConfig(
            threshold=config.threshold, min_region_px=config.min_region_px
        ),
        classes=tuple(classes),
        findings=config.findings,
        licence=config.licence,
        training_data=tuple(source.label for source in config.sources),
        provenance=provenance,
    )
    save_model(model, manifest, folder)
    return folder
