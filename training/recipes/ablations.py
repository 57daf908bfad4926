"""Ablations: what each module of TGC-Net and of TMCA contributes, at the size of ``mini``.

    tgcnet train training/recipes/ablations.py:tgcnet_without_vlcm --data FOLDER --out RUN

Every row starts from the frozen towers of the shipped ``mini`` and an ImageNet CNN, and sees the
same 5,664 radiographs of QaTa-COV19 train, the same requests in the same order, for two epochs at
160 pixels: enough to compare modules, not to reach the scores of longer training. The table is
made by ``docs/make_ablations.py``.
"""

from dataclasses import replace

from tgcnet.config import DateConfig, ModelConfig, SseConfig, TgcNetConfig, TmcaConfig, VlcmConfig
from tgcnet.models import named_configs
from tgcnet.train.config import Phase, TrainConfig
from tgcnet.train.contrast import ContrastConfig, ContrastTargets
from tgcnet.train.objective import Objective
from tgcnet.train.recipes import mini, tmca_mini


def tgcnet() -> TrainConfig:
    """All three modules."""
    return _tgcnet("tgcnet")


def tgcnet_without_sse() -> TrainConfig:
    """No CNN beside the frozen image tower."""
    return _tgcnet("tgcnet_without_sse", sse=SseConfig(enabled=False))


def tgcnet_without_date() -> TrainConfig:
    """No knowledge sentences."""
    return _tgcnet("tgcnet_without_date", date=DateConfig(enabled=False))


def tgcnet_without_vlcm() -> TrainConfig:
    """The raw similarity of map and text, and no attention to the report's tokens."""
    return _tgcnet("tgcnet_without_vlcm", vlcm=VlcmConfig(enabled=False))


def tgcnet_plain() -> TrainConfig:
    """None of the three: taps, raw similarity, decoder."""
    return _tgcnet(
        "tgcnet_plain",
        sse=SseConfig(enabled=False),
        date=DateConfig(enabled=False),
        vlcm=VlcmConfig(enabled=False),
    )


def tmca() -> TrainConfig:
    """All levels, soft targets of masks and texts, enhancement."""
    return _tmca("tmca", ContrastConfig())


def tmca_without_contrast() -> TrainConfig:
    """No alignment."""
    return _tmca("tmca_without_contrast", ContrastConfig(targets=ContrastTargets.NONE))


def tmca_one_hot() -> TrainConfig:
    """InfoNCE: every other sample of a batch counts as unlike."""
    return _tmca("tmca_one_hot", ContrastConfig(targets=ContrastTargets.ONE_HOT))


def tmca_text_targets() -> TrainConfig:
    """Soft targets without the mask."""
    return _tmca("tmca_text_targets", ContrastConfig(targets=ContrastTargets.TEXT))


def tmca_last_level() -> TrainConfig:
    """Stride 32 alone is aligned."""
    return _tmca("tmca_last_level", ContrastConfig(strides=(32,)))


def tmca_without_enhancement() -> TrainConfig:
    """The aligned text reinforces nothing."""
    return _tmca("tmca_without_enhancement", ContrastConfig(), has_enhancement=False)


def _tgcnet(name: str, **modules: SseConfig | DateConfig | VlcmConfig) -> TrainConfig:
    model = named_configs()["mini"]
    assert isinstance(model, TgcNetConfig)  # noqa: S101 - for the type checker
    return _short(mini.recipe(), replace(model, name=name, **modules), Objective())  # type: ignore[arg-type]


def _tmca(name: str, contrast: ContrastConfig, *, has_enhancement: bool = True) -> TrainConfig:
    model = tmca_mini.recipe().model
    assert isinstance(model, TmcaConfig)  # noqa: S101 - for the type checker
    model = replace(model, name=name, has_enhancement=has_enhancement)
    return _short(tmca_mini.recipe(), model, Objective(contrast=contrast))


def _short(recipe: TrainConfig, model: ModelConfig, objective: Objective) -> TrainConfig:
    return replace(
        recipe,
        model=model,
        objective=objective,
        towers_of="mini",
        pretrain=None,
        sources=recipe.sources[:1],
        phases=(Phase(epochs=2, side_px=160),),
        warmup_steps=100,
        ema_decay=0.99,
    )
