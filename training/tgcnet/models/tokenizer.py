"""From a sentence to words, and from a word to the tokens a text tower has embeddings for.

A tokenizer says of every word which tokens it is made of, or that the tower does not know it; what
to do about that is the reader's business.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import cache

from open_clip.tokenizer import SimpleTokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from tgcnet.errors import ConfigError

CLIP_NUM_TOKENS = 49_408
START_TOKEN, END_TOKEN = 49_406, 49_407
BERT_NUM_PIECES = 30_522
"""Word pieces of BERT-base uncased, and of every BERT of biomedicine named in the documentation."""

_PADDING, _UNKNOWN, _START, _END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
# Longer words are unknown to BERT, whatever they are made of.
_MAX_WORD = 100


class Tokenizer(ABC):
    """Words and tokens of one text tower."""

    start_id: int
    end_id: int

    @abstractmethod
    def words_with_tokens(self, sentence: str) -> Iterator[tuple[str, tuple[int, ...] | None]]:
        """Each word (or punctuation mark) with its token ids, in order; None: it is unknown."""

    @property
    def nothing_said(self) -> tuple[tuple[int, ...]]:
        """What is encoded of a report of which nothing is read, or where there is none."""
        return ((self.start_id, self.end_id),)


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


_MARKS = (_PADDING, _UNKNOWN, _START, _END)


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
