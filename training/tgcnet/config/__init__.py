"""Everything that decides the names and shapes of the weights, and what the pixels go through.

Modules receive numbers, never a config; ``models.build`` is the one place that reads these.
Variants are functions that use :func:`dataclasses.replace`.
"""

from dataclasses import dataclass, field
from reprlib import repr as shortened
from typing import Annotated, ClassVar, Literal

from pydantic import Discriminator, Tag

from tgcnet.config.checks import check_divisible, check_in, check_types, check_whole
from tgcnet.errors import ConfigError

PROJECTIONS = ("none", "linear", "mlp")
LEVELS = (4, 8, 16, 32)
"""The strides of every pyramid."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _ImageTowerConfig:
    """What every image tower states; features are tapped after four evenly spaced blocks."""

    width: int
    layers: int
    heads: int
    patch_px: int
    side_px: int
    quick_gelu: bool

    def __post_init__(self) -> None:
        check_types(self)
        if self.layers % 4:
            raise ConfigError(
                f"an image tower's layers must be a multiple of 4, since features are tapped after "
                f"four evenly spaced blocks; got {self.layers}"
            )
        _check_heads("a tower's width", self.width, self.heads)
        check_whole(self, "width", "layers", "patch_px", "side_px")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipImageConfig(_ImageTowerConfig):
    """OpenAI's ViT as open_clip builds it."""

    kind: Literal["clip"] = "clip"


@dataclass(frozen=True, kw_only=True, slots=True)
class TimmImageConfig(_ImageTowerConfig):
    """timm's plain ViT with a linear projection, as BiomedCLIP has it."""

    kind: Literal["timm"] = "timm"

    def __post_init__(self) -> None:
        # Not super(): before Python 3.14 it fails in a dataclass with slots.
        _ImageTowerConfig.__post_init__(self)
        _check_plain_gelu("an image tower", self)


ImageTowerConfig = ClipImageConfig | TimmImageConfig
"""Any image tower; ``kind`` says which in a file."""


@dataclass(frozen=True, kw_only=True, slots=True)
class _TextTowerConfig:
    """What every text tower states.

    Manifests list all of these fields whatever the kind, so those that only one kind uses stand
    here too, and the other refuses a value in them. The fields of a further encoder are its own.
    """

    encoder_name: ClassVar[str]
    """In messages."""
    vocabulary_comes_with_weights: ClassVar[bool]
    """Whether a recipe needs pretrained weights to know the vocabulary."""

    width: int
    layers: int
    heads: int
    quick_gelu: bool
    words: tuple[str, ...] = ()
    """Of CLIP: the whole vocabulary of a pruned tower, which holds embeddings of their tokens alone
    and does not read any other word; empty means all that CLIP's tokenizer knows."""
    context_length: int = 77
    max_sentences: int = 12
    kind: str
    vocabulary: tuple[str, ...] = ()
    """Of BERT: the word pieces in the order of their ids, stored with the model. Empty until
    pretrained weights supply them: a tower without them reads nothing."""
    is_cased: bool = False
    """Of BERT: whether its tokenizer keeps capitals and accents."""
    num_positions: int = 512
    """How many positions BERT has embeddings for; CLIP's tower has ``context_length`` of them."""
    projection: str = "none"
    """From BERT's first token into the joint space: "none", "linear" or "mlp"."""

    def __post_init__(self) -> None:
        check_types(self)
        _check_heads("a tower's width", self.width, self.heads)
        check_whole(self, "width", "layers", "context_length", "max_sentences", "num_positions")
        if self.projection not in PROJECTIONS:
            raise ConfigError(f"projection must be one of {PROJECTIONS}, got {self.projection!r}")


@dataclass(frozen=True, kw_only=True, slots=True)
class ClipTextConfig(_TextTowerConfig):
    """OpenAI's causal transformer as open_clip builds it, with a vocabulary that may be pruned."""

    encoder_name: ClassVar[str] = "CLIP"
    vocabulary_comes_with_weights: ClassVar[bool] = False

    kind: Literal["clip"] = "clip"

    def __post_init__(self) -> None:
        _TextTowerConfig.__post_init__(self)
        if self.vocabulary or self.projection != "none":
            raise ConfigError("word pieces and a projection of one's own belong to kind='bert'")


