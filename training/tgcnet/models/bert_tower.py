"""transformers' BERT as a text encoder: BiomedCLIP's text half, and CXR-BERT's kind alone.

Attention goes both ways, so padding is masked; a sentence is pooled at its first token, "[CLS]".
Axes: as in ``text_tower``.
"""

from collections.abc import Iterator, Sequence

from jaxtyping import Bool, Float, Int
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from tgcnet.config import BertTextConfig
from tgcnet.errors import ConfigError
from tgcnet.models.text_tower import TextEncoder, TextTower, Tokenizer

BERT_NUM_PIECES = 30_522
"""Word pieces of BERT-base uncased, and of every BERT of biomedicine named in the documentation."""

_PADDING, _UNKNOWN, _START, _END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
_MARKS = (_PADDING, _UNKNOWN, _START, _END)
# Longer words are unknown to BERT.
_MAX_WORD = 100


class BertTextTower(TextTower):
    """A BERT without its pooler, and a projection; names as open_clip gives them.

    Parameters
    ----------
    bert : in its own names below ``transformer``
    projection : "none", "linear" or "mlp"
    embed_dim : E
    """

    key_prefix, pools_at_start = "text.", True

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


class WordPieceTokenizer(Tokenizer):
    """BERT's word pieces, from the vocabulary alone: no file, no network.

    A word that BERT would read as "[UNK]" is unknown here. Marks such as "[MASK]" in a report are
    brackets and a word like any other.

    Parameters
    ----------
    vocabulary : the pieces in the order of their ids; empty: every word is unknown
    is_cased : whether capitals and accents stay

    Raises
    ------
    ConfigError
        If the vocabulary lacks one of BERT's marks.
    """

    def __init__(self, vocabulary: Sequence[str], *, is_cased: bool) -> None:
        pieces = {piece: index for index, piece in enumerate(vocabulary or _MARKS)}
        absent = [mark for mark in _MARKS if mark not in pieces]
        if absent:
            raise ConfigError(
                f"a BERT's vocabulary holds the marks {', '.join(_MARKS)}, but of {len(pieces)} "
                f"pieces none is {absent[0]}; take the vocab.txt that belongs to the weights"
            )
        self.start_id, self.end_id = pieces[_START], pieces[_END]
        self._unknown_id = pieces[_UNKNOWN]
        self._normalise = BertNormalizer(lowercase=not is_cased).normalize_str
        self._split = BertPreTokenizer().pre_tokenize_str
        self._pieces = WordPiece(pieces, unk_token=_UNKNOWN, max_input_chars_per_word=_MAX_WORD)

    def words_with_tokens(self, sentence: str) -> Iterator[tuple[str, tuple[int, ...] | None]]:
        for word, _ in self._split(self._normalise(sentence)):
            tokens = tuple(piece.id for piece in self._pieces.tokenize(word))
            yield word, None if self._unknown_id in tokens else tokens


def build_bert_tower(text: BertTextConfig, embed_dim: int | None) -> BertTextTower:
    """At a width of 768, 12 layers and heads, 30522 word pieces and 512 positions: BERT-base.

    All supported BERTs have a feed-forward part of four times the width, a plain GELU and a norm's
    epsilon of 1e-12; one whose configuration states otherwise is refused (``models.source_files``).
    """
    config = BertConfig(
        vocab_size=len(text.vocabulary) or BERT_NUM_PIECES,
        hidden_size=text.width,
        num_hidden_layers=text.layers,
        num_attention_heads=text.heads,
        intermediate_size=4 * text.width,
        max_position_embeddings=text.num_positions,
    )
    bert = BertModel(config, add_pooling_layer=False)
    if embed_dim is None:
        return BertTextTower(bert, projection="none", embed_dim=text.width)
    return BertTextTower(bert, projection=text.projection, embed_dim=embed_dim)


def build_bert_tokenizer(text: BertTextConfig) -> WordPieceTokenizer:
    """Of the configuration's own word pieces."""
    return WordPieceTokenizer(text.vocabulary, is_cased=text.is_cased)


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


BERT = TextEncoder(build_tower=build_bert_tower, build_tokenizer=build_bert_tokenizer)
