"""Switching models: on, back, and off the disk. Nothing here decides; a person does."""

import shutil
from dataclasses import dataclass

from tgcnet.errors import CheckpointError, OutputError
from tgcnet.weights.active import (
    ActiveModel,
    folder_of,
    identity_of,
    read_active,
    write_active,
)
from tgcnet.weights.load import verify
from tgcnet.weights.manifest import MANIFEST_FILE
from tgcnet.weights.registry import registered_models, user_models_folder


def activate(name: str) -> ActiveModel:
    """Make a registered model the active one, once it is known to be whole.

    A damaged ``active.json`` is written anew, without the history that it lost.

    Raises
    ------
    CheckpointError
        If there is no such model or it is damaged; the active model stays.
    OutputError
        If the choice cannot be written; the active model stays.
    """
    chosen = identity_of(name)
    verify(folder_of(chosen, "The model"))
    try:
        before = read_active()
    except CheckpointError:
        active = ActiveModel(current=chosen)
    else:
        # Activating the active model again adds nothing to the history.
        is_same = before.current.name == name
        history = before.history if is_same else (*before.history, before.current)
        active = ActiveModel(current=chosen, history=history)
    write_active(active)
    return active


@dataclass(frozen=True, kw_only=True, slots=True)
class RolledBack:
    """What is active now, and the sentences on later models that could not be gone back to."""

    active: ActiveModel
    skipped: tuple[str, ...]


def rollback() -> RolledBack:
    """Go back to the latest model that was active before and is still there and whole.

    Those that are gone, exchanged or damaged are skipped, and leave the history.

    Raises
    ------
    CheckpointError
        If there is none; the active model stays.
    OutputError
        If the choice cannot be written; the active model stays.
    """
    active = read_active()
    if not active.history:
        raise CheckpointError(
            f"There is nothing to go back to: no other model was active before "
            f"{active.current.name!r}. Switch one on by its name: tgcnet models activate NAME."
        )
    skipped: list[str] = []
    for index in reversed(range(len(active.history))):
        previous = active.history[index]
        try:
            verify(folder_of(previous, "The model that was active before"))
        except CheckpointError as error:
            skipped.append(f"{previous.name} is skipped. {error}")
            continue
        restored = ActiveModel(current=previous, history=active.history[:index])
        write_active(restored)
        return RolledBack(active=restored, skipped=tuple(skipped))
    raise CheckpointError(
        f"There is nothing to go back to, and {active.current.name!r} stays active: no model that "
        f"was active before it is still there and whole. {' '.join(skipped)}"
    )


def remove(name: str) -> None:
    """Delete a model of the user's own.

    Raises
    ------
    CheckpointError
        If there is no such model, it is active, or it came with the package.
    OutputError
        If it cannot be deleted whole; it is no registered model any more all the same.
    """
    identity_of(name)
    folder = registered_models()[name][1]
    if folder.parent != user_models_folder():
        raise CheckpointError(
            f"Model {name!r} came with the package and stays; only models of your own are deleted."
        )
    if read_active().current.name == name:
        raise CheckpointError(
            f"Model {name!r} is active, so it is not deleted. Go back first (tgcnet models "
            "rollback), or switch another one on (tgcnet models activate NAME)."
        )
    try:
        if folder.is_symlink():
            folder.unlink()  # the link is the user's entry; what it leads to is not
            return
        # First what makes it a model: if the rest is interrupted, no half of it is listed.
        (folder / MANIFEST_FILE).unlink()
        shutil.rmtree(folder)
    except OSError as error:
        raise OutputError(
            f"The folder {folder.name!r} of model {name!r} was not deleted whole "
            f"({error.strerror}); check who may write there and delete the rest by hand."
        ) from None
