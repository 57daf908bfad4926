"""The edge of a study: what goes wrong inside is kept as its problem, and the cohort goes on."""

import os
import re
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tgcnet.cohort.cohort_folder import DEFECTS_FILE, CohortFolder
from tgcnet.cohort.manifest import Study
from tgcnet.cohort.study_record import Status
from tgcnet.errors import OutputError, TgcnetError


class NoTargetError(TgcnetError):
    """The report names nothing that this model segments."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Problem:
    """Why a study has no mask; the sentence names no file."""

    status: Status
    error_class: str
    sentence: str


class Edge:
    """A context that keeps a study's error from ending the cohort.

    Not an ``except``: nothing is swallowed, every error becomes the study's record, and a defect
    of ours is kept with its place in the code. What concerns the folder (OutputError) or ends the
    process (KeyboardInterrupt) passes through.
    """

    def __init__(self, study: Study, folder: CohortFolder) -> None:
        self.problem: Problem | None = None
        self._study, self._folder = study, folder

    def __enter__(self) -> None:
        pass

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> bool:
        if not isinstance(error, Exception) or isinstance(error, OutputError):
            return False
        self.problem = Problem(
            status=Status.SKIPPED if isinstance(error, NoTargetError) else Status.FAILED,
            error_class=type(error).__name__,
            sentence=self._sentence(error),
        )
        return True

    def _sentence(self, error: Exception) -> str:
        if isinstance(error, TgcnetError):
            return without_names(str(error), self._study.image)
        if isinstance(error, MemoryError):
            return (
                "This machine's memory was used up; close other programs, state fewer slices in "
                "the table, or run fewer workers at once."
            )
        self._folder.note_defect(f"Study {self._study.id}:\n{_where(error)}\n")
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
