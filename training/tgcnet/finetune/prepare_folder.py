"""A run's folder: made, and found with a run in it or without."""

import shutil
from pathlib import Path

from tgcnet.errors import InputError, OutputError
from tgcnet.finetune.compared_masks import COMPARED_FOLDER
from tgcnet.finetune.config import CHECKPOINT_FILE, STOPPED_FILE, FinetuneJob
from tgcnet.finetune.events import STOP_FILE
from tgcnet.io.atomic import check_outside, not_written
from tgcnet.weights.registry import user_models_folder

FEATURES_FOLDER = "features"
MODEL_FOLDER = "model"

# What io.atomic calls files that are not whole yet, where a run writes some; the folder may hold
# other people's as well.
_HALF_WRITTEN = tuple(
    f"{place}.tgcnet-*{ending}"
    for place, ending in (
        ("", ".safetensors"),
        ("", ".json"),
        (f"{FEATURES_FOLDER}/*/", ".safetensors"),
        (f"{MODEL_FOLDER}/*/", ""),
        (f"{COMPARED_FOLDER}/", ".safetensors"),
    )
)


def make_folder(job: FinetuneJob, *, resume: bool) -> None:
    """Make a run's folder where it is absent.

    Raises
    ------
    InputError
        If it is to be resumed and is not there.
    OutputError
        If it cannot be made, or lies where the corrections or the models are kept.
    """
    out = job.out
    for kept_there, called in (
        (job.ledger, "the ledger of corrections"),
        (user_models_folder(), "the folder of your models"),
    ):
        check_outside(out, kept_there, called)
    if resume and not out.is_dir():
        raise InputError(
            f"There is no folder {out.absolute().name!r} with a run to resume; name the folder of "
            "a run that was begun, or begin one without --resume."
        )
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise not_written(f"The run's folder {out.name!r}", error) from None


def begin(out: Path, *, resume: bool) -> bool:
    """Sweep up; whether an unfinished run in the folder is gone on with.

    Nobody else may work in the folder: see ``tgcnet.io.process_lock``.

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
        for pattern in _HALF_WRITTEN:
            for half_written in out.glob(pattern):
                half_written.unlink()  # by a process that was killed
    except OSError as error:
        raise not_written(f"The run's folder {out.name!r}", error) from None
    return is_there


def clear_away(out: Path) -> None:
    """Remove what a finished run needs no more: kept features are made of patients' images.

    Raises
    ------
    OutputError
        If it cannot be removed.
    """
    try:
        if (out / FEATURES_FOLDER).exists():
            shutil.rmtree(out / FEATURES_FOLDER)
        (out / STOPPED_FILE).unlink(missing_ok=True)
    except OSError as error:
        raise OutputError(
            f"What the finished run {out.absolute().name} kept of the images was not removed whole "
            f"({error.strerror or 'refused'}); delete its folder {FEATURES_FOLDER} by hand."
        ) from None


def is_asked_to_stop(out: Path) -> bool:
    """Whether somebody put the file called ``stop`` there."""
    return (out / STOP_FILE).exists()
