"""Small networks with random weights, built as the real ones are."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from tgcnet.config import (
    ClipImageConfig,
    ClipTextConfig,
    DateConfig,
    DecoderConfig,
    SseConfig,
    TgcNetConfig,
    TowerConfig,
    VlcmConfig,
)
from tgcnet.domain import EncodedText
from tgcnet.models import TgcNet, build_tgcnet

_WHOLE = TgcNetConfig(
    name="test",
    towers=TowerConfig(
        embed_dim=16,
        image=ClipImageConfig(
            width=32, layers=4, heads=2, patch_px=16, side_px=64, quick_gelu=True
        ),
        text=ClipTextConfig(width=32, layers=2, heads=2, quick_gelu=True),
    ),
    decoder=DecoderConfig(channels=(8, 8, 16, 16), head_channels=8),
)


@pytest.fixture
def small_config() -> Callable[..., TgcNetConfig]:
    """The small network's configuration, modules switched on or off."""

    def configure(
        *, sse: bool = True, date: bool = True, vlcm: bool = True, adapter_width: int = 0
    ) -> TgcNetConfig:
        return replace(
            _WHOLE,
            sse=SseConfig(enabled=sse, adapter_width=adapter_width),
            date=DateConfig(enabled=date),
            vlcm=VlcmConfig(enabled=vlcm),
        )

    return configure


@pytest.fixture
def model() -> TgcNet:
    """The whole small network, every zero-initialised gate opened."""
    torch.manual_seed(0)
    network = build_tgcnet(_WHOLE)
    with torch.no_grad():
        for parameter in network.parameters():
            if parameter.requires_grad and not parameter.any():
                parameter.normal_(std=0.3)
        assert network.date is not None
        network.date.gamma.fill_(0.5)
    return network


@pytest.fixture
def encode(model: TgcNet) -> Callable[..., EncodedText]:
    """Sentences to what the network's encoder reads of them."""

    def encode_sentences(*sentences: str, findings: tuple[str, ...] = ()) -> EncodedText:
        ids = [model.reader.tokenize(sentence)[0] for sentence in sentences]
        return EncodedText(token_ids=tuple(i for i in ids if i), findings=findings)

    return encode_sentences
