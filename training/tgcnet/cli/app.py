"""The table of commands, and how a command line is read into one of them."""

import re
import sys
from collections.abc import Sequence
from typing import Annotated, Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from tgcnet import __version__
from tgcnet.cli.cohort import SegmentCohortCommand
from tgcnet.cli.corrections import (
    CorrectionsCheckCommand,
    CorrectionsExportCommand,
    CorrectionsImportCommand,
    CorrectionsListCommand,
)
from tgcnet.cli.data import DataCheckCommand, DataConvertCommand
from tgcnet.cli.demo import DemoCommand
from tgcnet.cli.evaluate import EvaluateCommand
from tgcnet.cli.finetune import FinetuneCommand
from tgcnet.cli.gate import GateCommand
from tgcnet.cli.models import (
    ModelsActivateCommand,
    ModelsImportCommand,
    ModelsListCommand,
    ModelsRemoveCommand,
    ModelsRollbackCommand,
    ModelsShowCommand,
    ModelsVerifyCommand,
)
from tgcnet.cli.options import Command
from tgcnet.cli.output import RESEARCH_NOTICE, say
from tgcnet.cli.report import ReportCommand
from tgcnet.cli.segment import SegmentCommand
from tgcnet.cli.train import TrainCommand
from tgcnet.errors import on_one_line

EXIT_BAD_INPUT = 2

COMMANDS: dict[str, type[Command]] = {
    "segment": SegmentCommand,
    "segment-cohort": SegmentCohortCommand,
    "evaluate": EvaluateCommand,
    "train": TrainCommand,
    "finetune": FinetuneCommand,
    "gate": GateCommand,
    "models list": ModelsListCommand,
    "models show": ModelsShowCommand,
    "models import": ModelsImportCommand,
    "models verify": ModelsVerifyCommand,
    "models activate": ModelsActivateCommand,
    "models rollback": ModelsRollbackCommand,
    "models remove": ModelsRemoveCommand,
    "corrections list": CorrectionsListCommand,
    "corrections check": CorrectionsCheckCommand,
    "corrections export": CorrectionsExportCommand,
    "corrections import": CorrectionsImportCommand,
    "data check": DataCheckCommand,
    "data convert": DataConvertCommand,
    "report": ReportCommand,
    "demo": DemoCommand,
}
_GROUPS = {
    "models": "List, show, import, verify, switch and delete models.",
    "corrections": "List, check, export and import corrections.",
    "data": "Check data sets and make data folders.",
}

_REQUIRED = "the following arguments are required: {}"
# Typer's sentences on a wrong option, and ours: what was given and what was expected.
_REWORDED = (
    (
        r"Invalid value for '(.+?)': Value error, (.+) is not one of (.+)\.",
        r"argument \1: invalid choice: \2 (choose from \3)",
    ),
    (r"Invalid value for '?(.+?)'?: (?:Value error, )?(.+)", r"argument \1: \2"),
    (r"Invalid value: (.+)", r"\1"),
    (r"Got unexpected extra argument\(s\) \((.+)\)", r"unrecognized arguments: \1"),
)


class _Command(TyperCommand):
    """A command whose options never take the option that follows for their value."""

    # Typer's own type of a context is private.
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Refuse an option without its value, and name all that is missing and not the first."""
        complete = self._with_values(ctx, args)
        given, _, _ = self.make_parser(ctx).parse_args(list(complete))
        missing = [
            param.opts[0] if isinstance(param, TyperOption) else str(param.metavar)
            for param in self.params
            if param.required and given.get(str(param.name)) is None
        ]
        if missing and not given.get("help"):
            ctx.fail(_REQUIRED.format(", ".join(missing)))
        return super().parse_args(ctx, complete)

    def _with_values(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments with an empty value where an option's value may be, and is, left out."""
        options = {
            name: param
            for param in self.params
            if isinstance(param, TyperOption) and not param.is_flag
            for name in param.opts
        }
        complete: list[str] = []
        is_value = False
        for index, argument in enumerate(args):
            if argument == "--":
                complete += args[index:]
                break
            following = args[index + 1] if index + 1 < len(args) else "--"
            option = None if is_value else options.get(argument)
            # A pasted report may begin with dashes; an option is one word.
            is_option = following.startswith("--") and " " not in following
            is_value = option is not None and not is_option
            if option is None or is_value:
                complete.append(argument)
            elif (option.metavar or "").startswith("["):
                complete.append(f"{argument}=")
            else:
                ctx.fail(f"argument {argument}: expected one argument")
        return complete


def build_app() -> typer.Typer:
    """All commands and their options."""
    app = _group("COMMAND")
    app.callback(help="Segment medical images by what their report says.", epilog=RESEARCH_NOTICE)(
        _root
    )
    groups: dict[str, typer.Typer] = {}
    for name, description in _GROUPS.items():
        actions = [command.split()[1] for command in COMMANDS if command.startswith(f"{name} ")]
        groups[name] = _group("|".join(actions))
        app.add_typer(groups[name], name=name, help=description, epilog=RESEARCH_NOTICE)
    for name, command in COMMANDS.items():
        group, _, action = name.rpartition(" ")
        add = (groups[group] if group else app).command(
            action, cls=_Command, help=command.__doc__, epilog=RESEARCH_NOTICE
        )
        add(command)
    return app


def _group(metavar: str) -> typer.Typer:
    return typer.Typer(
        add_completion=False,
        pretty_exceptions_enable=False,
        suggest_commands=False,
        context_settings={"help_option_names": ["-h", "--help"]},
        subcommand_metavar=metavar,
    )


def _say_version(is_asked: bool) -> bool:
    if is_asked:
        say(f"tgcnet {__version__}")
        raise typer.Exit
    return is_asked


def _root(
    version: Annotated[
        bool,
        typer.Option("--version", is_eager=True, callback=_say_version, help="show the version"),
    ] = False,
) -> None:
    """Options of ``tgcnet`` itself."""


def parse(arguments: Sequence[str]) -> Command:
    """The command that was asked for, with its options; nothing has run yet.

    Raises
    ------
    SystemExit
        With 0 after ``--help`` and ``--version``, with 2 and one sentence after a wrong option.
    """
    try:
        command: Command | int = typer.main.get_command(build_app()).main(
            list(arguments), prog_name="tgcnet", standalone_mode=False
        )
    except typer.TyperException as error:
        sys.stderr.write(f"{on_one_line(_sentence(error))}\n")
        raise SystemExit(EXIT_BAD_INPUT) from None
    if isinstance(command, int):
        raise SystemExit(command)
    return command


def _sentence(error: typer.TyperException) -> str:
    context = getattr(error, "ctx", None)
    program = "tgcnet" if context is None else context.command_path
    message = error.format_message()
    for pattern, wording in _REWORDED:
        if match := re.fullmatch(pattern, message, re.DOTALL):
            message = match.expand(wording)
            break
    else:
        if context is not None and isinstance(context.command, TyperGroup):
            message = _wrong_action(message, context.command)
    return f"{program}: {message.rstrip('.')}; see {program} --help"


def _wrong_action(message: str, group: TyperGroup) -> str:
    """No command, or one that there is not."""
    if message == "Missing command.":
        return _REQUIRED.format(group.subcommand_metavar)
    match = re.fullmatch(r"No such command (.+)\.", message, re.DOTALL)
    choices = ", ".join(map(repr, group.commands))
    if match is None:
        return message
    return (
        f"argument {group.subcommand_metavar}: invalid choice: {match[1]} (choose from {choices})"
    )
