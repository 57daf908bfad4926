"""Text towers, token by token; here CLIP's, with a vocabulary that may be pruned.

Axes: S sentences, L tokens of a sentence, D text width, E joint (embedding) width.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
from jaxtyping import Bool, Float, Int
from open_clip.model import CLIP
from torch import Tensor, nn


class TextTower(nn.Module, ABC):
    """What every text tower is to the networks.

    Attributes
    ----------
    pools_at_start : whether a sentence's first token stands for it, or its last
    projects_linearly : whether means may be taken before :meth:`project`
    """

    pools_at_start: bool
    projects_linearly: bool

    @property
    def device(self) -> torch.device:
        """Where token ids have to be."""
        return next(self.parameters()).device

    @property
    @abstractmethod
    def width(self) -> int:
        """D, the width of a token's features."""

    @abstractmethod
    def forward(
        self, token_ids: Int[Tensor, "S L"], is_padding: Bool[Tensor, "S L"] | None = None
    ) -> Float[Tensor, "S L D"]:
        """Features of every token.

        Parameters
        ----------
        token_ids : of the tower's tokenizer; each row starts with the start token, ends with the
            end token and is padded with 0 behind it
        is_padding : what lies behind the end token; None where no row is padded
        """

    @abstractmethod
    def project(self, tokens: Float[Tensor, "*B D"]) -> Float[Tensor, "*B E"]:
        """Into the joint space, of the tokens that stand for sentences."""


class ClipTextTower(TextTower):
    """The text half of an open_clip model; same names, same weights, tokens kept.

    Sentences of a batch are padded at their end. Attention is causal, so no token ever sees the
    padding behind it, and a sentence's features do not depend on its neighbours' lengths.
    """

    pools_at_start, projects_linearly = False, True
    kept_token_ids: Tensor
    attn_mask: Tensor

    def __init__(self, clip: CLIP, kept_token_ids: Sequence[int]) -> None:
        super().__init__()
        self.token_embedding = clip.token_embedding
        self.positional_embedding = clip.positional_embedding
        self.transformer = clip.transformer
        self.ln_final = clip.ln_final
        self.text_projection = clip.text_projection
        self.register_buffer("attn_mask", clip.attn_mask, persistent=False)
        kept = torch.tensor(sorted(kept_token_ids), dtype=torch.int64)
        self.register_buffer("kept_token_ids", kept, persistent=False)

    @property
    def width(self) -> int:
        return self.ln_final.weight.shape[0]

    def forward(
        self, token_ids: Int[Tensor, "S L"], is_padding: Bool[Tensor, "S L"] | None = None
    ) -> Float[Tensor, "S L D"]:
        rows = torch.searchsorted(self.kept_token_ids, token_ids.contiguous())
        # Padding maps to a row of some kind; nothing attends to it and nobody reads it.
        rows = rows.clamp(max=self.token_embedding.num_embeddings - 1)
        length = token_ids.shape[1]
        x = self.token_embedding(rows) + self.positional_embedding[:length]  # (S, L, D)
        x = self.transformer(x, attn_mask=self.attn_mask[:length, :length])
        return self.ln_final(x)

    def project(self, tokens: Float[Tensor, "*B D"]) -> Float[Tensor, "*B E"]:
        return tokens @ self.text_projection
