"""``tgcnet finetune``: a ledger of corrections and a parent in, a compared candidate out."""

import argparse
import json
import math
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tgcnet.cli.output import (
    ACTIVE_IN_WORDS,
    RESEARCH_NOTICE,
    Commands,
    Printer,
    add_command,
    warn,
)
from tgcnet.cli.train import import_or_explain
from tgcnet.errors import Cancelled, ConfigError, InputError, OutputError, TgcnetError
from tgcnet.finetune.config import FinetuneConfig, FinetuneJob, Learns
from tgcnet.finetune.events import STOP_FILE, Event, EventLog, Failed, Stopped, in_words, to_values
from tgcnet.finetune.prepare_folder import begin, make_folder
from tgcnet.finetune.run_folder import lift_stop
from tgcnet.io.process_lock import running

_STOPPED = 130
_DEFAULT = FinetuneConfig()
_JUST_ASKED_S = 10.0
"""A request to stop that is younger was meant for this process and not for one before it."""


def register(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "finetune",
        "Teach a model what was corrected and compare the result; it switches nothing.",
        run,
    )
    parser.add_argument(
        "--corrections", metavar="LEDGER", type=Path, required=True, help="what it learns from"
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        required=True,
        help="the run's folder: events.jsonl, checkpoint, features, model/, the gate's report; a "
        "file called stop in it stops the run after the images at hand",
    )
    parser.add_argument(
        "--model", metavar="NAME|PATH", help=f"the parent it starts from ({ACTIVE_IN_WORDS})"
    )
    parser.add_argument(
        "--reference",
        metavar="FOLDER",
        type=Path,
        help="at least 100 images that must not be forgotten: images/, masks/ and captions.csv. A "
        "part of them is measured by the gate, the rest replayed in training",
    )
    parser.add_argument(
        "--device", default="auto", metavar="auto|cpu|cuda[:N]", help="where it runs (auto)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint in the out folder"
    )
    parser.add_argument("--json", action="store_true", help="print every event as one line of JSON")
    _add_training_options(parser)


def _add_training_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--epochs", metavar="N", type=int, help="(by the number of images)")
    parser.add_argument(
        "--learns",
        default=str(_DEFAULT.learns),
        choices=[str(choice) for choice in Learns],
        help=f"standard: all but the CLIP towers ({_DEFAULT.learns})",
    )
    parser.add_argument(
        "--learning-rate",
        metavar="R",
        type=float,
        default=_DEFAULT.learning_rate,
        help=f"highest of the schedule ({_DEFAULT.learning_rate:g})",
    )
    parser.add_argument(
        "--replay-share",
        metavar="S",
        type=float,
        default=_DEFAULT.replay_share,
        help="of each batch, from earlier cases and the reference set: 0 or more, below 1 "
        f"({_DEFAULT.replay_share:g})",
    )
    parser.add_argument(
        "--batch-size",
        metavar="B",
        type=int,
        default=_DEFAULT.batch_size,
        help=f"images a step; they need not fit into memory at once ({_DEFAULT.batch_size})",
    )
    parser.add_argument(
        "--cache-limit",
        metavar="GIB",
        type=float,
        default=_DEFAULT.cache_limit_bytes / 2**30,
        help="disk that kept features may take; if they need more, none are kept "
        f"({_DEFAULT.cache_limit_bytes / 2**30:g})",
    )
    parser.add_argument(
        "--seed",
        metavar="N",
        type=int,
        default=_DEFAULT.seed,
        help=f"of the order and the views ({_DEFAULT.seed})",
    )


def run(arguments: argparse.Namespace) -> int:
    """Fine-tune; 130 where it was stopped and can be resumed."""
    config = _config(arguments)
    job = FinetuneJob(
        ledger=arguments.corrections,
        out=arguments.out,
        model=arguments.model,
        reference=arguments.reference,
        device=arguments.device,
    )
    log, printer = EventLog(job.out), Printer()

    def tell(event: Event) -> None:
        log(event)
        _print(event, printer, as_json=arguments.json)

    make_folder(job, resume=arguments.resume)
    # Before the imports that take seconds: whoever looks sees a run, and one that was asked to
    # stop while it was starting does.
    with running(job.out):
        begin(job.out, resume=arguments.resume)
        lift_stop(job.out, older_than_s=_JUST_ASKED_S)
        with _ends_are_told(log), _stops_by_signal(job.out / STOP_FILE):
            finetune = import_or_explain("tgcnet.finetune.run_finetuning").finetune
            try:
                folder = finetune(job, config, on_event=tell, resume=arguments.resume)
            except Cancelled as error:
                tell(Stopped(sentence=str(error)))
                return _STOPPED
    if not arguments.json:
        printer(f"Switch it on, if you want to: tgcnet models activate {folder.name}")
        printer(RESEARCH_NOTICE)
    return 0


def _config(arguments: argparse.Namespace) -> FinetuneConfig:
    cache_limit_bytes = arguments.cache_limit * 2**30
    if not math.isfinite(cache_limit_bytes):
        raise InputError(
            f"--cache-limit must be a number of GiB, got {arguments.cache_limit}; change the "
            "option or leave it out"
        )
    try:
        return FinetuneConfig(
            epochs=arguments.epochs,
            learns=Learns(arguments.learns),
            learning_rate=arguments.learning_rate,
            replay_share=arguments.replay_share,
            batch_size=arguments.batch_size,
            cache_limit_bytes=round(cache_limit_bytes),
            seed=arguments.seed,
        )
    except ConfigError as error:
        raise InputError(f"{error}; change the option or leave it out") from None


@contextmanager
def _ends_are_told(log: Callable[[Event], None]) -> Iterator[None]:
    """Whatever ends the run, whoever watches it reads why; the error itself goes on."""
    try:
        yield
    except TgcnetError as error:
        _tell_end(log, Failed(sentence=str(error)))
        raise
    except KeyboardInterrupt:
        _tell_end(log, Stopped(sentence=_BROKEN_OFF))
        raise
    except MemoryError:
        # The command line makes a sentence of it; where it was used up is worth knowing too.
        traceback.print_exc()
        _tell_end(log, Failed(sentence=_NO_MEMORY))
        raise
    except Exception as error:
        _tell_end(log, Failed(sentence=_DEFECT.format(type(error).__name__)))
        raise


def _tell_end(log: Callable[[Event], None], event: Event) -> None:
    try:
        log(event)
    except OutputError as error:
        warn(f"tgcnet: {error}")


@contextmanager
def _stops_by_signal(stop_file: Path) -> Iterator[None]:
    """Ctrl-C stops after the images at hand; a second one at once, the checkpoint stays."""

    def stop(number: int, frame: FrameType | None) -> None:
        signal.signal(number, signal.default_int_handler)
        stop_file.touch()

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _print(event: Event, printer: Printer, *, as_json: bool) -> None:
    if as_json:
        printer(json.dumps(to_values(event)))
    elif (sentence := in_words(event)) is not None:
        printer(sentence)


_BROKEN_OFF = "Fine-tuning was broken off; it goes on from its last checkpoint when resumed."
_NO_MEMORY = (
    "This machine's memory is used up, so fine-tuning ended. Close other programs and resume the "
    "run; it goes on from its last checkpoint."
)
_DEFECT = (
    "Fine-tuning ended by a defect of this program ({}); its last checkpoint is kept, and the "
    "error's details are where the run's own output goes. Please report it with them."
)
