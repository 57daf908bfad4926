"""The similarity of map and text: a short way round to the very cosine."""

import torch
import torch.nn.functional as F

from tgcnet.models.vlcm import Similarity


def test_the_similarity_is_the_cosine_in_the_joint_space() -> None:
    similarity = Similarity(channels=8, joint_dim=24, tau_init=0.07)
    feature_map = torch.randn(3, 8, 5, 4, requires_grad=True)
    text = torch.randn(3, 24, requires_grad=True)
    joint = F.normalize(similarity.to_joint(feature_map), dim=1)  # (B, E, H, W)
    plain = (joint * F.normalize(text, dim=1)[:, :, None, None]).sum(dim=1, keepdim=True) / 0.07
    ours = similarity(feature_map, text)
    torch.testing.assert_close(ours, plain, rtol=1e-4, atol=1e-4)
    learns = (feature_map, text, *similarity.to_joint.parameters())
    weights = torch.randn_like(plain)
    for grad, expected in zip(
        torch.autograd.grad((ours * weights).sum(), learns),
        torch.autograd.grad((plain * weights).sum(), learns),
        strict=True,
    ):
        torch.testing.assert_close(grad, expected, rtol=1e-3, atol=1e-3)


def test_a_map_of_zeros_has_a_finite_similarity() -> None:
    similarity = Similarity(channels=8, joint_dim=24, tau_init=0.07)
    assert similarity.to_joint.bias is not None
    torch.nn.init.zeros_(similarity.to_joint.bias)
    feature_map = torch.zeros(1, 8, 2, 2, requires_grad=True)
    result = similarity(feature_map, torch.randn(1, 24))
    result.sum().backward()
    assert torch.isfinite(result).all()
    assert feature_map.grad is not None
    assert torch.isfinite(feature_map.grad).all()
