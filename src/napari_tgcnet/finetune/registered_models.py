"""Lists the registered models; switches and deletes them by ``tgcnet models``.

The command runs in a process of its own because it may import torch.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

from napari_tgcnet.finetune import messages
from napari_tgcnet.finetune.state import ModelListing, ModelRow
from tgcnet.domain import GateReport, ModelIdentity
from tgcnet.errors import CheckpointError, InputError
from tgcnet.gate.report_json import report_from_json
from tgcnet.weights.active import ActiveModel, read_active
from tgcnet.weights.manifest import Manifest
from tgcnet.weights.registry import registered_models, user_models_folder

_PROGRAM = (sys.executable, "-P", "-m", "tgcnet.cli", "models")
_PREFIX = "tgcnet: "
_BAD_INPUT = 2


class RegisteredModels:
    """The :class:`napari_tgcnet.finetune.ports.Models` of this machine.

    Parameters
    ----------
    program : the command line up to the action; a test passes its own
    """

    def __init__(self, program: Sequence[str] = _PROGRAM) -> None:
        self._program = tuple(program)

    def listing(self) -> ModelListing:
        active: ActiveModel | None = None
        problem = ""
        try:
            active = read_active()
        except CheckpointError as error:
            problem = str(error)
        current = active.current if active else None
        registered = registered_models()
        if current is not None and current.name not in registered:
            problem = messages.active_gone(current.name)
        own = user_models_folder()
        rows = tuple(
            row_of(manifest, current, is_own=folder.parent == own)
            for manifest, folder in registered.values()
        )
        history = active.history if active else ()
        previous = history[-1].name if history else None
        return ModelListing(rows=rows, previous=previous, problem=problem)

    def switch_to(self, name: str) -> None:
        """Make a model the active one.

        Raises
        ------
        InputError
            With the command's own sentence, if it refuses; likewise in the other methods.
        """
        self._call("activate", name)

    def go_back(self) -> None:
        self._call("rollback")

    def delete(self, name: str) -> None:
        self._call("remove", name)

    def _call(self, *arguments: str) -> None:
        done = subprocess.run(  # noqa: S603 - our own program
            [*self._program, *arguments],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            encoding="utf-8",
            check=False,
        )
        if done.returncode == _BAD_INPUT:
            raise InputError(done.stderr.strip().rpartition("\n")[2].removeprefix(_PREFIX))
        done.check_returncode()


def row_of(manifest: Manifest, active: ModelIdentity | None, *, is_own: bool) -> ModelRow:
    """A model with its lineage and a caution against switching to it, in sentences."""
    is_active = active is not None and active.name == manifest.name
    sentences, caution = _lineage_and_caution(manifest, active)
    return ModelRow(
        name=manifest.name,
        is_active=is_active,
        is_own=is_own,
        lineage=tuple(sentences),
        caution="" if is_active else caution,
    )


def _lineage_and_caution(manifest: Manifest, active: ModelIdentity | None) -> tuple[list[str], str]:
    lineage = manifest.lineage
    if lineage is None:
        return [messages.NO_PARENT], messages.NOT_COMPARED
    corrections_utc = lineage.ledger_snapshot.partition(" ")[0]
    sentences = [messages.comes_from(lineage.parent, corrections_utc)]
    if lineage.gate is None:
        return [*sentences, messages.NOT_COMPARED], messages.NOT_COMPARED
    try:
        report = report_from_json(lineage.gate)
    except InputError:
        return [*sentences, messages.REPORT_UNREADABLE], messages.REPORT_UNREADABLE
    verdict = messages.gate_verdict(report)
    return [*sentences, verdict, *report.reasons], _caution(report, manifest, active)


def _caution(report: GateReport, manifest: Manifest, active: ModelIdentity | None) -> str:
    if report.candidate != manifest.identity:
        return messages.OTHER_CANDIDATE
    if not report.recommended:
        return messages.not_recommended(report.active.name)
    if report.active != active:
        return messages.other_active(report.active.name)
    return ""
