"""What a frozen tower made of a sentence is remembered, and changes nothing."""

from collections.abc import Callable
from unittest.mock import Mock

import pytest
import torch

from tgcnet.domain import EncodedText
from tgcnet.models import SentenceMemory, TgcNet

LEFT = "Consolidation in the left lower zone."
RIGHT = "Patchy opacities in the right upper zone of the lung."
Encode = Callable[..., EncodedText]


@pytest.fixture
def tower(model: TgcNet) -> Mock:
    """The text tower, its calls counted."""
    counted = Mock(wraps=model.text_tower.forward)
    model.text_tower.forward = counted  # type: ignore[method-assign]
    return counted


def test_features_are_those_of_reading_anew(model: TgcNet, encode: Encode) -> None:
    texts = [
        encode(LEFT, findings=("consolidation",)),
        encode(),
        encode(RIGHT, LEFT, findings=("opacity",)),
    ]
    anew, memory = model.encode_text(texts), SentenceMemory()
    for _ in range(2):
        remembered = model.encode_text(texts, memory)
        torch.testing.assert_close(remembered.tokens, anew.tokens, rtol=1e-4, atol=1e-5)
        torch.testing.assert_close(remembered.pooled, anew.pooled, rtol=1e-4, atol=1e-5)
        assert torch.equal(remembered.is_padding, anew.is_padding)


def test_a_sentence_is_read_once_and_alone(model: TgcNet, encode: Encode, tower: Mock) -> None:
    memory = SentenceMemory()
    model.encode_text([encode(LEFT)] * 2, memory)
    model.encode_text([encode(RIGHT, LEFT), encode(LEFT)], memory)
    assert [len(call.args[0]) for call in tower.call_args_list] == [1, 1]


def test_numbers_do_not_depend_on_what_was_read_before(model: TgcNet, encode: Encode) -> None:
    """To the bit: a resumed run remembers nothing and has to go on as if it did."""
    memory = SentenceMemory()
    model.encode_text([encode(RIGHT)], memory)
    later = model.encode_text([encode(LEFT)], memory)
    first = model.encode_text([encode(LEFT)], SentenceMemory())
    assert torch.equal(later.tokens, first.tokens)


def test_the_oldest_sentence_is_forgotten(model: TgcNet, encode: Encode, tower: Mock) -> None:
    memory = SentenceMemory(size=1)
    for sentence in (LEFT, LEFT, RIGHT, LEFT):
        model.encode_text([encode(sentence)], memory)
    assert tower.call_count == 3


def test_date_still_learns(model: TgcNet, encode: Encode) -> None:
    text = model.encode_text([encode(LEFT, findings=("consolidation",))], SentenceMemory())
    text.tokens.square().sum().backward()
    assert model.date is not None
    assert model.date.gamma.grad is not None
