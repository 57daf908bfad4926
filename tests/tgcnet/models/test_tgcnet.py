"""Invariants of the whole network."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from tgcnet.config import TgcNetConfig
from tgcnet.domain import EncodedText
from tgcnet.models import TextFeatures, TgcNet, build_tgcnet

LEFT = "Consolidation in the left lower zone."
RIGHT = "Patchy opacities in the right upper zone of the lung."
Encode = Callable[..., EncodedText]


def pad(text: TextFeatures, length: int) -> TextFeatures:
    """The same text with garbage behind it, marked as padding."""
    batch, _, width = text.tokens.shape
    return replace(
        text,
        tokens=torch.cat([text.tokens, torch.randn(batch, length, width)], dim=1),
        is_padding=torch.cat([text.is_padding, torch.ones(batch, length, dtype=torch.bool)], dim=1),
    )


@torch.inference_mode()
def test_padding_changes_nothing(model: TgcNet, encode: Encode) -> None:
    image = torch.randn(1, 3, 64, 64)
    text = model.encode_text([encode(LEFT)])
    torch.testing.assert_close(
        model(image, text).logits, model(image, pad(text, 9)).logits, rtol=1e-4, atol=1e-5
    )


@torch.inference_mode()
def test_a_batch_equals_its_singles(model: TgcNet, encode: Encode) -> None:
    images = torch.randn(3, 3, 64, 64)
    texts = [
        encode(LEFT, findings=("consolidation",)),
        encode(),
        encode(RIGHT, LEFT, findings=("opacity", "consolidation")),
    ]
    together = model(images, model.encode_text(texts)).logits
    for index, text in enumerate(texts):
        alone = model(images[index : index + 1], model.encode_text([text])).logits
        torch.testing.assert_close(together[index : index + 1], alone, rtol=1e-4, atol=1e-5)


@torch.inference_mode()
def test_one_text_expands_to_a_batch(model: TgcNet, encode: Encode) -> None:
    images, text = torch.randn(3, 3, 64, 64), model.encode_text([encode(LEFT)])
    expanded = text.expand(3)
    assert expanded.tokens.data_ptr() == text.tokens.data_ptr()
    repeated = model.encode_text([encode(LEFT)] * 3)
    torch.testing.assert_close(model(images, expanded).logits, model(images, repeated).logits)


@torch.inference_mode()
def test_the_words_matter(model: TgcNet, encode: Encode) -> None:
    image = torch.randn(1, 3, 64, 64)
    left, right, none = (
        model(image, model.encode_text([text])).logits
        for text in (encode(LEFT), encode(RIGHT), encode())
    )
    assert (left - right).abs().max() > 1e-3
    assert (left - none).abs().max() > 1e-3


@torch.inference_mode()
def test_knowledge_reaches_the_tokens(model: TgcNet, encode: Encode) -> None:
    plain, informed = (
        model.encode_text([encode(LEFT, findings=findings)]).tokens
        for findings in ((), ("consolidation",))
    )
    assert (plain - informed).abs().max() > 1e-3


@torch.inference_mode()
def test_date_speaks_without_vlcm(small_config: Callable[..., TgcNetConfig]) -> None:
    """Plain CLIP's similarity reads the sentence after DATE, too."""
    model = build_tgcnet(small_config(vlcm=False))
    assert model.date is not None
    ids = model.reader.tokenize(LEFT)[0]
    assert ids is not None
    plain = EncodedText(token_ids=(ids,))
    image = torch.randn(1, 3, 64, 64)
    model.date.gamma.fill_(0.5)
    uninformed, informed = (
        model(image, model.encode_text([text])).logits
        for text in (plain, replace(plain, findings=("consolidation",)))
    )
    assert (uninformed - informed).abs().max() > 1e-3


@torch.inference_mode()
def test_a_report_is_pooled_as_the_mean_of_its_sentences(
    small_config: Callable[..., TgcNetConfig],
) -> None:
    model = build_tgcnet(small_config(date=False))
    sentences = [model.reader.tokenize(sentence)[0] for sentence in (LEFT, RIGHT)]
    both, left, right = (
        model.encode_text([EncodedText(token_ids=tuple(i for i in ids if i))]).pooled
        for ids in (sentences, sentences[:1], sentences[1:])
    )
    torch.testing.assert_close(both, (left + right) / 2)


