"""Invariants of TMCA's network."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from tgcnet.config import ClipTextConfig, DecoderConfig, TmcaConfig
from tgcnet.domain import EncodedText
from tgcnet.errors import ConfigError
from tgcnet.models import TmcaNet, build_tmca
from tgcnet.models.tmca import Level

LEFT = "Consolidation in the left lower zone."
RIGHT = "Patchy opacities in the right upper zone of the lung."
WHOLE = TmcaConfig(
    name="test",
    text=ClipTextConfig(width=32, layers=2, heads=2, quick_gelu=True),
    cnn="tf_efficientnet_lite0",
    joint_dim=16,
    decoder=DecoderConfig(channels=(8, 8, 16, 16), head_channels=8),
)


def opened(config: TmcaConfig) -> TmcaNet:
    """Random weights, every zero-initialised gate opened."""
    torch.manual_seed(0)
    network = build_tmca(config)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad and not parameter.any():
                parameter.normal_(std=0.3)
    return network


@pytest.fixture
def tmca() -> TmcaNet:
    """The whole small network."""
    return opened(WHOLE)


@pytest.fixture
def encode(tmca: TmcaNet) -> Callable[..., EncodedText]:
    """Sentences to what the network's encoder reads of them."""

    def encode_sentences(*sentences: str) -> EncodedText:
        ids = [tmca.reader.tokenize(sentence)[0] for sentence in sentences]
        return EncodedText(token_ids=tuple(i for i in ids if i))

    return encode_sentences


Encode = Callable[..., EncodedText]


@torch.inference_mode()
def test_padding_changes_nothing(tmca: TmcaNet, encode: Encode) -> None:
    image, text = torch.randn(1, 3, 64, 64), tmca.encode_text([encode(LEFT)])
    garbage = torch.randn(1, 9, text.tokens.shape[2])
    padded = replace(
        text,
        tokens=torch.cat([text.tokens, garbage], dim=1),
        is_padding=torch.cat([text.is_padding, torch.ones(1, 9, dtype=torch.bool)], dim=1),
    )
    torch.testing.assert_close(
        tmca(image, text).logits, tmca(image, padded).logits, rtol=1e-4, atol=1e-5
    )


