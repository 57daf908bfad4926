"""Pretrained weights into the user's folder, converted and checked, whole or not at all."""

import hashlib
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import safetensors.torch
from torch import Tensor

from tgcnet.errors import CheckpointError
from tgcnet.io.publish import publish_folder, sweep_leftovers
from tgcnet.models.hub import HUB, fetch, name_of
from tgcnet.models.pretrained import Pretrained, interpret, read_pretrained, read_safetensors
from tgcnet.models.source_files import Source, Stated, locate_weights
from tgcnet.weights.foreign import convert_pickle
from tgcnet.weights.manifest import WEIGHTS_FILE, check_name
from tgcnet.weights.pretrained_record import (
    RECORD_FILE,
    PretrainedRecord,
    find_pretrained,
    read_record,
    record_as_json,
    user_pretrained_folder,
)

_STAGING_FOLDER = ".unfinished"


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """What was imported; ``is_new`` is false where the same weights were there already."""

    record: PretrainedRecord
    folder: Path
    is_new: bool


def import_pretrained(
    path: Path, *, name: str = "", quick_gelu: bool | None = None, licence: str = "unknown"
) -> Imported:
    """Convert weights in a foreign format into a folder of the user's own.

    Parameters
    ----------
    path : a file or a folder, as :func:`tgcnet.models.pretrained.read_pretrained` takes it, or a
        pickle of ``torch.save``, which is read in a process of its own
    name : what recipes call them; empty: the file's or folder's own name
    quick_gelu : the activation, where nothing beside the weights states it
    licence : of the weights, as their publisher states it

    Raises
    ------
    CheckpointError
        If they are refused, or other weights have the name already.
    OutputError
        If they cannot be written; the folder of pretrained weights is as it was.
    """
    name = name or (path.absolute().name if path.is_dir() else path.stem)
    check_name(name)
    source = locate_weights(path)
    pretrained = _read(source, Stated(quick_gelu=quick_gelu))
    written = safetensors.torch.save(
        {key: tensor.contiguous() for key, tensor in pretrained.tensors.items()}
    )
    record = PretrainedRecord(
        name=name,
        given=source.weights.name,
        given_sha256=sha256_of(source.weights),
        sha256=hashlib.sha256(written).hexdigest(),
        licence=licence,
        imported_utc=datetime.now(UTC).isoformat(timespec="seconds"),
        towers=pretrained.towers,
        text=pretrained.text,
        cnn=pretrained.cnn,
    )
    return _publish(record, written)


def open_pretrained(source: str, *, architecture: str, fallback: Stated) -> Pretrained:
    """Weights by the path or the name that a recipe gives.

    A path takes precedence over a name, a name in the user's folder over a hub's.

    Parameters
    ----------
    source : a path; a name in the user's folder of pretrained weights; or a hub's name, which
        may use the network (:func:`tgcnet.models.hub.fetch`)
    architecture : open_clip's name that a tag of its belongs to
    fallback : what the recipe states of the towers, for weights without a configuration

    Returns
    -------
    Pretrained
        With the SHA-256 of the file that was read.

    Raises
    ------
    CheckpointError
        If there are none, they are a pickle or refused, or a hub cannot be reached.
    """
    path = Path(source).expanduser()
    found = path if path.exists() else find_pretrained(name_of(source))
    if found is None:
        found = fetch(
            source,
            architecture=architecture,
            quick_gelu=fallback.quick_gelu,
            folder=user_pretrained_folder(),
        )
    if (found / RECORD_FILE).is_file():
        return _open_recorded(found)
    given = locate_weights(found)
    if given.is_pickle:
        is_of_hub = source.startswith(HUB)
        file = source if is_of_hub else "FILE"
        called = name_of(source) if is_of_hub else "NAME"
        raise CheckpointError(
            f"{given.weights.name} is a pickle, which training never reads; convert it first: "
            f"tgcnet models import {file} --name {called}, and write that name into the recipe"
        )
    read = read_pretrained(found, fallback=fallback)
    return replace(read, sha256=sha256_of(given.weights))


def fetch_for_import(source: str) -> Path:
    """What a hub has under ``hf-hub:ORGANISATION/NAME``; fetched into the hub's own cache.

    Raises
    ------
    CheckpointError
        If it is no such name, or cannot be fetched.
    """
    if not source.startswith(HUB):
        raise CheckpointError(
            f"there is no file or folder {source!r}; name one, or a hub's {HUB}ORGANISATION/NAME"
        )
    return fetch(source, architecture="", quick_gelu=None, folder=user_pretrained_folder())


def _read(source: Source, fallback: Stated) -> Pretrained:
    if not source.is_pickle:
        return interpret(source, read_safetensors(source.weights), fallback)
    with tempfile.TemporaryDirectory() as scratch:
        converted = Path(scratch) / WEIGHTS_FILE
        convert_pickle(source.weights, converted)
        return interpret(source, read_safetensors(converted), fallback)


def _open_recorded(folder: Path) -> Pretrained:
    record = read_record(folder)
    if sha256_of(folder / WEIGHTS_FILE) != record.sha256:
        raise CheckpointError(
            f"{WEIGHTS_FILE} of the pretrained weights {record.name!r} is not what was imported "
            "(another SHA-256); remove the folder and import them again"
        )
    tensors: Mapping[str, Tensor] = read_safetensors(folder / WEIGHTS_FILE)
    return Pretrained(
        label=record.name,
        tensors=tensors,
        towers=record.towers,
        text=record.text,
        cnn=record.cnn,
        sha256=record.sha256,
    )


def _publish(record: PretrainedRecord, weights: bytes) -> Imported:
    root = user_pretrained_folder()
    target, staging = root / record.name, root / _STAGING_FOLDER
    sweep_leftovers(staging)

    def fill(empty: Path) -> None:
        (empty / WEIGHTS_FILE).write_bytes(weights)
        (empty / RECORD_FILE).write_text(record_as_json(record), encoding="utf-8")

    if not target.exists():
        try:
            publish_folder(
                [target], fill, staging=staging, called=f"Pretrained weights {record.name!r}"
            )
        except FileExistsError:
            pass  # another process was faster; compared below
        else:
            return Imported(record=record, folder=target, is_new=True)
    there = read_record(target) if (target / RECORD_FILE).is_file() else None
    if there is None or not _are_same(there, record):
        raise CheckpointError(
            f"other weights are called {record.name!r} already, and they stay as they are; choose "
            "another name with --name, or remove that folder of the pretrained weights first"
        )
    return Imported(record=there, folder=target, is_new=False)


def _are_same(one: PretrainedRecord, other: PretrainedRecord) -> bool:
    """Whether two imports hold the same weights; their time and licence may differ."""
    return one == replace(other, imported_utc=one.imported_utc, licence=one.licence)


def sha256_of(path: Path) -> str:
    """The hash of a file of weights.

    Raises
    ------
    CheckpointError
        If it cannot be read.
    """
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(
            f"{path.name} cannot be read ({error.strerror or 'refused'}); check its permissions"
        ) from None
