"""The active model: the one a person switched on, used wherever none is named. No torch here.

``active.json`` is in the user's models folder. Where it is absent the embedded default is active;
where it is damaged nothing is, since a guess could be another model.
"""

import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from tgcnet.domain import ModelIdentity
from tgcnet.errors import CheckpointError, OutputError
from tgcnet.io import write_text_atomically
from tgcnet.weights.registry import DEFAULT_MODEL, registered_models, user_models_folder

ACTIVE_FILE = "active.json"
SCHEMA_VERSION = 1


@dataclass(frozen=True, kw_only=True, slots=True)
class ActiveModel:
    """The active model, and those that were active before it, the latest last."""

    current: ModelIdentity
    history: tuple[ModelIdentity, ...] = ()


def read_active() -> ActiveModel:
    """Which model is active.

    Raises
    ------
    CheckpointError
        If ``active.json`` is damaged, or the embedded default is.
    """
    path = user_models_folder() / ACTIVE_FILE
    # A dangling link is not an absent file: the user put it there.
    if not os.path.lexists(path):
        return ActiveModel(current=identity_of(DEFAULT_MODEL))
    try:
        values = json.loads(path.read_text(encoding="utf-8"))
        return _from_values(values)
    except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
        raise CheckpointError(
            f"{ACTIVE_FILE} in the models folder is damaged or of another version "
            f"({type(error).__name__}), so the active model is unknown. Choose one "
            f"again: tgcnet models activate NAME ({DEFAULT_MODEL} is the shipped one)."
        ) from None


def write_active(active: ActiveModel) -> None:
    """Store which model is active, atomically.

    Raises
    ------
    OutputError
        If it cannot be written; the previous choice stays.
    """
    folder = user_models_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(
            f"The models folder cannot be made ({error.strerror}), so the active model is what it "
            "was; check who may write there, or name another folder in TGCNET_MODELS."
        ) from None
    values = {
        "schema_version": SCHEMA_VERSION,
        **asdict(active.current),
        "history": [asdict(entry) for entry in active.history],
    }
    text = json.dumps(values, indent=2, ensure_ascii=False)
    write_text_atomically(folder / ACTIVE_FILE, text + "\n")


def active_folder() -> Path:
    """The folder of the active model.

    Raises
    ------
    CheckpointError
        If ``active.json`` is damaged, or the model it names is gone or was exchanged.
    """
    return folder_of(read_active().current, "The active model")


def identity_of(name: str) -> ModelIdentity:
    """Name and hash of a registered model.

    Raises
    ------
    CheckpointError
        If no registered model has that name.
    """
    models = registered_models()
    if name not in models:
        raise CheckpointError(
            f"There is no registered model called {name!r}; known are: {', '.join(models)}. Only "
            f"these can be active: put the model's folder into {user_models_folder()} first."
        )
    return models[name][0].identity


def folder_of(identity: ModelIdentity, role: str) -> Path:
    """The folder of a model that was active once, if it is still the same model.

    Parameters
    ----------
    role : how messages about it begin

    Raises
    ------
    CheckpointError
        If it is gone, or another model has its name now.
    """
    manifest, folder = registered_models().get(identity.name, (None, None))
    advice = "Switch one on by its name: tgcnet models activate NAME."
    if manifest is None or folder is None:
        raise CheckpointError(
            f"{role}, {identity.name!r}, is not there any more or cannot be read, and no other "
            f"takes its place. {advice}"
        )
    if manifest.sha256 != identity.sha256:
        raise CheckpointError(
            f"{role}, {identity.name!r}, is not what was switched on: its weights had SHA-256 "
            f"{identity.sha256[:12]}… and have {manifest.sha256[:12]}… now. {advice}"
        )
    return folder


def _from_values(values: dict[str, object]) -> ActiveModel:
    """Anything but what :func:`write_active` writes is a ValueError, KeyError or TypeError."""
    history = values["history"]
    if values["schema_version"] != SCHEMA_VERSION or not isinstance(history, list):
        raise ValueError
    return ActiveModel(
        current=_identity({key: values[key] for key in ("name", "sha256")}),
        history=tuple(_identity(entry) for entry in history),
    )


def _identity(values: object) -> ModelIdentity:
    if not isinstance(values, dict) or not all(isinstance(value, str) for value in values.values()):
        raise ValueError
    return ModelIdentity(**values)
