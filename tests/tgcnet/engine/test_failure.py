import logging

import pytest

from tgcnet.engine.failure import Edge, without_words
from tgcnet.engine.protocol import UNEXPECTED, Failed
from tgcnet.errors import ModalityUnknownError


@pytest.fixture
def sent() -> list[Failed]:
    return []


def test_no_error_sends_nothing(sent) -> None:
    with Edge(4, sent.append):
        pass
    assert sent == []


def test_an_error_of_ours_is_its_own_sentence(sent, caplog) -> None:
    with Edge(4, sent.append):
        raise ModalityUnknownError("Say whether this is a CT or a radiograph.")
    assert sent == [
        Failed(
            request=4,
            sentence="Say whether this is a CT or a radiograph.",
            kind="ModalityUnknownError",
        )
    ]
    assert caplog.text == ""


def test_a_defect_is_logged_whole_and_told_in_general(sent, caplog) -> None:
    with caplog.at_level(logging.ERROR), Edge(4, sent.append, private="Opacity of Zbigniew."):
        try:
            raise KeyError("Zbigniew")
        except KeyError as error:
            raise ValueError("no place for 'Zbigniew' here") from error
    assert (sent[0].request, sent[0].kind) == (4, UNEXPECTED)
    assert "inside the program (ValueError)" in sent[0].sentence
    assert "the file engine.log in the folder napari-tgcnet" in sent[0].sentence
    assert "Zbigniew" not in sent[0].sentence
    for part in ("request 4 failed", "KeyError: '…'", "no place for '…' here", "test_failure.py"):
        assert part in caplog.text
    assert "Zbigniew" not in caplog.text


def test_lack_of_memory_says_what_to_do(sent) -> None:
    with Edge(4, sent.append):
        raise MemoryError
    assert sent[0].kind == "DeviceError"
    assert sent[0].sentence.startswith("Memory ran out; close other programs")


def test_what_ends_the_process_passes_through(sent) -> None:
    with pytest.raises(KeyboardInterrupt), Edge(4, sent.append):
        raise KeyboardInterrupt
    assert sent == []


def test_hidden_words_are_whole_words_in_any_case() -> None:
    report = "LEFT lung of Ålesund, 57"
    assert without_words("left leftover Lung ålesund 57 of", report) == "… leftover … … 57 of"
    assert without_words("left", "") == "left"
