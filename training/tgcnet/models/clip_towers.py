"""CLIP as open_clip builds it: image tower, text tower and tokenizer.

The text tower's vocabulary may be pruned to the words a model was trained on.
Axes: as in ``image_tower`` and ``text_tower``.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache

import torch
from jaxtyping import Bool, Float, Int
from open_clip.model import CLIP, CLIPTextCfg, CLIPVisionCfg
from open_clip.tokenizer import SimpleTokenizer
from open_clip.transformer import VisionTransformer
from torch import Tensor, nn

from tgcnet.config import ClipImageConfig, ClipTextConfig, TowerConfig
from tgcnet.errors import ConfigError
from tgcnet.models.image_tower import ImageTower
from tgcnet.models.text_tower import TextEncoder, TextTower, Tokenizer

CLIP_NUM_TOKENS = 49_408
START_TOKEN, END_TOKEN = 49_406, 49_407


class ClipImageTower(ImageTower):
    """The image half of an open_clip model; same names, same weights."""

    def __init__(self, visual: VisionTransformer, *, adapter_width: int) -> None:
        transformer = visual.transformer
        super().__init__(
            width=transformer.width,
            num_blocks=len(transformer.resblocks),
            adapter_width=adapter_width,
        )
        self.visual = visual

    @property
    def blocks(self) -> nn.ModuleList | nn.Sequential:
        return self.visual.transformer.resblocks

    @property
    def patches(self) -> nn.Conv2d:
        return self.visual.conv1

    @property
    def learned_positions(self) -> Float[Tensor, "M C"]:
        return self.visual.positional_embedding

    def embed(self, image: Float[Tensor, "B 3 H W"]) -> Float[Tensor, "B M C"]:
        visual = self.visual
        return visual.ln_pre(self.with_class_token(visual.conv1(image), visual.class_embedding))

    def to_joint(self, tokens: Float[Tensor, "B M C"]) -> Float[Tensor, "B M E"]:
        return self.visual.ln_post(tokens) @ self.visual.proj


class ClipTextTower(TextTower):
    """The text half of an open_clip model; same names, same weights, tokens kept.

    Sentences of a batch are padded at their end. Attention is causal, so no token ever sees the
    padding behind it, and a sentence's features do not depend on its neighbours' lengths.
    """

    key_prefix, pools_at_start, projects_linearly = "", False, True
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
        # Padding maps to an arbitrary row; nothing attends to it.
        rows = rows.clamp(max=self.token_embedding.num_embeddings - 1)
        length = token_ids.shape[1]
        x = self.token_embedding(rows) + self.positional_embedding[:length]  # (S, L, D)
        x = self.transformer(x, attn_mask=self.attn_mask[:length, :length])
        return self.ln_final(x)

    def project(self, tokens: Float[Tensor, "*B D"]) -> Float[Tensor, "*B E"]:
        return tokens @ self.text_projection


class ClipTokenizer(Tokenizer):
    """CLIP's byte pairs.

    Parameters
    ----------
    words : the words the tower was trained on; None means every word the byte pairs can write
    """

    start_id, end_id = START_TOKEN, END_TOKEN

    def __init__(self, words: Collection[str] | None = None) -> None:
        self._words = None if words is None else frozenset(words)

    def words_with_tokens(self, sentence: str) -> Iterator[tuple[str, tuple[int, ...] | None]]:
        for word, tokens in words_with_tokens(sentence):
            is_known = self._words is None or word in self._words
            yield word, tuple(tokens) if is_known else None


@cache
def clip_tokenizer() -> SimpleTokenizer:
    """CLIP's tokenizer; its merges ship inside open_clip, so it needs no network."""
    return SimpleTokenizer()


def words_with_tokens(sentence: str) -> Iterator[tuple[str, list[int]]]:
    """Each word (or punctuation mark) of a sentence with CLIP's token ids, in order."""
    tokenizer = clip_tokenizer()
    for word in tokenizer.pat.findall(tokenizer.clean_fn(sentence)):
        yield word, tokenizer.encode(word)


def token_ids_of(words: Iterable[str]) -> tuple[int, ...]:
    """CLIP's ids of every token these words are made of, sorted, start and end token among them."""
    ids = {i for word in words for _, tokens in words_with_tokens(word) for i in tokens}
    return tuple(sorted({*ids, START_TOKEN, END_TOKEN}))


def build_clip(towers: TowerConfig) -> CLIP:
    """open_clip's own model with random weights; both towers come from it.

    Raises
    ------
    ConfigError
        If one tower has QuickGELU and the other has not, which open_clip cannot build.
    """
    image, text = towers.image, towers.text
    if image.quick_gelu != text.quick_gelu:
        raise ConfigError(
            f"the image tower has quick_gelu={image.quick_gelu} and the text tower "
            f"{text.quick_gelu}, expected the same in both"
        )
    return CLIP(
        embed_dim=towers.embed_dim,
        vision_cfg=CLIPVisionCfg(
            layers=image.layers,
            width=image.width,
            head_width=image.width // image.heads,
            patch_size=image.patch_px,
            image_size=image.side_px,
        ),
        text_cfg=CLIPTextCfg(
            context_length=text.context_length,
            vocab_size=len(kept_token_ids(text.words)),
            width=text.width,
            heads=text.heads,
            layers=text.layers,
        ),
        quick_gelu=image.quick_gelu,
    )


def kept_token_ids(words: tuple[str, ...]) -> Sequence[int]:
    """CLIP's ids of the tokens a tower of these words holds embeddings for; no words: of all."""
    return token_ids_of(words) if words else range(CLIP_NUM_TOKENS)


def build_clip_towers(
    towers: TowerConfig, *, adapter_width: int
) -> tuple[ClipImageTower, ClipTextTower]:
    """Both towers of one CLIP; raises as :func:`build_clip`."""
    clip = build_clip(towers)
    return (
        ClipImageTower(clip.visual, adapter_width=adapter_width),
        ClipTextTower(clip, kept_token_ids(towers.text.words)),
    )


def build_clip_image_tower(
    image: ClipImageConfig, embed_dim: int, adapter_width: int
) -> ClipImageTower:
    """The image tower alone."""
    # open_clip makes both halves; a text half of one layer and two tokens costs nothing.
    text = ClipTextConfig(width=16, layers=1, heads=1, quick_gelu=image.quick_gelu, words=("a",))
    clip = build_clip(TowerConfig(embed_dim=embed_dim, image=image, text=text))
    return ClipImageTower(clip.visual, adapter_width=adapter_width)


def build_clip_text_tower(text: ClipTextConfig, embed_dim: int | None) -> ClipTextTower:
    """The text tower alone."""
    # open_clip makes both halves; an image half of one patch costs nothing.
    image = ClipImageConfig(
        width=16, layers=4, heads=1, patch_px=16, side_px=16, quick_gelu=text.quick_gelu
    )
    clip = build_clip(TowerConfig(embed_dim=embed_dim or text.width, image=image, text=text))
    tower = ClipTextTower(clip, kept_token_ids(text.words))
    if embed_dim is None:
        tower.text_projection = None
    return tower


def build_clip_tokenizer(text: ClipTextConfig) -> ClipTokenizer:
    """Of all words, or of the pruned vocabulary."""
    return ClipTokenizer(text.words or None)


CLIP_TEXT = TextEncoder(build_tower=build_clip_text_tower, build_tokenizer=build_clip_tokenizer)
