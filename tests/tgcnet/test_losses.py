"""Losses against hand-computed values, the zero cross-entropy trap among them."""

import math

import pytest
import torch

from tgcnet.losses import SegmentationLoss


def test_the_cross_entropy_of_one_sigmoid_channel_is_not_zero() -> None:
    """Old MONAI computed a softmax over one channel here: a loss of zero whatever was predicted."""
    loss = SegmentationLoss(alignment_weight=0.0)
    logits, masks = torch.zeros(1, 1, 2, 2), torch.tensor([[[[1.0, 0.0], [0.0, 0.0]]]])
    # Cross-entropy: log 2. Dice: p = 0.5 everywhere, 1 - (2 * 0.5 + 1) / (2 + 1 + 1).
    assert loss(logits, masks).item() == pytest.approx(math.log(2) + 0.5, abs=1e-6)


def test_the_trap_and_what_ours_says_of_the_same_logits() -> None:
    logits = torch.tensor([[[[2.0, -1.0]]]])
    masks = torch.tensor([[[[0.0, 1.0]]]])
    # The trap: one channel is all of a softmax, so its cross-entropy knows no wrong answer.
    assert torch.nn.functional.cross_entropy(logits, torch.zeros(1, 1, 2).long()).item() == 0
    p, q = 1 / (1 + math.exp(-2)), 1 / (1 + math.exp(1))
    cross_entropy = -(math.log(1 - p) + math.log(q)) / 2
    dice = 1 - (2 * q + 1) / (p + q + 1 + 1)
    loss = SegmentationLoss(alignment_weight=0.0)
    assert loss(logits, masks).item() == pytest.approx(cross_entropy + dice, abs=1e-6)


def test_two_classes_by_hand() -> None:
    logits = torch.tensor([[[[0.0, 0.0]], [[3.0, -3.0]]]])  # (1, 2, 1, 2)
    masks = torch.tensor([[[[0.0, 0.0]], [[1.0, 0.0]]]])
    sure = 1 / (1 + math.exp(-3))
    cross_entropy = (2 * math.log(2) - 2 * math.log(sure)) / 4
    first = 1 - 1 / (1 + 1)  # nothing marked: (0 + 1) / (0.5 + 0.5 + 0 + 1)
    second = 1 - (2 * sure + 1) / (1 + 1 + 1)  # its probabilities add up to 1
    loss = SegmentationLoss(alignment_weight=0.0)
    expected = cross_entropy + (first + second) / 2
    assert loss(logits, masks).item() == pytest.approx(expected, abs=1e-6)


def test_a_sure_and_right_answer_costs_nothing() -> None:
    masks = torch.zeros(2, 1, 4, 4)
    masks[0, 0, :2] = 1
    assert SegmentationLoss(alignment_weight=0.0)(masks * 80 - 40, masks).item() < 1e-6


def test_an_empty_mask_still_pulls_the_prediction_down() -> None:
    logits = torch.zeros(1, 1, 4, 4, requires_grad=True)
    SegmentationLoss(alignment_weight=0.0)(logits, torch.zeros(1, 1, 4, 4)).backward()
    assert logits.grad is not None
    assert (logits.grad > 0).all()


def test_a_batch_is_the_mean_of_its_samples() -> None:
    loss = SegmentationLoss(alignment_weight=0.3)
    logits, masks = torch.randn(4, 1, 8, 8), (torch.rand(4, 1, 8, 8) > 0.6).float()
    similarities = [torch.randn(4, 1, 2, 2), torch.randn(4, 1, 4, 4)]
    together = loss(logits, masks, similarities)
    singles = [
        loss(logits[i : i + 1], masks[i : i + 1], [s[i : i + 1] for s in similarities])
        for i in range(4)
    ]
    torch.testing.assert_close(together, torch.stack(singles).mean())


def test_alignment_asks_the_similarity_to_match_the_target() -> None:
    loss = SegmentationLoss(alignment_weight=1.0)
    logits, masks = torch.zeros(1, 1, 4, 4), torch.zeros(1, 1, 4, 4)
    masks[:, :, :2, :2] = 1
    here = torch.tensor([[[[9.0, -9.0], [-9.0, -9.0]]]])
    assert loss(logits, masks, [here]) < loss(logits, masks, [-here])
