"""What the named architectures cost, frozen: a change of these figures is a change of a network."""

import pytest

from tgcnet.models import named_configs
from tgcnet.models.cost import measure

# name: total and trainable parameters, GFLOP an image at 224, GFLOP a sentence of 32 tokens
COSTS = {
    "mini": (19_587_445, 4_512_181, "3.27", "0.116"),
    "vit-b16": (159_493_525, 9_872_789, "38.3", "2.44"),
    "vit-b16-biomedclip": (207_301_013, 11_398_293, "38.3", "5.53"),
    "tmca-mini": (15_116_217, 3_835_257, "1.31", "0.116"),
    "tmca": (139_689_785, 30_798_137, "10.5", "5.47"),
}


def test_every_named_architecture_is_counted() -> None:
    assert COSTS.keys() == named_configs().keys()


@pytest.mark.parametrize("name", COSTS)
def test_parameters_and_arithmetic_are_frozen(name: str) -> None:
    cost = measure(named_configs()[name], side_px=224)
    assert (
        cost.total_parameters,
        cost.trainable_parameters,
        f"{cost.gflop_per_image:.3g}",
        f"{cost.gflop_per_text:.3g}",
    ) == COSTS[name]


def test_the_image_tower_costs_what_its_matrices_say() -> None:
    """ViT-B/16: twelve blocks of 12 C^2 N + 2 N^2 C multiplications, and the patches'."""
    tokens, width = 197, 768
    blocks = 12 * (12 * width**2 * tokens + 2 * tokens**2 * width)
    tower = 2 * (blocks + 196 * width * 3 * 16**2) / 1e9
    config = named_configs()["vit-b16"]
    rest = measure(config, side_px=224).gflop_per_image - tower
    assert 0 < rest < 4
