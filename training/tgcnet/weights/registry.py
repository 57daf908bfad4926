"""Which models there are, and the folder of each.  No torch here."""

import logging
from pathlib import Path

from tgcnet.errors import CheckpointError
from tgcnet.io.user_data import user_folder
from tgcnet.weights.manifest import MANIFEST_FILE, WEIGHTS_FILE, Manifest, read_manifest

DEFAULT_MODEL = "mini"
MODELS_VARIABLE = "TGCNET_MODELS"

_EMBEDDED = Path(__file__).parent
_EXPECTED = f"a folder holding {MANIFEST_FILE} and {WEIGHTS_FILE}"
_PICKLE_ENDINGS = {".pt", ".pth", ".bin", ".ckpt", ".pkl", ".pickle"}
_LOG = logging.getLogger(__name__)


def user_models_folder() -> Path:
    """Where a user's own models lie: ``TGCNET_MODELS``, else the platform's data folder."""
    return user_folder("models", MODELS_VARIABLE)


def model_folders() -> tuple[Path, ...]:
    """Every folder with a manifest: the embedded ones, then the user's, by name."""
    found: list[Path] = []
    for root in (_EMBEDDED, user_models_folder()):
        if root.is_dir():
            found += sorted(path.parent for path in root.glob(f"*/{MANIFEST_FILE}"))
    return tuple(found)


def list_models() -> tuple[Manifest, ...]:
    """The manifests of all registered models, embedded ones first.

    A folder whose manifest cannot be read is left out, with a warning in the log; of two models
    with one name the first counts, so no folder can replace an embedded model.
    """
    return tuple(manifest for manifest, _ in registered_models().values())


def find_model(name_or_path: str) -> Path:
    """The folder of a model, by its registered name or by its path.

    A registered name takes precedence over a path; ``./mini`` is always a path.

    Raises
    ------
    CheckpointError
        If nothing has that name, the path is no model folder, or it is a pickle.
    """
    registered = registered_models()
    if name_or_path in registered:
        return _checked_folder(registered[name_or_path][1])
    path = Path(name_or_path).expanduser()
    if path.is_dir():
        return _checked_folder(path)
    if path.is_file():
        raise CheckpointError(_refused_file(path))
    if path.suffix in _PICKLE_ENDINGS or len(path.parts) > 1:
        raise CheckpointError(f"There is no model at {name_or_path!r}; expected {_EXPECTED}.")
    damaged = [folder for folder in model_folders() if folder.name == name_or_path]
    if damaged:
        read_manifest(damaged[0])  # raises, with what is wrong
    known = ", ".join(registered) or "none"
    raise CheckpointError(
        f"There is no model called {name_or_path!r}; known are: {known}. Name one of them, or give "
        f"the path of {_EXPECTED}."
    )


def registered_models() -> dict[str, tuple[Manifest, Path]]:
    """Name -> (manifest, folder), as :func:`list_models` orders and leaves out."""
    models: dict[str, tuple[Manifest, Path]] = {}
    for folder in model_folders():
        try:
            manifest = read_manifest(folder)
        except CheckpointError:
            _LOG.warning("model folder %r is left out: its manifest is unusable", folder.name)
            continue
        if manifest.name in models:
            _LOG.warning("a second model called %r is left out", manifest.name)
            continue
        models[manifest.name] = (manifest, folder)
    return models


def _checked_folder(folder: Path) -> Path:
    for name in (MANIFEST_FILE, WEIGHTS_FILE):
        if not (folder / name).is_file():
            raise CheckpointError(
                f"Folder {folder.name!r} holds no {name}; expected {_EXPECTED}. Other formats "
                "are not read."
            )
    return folder


def _refused_file(path: Path) -> str:
    if path.suffix in _PICKLE_ENDINGS or is_pickle_or_zip(path):
        return (
            f"{path.name} is a pickle or an archive of pickles, which could run code when opened, "
            f"so it is never loaded; expected {_EXPECTED}."
        )
    if path.name in (MANIFEST_FILE, WEIGHTS_FILE):
        return f"{path.name} is only one half of a model; give the folder that holds it."
    return f"{path.name} is a file, but a model is {_EXPECTED}."


def is_pickle_or_zip(path: Path) -> bool:
    """Decide by the first bytes, not by the file's name.

    A safetensors file starts with the length of its header and an opening brace; that length may
    begin with the byte a pickle begins with, so the brace decides.
    """
    with path.open("rb") as file:
        start = file.read(9)
    if len(start) == 9 and start[8:9] == b"{":
        return False
    return start.startswith((b"PK", b"\x80"))
