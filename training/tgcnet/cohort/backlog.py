"""The studies that are left to do, and those that are given up."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from tgcnet.cohort.cohort_folder import CohortFolder
from tgcnet.cohort.journal import End, count_deaths, read_journal
from tgcnet.cohort.segment_study import blank_record
from tgcnet.cohort.task import Outcome, StudyTask, Verdict
from tgcnet.errors import EngineError

MAX_DEATHS = 3
"""A study in which so many processes died is not tried again; a power cut counts as a death too."""

_MAX_WITHOUT_PROGRESS = 10
"""Tasks given back in a row, with no study settled in between."""


class Backlog:
    """The tasks of a run, each given out until its study has a record.

    Only the process that holds the folder's lock has one, since it removes records that no longer
    fit their rows.
    """

    def __init__(self, folder: CohortFolder, tasks: Iterable[StudyTask]) -> None:
        self._folder = folder
        self._tasks = deque(tasks)
        self._num_without_progress = 0

    def __len__(self) -> int:
        return len(self._tasks)

    def take(self) -> StudyTask | None:
        """The next task, any earlier record of its study removed; None where none is left for now.

        Raises
        ------
        OutputError
            If that record cannot be removed.
        """
        if not self._tasks:
            return None
        task = self._tasks.popleft()
        self._folder.remove(task.study.id)
        return task

    def settle(self, outcome: Outcome) -> bool:
        """Whether this outcome settles the study; if not, its task is given out again.

        Raises
        ------
        EngineError
            If tasks come back again and again, and no study is settled.
        OutputError
            If a record cannot be written.
        """
        is_settled = outcome.verdict is Verdict.RECORDED or (
            outcome.verdict is Verdict.DIED and self._is_given_up(outcome.task)
        )
        if is_settled:
            self._num_without_progress = 0
            return True
        self._num_without_progress += 1
        if self._num_without_progress > _MAX_WITHOUT_PROGRESS:
            raise EngineError(_NO_PROGRESS)
        self._tasks.append(outcome.task)
        return False

    def _is_given_up(self, task: StudyTask) -> bool:
        """Dask reports every task of a dead worker; the journal knows which of them had begun."""
        if count_deaths(read_journal(self._folder.journal_folder))[task.study.id] < MAX_DEATHS:
            return False
        give_up(task, self._folder)
        return True


def give_up(task: StudyTask, folder: CohortFolder) -> None:
    """Record a study as failed because its process always dies.

    Raises
    ------
    OutputError
        If that cannot be written.
    """
    with folder.journal.attempt(task.study.id) as attempt:
        record = replace(
            blank_record(task, attempt.token), error_class="ProcessDied", error=_ALWAYS_DIES
        )
        is_first = folder.publish(task.study.id, lambda _: record)
        attempt.end = End.PUBLISHED if is_first else End.LATE
    folder.journal.give_up(task.study.id)


_ALWAYS_DIES = (
    f"The process that segmented it died {MAX_DEATHS} times: its memory ran out, a library "
    "crashed, or it was ended from outside. State fewer slices or export the image again, then "
    "use --retry-failed."
)
_NO_PROGRESS = (
    f"{_MAX_WITHOUT_PROGRESS} times in a row a worker's process died before it had done anything, "
    "expected workers that stay alive; give them more memory, look at their logs, and run the same "
    "command again."
)
