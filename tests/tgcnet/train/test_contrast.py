"""TMCA's contrastive alignment against cases computed by hand."""

import math

import pytest
import torch
import torch.nn.functional as F

from tgcnet.errors import ConfigError
from tgcnet.train.contrast import (
    ContrastConfig,
    ContrastTargets,
    contrast_loss,
    soft_dice,
    soft_targets,
)

MASKS = torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 1.0, 1.0, 0.0], [0.0, 0.0, 0.0, 0.0]])
TEXTS = F.normalize(torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]]), dim=1)


def unit(*shape: int, seed: int) -> torch.Tensor:
    """Rows of length 1."""
    return F.normalize(torch.randn(*shape, generator=torch.Generator().manual_seed(seed)), dim=1)


def test_soft_dice_of_two_masks_by_hand() -> None:
    # Two of two pixels, one shared: (2 * 1 + 1) / (2 + 2 + 1); against nothing: 1 / (2 + 0 + 1).
    expected = torch.tensor([[1.0, 3 / 5, 1 / 3], [3 / 5, 1.0, 1 / 3], [1 / 3, 1 / 3, 1.0]])
    torch.testing.assert_close(soft_dice(MASKS), expected)


def test_soft_targets_follow_masks_and_texts_by_hand() -> None:
    config = ContrastConfig(mask_share=0.25, tau_distance=0.5)
    row = soft_targets(config, MASKS, TEXTS)[0]
    half = math.sqrt(0.5)
    distance = [0.0, 0.25 * (2 / 5) + 0.75 * 1, 0.25 * (2 / 3) + 0.75 * (1 - half)]
    weights = [math.exp(-d / 0.5) for d in distance]
    torch.testing.assert_close(row, torch.tensor([w / sum(weights) for w in weights]))


def test_soft_targets_of_the_texts_do_not_look_at_the_masks() -> None:
    config = ContrastConfig(targets=ContrastTargets.TEXT)
    torch.testing.assert_close(
        soft_targets(config, MASKS, TEXTS), soft_targets(config, MASKS.flip(0), TEXTS)
    )
    whole = ContrastConfig(targets=ContrastTargets.TARGET)
    assert not torch.allclose(
        soft_targets(whole, MASKS, TEXTS), soft_targets(whole, MASKS.flip(0), TEXTS)
    )


def test_one_hot_targets_are_infonce() -> None:
    config = ContrastConfig(targets=ContrastTargets.ONE_HOT, tau=0.2)
    target, text = unit(4, 8, seed=1), unit(4, 8, seed=2)
    loss = contrast_loss(config, [target], [text], torch.rand(4, 1, 56, 56), unit(4, 8, seed=3))
    similarity, own = target @ text.T / 0.2, torch.arange(4)
    expected = (F.cross_entropy(similarity, own) + F.cross_entropy(similarity.T, own)) / 2
    torch.testing.assert_close(loss, expected)


def test_levels_are_averaged() -> None:
    config, masks = ContrastConfig(), (torch.rand(4, 2, 56, 56) > 0.5).float()
    targets, texts = [unit(4, 8, seed=s) for s in (1, 2)], [unit(4, 8, seed=s) for s in (3, 4)]
    pooled = unit(4, 8, seed=5)
    both = contrast_loss(config, targets, texts, masks, pooled)
    each = [
        contrast_loss(config, [t], [x], masks, pooled) for t, x in zip(targets, texts, strict=True)
    ]
    torch.testing.assert_close(both, torch.stack(each).mean())


def test_alignment_is_rewarded_and_its_targets_get_no_gradient() -> None:
    config = ContrastConfig(targets=ContrastTargets.ONE_HOT)
    text, masks = torch.eye(4), torch.rand(4, 1, 56, 56)
    target, pooled = unit(4, 4, seed=1).requires_grad_(), unit(4, 4, seed=2).requires_grad_()
    apart = contrast_loss(config, [target], [text], masks, pooled)
    apart.backward()
    assert target.grad is not None
    assert pooled.grad is None
    assert contrast_loss(config, [text], [text], masks, pooled) < apart


def test_every_process_sees_the_whole_batch() -> None:
    """What a gather gives stands in the loss, not the process's own rows alone."""
    config, masks = ContrastConfig(), (torch.rand(4, 1, 56, 56) > 0.5).float()
    target, text, pooled = (unit(4, 8, seed=s) for s in (1, 2, 3))
    whole = contrast_loss(config, [target], [text], masks, pooled)
    rest = iter([F.adaptive_avg_pool2d(masks, 28)[2:].flatten(1), pooled[2:], target[2:], text[2:]])
    half = contrast_loss(
        config, [target[:2]], [text[:2]], masks[:2], pooled[:2],
        gather=lambda own: torch.cat([own, next(rest)]),
    )  # fmt: skip
    torch.testing.assert_close(half, whole)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"strides": (2, 4)}, r"some of 4, 8, 16, 32, got \(2, 4\)"),
        ({"strides": ()}, "some of 4, 8, 16, 32"),
        ({"mask_share": 1.5}, r"mask_share must lie in \[0, 1\], got 1.5"),
        ({"tau": 0.0}, r"tau must lie in \(0, inf\), got 0\.0"),
    ],
)
def test_a_senseless_configuration_is_refused(changes: dict[str, object], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        ContrastConfig(**changes)  # type: ignore[arg-type]


def test_half_precision_around_it_changes_no_target() -> None:
    config, texts = ContrastConfig(), unit(8, 16, seed=1)
    masks = torch.rand(8, 784, generator=torch.Generator().manual_seed(2))
    exact = soft_targets(config, masks, texts)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert torch.equal(soft_targets(config, masks, texts), exact)
