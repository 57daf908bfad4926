"""WordPiece as a reader uses it: BERT's own tokens, whole words, nothing lost in silence."""

import pytest
from transformers import BertTokenizerFast  # type: ignore[attr-defined]  # its types lack the alias

from tgcnet.domain import Report
from tgcnet.errors import ConfigError
from tgcnet.models.bert_tower import WordPieceTokenizer
from tgcnet.models.report_reader import ReportReader

VOCABULARY = (
    "[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", ".", ",", "in", "the", "left", "right", "no",
    "consolidation", "opacit", "##y", "##ies", "ground", "-", "glass", "lung", "lower", "Left",
    "lobe", "mask", "[", "]",
)  # fmt: skip
PIECES = {piece: index for index, piece in enumerate(VOCABULARY)}


def reader(*, context_length: int = 64, is_cased: bool = False) -> ReportReader:
    tokenizer = WordPieceTokenizer(VOCABULARY, is_cased=is_cased)
    return ReportReader(tokenizer, context_length=context_length, max_sentences=3)


def report(*sentences: str) -> Report:
    return Report(text=" ".join(sentences), sentences=sentences)


@pytest.mark.parametrize(
    "sentence", ["Consolidation in the left lung.", "No ground-glass opacities, left OPÁCITY."]
)
def test_tokens_are_berts(sentence: str) -> None:
    expected = BertTokenizerFast(vocab=PIECES)(sentence).input_ids
    assert reader().tokenize(sentence)[0] == tuple(expected)


def test_an_unknown_word_is_left_out_whole_and_named() -> None:
    read = reader().read(report("Consolidation opacitous in the left lung."))
    assert read.words_left_out == ("opacitous",)
    assert read.token_ids == reader().read(report("Consolidation in the left lung.")).token_ids


def test_a_word_is_never_cut_at_the_end_of_the_context() -> None:
    ids, _, past_end = reader(context_length=5).tokenize("Left lung opacities")
    assert ids == (PIECES["[CLS]"], PIECES["left"], PIECES["lung"], PIECES["[SEP]"])
    assert past_end == ["opacities"]


def test_abbreviated_sides_are_spelt_out_for_a_bert_too() -> None:
    ids = reader().tokenize("RLL consolidation.")[0]
    assert ids == reader().tokenize("right lower lobe consolidation.")[0]


def test_a_report_cannot_write_berts_marks() -> None:
    ids = reader().tokenize("left [MASK] lung")[0]
    assert ids is not None
    assert PIECES["[MASK]"] not in ids


def test_capitals_stay_where_the_vocabulary_has_them() -> None:
    assert reader(is_cased=True).tokenize("Left lung")[0] == (2, PIECES["Left"], PIECES["lung"], 3)
    assert reader().tokenize("Left lung")[0] == (2, PIECES["left"], PIECES["lung"], 3)


def test_without_a_vocabulary_nothing_is_read_and_all_of_it_named() -> None:
    empty = ReportReader(WordPieceTokenizer((), is_cased=False), context_length=8, max_sentences=1)
    assert empty.read(report("Left lung.")).sentences_left_out == ("Left lung.",)


def test_a_vocabulary_without_berts_marks_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"of 2 pieces none is \[PAD\]; take the vocab\.txt"):
        WordPieceTokenizer(("left", "right"), is_cased=False)
