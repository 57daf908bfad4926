"""Several processes that agree: what one of them finds or refuses, all of them know."""

from collections.abc import Callable
from typing import TypeVar

from lightning_fabric import Fabric
from torch import distributed

from tgcnet.errors import TgcnetError

_T = TypeVar("_T")


def first_decides(fabric: Fabric, decide: Callable[[], _T]) -> _T:
    """What the first process finds, told to all: on a shared disk each might see another state.

    Raises
    ------
    TgcnetError
        The first one's, in every process: nobody waits for a process that has given up.
    """
    found: list[_T] = []
    if fabric.is_global_zero:
        _agree(fabric, _refusal_of(lambda: found.append(decide())))
    else:
        _agree(fabric, None)
    told: list[_T] = fabric.broadcast(found)
    return told[0]


def in_turn(fabric: Fabric, work: Callable[[], _T]) -> _T:
    """What every process does for itself, on each machine the first before its others.

    The first one downloads or decodes, and the others find what it left.

    Raises
    ------
    TgcnetError
        Of any process, in every process.
    """
    done: list[_T] = []
    is_first = fabric.local_rank == 0
    for is_its_turn in (is_first, not is_first):
        refusal = _refusal_of(lambda: done.append(work())) if is_its_turn else None
        _agree(fabric, refusal)
    return done[0]


def leave_together(fabric: Fabric) -> None:
    """Let go of the other processes once all are done; the last thing a run does.

    Left to the interpreter's end, gloo's threads outlive what they need and abort the process.
    """
    if fabric.world_size > 1:
        fabric.barrier()
        distributed.destroy_process_group()


def _refusal_of(work: Callable[[], None]) -> TgcnetError | None:
    try:
        work()
    except TgcnetError as refusal:
        return refusal
    return None


def _agree(fabric: Fabric, refusal: TgcnetError | None) -> None:
    """Wait for all processes; where one refuses, they all do."""
    refusals = [refusal]
    if fabric.world_size > 1:
        refusals *= fabric.world_size
        distributed.all_gather_object(refusals, refusal)
    for refused in refusals:
        if refused is not None:
            raise refused
