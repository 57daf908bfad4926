"""Why a study has no mask: an error turned into a sentence that names no file and no patient."""

import os
import re
import traceback
from dataclasses import dataclass
from pathlib import Path

from tgcnet.cohort.cohort_folder import DEFECTS_FILE, CohortFolder
from tgcnet.cohort.manifest import Study
from tgcnet.cohort.study_record import Status
from tgcnet.errors import TgcnetError


class NoTargetError(TgcnetError):
    """The report names nothing that this model segments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Why a study has no mask; the sentence names no file."""

    status: Status
    error_class: str
    sentence: str


def problem_of(error: Exception, study: Study, folder: CohortFolder) -> Problem:
    """An error as a study's problem; of a defect of ours, its place in the code is kept too.

    Raises
    ------
    OutputError
        If that cannot be written.
    """
    return Problem(
        status=Status.SKIPPED if isinstance(error, NoTargetError) else Status.FAILED,
        error_class=type(error).__name__,
        sentence=_sentence(error, study, folder),
    )


def _sentence(error: Exception, study: Study, folder: CohortFolder) -> str:
    if isinstance(error, TgcnetError):
        return without_names(str(error), study.image)
    if isinstance(error, MemoryError):
        return (
            "This machine's memory was used up; close other programs, state fewer slices in "
            "the table, or run fewer workers at once."
        )
    folder.note_defect(f"Study {study.id}:\n{_where(error)}\n")
    return (
        f"A defect of this program ({type(error).__name__}); where it came up stands in "
        f"{DEFECTS_FILE}. Please report it with that file."
    )


def without_names(sentence: str, image: Path) -> str:
    """A sentence without the names of an image's files, which may be a patient's."""
    names = {image.name}
    if os.path.isdir(image):  # Path.is_dir raises where a folder above may not be read
        names |= {file.name for file in image.rglob("*")}
    for name in sorted(names - {""}, key=len, reverse=True):
        sentence = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", "the image", sentence)
    return sentence


def _where(error: BaseException) -> str:
    """A traceback without the errors' own words: foreign libraries quote what they were given."""
    chain: list[str] = []
    cause: BaseException | None = error
    while cause is not None and len(chain) < 10:
        chain.append("".join(traceback.format_tb(cause.__traceback__)) + type(cause).__name__)
        cause = cause.__cause__ or cause.__context__
    return "\nwhich came of\n".join(chain)
