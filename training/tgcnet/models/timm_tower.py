"""timm's plain ViT as an image tower: BiomedCLIP's image half, as open_clip wraps it.

Without CLIP's norm before the first block, with biases on the patches and a plain GELU.
Axes: as in ``image_tower``.
"""

from jaxtyping import Float
from timm.models.vision_transformer import VisionTransformer
from torch import Tensor, nn

from tgcnet.config import TimmImageConfig
from tgcnet.models.image_tower import ImageTower


class TimmVisual(nn.Module):
    """The trunk and its projection, under the names that open_clip gives them."""

    def __init__(self, trunk: VisionTransformer, *, embed_dim: int) -> None:
        super().__init__()
        self.trunk = trunk
        self.head = nn.ModuleDict({"proj": nn.Linear(trunk.embed_dim, embed_dim, bias=False)})


class TimmImageTower(ImageTower):
    """The image half of an open_clip model whose trunk is timm's; same names, same weights."""

    def __init__(self, visual: TimmVisual, *, adapter_width: int) -> None:
        trunk = visual.trunk
        super().__init__(
            width=trunk.embed_dim, num_blocks=len(trunk.blocks), adapter_width=adapter_width
        )
        self.visual = visual

    @property
    def blocks(self) -> nn.ModuleList | nn.Sequential:
        return self.visual.trunk.blocks

    @property
    def patches(self) -> nn.Conv2d:
        return self.visual.trunk.patch_embed.proj

    @property
    def learned_positions(self) -> Float[Tensor, "M C"]:
        return self.visual.trunk.pos_embed[0]

    def embed(self, image: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B M C"]:
        return self.with_class_token(self.patches(image), self.visual.trunk.cls_token)

    def to_joint(self, tokens: Float[Tensor, "B M C"]) -> Float[Tensor, "B M E"]:
        return self.visual.head["proj"](self.visual.trunk.norm(tokens))


def build_timm_image_tower(
    image: TimmImageConfig, embed_dim: int, adapter_width: int
) -> TimmImageTower:
    """At a width of 768, 12 layers and heads, 16 and 224 px: timm's ``vit_base_patch16_224``."""
    trunk = VisionTransformer(
        img_size=image.side_px,
        patch_size=image.patch_px,
        embed_dim=image.width,
        depth=image.layers,
        num_heads=image.heads,
        num_classes=0,
        global_pool="token",
    )
    return TimmImageTower(TimmVisual(trunk, embed_dim=embed_dim), adapter_width=adapter_width)
