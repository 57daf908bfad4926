"""``tgcnet evaluate``: how good a model is on a folder of images, masks and reports."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import typer

from tgcnet.cli.options import (
    DeviceOption,
    JsonOption,
    ModalityOption,
    ModelOption,
    check_seed,
    modality_of,
    whole_number,
)
from tgcnet.errors import OutputError

# As TextMode has them, and all; its module is not imported here, since help must not take a second.
TextName = Literal["given", "none", "swapped", "shuffled", "contradictory", "no-location", "all"]


@dataclass(frozen=True, kw_only=True, slots=True)
class EvaluateCommand:
    """Compare a model's masks with a folder's reference masks."""

    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="a data set: images, masks and texts")
    ]
    split: Annotated[
        str | None,
        typer.Option("--split", metavar="NAME", help="only this split of it, such as test"),
    ] = None
    model: ModelOption = None
    device: DeviceOption = "auto"
    modality: ModalityOption = "auto"
    text: Annotated[
        TextName,
        typer.Option(
            "--text", help="the text that the model gets; all: each in turn, with differences"
        ),
    ] = "given"
    seed: Annotated[
        int,
        typer.Option(
            "--seed",
            metavar="N",
            parser=whole_number,
            help="random seed of shuffled texts and of intervals",
        ),
    ] = 0
    table: Annotated[
        Path | None,
        typer.Option(
            "--table",
            metavar="FILE",
            help="write the figures with their 95% intervals there, as .md or .csv",
        ),
    ] = None
    per_image: Annotated[
        Path | None,
        typer.Option(
            "--per-image", metavar="FILE", help="write each image's figures there, as .csv"
        ),
    ] = None
    calibration: Annotated[
        Path | None,
        typer.Option(
            "--calibration", metavar="FILE", help="draw a reliability diagram there, as .png"
        ),
    ] = None
    pages: Annotated[
        Path | None,
        typer.Option(
            "--pages",
            metavar="FOLDER",
            help="draw the best, median and worst cases into this new folder",
        ),
    ] = None
    with_texts: Annotated[
        bool,
        typer.Option(
            "--with-texts",
            help="with --pages: write each case's file name and report below it",
        ),
    ] = False
    as_json: JsonOption = False

    def run(self) -> int:
        """Refuse what would fail at the end, then evaluate."""
        check_seed(self.seed)
        self._check_files()
        if self.pages is not None:
            _check_pages(self.pages, self.folder)
        elif self.with_texts:
            raise OutputError(
                "--with-texts was given without --pages, expected both: it adds texts to the "
                "pages. Name a new folder with --pages or leave it out."
            )
        from tgcnet.cli.evaluate_job import EvaluateJob  # needs torch

        job = EvaluateJob(
            folder=self.folder,
            split=self.split,
            model=self.model,
            device=self.device,
            modality=modality_of(self.modality),
            text=self.text,
            seed=self.seed,
            table=self.table,
            per_image=self.per_image,
            calibration=self.calibration,
            pages=self.pages,
            with_texts=self.with_texts,
            as_json=self.as_json,
        )
        job.run()
        return 0

    def _check_files(self) -> None:
        from tgcnet.cli.targets import check_ending, check_outside_data_set, check_writable
        from tgcnet.io.formats import CSV, MARKDOWN, PNG

        option_of: dict[Path, str] = {}
        for option, target, formats in (
            ("--table", self.table, (MARKDOWN, CSV)),
            ("--per-image", self.per_image, (CSV,)),
            ("--calibration", self.calibration, (PNG,)),
        ):
            if target is None:
                continue
            check_writable(target, option)
            check_outside_data_set(target, self.folder, option)
            check_ending(target, option, formats)
            other = option_of.setdefault(target.resolve(), option)
            if other != option:
                raise OutputError(
                    f"{other} and {option} both name {target.name}, expected two files; choose "
                    "another name for one of them."
                )


def _check_pages(pages: Path, folder: Path) -> None:
    from tgcnet.cli.targets import check_outside_data_set, check_writable

    check_outside_data_set(pages, folder, "--pages")
    if pages.exists():
        raise OutputError(
            f"--pages {pages.absolute().name} is there already, expected a name that is free, so "
            "that no page is replaced; choose a new one."
        )
    check_writable(pages, "--pages")
