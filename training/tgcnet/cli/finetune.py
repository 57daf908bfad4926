"""``tgcnet finetune``: a ledger of corrections and a parent in, a compared candidate out."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from tgcnet.cli.options import ACTIVE_MODEL, DeviceOption, number, whole_number
from tgcnet.cli.output import RESEARCH_NOTICE, Printer
from tgcnet.cli.train import import_or_explain
from tgcnet.errors import Cancelled, ConfigError, InputError
from tgcnet.finetune.config import FinetuneConfig, FinetuneJob, Learns

_STOPPED = 130
_DEFAULT = FinetuneConfig()
_JUST_ASKED_S = 10.0
"""A request to stop that is younger was meant for this process and not for one before it."""


@dataclass(frozen=True, kw_only=True, slots=True)
class FinetuneCommand:
    """Fine-tune a model on corrections and compare the result; it switches nothing."""

    corrections: Annotated[
        Path, typer.Option("--corrections", metavar="LEDGER", help="the ledger that it learns from")
    ]
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FOLDER",
            help="the run's folder: events.jsonl, checkpoint, features, model/, the gate's "
            "report; a file called stop in it stops the run after the images at hand",
        ),
    ]
    model: Annotated[
        str | None,
        typer.Option(
            "--model", metavar="NAME|PATH", help=f"the parent it starts from ({ACTIVE_MODEL})"
        ),
    ] = None
    reference: Annotated[
        Path | None,
        typer.Option(
            "--reference",
            metavar="FOLDER",
            help="at least 100 images that must not be forgotten: images/, masks/ and "
            "captions.csv. A part of them is measured by the gate, the rest replayed in training",
        ),
    ] = None
    device: DeviceOption = "auto"
    resume: Annotated[
        bool, typer.Option("--resume", help="go on from the checkpoint in the out folder")
    ] = False
    as_json: Annotated[
        bool, typer.Option("--json", help="print every event as one line of JSON")
    ] = False
    epochs: Annotated[
        int | None,
        typer.Option(
            "--epochs",
            metavar="N",
            parser=whole_number,
            help="passes over the images (by their number)",
        ),
    ] = None
    learns: Annotated[
        Learns, typer.Option("--learns", help="what is trained; standard: all but the CLIP towers")
    ] = _DEFAULT.learns
    learning_rate: Annotated[
        float,
        typer.Option(
            "--learning-rate",
            metavar="R",
            parser=number,
            help="highest learning rate of the schedule",
        ),
    ] = _DEFAULT.learning_rate
    replay_share: Annotated[
        float,
        typer.Option(
            "--replay-share",
            metavar="S",
            parser=number,
            help="share of each batch that comes from earlier cases and the reference set: 0 or "
            "more, below 1",
        ),
    ] = _DEFAULT.replay_share
    batch_size: Annotated[
        int,
        typer.Option(
            "--batch-size",
            metavar="B",
            parser=whole_number,
            help="images a step; they need not fit into memory at once",
        ),
    ] = _DEFAULT.batch_size
    cache_limit: Annotated[
        float,
        typer.Option(
            "--cache-limit",
            metavar="GIB",
            parser=number,
            help="disk that kept features may take; if they need more, none are kept",
        ),
    ] = _DEFAULT.cache_limit_bytes / 2**30
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            metavar="N",
            parser=whole_number,
            help="random seed of the order and the views",
        ),
    ] = _DEFAULT.seed

    def run(self) -> int:
        """Fine-tune; 130 where it was stopped and can be resumed."""
        # Not above: they bring the image libraries, which take a second; help must not.
        from tgcnet.cli.finetune_events import logged_end, print_event, stopped_by_signal
        from tgcnet.finetune.events import STOP_FILE, Event, EventLog, Stopped
        from tgcnet.finetune.prepare_folder import begin, make_folder
        from tgcnet.finetune.run_folder import lift_stop
        from tgcnet.io.process_lock import running

        config = self.config()
        job = FinetuneJob(
            ledger=self.corrections,
            out=self.out,
            model=self.model,
            reference=self.reference,
            device=self.device,
        )
        log, printer = EventLog(job.out), Printer()

        def report(event: Event) -> None:
            log(event)
            print_event(event, printer, as_json=self.as_json)

        make_folder(job, resume=self.resume)
        # Before the imports of torch, which take seconds: a run that is starting is seen by
        # others, and stops if it was asked to meanwhile.
        with running(job.out):
            begin(job.out, resume=self.resume)
            lift_stop(job.out, older_than_s=_JUST_ASKED_S)
            with logged_end(log), stopped_by_signal(job.out / STOP_FILE):
                finetune = import_or_explain("tgcnet.finetune.run_finetuning").finetune
                try:
                    folder = finetune(job, config, on_event=report, resume=self.resume)
                except Cancelled as error:
                    report(Stopped(sentence=str(error)))
                    return _STOPPED
        if not self.as_json:
            printer(f"Switch it on, if you want to: tgcnet models activate {folder.name}")
            printer(RESEARCH_NOTICE)
        return 0

    def config(self) -> FinetuneConfig:
        """What the options say of the training.

        Raises
        ------
        InputError
            If one is out of its range.
        """
        cache_limit_bytes = self.cache_limit * 2**30
        if not math.isfinite(cache_limit_bytes):
            raise InputError(
                f"--cache-limit must be a number of GiB, got {self.cache_limit}; change the "
                "option or leave it out"
            )
        try:
            return FinetuneConfig(
                epochs=self.epochs,
                learns=self.learns,
                learning_rate=self.learning_rate,
                replay_share=self.replay_share,
                batch_size=self.batch_size,
                cache_limit_bytes=round(cache_limit_bytes),
                seed=self.seed,
            )
        except ConfigError as error:
            raise InputError(f"{error}; change the option or leave it out") from None
