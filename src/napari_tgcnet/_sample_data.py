"""The sample data that the manifest names: a shipped radiograph with report, and a phantom."""

from __future__ import annotations

from dataclasses import replace

from napari_tgcnet.shared import messages
from napari_tgcnet.shared.case import LayerTuple
from napari_tgcnet.shared.layers import image_layer_tuple
from tgcnet.io import load_volume
from tgcnet.samples import PHANTOM_REPORT, list_samples, phantom_stack, sample_path


def radiograph() -> list[LayerTuple]:
    """The openly licensed radiograph; its text and its source travel in the metadata."""
    sample = list_samples()[0]
    volume = load_volume(sample_path(sample.name), modality=sample.modality)
    source = messages.sample_source(sample.licence, sample.source_url)
    volume = replace(volume, notices=(*volume.notices, source))
    return [image_layer_tuple(volume, sample.title, report=sample.report)]


def phantom() -> list[LayerTuple]:
    """The generated CT-like stack; its name says that it is generated."""
    return [image_layer_tuple(phantom_stack(), messages.PHANTOM_NAME, report=PHANTOM_REPORT)]
