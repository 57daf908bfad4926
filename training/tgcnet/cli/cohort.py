"""``tgcnet segment-cohort``: a table of studies in, a mask and a record for each out."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from tgcnet.cli.options import (
    DeviceOption,
    JsonOption,
    ModalityOption,
    ModelOption,
    ThresholdOption,
    modality_of,
    whole_number,
)
from tgcnet.cli.output import RESEARCH_NOTICE, progress_bar, say, say_json, warn

if TYPE_CHECKING:  # it reads images, and help must not wait for their libraries
    from tgcnet.cohort.cohort_summary import CohortSummary

# The names of tgcnet.io.formats.GRID_MASKS; tgcnet.io takes a second to import, help must not.
MaskFormat = Literal["nifti", "png", "tiff"]

_SOME_FAILED = 1
_MOST_LISTED = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class SegmentCohortCommand:
    """Segment every study of a table; a further run segments only what is not done yet."""

    manifest: Annotated[
        Path,
        typer.Argument(
            metavar="MANIFEST",
            help="CSV with the column image and, where they are known, id, report or report_file, "
            "modality, slices; paths are relative to it",
        ),
    ]
    out: Annotated[
        Path,
        typer.Option(
            "--out",
            metavar="FOLDER",
            help="where a mask and a record for each study, and cohort.csv, are written",
        ),
    ]
    model: ModelOption = None
    device: DeviceOption = "auto"
    modality: ModalityOption = "auto"
    threshold: ThresholdOption = None
    mask_format: Annotated[
        MaskFormat, typer.Option("--format", help="format of the masks; png for single slices")
    ] = "nifti"
    workers: Annotated[
        int,
        typer.Option(
            "--workers",
            metavar="N",
            parser=whole_number,
            help="processes on this machine, each with the model; from 2 on through Dask",
        ),
    ] = 1
    scheduler: Annotated[
        str | None,
        typer.Option(
            "--scheduler",
            metavar="ADDRESS",
            help="of a Dask cluster that does the work instead, as tcp://host:8786; its machines "
            "need the images, the folder and the model under the same paths",
        ),
    ] = None
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="segment studies again that failed")
    ] = False
    yes: Annotated[
        bool,
        typer.Option(
            "--yes",
            help="segment studies, too, whose report names nothing that this model segments",
        ),
    ] = False
    as_json: JsonOption = False

    def run(self) -> int:
        """Segment what has no result yet; 1 where any study failed."""
        from tgcnet.cohort.segment_cohort import CohortJob, segment_cohort

        job = CohortJob(
            table=self.manifest,
            out=self.out,
            model=self.model,
            device=self.device,
            modality=modality_of(self.modality),
            threshold=self.threshold,
            mask_format=self.mask_format,
            scheduler=self.scheduler,
            num_workers=self.workers,
            retries_failed=self.retry_failed,
            runs_without_target=self.yes,
        )
        with (
            _sigterm_as_ctrl_c(),
            progress_bar("Segmenting the cohort", is_quiet=self.as_json) as show,
        ):
            summary = segment_cohort(job, on_progress=show, on_notice=warn)
        if self.as_json:
            say_json(_values(summary))
        else:
            say(_sentences(summary))
        return _SOME_FAILED if summary.failures else 0


@contextmanager
def _sigterm_as_ctrl_c() -> Iterator[None]:
    """A job system ends a run with SIGTERM: workers must end and the table be written then, too."""

    def stop(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


def _values(summary: "CohortSummary") -> dict[str, object]:
    return {
        **asdict(summary),
        "table": str(summary.table),
        "num_failed": len(summary.failures),
        "notice": RESEARCH_NOTICE,
    }


def _sentences(summary: "CohortSummary") -> str:
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