@dataclass(frozen=True, kw_only=True, slots=True)
class BertTextConfig(_TextTowerConfig):
    """transformers' BertModel."""

    encoder_name: ClassVar[str] = "BERT"
    vocabulary_comes_with_weights: ClassVar[bool] = True

    kind: Literal["bert"] = "bert"

    def __post_init__(self) -> None:
        _TextTowerConfig.__post_init__(self)
        _check_plain_gelu("a text tower", self)
        if self.words or self.context_length > self.num_positions:
            raise ConfigError(
                "a BERT takes no pruned list of words, and its context_length goes up to "
                f"num_positions; got {len(self.words)} words, {self.context_length} and "
                f"{self.num_positions}"
            )


TextTowerConfig = ClipTextConfig | BertTextConfig
"""Any text tower; ``kind`` says which in a file."""


def _kind_of(tower: object) -> object:
    """Files of before towers had kinds state none: those are CLIP's."""
    return tower.get("kind", "clip") if isinstance(tower, dict) else getattr(tower, "kind", None)


_AnyImageTower = Annotated[
    Annotated[ClipImageConfig, Tag("clip")] | Annotated[TimmImageConfig, Tag("timm")],
    Discriminator(_kind_of),
]
_AnyTextTower = Annotated[
    Annotated[ClipTextConfig, Tag("clip")] | Annotated[BertTextConfig, Tag("bert")],
    Discriminator(_kind_of),
]


def _check_plain_gelu(what: str, tower: TimmImageConfig | BertTextConfig) -> None:
    if tower.quick_gelu:
        raise ConfigError(
            f"{what} of kind {tower.kind!r} has a plain GELU, but quick_gelu=True was given; state "
            "False"
        )


def _check_heads(what: str, width: int, heads: int) -> None:
    if heads < 1 or width % heads:
        raise ConfigError(f"{what} must divide by its heads, got {width} and {heads}")


@dataclass(frozen=True, kw_only=True, slots=True)
class TowerConfig:
    """Both towers of a CLIP-like pair, and the width of the space they share."""

    embed_dim: int
    image: _AnyImageTower
    text: _AnyTextTower

    def __post_init__(self) -> None:
        check_types(self)
        check_whole(self, "embed_dim")


@dataclass(frozen=True, kw_only=True, slots=True)
class SseConfig:
    """Semantic-Structural Synergy Encoder: a CNN beside the image tower (internals OURS)."""

    enabled: bool = True
    cnn: str = "tf_efficientnet_lite0"
    adapter_width: int = 0
    """Bottleneck of the residual adapters in the image tower; 0 leaves them out."""

    def __post_init__(self) -> None:
        check_types(self)
        check_whole(self, "adapter_width", least=0)


@dataclass(frozen=True, kw_only=True, slots=True)
class DateConfig:
    """Domain-Augmented Text Encoder: report tokens attend to knowledge sentences (OURS)."""

    enabled: bool = True
    num_heads: int = 4
    gamma_init: float = 1e-4

    def __post_init__(self) -> None:
        check_types(self)
        check_whole(self, "num_heads")
        check_in(self, "(-inf, inf)", "gamma_init")


@dataclass(frozen=True, kw_only=True, slots=True)
class VlcmConfig:
    """Vision-Language Calibration Module, at the strides named (OURS)."""

    enabled: bool = True
    strides: tuple[int, ...] = (8, 16, 32)
    num_heads: int = 4
    tau_init: float = 0.07

    def __post_init__(self) -> None:
        check_types(self)
        _check_strides("strides", self.strides)
        check_whole(self, "num_heads")
        check_in(self, "(0, inf)", "tau_init")


@dataclass(frozen=True, kw_only=True, slots=True)
class DecoderConfig:
    """Channels of the pyramid at strides 4, 8, 16 and 32, and of the full-resolution end."""

    channels: tuple[int, int, int, int] = (32, 64, 96, 128)
    head_channels: int = 16

    def __post_init__(self) -> None:
        check_types(self)
        # They are normalised in so many groups.
        check_divisible(self, "channels", by=8)
        check_divisible(self, "head_channels", by=4)


