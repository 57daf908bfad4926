"""The recipe of the embedded default model."""

from importlib import resources

from tgcnet.config import PreprocessConfig
from tgcnet.data.sources import Source
from tgcnet.domain import Modality
from tgcnet.models import named_configs
from tgcnet.train.config import Phase, PretrainConfig, TrainConfig, ValidationSource


def recipe() -> TrainConfig:
    """Train ``mini`` from random towers and an ImageNet CNN on the data of the README's table.

    The data folder holds ``qata_cov19``, ``ct_covid_semiseg`` and ``lesion_free``, as
    ``training/recipes/prepare_mini_data.py`` lays them out.
    """
    twins = _names("qata_twins_of_gb_covid_cxr.txt")
    return TrainConfig(
        model=named_configs()["mini"],
        sources=(
            Source(
                folder="qata_cov19/train",
                modality=Modality.XRAY,
                exclude=twins,
                denied_means_empty=True,
            ),
            Source(
                folder="ct_covid_semiseg/train",
                modality=Modality.CT,
                repeats=10,
                exclude=held_out_ct_slices(),
                denied_means_empty=True,
            ),
            Source(folder="ct_covid_semiseg/pseudo", modality=Modality.CT, denied_means_empty=True),
            Source(
                folder="lesion_free/train", modality=Modality.CT, repeats=6, is_lesion_free=True
            ),
        ),
        validation=ValidationSource(folder="qata_cov19/val", max_rows=300, denied_means_empty=True),
        pretrain=PretrainConfig(
            phases=(Phase(epochs=2, side_px=128), Phase(epochs=1, side_px=160))
        ),
        phases=(
            Phase(epochs=3, side_px=160),
            Phase(epochs=1, side_px=224),
            Phase(epochs=11, side_px=224, restarts_rate=True),
        ),
        # What the ImageNet weights of the CNN were trained with.
        preprocess=PreprocessConfig(mean=(0.5, 0.5, 0.5), std=(0.5, 0.5, 0.5)),
        findings=("pulmonary infection", "consolidation", "ground glass opacity", "opacity"),
        licence="Research, non-commercial; see the LICENSE beside the weights",
    )


def held_out_ct_slices() -> tuple[str, ...]:
    """The labelled CT slices that are scored and never trained on."""
    return _names("ct_held_out.txt")


def _names(file: str) -> tuple[str, ...]:
    text = resources.files("tgcnet.train.recipes").joinpath(file).read_text(encoding="utf-8")
    return tuple(line for line in text.splitlines() if line and not line.startswith("#"))
