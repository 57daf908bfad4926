"""Texts on their way to the encoder: what a tower that learns made of them is not remembered."""

import torch
from tests.tgcnet.train.phantoms import MODEL

from tgcnet.models import build_model
from tgcnet.train.network_inputs import TextEncoder

TEXTS = ("Infection in the left lung.",)


def test_a_tower_that_learns_is_read_anew() -> None:
    torch.manual_seed(0)
    model = build_model(MODEL)
    model.text_tower.requires_grad_(True)
    encode = TextEncoder(model)
    before = encode(TEXTS).tokens.detach()
    with torch.no_grad():
        next(model.text_tower.parameters()).mul_(2)
    assert not torch.equal(encode(TEXTS).tokens, before)
    model.freeze_towers()
    frozen = encode(TEXTS).tokens.detach()
    assert not torch.equal(frozen, before)
    assert torch.equal(encode(TEXTS).tokens, frozen)
