"""``tgcnet gate``: whether a candidate is worth switching to."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tgcnet.cli.options import (
    ACTIVE_MODEL,
    DeviceOption,
    ModalityOption,
    check_one_of,
    check_seed,
    modality_of,
    whole_number,
)
from tgcnet.errors import InputError


@dataclass(frozen=True, kw_only=True, slots=True)
class GateCommand:
    """Compare a candidate with the active model and recommend it or not; it switches nothing."""

    candidate: Annotated[
        str,
        typer.Option("--candidate", metavar="NAME|PATH", help="the model that may become active"),
    ]
    active: Annotated[
        str | None,
        typer.Option(
            "--active", metavar="NAME|PATH", help=f"what it is compared with ({ACTIVE_MODEL})"
        ),
    ] = None
    corrections: Annotated[
        Path | None,
        typer.Option(
            "--corrections",
            metavar="LEDGER",
            help="compare on its held-out patients, which neither model was trained on; either "
            "this or --held-out is required",
        ),
    ] = None
    held_out: Annotated[
        Path | None,
        typer.Option(
            "--held-out",
            metavar="FOLDER",
            help="compare on this data folder: images/, masks/ and captions.csv; where that has a "
            "column held_out, only the rows that it calls true",
        ),
    ] = None
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference",
            metavar="FOLDER",
            help="at least 100 earlier images, which must not be forgotten; the same three parts. "
            "Only those are compared on that fine-tuning never trains on",
        ),
    ] = None
    whole_reference: Annotated[
        bool,
        typer.Option(
            "--whole-reference",
            help="compare on all images of --reference, where no model was trained on any of them",
        ),
    ] = False
    device: DeviceOption = "auto"
    modality: ModalityOption = "auto"
    seed: Annotated[
        int,
        typer.Option(
            "--seed", metavar="N", parser=whole_number, help="random seed of the bootstrap"
        ),
    ] = 0
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="FILE", help="write the report there, as JSON"),
    ] = None
    scores: Annotated[
        Path | None,
        typer.Option("--scores", metavar="FILE", help="write each case's figures there, as JSON"),
    ] = None
    record: Annotated[
        bool, typer.Option("--record", help="keep the report in the candidate's manifest")
    ] = False
    as_json: Annotated[bool, typer.Option("--json", help="print the report as one JSON object")] = (
        False
    )

    def __post_init__(self) -> None:
        check_one_of(
            ("--corrections", self.corrections), ("--held-out", self.held_out), required=True
        )

    def run(self) -> int:
        """Compare; 0 whatever comes out of it."""
        self._check_files()
        check_seed(self.seed)
        if self.whole_reference and self.reference is None:
            raise InputError(
                "--whole-reference says how a reference set is read, but there is none; name it "
                "with --reference FOLDER, or leave the option out"
            )
        from tgcnet.cli.gate_job import GateJob  # needs torch

        job = GateJob(
            candidate=self.candidate,
            active=self.active,
            corrections=self.corrections,
            held_out=self.held_out,
            reference=self.reference,
            whole_reference=self.whole_reference,
            device=self.device,
            modality=modality_of(self.modality),
            seed=self.seed,
            out=self.out,
            scores=self.scores,
            record=self.record,
            as_json=self.as_json,
        )
        job.run()
        return 0

    def _check_files(self) -> None:
        from tgcnet.cli.targets import check_writable
        from tgcnet.io.atomic import check_outside

        for option, path in (("--out", self.out), ("--scores", self.scores)):
            if path is not None:
                check_writable(path, option)
                if self.corrections is not None:
                    check_outside(path, self.corrections, "the ledger of corrections")
        files = [path.resolve() for path in (self.out, self.scores) if path is not None]
        if len(set(files)) < len(files):
            raise InputError(
                f"--out and --scores are one file, {files[0].name}, expected two; change one of "
                "them"
            )
