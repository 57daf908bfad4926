"""``tgcnet models``: which models there are, what they can do, whether they are whole."""

import argparse
from collections.abc import Mapping

from tgcnet.cli.output import Commands, add_command, say, say_json, warn
from tgcnet.config import to_json
from tgcnet.errors import CheckpointError


def register(commands: Commands) -> None:
    """Add the group."""
    parser = add_command(commands, "models", "List, show and verify models.", _list)
    group = parser.add_subparsers(dest="action", required=True, metavar="list|show|verify")
    listing = add_command(group, "list", "Name every registered model.", _list)
    listing.add_argument("--json", action="store_true", help="print one JSON object")
    show = add_command(group, "show", "Say everything about one model.", _show)
    show.add_argument("model", metavar="NAME|PATH", nargs="?", default="mini")
    show.add_argument("--json", action="store_true", help="print one JSON object")
    verify = add_command(group, "verify", "Check that a model's files are whole.", _verify)
    verify.add_argument("model", metavar="NAME|PATH", nargs="?", default="mini")


def _list(arguments: argparse.Namespace) -> int:
    from tgcnet.weights.manifest import read_manifest
    from tgcnet.weights.registry import list_models, model_folders, user_models_folder

    models = list_models()
    for folder in model_folders():
        try:
            read_manifest(folder)
        except CheckpointError as error:
            warn(f"Left out: {error}")
    if arguments.json:
        say_json({"models": [to_json(manifest) for manifest in models]})
        return 0
    for manifest in models:
        say(f"{manifest.name}: {', '.join(manifest.findings)} ({manifest.licence})")
    if not models:
        warn(f"There is no model; put a model's folder into {user_models_folder()}.")
    return 0


def _show(arguments: argparse.Namespace) -> int:
    from tgcnet.weights.load import load_model

    loaded = load_model(arguments.model)
    parameters = list(loaded.model.parameters())
    counts = {
        "total": sum(p.numel() for p in parameters),
        "trainable": sum(p.numel() for p in parameters if p.requires_grad),
    }
    values = {**to_json(loaded.manifest), "parameters": counts}
    if arguments.json:
        say_json(values)
    else:
        _say_nested(values, indent=0)
    return 0


def _say_nested(values: Mapping[str, object], indent: int) -> None:
    for key, value in values.items():
        if isinstance(value, Mapping) and value:
            say(f"{' ' * indent}{key}:")
            _say_nested(value, indent + 2)
        elif isinstance(value, list | tuple):
            say(f"{' ' * indent}{key}: {', '.join(str(entry) for entry in value)}")
        else:
            say(f"{' ' * indent}{key}: {value}")


def _verify(arguments: argparse.Namespace) -> int:
    from tgcnet.weights.load import verify
    from tgcnet.weights.manifest import read_manifest
    from tgcnet.weights.registry import find_model

    folder = find_model(arguments.model)
    verify(folder)
    say(f"{read_manifest(folder).name}: whole; hash, architecture and numbers are right.")
    return 0
