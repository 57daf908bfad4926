import logging

from tgcnet.engine.protocol import UNEXPECTED, Failed
from tgcnet.engine.serve import as_failed, without_words
from tgcnet.errors import ModalityUnknownError


def test_an_error_of_ours_is_its_own_sentence(caplog) -> None:
    error = ModalityUnknownError("Say whether this is a CT or a radiograph.")
    assert as_failed(error, 4, private="") == Failed(
        request=4,
        sentence="Say whether this is a CT or a radiograph.",
        kind="ModalityUnknownError",
    )
    assert caplog.text == ""


def test_a_defect_is_logged_whole_and_described_in_general(caplog) -> None:
    with caplog.at_level(logging.ERROR):
        try:
            try:
                raise KeyError("Zbigniew")
            except KeyError as error:
                raise ValueError("no place for 'Zbigniew' here") from error
        except ValueError as error:
            sent = as_failed(error, 4, private="Opacity of Zbigniew.")
    assert (sent.request, sent.kind) == (4, UNEXPECTED)
    assert "inside the program (ValueError)" in sent.sentence
    assert "the file engine.log in the folder napari-tgcnet" in sent.sentence
    assert "Zbigniew" not in sent.sentence
    for part in ("request 4 failed", "KeyError: '…'", "no place for '…' here", "test_failure.py"):
        assert part in caplog.text
    assert "Zbigniew" not in caplog.text


def test_lack_of_memory_says_what_to_do() -> None:
    sent = as_failed(MemoryError(), 4, private="")
    assert sent.kind == "DeviceError"
    assert sent.sentence.startswith("Memory ran out; close other programs")


def test_hidden_words_are_whole_words_in_any_case() -> None:
    report = "LEFT lung of Ålesund, 57"
    assert without_words("left leftover Lung ålesund 57 of", report) == "… leftover … … 57 of"
    assert without_words("left", "") == "left"