def test_a_report_of_which_nothing_is_read_equals_no_report(model: TgcNet) -> None:
    with torch.inference_mode():
        nothing = model.encode_text([EncodedText(sentences_left_out=("Xyzzy.",))])
        none = model.encode_text([EncodedText()])
    assert torch.equal(nothing.tokens, none.tokens)


def logits_of(model: TgcNet, image: torch.Tensor) -> torch.Tensor:
    """With a report that names a finding of the knowledge base."""
    ids = model.reader.tokenize(LEFT)[0]
    assert ids is not None
    text = EncodedText(token_ids=(ids,), findings=("consolidation",))
    with torch.inference_mode():
        return model(image, model.encode_text([text] * len(image))).logits


@pytest.mark.parametrize("module", ["sse", "vlcm"])
def test_an_added_module_changes_nothing_at_step_0(
    small_config: Callable[..., TgcNetConfig], module: str
) -> None:
    """The same weights with and without the module, gates as they are initialised."""
    torch.manual_seed(0)
    bare = build_tgcnet(small_config(sse=False, date=False, vlcm=False))
    added = build_tgcnet(small_config(date=False, **{m: m == module for m in ("sse", "vlcm")}))
    result = added.load_state_dict(bare.state_dict(), strict=False)
    assert not result.unexpected_keys
    assert {key.split(".")[0] for key in result.missing_keys} == {module}
    image = torch.randn(2, 3, 64, 64)
    torch.testing.assert_close(logits_of(added, image), logits_of(bare, image), rtol=0, atol=1e-6)


def test_date_changes_next_to_nothing_at_step_0(
    model: TgcNet, small_config: Callable[..., TgcNetConfig]
) -> None:
    """Beside an open VLCM, which is what reads DATE's tokens; gamma starts at 1e-4, not at 0."""
    without = build_tgcnet(small_config(date=False))
    without.load_state_dict(
        {k: v for k, v in model.state_dict().items() if not k.startswith("date.")}
    )
    assert model.date is not None
    image = torch.randn(2, 3, 64, 64)
    with torch.no_grad():
        model.date.gamma.fill_(small_config().date.gamma_init)
        at_start = (logits_of(model, image) - logits_of(without, image)).abs().max()
        model.date.gamma.fill_(0.5)
        opened = (logits_of(model, image) - logits_of(without, image)).abs().max()
    assert at_start < 1e-3
    assert opened > 100 * at_start


def test_frozen_towers_stay_frozen_and_in_eval(model: TgcNet, encode: Encode) -> None:
    model.train()
    towers = [model.image_tower, model.text_tower]
    assert not any(module.training for tower in towers for module in tower.modules())
    assert model.decoder.training
    before = {k: v.clone() for k, v in model.state_dict().items()}
    optimizer = torch.optim.AdamW(p for p in model.parameters() if p.requires_grad)
    image = torch.randn(2, 3, 64, 64)
    model(
        image, model.encode_text([encode(LEFT, findings=("consolidation",))] * 2)
    ).logits.square().mean().backward()
    assert all(p.grad is None for tower in towers for p in tower.parameters())
    assert not [name for name, p in model.named_parameters() if p.requires_grad and p.grad is None]
    optimizer.step()
    after = model.state_dict()
    frozen = [k for k in before if k.startswith(("image_tower.", "text_tower."))]
    assert frozen
    assert all(torch.equal(before[k], after[k]) for k in frozen)
    statistics = [k for k in before if "running_" in k]
    assert statistics
    assert all(torch.equal(before[k], after[k]) for k in statistics)
    assert not torch.equal(before["decoder.head.0.weight"], after["decoder.head.0.weight"])


def test_only_adapters_of_the_image_tower_learn(small_config: Callable[..., TgcNetConfig]) -> None:
    model = build_tgcnet(small_config(adapter_width=8))
    learning = {n for n, p in model.image_tower.named_parameters() if p.requires_grad}
    assert learning
    assert all(name.startswith("adapters.") for name in learning)


@torch.inference_mode()
def test_other_image_sizes_work(model: TgcNet, encode: Encode) -> None:
    text = model.encode_text([encode(LEFT)])
    for side in (96, 160):
        output = model(torch.randn(1, 3, side, side), text)
        assert output.logits.shape == (1, 1, side, side)
        assert [s.shape[2] for s in output.similarities] == [side // k for k in (4, 8, 16, 32)]
        assert all(((gate > 0) & (gate < 1)).all() for gate in output.gates.values())
