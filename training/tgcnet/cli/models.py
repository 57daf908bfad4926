"""``tgcnet models``: which there are, what they can do, whether they are whole, which is active."""

import argparse

from tgcnet.cli.output import ACTIVE_IN_WORDS, Commands, add_command, say, say_json, warn
from tgcnet.config import to_json
from tgcnet.errors import CheckpointError, InputError


def register(commands: Commands) -> None:
    """Add the group."""
    parser = add_command(
        commands, "models", "List, show, import, verify, switch and delete models.", _list
    )
    group = parser.add_subparsers(
        dest="action", required=True, metavar="list|show|import|verify|activate|rollback|remove"
    )
    listing = add_command(group, "list", "Name every registered model.", _list)
    listing.add_argument("--json", action="store_true", help="print one JSON object")
    show = add_command(group, "show", "Say everything about one model.", _show)
    show.add_argument(
        "model",
        metavar="NAME|PATH",
        nargs="?",
        help=f"also the name of an architecture, such as vit-b16 ({ACTIVE_IN_WORDS})",
    )
    show.add_argument("--json", action="store_true", help="print one JSON object")
    _register_import(group)
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


def _register_import(group: Commands) -> None:
    bring = add_command(
        group, "import", "Bring a model's folder, or pretrained weights for recipes.", _import
    )
    bring.add_argument(
        "source",
        metavar="FILE|FOLDER",
        help="a model's folder; weights of open_clip, transformers or timm; or hf-hub:ORG/NAME, "
        "which is fetched",
    )
    bring.add_argument("--name", help="what recipes call the weights (the file's or folder's name)")
    bring.add_argument(
        "--quick-gelu",
        choices=("yes", "no"),
        help="the activation of a CLIP, where no configuration beside it states it",
    )
    bring.add_argument(
        "--licence", default="unknown", help="of the weights, as their publisher states it"
    )
    bring.add_argument("--json", action="store_true", help="print one JSON object")


def _show(arguments: argparse.Namespace) -> int:
    from tgcnet.cli.models_show import show

    return show(arguments.model, as_json=arguments.json)


def _import(arguments: argparse.Namespace) -> int:
    from tgcnet.cli.models_show import bring

    return bring(arguments)


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
    from tgcnet.gate.report_json import report_from_json
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
