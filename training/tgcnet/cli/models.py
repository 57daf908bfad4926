"""``tgcnet models``: which there are, what they can do, whether they are whole, which is active."""

import argparse
from collections.abc import Mapping

from tgcnet.cli.output import ACTIVE_IN_WORDS, Commands, add_command, say, say_json, warn
from tgcnet.config import to_json
from tgcnet.errors import CheckpointError, InputError


def register(commands: Commands) -> None:
    """Add the group."""
    parser = add_command(commands, "models", "List, show, verify, switch and delete models.", _list)
    group = parser.add_subparsers(
        dest="action", required=True, metavar="list|show|verify|activate|rollback|remove"
    )
    listing = add_command(group, "list", "Name every registered model.", _list)
    listing.add_argument("--json", action="store_true", help="print one JSON object")
    show = add_command(group, "show", "Say everything about one model.", _show)
    show.add_argument("model", metavar="NAME|PATH", nargs="?", help=f"({ACTIVE_IN_WORDS})")
    show.add_argument("--json", action="store_true", help="print one JSON object")
    verify = add_command(group, "verify", "Check that a model's files are whole.", _verify)
    verify.add_argument("model", metavar="NAME|PATH", nargs="?", help=f"({ACTIVE_IN_WORDS})")
    activate = add_command(
        group, "activate", "Make a model the one that is used where none is named.", _activate
    )
    activate.add_argument("model", metavar="NAME", help="a registered name")
    add_command(
        group,
        "rollback",
        "Go back to the latest model that was active before and is still there.",
        _rollback,
    )
    remove = add_command(
        group, "remove", "Delete a model of your own; not the active one.", _remove
    )
    remove.add_argument("model", metavar="NAME", help="a registered name")


def _list(arguments: argparse.Namespace) -> int:
    from tgcnet.weights.active import read_active
    from tgcnet.weights.manifest import read_manifest
    from tgcnet.weights.registry import list_models, model_folders, user_models_folder

    models = list_models()
    for folder in model_folders():
        try:
            read_manifest(folder)
        except CheckpointError as error:
            warn(f"Left out: {error}")
    active = None
    try:
        active = read_active().current.name
    except CheckpointError as error:
        warn(str(error))
    if arguments.json:
        say_json({"active": active, "models": [to_json(manifest) for manifest in models]})
        return 0
    for manifest in models:
        mark = " [active]" if manifest.name == active else ""
        say(f"{manifest.name}: {', '.join(manifest.findings)} ({manifest.licence}){mark}")
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
    from tgcnet.weights.active import active_folder
    from tgcnet.weights.load import verify
    from tgcnet.weights.manifest import read_manifest
    from tgcnet.weights.registry import find_model

    folder = active_folder() if arguments.model is None else find_model(arguments.model)
    verify(folder)
    say(f"{read_manifest(folder).name}: whole; hash, architecture and numbers are right.")
    return 0


def _activate(arguments: argparse.Namespace) -> int:
    from tgcnet.weights.switch import activate

    active = activate(arguments.model)
    say(f"Active now: {active.current.name}.")
    if active.history:
        say(f"Before: {active.history[-1].name}; back to it: tgcnet models rollback.")
    say(_recommendation(active.current.name))
    say("A recommendation switches nothing; only a person does.")
    return 0


def _recommendation(name: str) -> str:
    """What the gate said of a model, if its lineage keeps it."""
    from tgcnet.runs.report import report_from_json
    from tgcnet.weights.registry import registered_models

    lineage = registered_models()[name][0].lineage
    if lineage is None or lineage.gate is None:
        return "No report of the gate is kept with this model."
    try:
        report = report_from_json(lineage.gate)
    except InputError as error:
        return f"The gate's report kept with this model cannot be read. {error}"
    said = "recommended" if report.recommended else "did not recommend"
    reasons = " ".join(report.reasons)
    return f"On {report.date_utc} the gate {said} it over {report.active.name}. {reasons}"


def _rollback(_: argparse.Namespace) -> int:
    from tgcnet.weights.switch import rollback

    done = rollback()
    for sentence in done.skipped:
        warn(sentence)
    say(f"Active now: {done.active.current.name}.")
    return 0


def _remove(arguments: argparse.Namespace) -> int:
    from tgcnet.weights.switch import remove

    remove(arguments.model)
    say(f"{arguments.model}: deleted.")
    return 0
