"""Encoded reports: sentences through a text tower, their tokens packed one after another.

Axes: B batch, S sentences, L report tokens, D text width, E joint width.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from tgcnet.models.text_tower import TextTower


@dataclass(frozen=True, kw_only=True, slots=True)
class TextFeatures:
    """Encoded reports: every token, which of them are padding, and a vector for the whole."""

    tokens: Float[Tensor, "B L D"]
    is_padding: Bool[Tensor, "B L"]
    pooled: Float[Tensor, "B E"]

    def expand(self, batch: int) -> "TextFeatures":
        """One report for a whole batch of slices; no memory is copied."""
        return TextFeatures(
            tokens=self.tokens.expand(batch, -1, -1),
            is_padding=self.is_padding.expand(batch, -1),
            pooled=self.pooled.expand(batch, -1),
        )

    def to(self, device: torch.device) -> "TextFeatures":
        """The same on another device."""
        return TextFeatures(
            tokens=self.tokens.to(device),
            is_padding=self.is_padding.to(device),
            pooled=self.pooled.to(device),
        )


class SentenceMemory:
    """A cache of a frozen tower's features, of the last ``size`` sentences.

    A sentence is read alone, so that its features depend on no other one: a resumed run sees the
    same numbers as an uninterrupted one, whatever is cached.
    """

    def __init__(self, size: int = 2000) -> None:
        self._size = size
        self._kept: dict[tuple[int, ...], Tensor] = {}

    def read(self, tower: TextTower, sentences: Sequence[tuple[int, ...]]) -> list[Tensor]:
        """Per sentence its tokens' features (L, D), without gradients."""
        features = [self._read(tower, ids) for ids in sentences]
        while len(self._kept) > self._size:
            self._kept.pop(next(iter(self._kept)))
        return features

    @torch.no_grad()
    def _read(self, tower: TextTower, ids: tuple[int, ...]) -> Tensor:
        found = self._kept.pop(ids, None)
        if found is None:
            found = tower(torch.tensor([ids], device=tower.device), None)[0]
        self._kept[ids] = found  # at the end, as the latest that was needed
        return found


def run_tower(
    tower: TextTower,
    reports: Sequence[Sequence[tuple[int, ...]]],
    memory: SentenceMemory | None = None,
) -> tuple[Float[Tensor, "B L D"], Bool[Tensor, "B L"]]:
    """Each different sentence through the tower once; a report's tokens one after another.

    Parameters
    ----------
    reports : per report its sentences' token ids; a report may have none
    memory : of a frozen tower; None reads everything anew, with gradients where it learns
    """
    unique = list(dict.fromkeys(ids for report in reports for ids in report))
    features = _read_together(tower, unique) if memory is None else memory.read(tower, unique)
    of = dict(zip(unique, features, strict=True))
    packed = [
        torch.cat([of[ids] for ids in report])
        if report
        else features[0].new_zeros(1, features[0].shape[-1])
        for report in reports
    ]
    lengths = torch.tensor([sum(len(ids) for ids in report) for report in reports])
    stacked = pad_sequence(packed, batch_first=True)  # (B, L, D)
    is_padding = torch.arange(stacked.shape[1]) >= lengths[:, None]  # (B, L)
    return stacked, is_padding.to(tower.device)


def _read_together(tower: TextTower, unique: Sequence[tuple[int, ...]]) -> list[Tensor]:
    """Sentences side by side; per sentence its tokens' features (L, D)."""
    padded = pad_sequence([torch.tensor(ids) for ids in unique], batch_first=True)  # (S, L)
    sizes = [len(ids) for ids in unique]
    is_padding = None  # computed here: a mask computed on the device would make it wait
    if len(set(sizes)) > 1:
        is_padding = torch.arange(padded.shape[1]) >= torch.tensor(sizes)[:, None]  # (S, L)
    tokens = tower(
        padded.to(tower.device), None if is_padding is None else is_padding.to(tower.device)
    )  # (S, L, D)
    return [row[:size] for row, size in zip(tokens, sizes, strict=True)]


def pool_sentences(
    tower: TextTower,
    tokens: Float[Tensor, "B L D"],
    reports: Sequence[Sequence[tuple[int, ...]]],
) -> Float[Tensor, "B E"]:
    """The mean over a report's sentences of what the tower makes of each: one token, projected."""
    weights = _mark_weights(reports, tokens.shape[1], at_start=tower.pools_at_start).to(tokens)
    if tower.projects_linearly:  # then the mean may come first
        return tower.project((weights[:, None] @ tokens)[:, 0])
    return (weights[:, None] @ tower.project(tokens))[:, 0]


def _mark_weights(
    reports: Sequence[Sequence[tuple[int, ...]]], length: int, *, at_start: bool
) -> Float[Tensor, "B L"]:
    """Weights that average the first or last tokens of each report's sentences as packed."""
    weights = torch.zeros(len(reports), length)
    for row, report in zip(weights, reports, strict=True):
        sizes = torch.tensor([len(ids) for ids in report])
        ends = sizes.cumsum(0)
        row[ends - sizes if at_start else ends - 1] = 1 / len(report)
    return weights
