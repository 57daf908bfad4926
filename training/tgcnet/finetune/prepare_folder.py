"""A run's folder made ready: new, or with a run to resume; and cleaned at the end."""

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

# The temporary names that io.atomic gives, where a run writes files; the folder may hold files of
# others as well.
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
    """Remove half-written files; whether there is a run in the folder, to be resumed.

    The caller holds the folder's lock, see ``tgcnet.io.process_lock``.

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


def remove_kept_images(out: Path) -> None:
    """Remove what a finished run no longer needs: kept features are made of patients' images.

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
    """Whether the file called ``stop`` is there."""
    return (out / STOP_FILE).exists()
