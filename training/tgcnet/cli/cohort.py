"""``tgcnet segment-cohort``: a table of studies in, a mask and a record for each out."""

import argparse
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from types import FrameType

from tgcnet.cli.output import (
    RESEARCH_NOTICE,
    Commands,
    add_command,
    add_model_options,
    progress_bar,
    say,
    say_json,
    stated_modality,
    warn,
)
from tgcnet.cohort.cohort_summary import CohortSummary
from tgcnet.io.formats import GRID_MASKS

FORMATS = tuple(one.name.lower() for one in GRID_MASKS)

_SOME_FAILED = 1
_MOST_LISTED = 20


def register(commands: Commands) -> None:
    """Add the command."""
    parser = add_command(
        commands,
        "segment-cohort",
        "Segment every study of a table; run again, it goes on where it was.",
        run,
    )
    _add_what(parser)
    _add_workers(parser)
    parser.add_argument(
        "--retry-failed", action="store_true", help="segment studies again that failed"
    )
    parser.add_argument(
        "--yes",
        action="store_true",
        help="segment studies, too, whose report names nothing that this model segments",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _add_what(parser: argparse.ArgumentParser) -> None:
    """What is segmented, with which model, into which folder."""
    parser.add_argument(
        "manifest",
        metavar="MANIFEST",
        type=Path,
        help="CSV with the column image and, where they are known, id, report or report_file, "
        "modality, slices; paths are relative to it",
    )
    parser.add_argument(
        "--out",
        metavar="FOLDER",
        type=Path,
        required=True,
        help="gets a mask and a record for each study, and cohort.csv",
    )
    add_model_options(parser)
    parser.add_argument(
        "--threshold", metavar="T", type=float, help="probability, in (0, 1) (the model's own)"
    )
    parser.add_argument(
        "--format", default="nifti", choices=FORMATS, help="of the masks; png for single slices"
    )


def _add_workers(parser: argparse.ArgumentParser) -> None:
    """Who does it, where that is not this process alone."""
    parser.add_argument(
        "--workers",
        default=1,
        metavar="N",
        type=int,
        help="processes on this machine, each with the model; from 2 on through Dask (1)",
    )
    parser.add_argument(
        "--scheduler",
        metavar="ADDRESS",
        help="of a Dask cluster that does the work instead, as tcp://host:8786; its machines need "
        "the images, the folder and the model under the same paths",
    )


def run(arguments: argparse.Namespace) -> int:
    """Segment what has no result yet; 1 where any study failed."""
    from tgcnet.cohort.segment_cohort import CohortJob, segment_cohort

    job = CohortJob(
        table=arguments.manifest,
        out=arguments.out,
        model=arguments.model,
        device=arguments.device,
        modality=stated_modality(arguments),
        threshold=arguments.threshold,
        mask_format=arguments.format,
        scheduler=arguments.scheduler,
        num_workers=arguments.workers,
        retries_failed=arguments.retry_failed,
        runs_without_target=arguments.yes,
    )
    with (
        _ended_like_ctrl_c(),
        progress_bar("Segmenting the cohort", is_quiet=arguments.json) as show,
    ):
        summary = segment_cohort(job, on_progress=show, on_notice=warn)
    if arguments.json:
        say_json(_values(summary))
    else:
        say(_in_words(summary))
    return _SOME_FAILED if summary.failures else 0


@contextmanager
def _ended_like_ctrl_c() -> Iterator[None]:
    """A job system ends a run with SIGTERM: its workers and its table are seen to, too."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _values(summary: CohortSummary) -> dict[str, object]:
    return {
        **asdict(summary),
        "table": str(summary.table),
        "num_failed": len(summary.failures),
        "notice": RESEARCH_NOTICE,
    }


def _in_words(summary: CohortSummary) -> str:
    lines = [
        f"row {failure.row} ({failure.id}) failed, {failure.error_class}: {failure.sentence}"
        for failure in summary.failures[:_MOST_LISTED]
    ]
    if len(summary.failures) > _MOST_LISTED:
        lines.append(f"{len(summary.failures) - _MOST_LISTED} more failed; the table names them.")
    if summary.failures:
        lines.append(
            "Failed studies are passed over until their rows or images change or --retry-failed "
            "is given."
        )
    if summary.num_skipped:
        lines.append(
            f"{summary.num_skipped} skipped: their reports name nothing that this model segments; "
            "--yes segments them all the same."
        )
    lines.append(
        f"{summary.table}: {summary.num_done} of {summary.num_studies} studies done, "
        f"{len(summary.failures)} failed, {summary.num_skipped} skipped; {summary.num_now} in this "
        f"run of {summary.seconds:.1f} s with model {summary.model!r}. {RESEARCH_NOTICE}"
    )
    return "\n".join(lines)
