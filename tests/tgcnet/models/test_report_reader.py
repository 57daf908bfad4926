"""What an encoder reads of a report, and what it says it left out."""

from pathlib import Path

import pytest
import torch

from tgcnet.domain import Report
from tgcnet.models import TgcNet
from tgcnet.models.clip_towers import (
    END_TOKEN,
    START_TOKEN,
    ClipTokenizer,
    clip_tokenizer,
    words_with_tokens,
)
from tgcnet.models.report_reader import ReportReader
from tgcnet.report import read_report
from tgcnet.weights.load import load_model

KNOWN = (
    "consolidation in the left lower zone. no opacity right lobe and, seen lung has pneumonia of"
)


def reader(*, context_length: int = 77, max_sentences: int = 12) -> ReportReader:
    words = {word for word, _ in words_with_tokens(KNOWN)}
    return ReportReader(
        ClipTokenizer(words), context_length=context_length, max_sentences=max_sentences
    )


def report(*sentences: str) -> Report:
    return Report(text=" ".join(sentences), sentences=sentences)


def test_an_unseen_word_equals_its_deletion() -> None:
    with_word = reader().read(report("Consolidation in the spectacular left lower zone."))
    without = reader().read(report("Consolidation in the left lower zone."))
    assert with_word.token_ids == without.token_ids
    assert with_word.words_left_out == ("spectacular",)


def test_an_unseen_word_does_not_move_the_network(tiny_model: TgcNet) -> None:
    texts = [
        tiny_model.read_text(report(sentence))
        for sentence in ("Lower left lung infection.", "Lower left xylophone lung infection.")
    ]
    with torch.inference_mode():
        image = torch.randn(1, 3, 64, 64)
        plain, odd = (tiny_model(image, tiny_model.encode_text([t])).logits for t in texts)
    torch.testing.assert_close(plain, odd, rtol=0, atol=1e-3)


def test_a_sentence_with_nothing_known_is_left_out() -> None:
    read = reader().read(report("Consolidation left.", "Patient ate breakfast."))
    assert read.sentences_kept == ("Consolidation left.",)
    assert read.sentences_left_out == ("Patient ate breakfast.",)


def test_a_sentence_longer_than_the_context_is_cut_and_says_so() -> None:
    read = reader(context_length=5).read(report("Left consolidation seen, and spectacular lung."))
    assert len(read.token_ids[0]) <= 5
    assert read.token_ids[0][0] == START_TOKEN
    assert read.token_ids[0][-1] == END_TOKEN
    assert read.words_past_end == ("and", "lung")
    assert read.words_left_out == ("spectacular",)


def test_a_sentence_that_loses_its_side_when_cut_is_left_out() -> None:
    text = "Consolidation in the left lower zone."
    read = reader(context_length=5).read(report(text))
    assert (read.sentences_left_out, read.sentences_past_end) == ((text,), ())
    assert read.words_past_end == ()


def test_a_sentence_that_loses_its_zone_when_cut_is_read_and_says_so() -> None:
    read = reader(context_length=6).read(report("Consolidation in the left lower zone."))
    assert read.sentences_left_out == ()
    assert read.words_past_end == ("lower", "zone")


def test_a_finding_nobody_taught_takes_no_side_along() -> None:
    text = "Xylosis and consolidation in the left lung."
    assert reader().read(report(text)).words_left_out == ("xylosis",)


def test_sentences_past_the_limit_are_left_out() -> None:
    read = reader(max_sentences=2).read(report("Left zone.", "Right zone.", "Lower zone."))
    assert read.sentences_kept == ("Left zone.", "Right zone.")
    assert read.sentences_left_out == read.sentences_past_end == ("Lower zone.",)


def test_a_sentence_that_says_nothing_is_not_past_the_limit() -> None:
    read = reader(max_sentences=1).read(report("Left zone.", "Patient ate.", "Right zone."))
    assert read.sentences_left_out == ("Patient ate.", "Right zone.")
    assert read.sentences_past_end == ("Right zone.",)


def test_no_sentence_is_lost() -> None:
    sentences = ("Left zone.", "Nothing useful, Madam!", "Opacity right.", "?")
    read = reader().read(report(*sentences))
    assert sorted(read.sentences_kept + read.sentences_left_out) == sorted(sentences)


def test_only_findings_that_are_there_are_looked_up() -> None:
    read = reader().read(read_report("Consolidation in the left lower zone. No pleural effusion."))
    assert read.findings == ("consolidation",)


@pytest.fixture
def tiny_model(tiny_model_folder: Path) -> TgcNet:
    model = load_model(str(tiny_model_folder)).model
    assert isinstance(model, TgcNet)
    return model


def decoded(text: str) -> list[str]:
    """What the encoder reads of a text, as words again."""
    read = reader().read(read_report(text))
    return [clip_tokenizer().decode(list(ids[1:-1])).strip() for ids in read.token_ids]


def test_doubt_that_is_not_read_leaves_the_place_to_look_at() -> None:
    read = reader().read(read_report("Possible pneumonia of the left lung."))
    assert read.words_left_out == ("possible",)
    assert read.token_ids == reader().read(read_report("Pneumonia of the left lung.")).token_ids


@pytest.mark.parametrize(
    "text",
    [
        "Previously seen opacity in the left lung has resolved.",
        "Left lung opacity excluded.",
        "History of pneumonia of the left lung.",
        "Opacity in the left lung; the opacity in the right lung has cleared.",
        "Opacity in the left lung but not in the right lung.",
        "Opacity in the left lung, absent in the right lung.",
        "Left lung pneumonia? No.",
    ],
)
def test_a_sentence_is_left_out_where_its_known_words_say_otherwise(text: str) -> None:
    read = reader().read(read_report(text))
    assert read.token_ids == ()
    assert read.sentences_left_out == (text,)


def test_an_unseen_word_in_a_denial_equals_its_deletion() -> None:
    plain = reader().read(read_report("No consolidation."))
    for word in ("zorblax", "focal"):
        odd = reader().read(read_report(f"No {word} consolidation."))
        assert odd.token_ids == plain.token_ids != ()
        assert odd.words_left_out == (word,)


def test_a_denial_in_known_words_is_read() -> None:
    assert decoded("No opacity in the right lung.") == ["no opacity in the right lung ."]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RLL consolidation.", "right lower lobe consolidation ."),
        ("Consolidation in the R lower lobe.", "consolidation in the right lower lobe ."),
        ("Opacity, L > R.", "opacity , left and right ."),
        ("Rt lung opacity.", "right lung opacity ."),
        ("Opacity in the l. lung.", "opacity in the left lung ."),
        ("Opacity, R.", "opacity , right ."),
    ],
)
def test_abbreviated_sides_are_read_as_words(text: str, expected: str) -> None:
    assert decoded(text) == [expected]


def test_every_unknown_word_is_named() -> None:
    read = reader().read(report("Opacity as in LV of the left lung, it is!"))
    assert read.words_left_out == ("as", "lv", "it", "is")


def test_a_word_made_of_known_pieces_is_not_a_known_word() -> None:
    """The word is cut into "right" and "ness"; were both known, the word still would not be."""
    pieces = {"right", "ness", "lung"}
    read_by_pieces = ReportReader(ClipTokenizer(pieces), context_length=77, max_sentences=3)
    read = read_by_pieces.read(report("Rightness lung."))
    assert read.words_left_out == ("rightness",)


def test_after_the_first_word_that_does_not_fit_none_is_read() -> None:
    ids, _, past_end = reader(context_length=6).tokenize("Consolidation in the left lower zone no.")
    assert ids is not None
    assert past_end[-2:] == ["zone", "no"]
