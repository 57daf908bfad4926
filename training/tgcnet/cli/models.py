"""``tgcnet models``: which there are, what they can do, whether they are whole, which is active."""

from dataclasses import dataclass
from typing import Annotated, Literal

import typer

from tgcnet.cli.options import ACTIVE_MODEL, JsonOption
from tgcnet.cli.output import say, say_json, warn
from tgcnet.config.json_values import to_json
from tgcnet.errors import CheckpointError, InputError

RegisteredName = Annotated[str, typer.Argument(metavar="NAME", help="a registered name")]


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelsListCommand:
    """Name every registered model."""

    as_json: JsonOption = False

    def run(self) -> int:
        """Damaged models are named on standard error."""
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
        if self.as_json:
            say_json({"active": active, "models": [to_json(manifest) for manifest in models]})
            return 0
        for manifest in models:
            mark = " [active]" if manifest.name == active else ""
            say(f"{manifest.name}: {', '.join(manifest.findings)} ({manifest.licence}){mark}")
        if not models:
            warn(f"There is no model; put a model's folder into {user_models_folder()}.")
        return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelsShowCommand:
    """Show everything about one model."""

    model: Annotated[
        str | None,
        typer.Argument(
            metavar="NAME|PATH",
            help=f"also the name of an architecture, such as vit-b16 ({ACTIVE_MODEL})",
        ),
    ] = None
    as_json: JsonOption = False

    def run(self) -> int:
        """Show the manifest, the number of parameters and the cost."""
        from tgcnet.cli.models_show import show  # needs torch

        show(self.model, as_json=self.as_json)
        return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelsImportCommand:
    """Import a model's folder, or pretrained weights for recipes."""

    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|FOLDER",
            help="a model's folder; weights of open_clip, transformers or timm; or "
            "hf-hub:ORG/NAME, which is fetched",
        ),
    ]
    name: Annotated[
        str | None,
        typer.Option(
            "--name",
            metavar="NAME",
            help="the name by which recipes name the weights (the file's or folder's)",
        ),
    ] = None
    quick_gelu: Annotated[
        Literal["yes", "no"] | None,
        typer.Option(
            "--quick-gelu",
            help="the activation of a CLIP, where no configuration beside it states it",
        ),
    ] = None
    licence: Annotated[
        str,
        typer.Option(
            "--licence", metavar="TEXT", help="licence of the weights, as their publisher states it"
        ),
    ] = "unknown"
    as_json: JsonOption = False

    def run(self) -> int:
        """Copy what is imported to the user's models or weights."""
        from tgcnet.cli.models_import import import_source  # needs torch

        import_source(
            self.source,
            name=self.name,
            quick_gelu=None if self.quick_gelu is None else self.quick_gelu == "yes",
            licence=self.licence,
            as_json=self.as_json,
        )
        return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelsVerifyCommand:
    """Check that a model's files are whole."""

    model: Annotated[
        str | None,
        typer.Argument(metavar="NAME|PATH", help=f"registered name or folder ({ACTIVE_MODEL})"),
    ] = None

    def run(self) -> int:
        """Read every number of it."""
        from tgcnet.weights.active import active_folder
        from tgcnet.weights.load import verify
        from tgcnet.weights.manifest import read_manifest
        from tgcnet.weights.registry import find_model

        folder = active_folder() if self.model is None else find_model(self.model)
        verify(folder)
        say(f"{read_manifest(folder).name}: whole; hash, architecture and numbers are right.")
        return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelsActivateCommand:
    """Make a model the one that is used where none is named."""

    model: RegisteredName

    def run(self) -> int:
        """Switch, and show what the gate recommended."""
        from tgcnet.weights.switch import activate

        active = activate(self.model)
        say(f"Active now: {active.current.name}.")
        if active.history:
            say(f"Before: {active.history[-1].name}; back to it: tgcnet models rollback.")
        say(_recommendation(active.current.name))
        say("A recommendation switches nothing; only a person does.")
        return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelsRollbackCommand:
    """Go back to the latest model that was active before and is still there."""

    def run(self) -> int:
        """Models that are gone or damaged are skipped and named."""
        from tgcnet.weights.switch import rollback

        done = rollback()
        for sentence in done.skipped:
            warn(sentence)
        say(f"Active now: {done.active.current.name}.")
        return 0


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelsRemoveCommand:
    """Delete a model of your own; not the active one."""

    model: RegisteredName

    def run(self) -> int:
        """Delete its folder."""
        from tgcnet.weights.switch import remove

        remove(self.model)
        say(f"{self.model}: deleted.")
        return 0


def _recommendation(name: str) -> str:
    """What the gate recommended of a model, if its lineage keeps the report."""
    from tgcnet.gate.report_json import report_from_json
    from tgcnet.weights.registry import registered_models

    lineage = registered_models()[name][0].lineage
    if lineage is None or lineage.gate is None:
        return "No report of the gate is kept with this model."
    try:
        report = report_from_json(lineage.gate)
    except InputError as error:
        return f"The gate's report kept with this model cannot be read. {error}"
    verdict = "recommended" if report.recommended else "did not recommend"
    reasons = " ".join(report.reasons)
    return f"On {report.date_utc} the gate {verdict} it over {report.active.name}. {reasons}"
