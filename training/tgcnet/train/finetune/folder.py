"""A run's folder: made, and found with a run in it or without."""

from pathlib import Path

from tgcnet.errors import InputError
from tgcnet.io.atomic import not_written
from tgcnet.runs.events import STOP_FILE
from tgcnet.train.finetune.loop import CHECKPOINT_FILE

# What io.atomic calls a file that is not whole yet.
_TEMPORARY = ".tgcnet-"


def make_folder(out: Path) -> None:
    """Make a run's folder where it is absent.

    Raises
    ------
    OutputError
        If it cannot be made.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(f"The run's folder {out.name!r}", error) from None


def begin(out: Path, *, resume: bool) -> bool:
    """Lift an earlier stop and sweep up; whether an unfinished run in the folder is gone on with.

    Nobody else may work in the folder: see ``tgcnet.runs.lock``.

    Raises
    ------
    InputError
        If it holds a run and ``resume`` is false.
    OutputError
        If it cannot be written.
    """
    is_there = (out / CHECKPOINT_FILE).exists()
    if is_there and not resume:
        raise InputError(
            f"{out.name} holds a run already; go on with --resume or name another folder"
        )
    try:
        (out / STOP_FILE).unlink(missing_ok=True)
        for half_written in out.rglob(f"{_TEMPORARY}*"):
            half_written.unlink()  # by a process that was killed
    except OSError as error:
        raise not_written(f"The run's folder {out.name!r}", error) from None
    return is_there


def is_asked_to_stop(out: Path) -> bool:
    """Whether somebody put the file called ``stop`` there."""
    return (out / STOP_FILE).exists()
