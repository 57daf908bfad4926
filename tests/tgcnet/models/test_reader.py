"""What an encoder reads of a report, and what it says it left out."""

from pathlib import Path

import pytest
import torch

from tgcnet.domain import Report
from tgcnet.models import TgcNet
from tgcnet.models.reader import END_TOKEN, START_TOKEN, ReportReader, words_with_tokens
from tgcnet.report import read_report
from tgcnet.weights.load import load_model

KNOWN = "consolidation in the left lower zone. no opacity right"


def reader(*, context_length: int = 77, max_sentences: int = 12) -> ReportReader:
    kept = {i for _, tokens in words_with_tokens(KNOWN) for i in tokens}
    return ReportReader(
        kept | {START_TOKEN, END_TOKEN}, context_length=context_length, max_sentences=max_sentences
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
    read = reader(context_length=5).read(report("Consolidation in the left lower zone."))
    assert len(read.token_ids[0]) <= 5
    assert read.token_ids[0][0] == START_TOKEN
    assert read.token_ids[0][-1] == END_TOKEN
    assert "zone" in read.words_left_out


def test_sentences_past_the_limit_are_left_out() -> None:
    read = reader(max_sentences=2).read(report("Left zone.", "Right zone.", "Lower zone."))
    assert read.sentences_kept == ("Left zone.", "Right zone.")
    assert read.sentences_left_out == ("Lower zone.",)


def test_no_sentence_is_lost() -> None:
    sentences = ("Left zone.", "Nothing useful, Madam!", "Opacity right.", "?")
    read = reader().read(report(*sentences))
    assert sorted(read.sentences_kept + read.sentences_left_out) == sorted(sentences)


def test_only_findings_that_are_there_are_looked_up() -> None:
    read = reader().read(read_report("Consolidation in the left lower zone. No pleural effusion."))
    assert read.findings == ("consolidation",)


@pytest.fixture
def tiny_model(tiny_model_folder: Path) -> TgcNet:
    return load_model(str(tiny_model_folder)).model
