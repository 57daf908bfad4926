"""VLCM, the Vision-Language Calibration Module: a noisy similarity, purified by the words.

OURS (the abstract says only that cross-modal correspondence is refined in a unified space): at one
stride, the map F and the text are L2-normalised in the joint space and give the raw similarity
``S0 = cos / tau``. The map's positions attend to the report's tokens (context X), and
``F' = F + sigmoid(g) * dF`` with (g, dF) from ``[F, coordinates, X, S0]``; the last layer starts at
zero, so step 0 is plain CLIP and its raw similarity. The text's side is calibrated likewise.
Coordinates are part of it because "left lower zone" is a place: features alone say what a patch
looks like, not where it is.
Axes: B batch, C channels, H W grid, L report tokens, D text width, E joint width.
"""

import math

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn

from tgcnet.models.date import CrossAttention

NUM_COORDINATES = 6


class Similarity(nn.Module):
    """``S0 = cos(W F, t) / tau``: plain CLIP's dense similarity at one stride."""

    def __init__(self, *, channels: int, joint_dim: int, tau_init: float) -> None:
        super().__init__()
        self.to_joint = nn.Conv2d(channels, joint_dim, 1)
        self.log_tau = nn.Parameter(torch.tensor(math.log(tau_init)))

    def forward(
        self, feature_map: Float[Tensor, "B C H W"], text: Float[Tensor, "B E"]
    ) -> Float[Tensor, "B 1 H W"]:
        # cos(W f + b, t) without the joint map, which is wide at the fine strides: the dot product
        # is a sum over f's channels, and |W f + b|^2 a quadratic form in f. In bfloat16 that form
        # could lose its sign.
        with torch.autocast(feature_map.device.type, enabled=False):
            features, direction = feature_map.float(), F.normalize(text.float(), dim=1)
            weight, bias = self.to_joint.weight[:, :, 0, 0], self.to_joint.bias  # (E, C), (E,)
            assert bias is not None  # noqa: S101 - Conv2d makes one unless told not to
            dot = torch.einsum("bc,bchw->bhw", direction @ weight, features)
            dot = dot + (direction @ bias)[:, None, None]  # (B, H, W)
            gram = (weight.T @ weight)[:, :, None, None]  # (C, C, 1, 1)
            form = F.conv2d(features, gram, 2 * weight.T @ bias)  # (B, C, H, W)
            squared = (features * form).sum(dim=1) + bias @ bias
            cosine = dot / squared.clamp(min=1e-12).sqrt()
            return cosine[:, None] / self.log_tau.exp()


class Vlcm(nn.Module):
    """Calibrates one stride's map and the text for it."""

    def __init__(self, *, channels: int, text_dim: int, joint_dim: int, num_heads: int) -> None:
        super().__init__()
        self.channels = channels
        self.place = nn.Conv2d(NUM_COORDINATES, channels, 1)
        self.attend_text = CrossAttention(
            query_dim=channels, context_dim=text_dim, num_heads=num_heads
        )
        self.mix = nn.Sequential(
            nn.Conv2d(2 * channels + NUM_COORDINATES + 1, channels, 1),
            nn.GELU(),
            nn.Conv2d(channels, channels, 3, padding=1, groups=channels),
            nn.GELU(),
        )
        self.gate = nn.Conv2d(channels, channels, 1)
        self.delta = nn.Conv2d(channels, channels, 1)
        self.attend_map = CrossAttention(
            query_dim=joint_dim, context_dim=channels, num_heads=num_heads
        )
        self.text_delta = nn.Linear(joint_dim, joint_dim)
        for parameter in (*self.delta.parameters(), *self.text_delta.parameters()):
            nn.init.zeros_(parameter)

    def forward(
        self,
        feature_map: Float[Tensor, "B C H W"],
        similarity: Float[Tensor, "B 1 H W"],
        tokens: Float[Tensor, "B L D"],
        is_padding: Bool[Tensor, "B L"],
        text: Float[Tensor, "B E"],
    ) -> tuple[Float[Tensor, "B C H W"], Float[Tensor, "B E"], Float[Tensor, "B C H W"]]:
        """The calibrated map and text, and the gate in (0, 1)."""
        places = coordinates(feature_map).expand(len(feature_map), -1, -1, -1)
        placed = (feature_map + self.place(places)).flatten(2).transpose(1, 2)  # (B, H*W, C)
        context = self.attend_text(placed, tokens, is_padding)
        context = context.transpose(1, 2).reshape(feature_map.shape)  # (B, C, H, W)
        mixed = self.mix(torch.cat([feature_map, places, context, similarity], dim=1))
        gate = self.gate(mixed).sigmoid()
        calibrated = feature_map + gate * self.delta(mixed)
        nowhere = torch.zeros(placed.shape[:2], dtype=torch.bool, device=placed.device)
        seen = self.attend_map(text[:, None], placed, nowhere)[:, 0]  # (B, E)
        return calibrated, text + self.text_delta(seen), gate


def coordinates(feature_map: Float[Tensor, "B C H W"]) -> Float[Tensor, "1 6 H W"]:
    """Where each cell lies on the square image: x, y in [-1, 1], and sharper readings of them.

    ``tanh(8 x)`` tells left from right just beside the midline, where x itself is near zero.
    """
    height, width = feature_map.shape[2:]
    y = (torch.arange(height, device=feature_map.device) + 0.5) / height * 2 - 1
    x = (torch.arange(width, device=feature_map.device) + 0.5) / width * 2 - 1
    grid_y, grid_x = torch.meshgrid(y, x, indexing="ij")
    channels = [grid_x, grid_y, (8 * grid_x).tanh(), grid_x.abs(), grid_y**2, grid_x * grid_y]
    return torch.stack(channels)[None].to(feature_map.dtype)