@dataclass(frozen=True, kw_only=True, slots=True)
class TgcNetConfig:
    """TGC-Net, whole."""

    name: str
    towers: TowerConfig
    sse: SseConfig = field(default_factory=SseConfig)
    date: DateConfig = field(default_factory=DateConfig)
    vlcm: VlcmConfig = field(default_factory=VlcmConfig)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    num_classes: int = 1

    def __post_init__(self) -> None:
        check_types(self)
        check_whole(self, "num_classes")
        if self.date.enabled:
            what = "DATE's width, which is the text tower's,"
            _check_heads(what, self.towers.text.width, self.date.num_heads)
        if self.vlcm.enabled:
            _check_levels(self.decoder, self.vlcm.strides, self.vlcm.num_heads)


@dataclass(frozen=True, kw_only=True, slots=True)
class TmcaConfig:
    """TMCA, whole (internals OURS): a CNN pyramid, a text tower, levels aligned by contrast.

    ``has_enhancement`` is language-guided target enhancement; ``text_strides`` are the levels
    whose positions attend to the report's tokens.
    """

    name: str
    text: _AnyTextTower
    cnn: str = "convnext_tiny"
    joint_dim: int = 128
    num_heads: int = 4
    has_enhancement: bool = True
    text_strides: tuple[int, ...] = (8, 16, 32)
    decoder: DecoderConfig = field(default_factory=DecoderConfig)
    num_classes: int = 1

    def __post_init__(self) -> None:
        check_types(self)
        check_whole(self, "joint_dim", "num_classes")
        _check_strides("text_strides", self.text_strides)
        _check_levels(self.decoder, self.text_strides, self.num_heads)


ModelConfig = TgcNetConfig | TmcaConfig
"""Everything that decides the names and shapes of a model's weights."""


def text_tower_config(model: ModelConfig) -> TextTowerConfig:
    """The text tower of any model."""
    return model.towers.text if isinstance(model, TgcNetConfig) else model.text


def _check_strides(name: str, strides: tuple[int, ...]) -> None:
    if not set(strides) <= set(LEVELS):
        raise ConfigError(f"{name} must be some of {LEVELS}, got {shortened(strides)}")


def _check_levels(decoder: DecoderConfig, strides: tuple[int, ...], num_heads: int) -> None:
    for stride, channels in zip(LEVELS, decoder.channels, strict=True):
        if stride in strides:
            _check_heads(f"the decoder's width at stride {stride}", channels, num_heads)


@dataclass(frozen=True, kw_only=True, slots=True)
class PreprocessConfig:
    """From stored intensities to what the image tower reads.

    ``mean`` and ``std`` are per RGB channel, on intensities in [0, 1].
    """

    side_px: int = 224
    window_centre_hu: float = -600.0
    window_width_hu: float = 1500.0
    percentile_low: float = 0.5
    percentile_high: float = 99.5
    mean: tuple[float, float, float] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, float, float] = (0.26862954, 0.26130258, 0.27577711)

    def __post_init__(self) -> None:
        check_types(self)
        check_divisible(self, "side_px", by=LEVELS[-1])
        check_in(self, "(-inf, inf)", "window_centre_hu", "mean")
        check_in(self, "(0, inf)", "window_width_hu", "std")
        if not 0 <= self.percentile_low < self.percentile_high <= 100:
            raise ConfigError(
                "percentiles must satisfy 0 <= low < high <= 100, got "
                f"{self.percentile_low} and {self.percentile_high}"
            )


@dataclass(frozen=True, kw_only=True, slots=True)
class PostprocessConfig:
    """From probabilities to labels.

    Regions below ``min_region_px`` pixels of the model's own square grid are dropped as noise.
    """

    threshold: float = 0.5
    min_region_px: int = 0

    def __post_init__(self) -> None:
        check_types(self)
        check_whole(self, "min_region_px", least=0)
        if not 0 < self.threshold < 1:
            raise ConfigError(f"threshold must lie between 0 and 1, got {self.threshold}")
