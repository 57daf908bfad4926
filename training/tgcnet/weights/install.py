"""Install a model into the user's folder: completely or not at all, and never over another."""

import hashlib
from collections.abc import Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path

from tgcnet.io.publish import publish_folder, sweep_leftovers
from tgcnet.weights.load import verify
from tgcnet.weights.manifest import WEIGHTS_FILE, Manifest, read_manifest, write_manifest
from tgcnet.weights.registry import registered_models, user_models_folder

# A level below the models, so that no unfinished one is ever listed.
STAGING_FOLDER = ".unfinished"


def install_model(folder: Path) -> str:
    """Copy a model folder into the user's models folder.

    A model that has the name already stays. If it has the same weights it counts as this one, so
    that an installation can be repeated; otherwise this one is named NAME-2, or with the next free
    number, in its manifest too.

    Returns
    -------
    str
        The name it is registered under.

    Raises
    ------
    CheckpointError
        If the model is damaged or holds numbers that are not finite.
    OutputError
        If it cannot be written; the models folder is as it was.
    """
    verify(folder)
    manifest, weights = read_manifest(folder), (folder / WEIGHTS_FILE).read_bytes()
    sweep_leftovers(user_models_folder() / STAGING_FOLDER)
    return next(
        name
        for name in _names(manifest.name)
        if _install_as(replace(manifest, name=name), weights) or _is_installed(name, manifest)
    )


def _names(wanted: str) -> Iterator[str]:
    yield wanted
    yield from (f"{wanted}-{number}" for number in count(2))


def _install_as(manifest: Manifest, weights: bytes) -> bool:
    """Write the model under its name; False, and no change, where that is taken."""
    if manifest.name in registered_models():
        return False

    def fill(empty: Path) -> None:
        (empty / WEIGHTS_FILE).write_bytes(weights)
        write_manifest(manifest, empty)

    models = user_models_folder()
    try:
        publish_folder(
            [models / manifest.name],
            fill,
            staging=models / STAGING_FOLDER,
            called=f"Model {manifest.name!r}",
        )
    except FileExistsError:
        return False
    return True


def _is_installed(name: str, manifest: Manifest) -> bool:
    """Whether the registered model of that name has these weights, on the disk too."""
    found, folder = registered_models().get(name, (None, None))
    if found is None or folder is None or found.sha256 != manifest.sha256:
        return False
    path = folder / WEIGHTS_FILE
    return path.is_file() and hashlib.sha256(path.read_bytes()).hexdigest() == manifest.sha256