@torch.inference_mode()
def test_a_batch_equals_its_singles(tmca: TmcaNet, encode: Encode) -> None:
    images, texts = torch.randn(3, 3, 64, 64), [encode(LEFT), encode(), encode(RIGHT, LEFT)]
    together = tmca(images, tmca.encode_text(texts)).logits
    for index, text in enumerate(texts):
        alone = tmca(images[index : index + 1], tmca.encode_text([text])).logits
        torch.testing.assert_close(together[index : index + 1], alone, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("has_enhancement", [True, False])
@pytest.mark.parametrize("text_strides", [(8, 16, 32), ()])
@torch.inference_mode()
def test_the_text_is_heard_where_something_listens(
    encode: Encode, has_enhancement: bool, text_strides: tuple[int, ...]
) -> None:
    config = replace(WHOLE, has_enhancement=has_enhancement, text_strides=text_strides)
    tmca, image = opened(config), torch.randn(1, 3, 64, 64)
    left, right = (tmca(image, tmca.encode_text([encode(t)])) for t in (LEFT, RIGHT))
    is_heard = not torch.allclose(left.logits, right.logits, rtol=1e-5, atol=1e-6)
    assert is_heard is bool(has_enhancement or text_strides)
    assert len(left.enhanced) == (4 if has_enhancement else 0)
    assert all(((a > 0) & (a < 1)).all() for a in left.enhanced)


@torch.inference_mode()
def test_other_image_sizes_work(tmca: TmcaNet, encode: Encode) -> None:
    output = tmca(torch.randn(1, 3, 96, 160), tmca.encode_text([encode(LEFT)]))
    assert output.logits.shape == (1, 1, 96, 160)
    assert [f.shape[2:] for f in output.features] == [(96 // s, 160 // s) for s in (4, 8, 16, 32)]


@torch.inference_mode()
def test_enhancement_is_strongest_where_the_map_lies_with_the_text(tmca: TmcaNet) -> None:
    """A = sigmoid(cos / tau + b): a position that is the text itself has the largest A."""
    level = tmca.levels[2]
    assert isinstance(level, Level)
    assert level.enhance is not None
    features = torch.randn(1, 16, 4, 4)
    projection = level.similarity.to_joint
    joint = F.normalize(projection(features), dim=1)  # (1, E, 4, 4)
    text = joint[:, :, 1, 2]
    similarity = level.similarity(features, text)
    cosine = torch.einsum("bchw,bc->bhw", joint, text)[:, None]
    torch.testing.assert_close(similarity, cosine / level.similarity.log_tau.exp())
    _, attention = level.enhance(features, similarity)
    assert attention.flatten().argmax() == 1 * 4 + 2
    torch.testing.assert_close(attention, (similarity + level.enhance.offset).sigmoid())


@torch.inference_mode()
def test_a_targets_embedding_sees_the_target_alone(tmca: TmcaNet) -> None:
    level = tmca.levels[1]
    assert isinstance(level, Level)
    features, target = torch.randn(2, 8, 4, 4), torch.zeros(2, 1, 4, 4)
    target[0, 0, :2] = 1.0  # the second sample's stays empty
    embedded = level.embed_target(features, target)
    weight, bias = level.similarity.to_joint.weight[:, :, 0, 0], level.similarity.to_joint.bias
    by_hand = torch.stack([features[0, :, :2].mean((1, 2)), features[1].mean((1, 2))])
    assert bias is not None
    torch.testing.assert_close(embedded, F.normalize(by_hand @ weight.T + bias, dim=1))
    features[0, :, 2:] = 99.0  # outside of the target
    torch.testing.assert_close(level.embed_target(features, target)[0], embedded[0])


def test_frozen_parts_stay_frozen_and_in_eval(tmca: TmcaNet, encode: Encode) -> None:
    tmca.train()
    assert not any(module.training for module in tmca.text_tower.modules())
    output = tmca(torch.randn(2, 3, 64, 64), tmca.encode_text([encode(LEFT)] * 2))
    masks = (torch.rand(2, 1, 64, 64) > 0.5).float()
    targets = tmca.embed_targets(output, masks)
    aligned = [(t * x).sum() for t, x in zip(targets, output.texts, strict=True)]
    loss = output.logits.square().mean() + sum(aligned)
    statistics = {k: v.clone() for k, v in tmca.state_dict().items() if "running_" in k}
    loss.backward()
    assert all(p.grad is None for p in tmca.text_tower.parameters())
    assert not [n for n, p in tmca.named_parameters() if p.requires_grad and p.grad is None]
    assert statistics
    assert all(torch.equal(tmca.state_dict()[k], v) for k, v in statistics.items())


def test_segmenting_needs_no_mask_and_nothing_is_kept(tmca: TmcaNet, encode: Encode) -> None:
    image = torch.randn(1, 3, 64, 64)
    assert tmca.frozen_features(image) == ()
    with torch.inference_mode():
        text = tmca.encode_text([encode(LEFT)])
        torch.testing.assert_close(tmca(image, text).logits, tmca(image, text, ()).logits)


def test_convnext_gives_the_same_strides() -> None:
    tmca = build_tmca(replace(WHOLE, cnn="convnext_atto"))
    tmca.cnn.freeze_stem(2)
    frozen = {n.split(".")[0] for n, p in tmca.cnn.net.named_parameters() if not p.requires_grad}
    assert frozen == {"stem_0", "stem_1", "stages_0", "stages_1"}


def test_a_network_of_other_strides_is_refused() -> None:
    with pytest.raises(
        ConfigError, match=r"gives maps at the strides \(16, 16, 16, 16\), expected"
    ):
        build_tmca(replace(WHOLE, cnn="vit_tiny_patch16_224"))
