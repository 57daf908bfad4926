"""``tgcnet finetune``: a ledger of corrections and a parent in, a candidate out."""

import argparse
import json
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from tgcnet.cli.output import ACTIVE_IN_WORDS, RESEARCH_NOTICE, Commands, add_command, say
from tgcnet.cli.train import import_or_explain
from tgcnet.errors import Cancelled, ConfigError, InputError, TgcnetError
from tgcnet.runs.events import STOP_FILE, Event, EventLog, Failed, Stopped, in_words, to_values

_STOPPED = 130


def register(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands, "finetune", "Teach a model what was corrected; it switches nothing.", run
    )
    parser.add_argument(
        "--corrections", metavar="LEDGER", type=Path, required=True, help="what it learns from"
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        required=True,
        help="the run's folder: events.jsonl, checkpoint, features, model/; a file called stop in "
        "it stops the run after the images at hand",
    )
    parser.add_argument(
        "--model", metavar="NAME|PATH", help=f"the parent it starts from ({ACTIVE_IN_WORDS})"
    )
    parser.add_argument(
        "--reference",
        metavar="FOLDER",
        type=Path,
        help="at least 100 images that must not be forgotten: images/, masks/ and captions.csv",
    )
    parser.add_argument("--epochs", metavar="N", type=int, help="(by the number of images)")
    parser.add_argument(
        "--learns",
        default="standard",
        choices=("standard", "adapters", "decoder", "all"),
        help="standard: all but the CLIP towers",
    )
    parser.add_argument("--learning-rate", metavar="R", type=float, default=2e-4, help="(2e-4)")
    parser.add_argument(
        "--device", default="auto", metavar="auto|cpu|cuda[:N]", help="where it runs (auto)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the checkpoint in the out folder"
    )
    parser.add_argument("--json", action="store_true", help="print every event as one line of JSON")


def run(arguments: argparse.Namespace) -> int:
    """Fine-tune; 130 where it was stopped and can be resumed."""
    finetune_run = import_or_explain("tgcnet.train.finetune.run")
    from tgcnet.train.finetune.config import FinetuneConfig, Learns

    try:
        config = FinetuneConfig(
            epochs=arguments.epochs,
            learns=Learns(arguments.learns),
            learning_rate=arguments.learning_rate,
        )
    except ConfigError as error:
        raise InputError(f"{error}; change the option or leave it out") from None
    job = finetune_run.FinetuneJob(
        ledger=arguments.corrections,
        out=arguments.out,
        model=arguments.model,
        reference=arguments.reference,
        device=arguments.device,
    )
    log = EventLog(arguments.out)

    def tell(event: Event) -> None:
        log(event)
        _print(event, as_json=arguments.json)

    finetune_run.prepare_folder(arguments.out, resume=arguments.resume)
    try:
        with _stops_by_signal(arguments.out / STOP_FILE):
            folder = finetune_run.finetune(job, config, tell=tell, resume=arguments.resume)
    except Cancelled as error:
        tell(Stopped(sentence=str(error)))
        return _STOPPED
    except TgcnetError as error:
        log(Failed(sentence=str(error)))
        raise
    if not arguments.json:
        say(f"The candidate lies in {folder}. Compare before you switch: tgcnet gate")
        say(RESEARCH_NOTICE)
    return 0


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


def _print(event: Event, *, as_json: bool) -> None:
    if as_json:
        say(json.dumps(to_values(event)))
    elif (sentence := in_words(event)) is not None:
        say(sentence)
