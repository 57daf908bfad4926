"""transformers' BERT as a text tower: BiomedCLIP's text half, and CXR-BERT's kind alone.

Attention goes both ways, so padding is masked; a sentence's first token ("[CLS]") stands for it.
Axes: as in ``text_tower``.
"""

from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from tgcnet.errors import ConfigError
from tgcnet.models.text_tower import TextTower


class BertTextTower(TextTower):
    """A BERT without its pooler, and a projection; names as open_clip gives them.

    Parameters
    ----------
    bert : in its own names below ``transformer``
    projection : "none", "linear" or "mlp"
    embed_dim : E
    """

    pools_at_start = True

    def __init__(self, bert: BertModel, *, projection: str, embed_dim: int) -> None:
        super().__init__()
        self.transformer = bert
        self.projects_linearly = projection != "mlp"
        self.proj = _build_projection(projection, self.width, embed_dim)

    @property
    def width(self) -> int:
        return self.transformer.config.hidden_size

    def forward(
        self, token_ids: Int[Tensor, "S L"], is_padding: Bool[Tensor, "S L"] | None = None
    ) -> Float[Tensor, "S L D"]:
        may_attend = None if is_padding is None else (~is_padding).long()
        return self.transformer(input_ids=token_ids, attention_mask=may_attend).last_hidden_state

    def project(self, tokens: Float[Tensor, "*B D"]) -> Float[Tensor, "*B E"]:
        return self.proj(tokens)


def build_bert_tower(
    *,
    width: int,
    layers: int,
    heads: int,
    num_pieces: int,
    num_positions: int,
    projection: str,
    embed_dim: int,
) -> BertTextTower:
    """With random weights; at 768, 12, 12, 30522, 512 it is BERT-base.

    All BERTs that are read have a feed-forward part of four times their width, a plain GELU and a
    norm's epsilon of 1e-12; the source says so, or it is refused (``models.pretrained``).
    """
    config = BertConfig(
        vocab_size=num_pieces,
        hidden_size=width,
        num_hidden_layers=layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=num_positions,
    )
    bert = BertModel(config, add_pooling_layer=False)
    return BertTextTower(bert, projection=projection, embed_dim=embed_dim)


def _build_projection(kind: str, width: int, embed_dim: int) -> nn.Module:
    if kind == "linear":
        return nn.Linear(width, embed_dim, bias=False)
    if kind == "mlp":
        hidden = (width + embed_dim) // 2
        return nn.Sequential(
            nn.Linear(width, hidden, bias=False),
            nn.GELU(),
            nn.Linear(hidden, embed_dim, bias=False),
        )
    if width != embed_dim:
        raise ConfigError(
            f"a text tower of width {width} without a projection cannot reach a joint space of "
            f"{embed_dim}; set projection to 'linear' or 'mlp'"
        )
    return nn.Identity()
