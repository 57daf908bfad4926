"""The report that ``tgcnet segment`` is given: whether it is used, and what of it is not read."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

from tgcnet.cli.output import warn
from tgcnet.domain import EncodedText, Identity
from tgcnet.errors import InputError
from tgcnet.io import read_report
from tgcnet.io.report_file import ReportFile, readable
from tgcnet.io.report_table import About
from tgcnet.report.rules import ReportReading
from tgcnet.weights.manifest import Manifest

_NAMES = {"patient_id": "patient ID", "accession_number": "accession number", "study_id": "study"}


def given_report(
    source: Path | str, *, image: Path, identity: Identity, is_confirmed: bool
) -> ReportFile:
    """The report with notices on whether it is the image's.

    Parameters
    ----------
    source : a file, or the report's text
    identity : the image's
    is_confirmed : whether ``--yes`` was given

    Raises
    ------
    InputError
        If the file cannot be read, or is of another patient or study than the image and this was
        not confirmed.
    """
    if isinstance(source, Path):
        about = About(name=image.absolute().name, identity=identity)
        report = read_report(source, about=about)
    else:
        report = readable(ReportFile(text=source))
    notices = _identity_notices(report, identity, is_confirmed=is_confirmed)
    return replace(report, notices=(*report.notices, *notices))


def _identity_notices(
    report: ReportFile, image: Identity, *, is_confirmed: bool
) -> tuple[str, ...]:
    differing = report.identity.differing(image)
    what = ", ".join(_NAMES[name] for name in differing)
    if differing and not is_confirmed:
        raise InputError(
            f"The report and the image differ in {what}, expected those of one study; give the "
            "report of this image, or pass --yes to use it all the same."
        )
    if differing:
        return (f"The report and the image differ in {what}; it is used, since --yes was given.",)
    is_unknown = set(report.identity.compare(image).values()) == {None}
    if report.text.strip() and image != Identity() and is_unknown:
        return ("Whether the report is of this image's patient and study is unknown.",)
    return ()


def refuse_without_target(reading: ReportReading, model: Manifest) -> None:
    """Stop where a mask would be taken for something the report does not say.

    Raises
    ------
    InputError
        If findings are named, and all are denied or none is one the model was made for.
    """
    if reading.only_absent:
        raise InputError(
            "The report names findings only as absent or past, so there is nothing to segment and "
            "nothing was run. Pass --yes to run the model all the same."
        )
    if reading.has_no_target:
        raise InputError(
            f"The report names {', '.join(reading.not_segmentable)}, which model {model.name!r} "
            f"cannot segment; it was made for {', '.join(model.findings) or 'no finding at all'}. "
            "Choose another model, or pass --yes to run this one all the same."
        )


def warn_of_unread_text(reading: ReportReading, model: str) -> None:
    """Warn of each part of the report that has no effect on the mask."""
    if not reading.report.text.strip():
        warn("No report was given: the model runs without a text.")
    elif not reading.encoded.token_ids:
        warn("The model reads nothing of this report, so it runs without a text.")
    if reading.not_segmentable:
        warn(
            f"Reported but not segmented, since model {model!r} was not made for it: "
            f"{', '.join(reading.not_segmentable)}."
        )
    for notice in _unread(reading.encoded):
        warn(notice)


def _unread(encoded: EncodedText) -> Iterator[str]:
    """A sentence for each reason why the encoder leaves out a part of the report."""
    past_end = encoded.sentences_past_end
    unreadable = [s for s in encoded.sentences_left_out if s not in past_end]
    if unreadable:
        yield (
            "They describe only the past, or what it can read of their words would not say the "
            f"same, so the model does not read these sentences of the report: {_quoted(unreadable)}"
        )
    if past_end:
        yield (
            "The report is longer than the model reads, so these sentences are not read: "
            f"{_quoted(past_end)}"
        )
    if encoded.words_left_out:
        yield f"The model never learned these words: {', '.join(encoded.words_left_out)}."
    if encoded.words_past_end:
        yield (
            "A sentence is longer than the model reads, so these words are not read: "
            f"{', '.join(encoded.words_past_end)}."
        )


def _quoted(sentences: Iterable[str]) -> str:
    return " ".join(f"“{sentence}”" for sentence in sentences)
