"""DATE, the Domain-Augmented Text Encoder: report tokens attend to knowledge sentences.

OURS (the abstract says only that language-model-derived medical knowledge is injected):
``T' = T + gamma * attention(T, K)`` with K the tokens of the knowledge sentences of the findings
that the report names, and gamma a per-channel scale that starts at 1e-4.
Axes: B batch, L report tokens, M knowledge tokens, D text width.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float
from torch import Tensor, nn


class CrossAttention(nn.Module):
    """Multi-head attention from one token list to another, padding never read.

    A row whose whole context is padding gets zeros, not NaN.
    """

    def __init__(self, *, query_dim: int, context_dim: int, num_heads: int) -> None:
        super().__init__()
        self.num_heads = num_heads
        self.to_query = nn.Linear(query_dim, query_dim)
        self.to_key = nn.Linear(context_dim, query_dim)
        self.to_value = nn.Linear(context_dim, query_dim)
        self.to_out = nn.Linear(query_dim, query_dim)

    def forward(
        self,
        query: Float[Tensor, "B N D"],
        context: Float[Tensor, "B M K"],
        is_padding: Bool[Tensor, "B M"],
    ) -> Float[Tensor, "B N D"]:
        q, k, v = (
            x.unflatten(-1, (self.num_heads, -1)).transpose(1, 2)  # (B, heads, tokens, D / heads)
            for x in (self.to_query(query), self.to_key(context), self.to_value(context))
        )
        is_empty = is_padding.all(dim=1)  # (B,)
        # True means "may attend". An empty row may attend everywhere and is zeroed afterwards.
        may_attend = (~is_padding | is_empty[:, None])[:, None, None, :]  # (B, 1, 1, M)
        attended = F.scaled_dot_product_attention(q, k, v, may_attend)
        attended = self.to_out(attended.transpose(1, 2).flatten(2))  # (B, N, D)
        return attended * ~is_empty[:, None, None]


class Date(nn.Module):
    """Knowledge into report tokens."""

    def __init__(self, *, text_dim: int, num_heads: int, gamma_init: float) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(text_dim)
        self.attend = CrossAttention(query_dim=text_dim, context_dim=text_dim, num_heads=num_heads)
        self.gamma = nn.Parameter(torch.full((text_dim,), gamma_init))

    def forward(
        self,
        tokens: Float[Tensor, "B L D"],
        knowledge: Float[Tensor, "B M D"],
        is_knowledge_padding: Bool[Tensor, "B M"],
    ) -> Float[Tensor, "B L D"]:
        if knowledge.shape[1] == 0:
            return tokens
        return tokens + self.gamma * self.attend(self.norm(tokens), knowledge, is_knowledge_padding)
