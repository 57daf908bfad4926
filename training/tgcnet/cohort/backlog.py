"""What is left to do: orders, and what lies in their way."""

from collections import deque
from collections.abc import Iterable
from dataclasses import replace

from tgcnet.cohort.cohort_folder import CohortFolder
from tgcnet.cohort.journal import End, count_deaths, read_journal
from tgcnet.cohort.segment_study import blank_record
from tgcnet.cohort.task import Order, Outcome, Verdict
from tgcnet.errors import EngineError

MOST_DEATHS = 3
"""A study in which so many processes died is not begun again; a power cut counts as one, too."""

_MOST_IN_VAIN = 10
"""Orders given back in a row, with no study settled in between."""


class Backlog:
    """The orders of a run, each given out until its study has a record.

    Only whoever holds the folder's lock has one: it removes what does not fit any more.
    """

    def __init__(self, folder: CohortFolder, orders: Iterable[Order]) -> None:
        self._folder = folder
        self._orders = deque(orders)
        self._in_vain = 0

    def __len__(self) -> int:
        return len(self._orders)

    def take(self) -> Order | None:
        """The next order, its study's place made free; None where none is left for now.

        Raises
        ------
        OutputError
            If the place cannot be made free.
        """
        if not self._orders:
            return None
        order = self._orders.popleft()
        self._folder.remove(order.study.id)
        return order

    def settle(self, outcome: Outcome) -> bool:
        """Whether a study is settled with this; else its order is given out again.

        Raises
        ------
        EngineError
            If orders come back again and again, and no study is settled.
        OutputError
            If a record cannot be written.
        """
        is_settled = outcome.verdict is Verdict.RECORDED or (
            outcome.verdict is Verdict.DIED and self._is_given_up(outcome.order)
        )
        if is_settled:
            self._in_vain = 0
            return True
        self._in_vain += 1
        if self._in_vain > _MOST_IN_VAIN:
            raise EngineError(_NO_PROGRESS)
        self._orders.append(outcome.order)
        return False

    def _is_given_up(self, order: Order) -> bool:
        """Dask suspects every task of a dead worker; the journal knows which had begun."""
        if count_deaths(read_journal(self._folder.journal_folder))[order.study.id] < MOST_DEATHS:
            return False
        give_up(order, self._folder)
        return True


def give_up(order: Order, folder: CohortFolder) -> None:
    """Record a study as failed because its process always dies.

    Raises
    ------
    OutputError
        If that cannot be written.
    """
    with folder.journal.attempt(order.study.id) as attempt:
        record = replace(
            blank_record(order, attempt.token), error_class="ProcessDied", error=_ALWAYS_DIES
        )
        is_first = folder.publish(order.study.id, lambda _: record)
        attempt.end = End.PUBLISHED if is_first else End.LATE
    folder.journal.give_up(order.study.id)


_ALWAYS_DIES = (
    f"The process that segmented it died {MOST_DEATHS} times: its memory ran out, a library "
    "crashed, or it was ended from outside. State fewer slices or export the image again, then "
    "use --retry-failed."
)
_NO_PROGRESS = (
    f"{_MOST_IN_VAIN} times in a row a worker's process died before it had done anything, expected "
    "workers that stay alive; give them more memory, look at their logs, and run the same command "
    "again."
)
