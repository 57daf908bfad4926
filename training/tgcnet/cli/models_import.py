"""``tgcnet models import``: a model of this program, or pretrained weights; needs torch."""

from pathlib import Path
from typing import Any

from tgcnet.cli.output import say, say_json
from tgcnet.config import ModelConfig, TgcNetConfig
from tgcnet.config.json_values import to_json
from tgcnet.errors import InputError
from tgcnet.models import named_configs
from tgcnet.weights.import_pretrained import Imported, fetch_for_import, import_pretrained
from tgcnet.weights.install import install_model
from tgcnet.weights.manifest import MANIFEST_FILE
from tgcnet.weights.pretrained_record import PretrainedRecord
from tgcnet.weights.registry import registered_models


def import_source(
    source: str, *, name: str | None, quick_gelu: bool | None, licence: str, as_json: bool
) -> None:
    """Import a model's folder, or pretrained weights.

    Parameters
    ----------
    source : a file, a folder, or ``hf-hub:ORG/NAME``, which is fetched
    quick_gelu : the activation of a CLIP; None where a configuration beside it states it
    """
    path = Path(source).expanduser()
    if (path / MANIFEST_FILE).is_file():
        if name or quick_gelu is not None:
            raise InputError(
                f"{path.name} is a model of this program, whose manifest holds its name and "
                "activation; leave --name and --quick-gelu out"
            )
        _import_model(path, as_json=as_json)
        return
    if not path.exists():
        path = fetch_for_import(source)
    imported = import_pretrained(path, name=name or "", quick_gelu=quick_gelu, licence=licence)
    record = imported.record
    if as_json:
        say_json({
            "name": record.name,
            "what": record.in_words(),
            "is_new": imported.is_new,
            "use": record.usage(),
            "fits": _fitting(record),
            "sha256": record.sha256,
            "licence": record.licence,
        })  # fmt: skip
    else:
        _say_imported(imported)


def _import_model(folder: Path, *, as_json: bool) -> None:
    before = set(registered_models())
    name = install_model(folder)
    if as_json:
        say_json({"name": name, "what": "a model", "is_new": name not in before})
    else:
        say(f"{name}: whole, and registered. Use it: --model {name}")


def _say_imported(imported: Imported) -> None:
    record = imported.record
    verb = "imported" if imported.is_new else "there already, the very same"
    say(f"{record.name}: {record.in_words()}; {verb}.")
    fitting = _fitting(record)
    where = f" with model {' or '.join(fitting)}" if fitting else ""
    say(f"In a recipe{where}: {record.usage()}")
    say(f"Licence: {record.licence}.")


def _fitting(record: PretrainedRecord) -> list[str]:
    """The named architectures that take these weights as they are."""
    return [name for name, config in named_configs().items() if _fits(config, record)]


def _fits(config: ModelConfig, record: PretrainedRecord) -> bool:
    if isinstance(config, TgcNetConfig):
        return record.towers is not None and (
            _size(record.towers.image) == _size(config.towers.image)
            and _size(record.towers.text) == _size(config.towers.text)
            and record.towers.embed_dim == config.towers.embed_dim
        )
    if record.text is not None:
        return _size(record.text) == _size(config.text)
    return config.cnn in record.cnn


def _size(tower: object) -> dict[str, Any]:
    """What weights decide of a tower, without the vocabulary that they bring."""
    free = ("words", "vocabulary", "is_cased", "context_length", "max_sentences")
    return {key: value for key, value in to_json(tower).items() if key not in free}
