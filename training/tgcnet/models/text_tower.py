"""What every text encoder is: a tokenizer, and a tower that reads its tokens.

A tokenizer splits text into words and each word into tokens, or reports that the tower does not
know the word; ``report_reader`` decides what follows.
Axes: S sentences, L tokens of a sentence, D text width, E joint (embedding) width.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn


class Tokenizer(ABC):
    """Words and tokens of one text tower."""

    start_id: int
    end_id: int

    @abstractmethod
    def words_with_tokens(self, sentence: str) -> Iterator[tuple[str, tuple[int, ...] | None]]:
        """Each word (or punctuation mark) with its token ids, in order; None: it is unknown."""

    @property
    def empty_report(self) -> tuple[tuple[int, ...]]:
        """Encoded where there is no report, or nothing of it is read."""
        return ((self.start_id, self.end_id),)


class TextTower(nn.Module, ABC):
    """What every text tower is to the networks.

    Attributes
    ----------
    key_prefix : before its tensors' names in open_clip's files; empty where they are among the
        image tower's
    pools_at_start : whether a sentence is pooled at its first token, or at its last
    projects_linearly : whether means may be taken before :meth:`project`
    """

    key_prefix: str
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
            end token and is padded with 0 after it
        is_padding : the tokens after the end token; None where no row is padded
        """

    @abstractmethod
    def project(self, tokens: Float[Tensor, "*B D"]) -> Float[Tensor, "*B E"]:
        """Into the joint space; of the tokens that sentences are pooled at."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TextEncoder:
    """How one kind of text encoder is built from its configuration, with random weights.

    Attributes
    ----------
    build_tower : from the configuration and the width of the joint space; None: there is none, and
        nothing is projected
    """

    build_tower: Callable[[Any, int | None], TextTower]
    build_tokenizer: Callable[[Any], Tokenizer]
