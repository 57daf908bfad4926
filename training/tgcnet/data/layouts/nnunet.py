"""nnU-Net's raw folder, with a text for every case.

``imagesTr/CASE_0000.nii.gz``, ``labelsTr/CASE.nii.gz`` and ``dataset.json`` as nnU-Net v2 wants
them (v1's ``dataset.json`` is read, too); ``imagesTs`` where it has ``labelsTs``. The texts stand
in ``captions.csv`` or ``reports.csv`` (columns ``case``, ``report``), or in ``reports/CASE.txt`` as
our own export of corrections writes them. Source: nnU-Net's documentation, "dataset_format".
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tgcnet.data.classes import make_classes
from tgcnet.data.layouts.dataset import DataSet, Gap, Part
from tgcnet.data.layouts.tables import read_table
from tgcnet.data.layouts.volumes import VolumePair, count_slices
from tgcnet.data.rows import Row, without_name
from tgcnet.domain import Modality
from tgcnet.errors import InputError
from tgcnet.io import read_report_text
from tgcnet.io.read import decode_volume

NAME = "nnU-Net"
TEXT_TABLES = ("captions.csv", "reports.csv")

_SETS = (("Tr", "train"), ("Ts", "test"))
_RESERVED = ("background", "ignore")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Header:
    """The contents of dataset.json: names and values of the classes in order, and how files end."""

    names: tuple[str, ...]
    values: tuple[int, ...]
    ignored: int | None
    ending: str
    modality: Modality | None
    num_channels: int


@dataclass(frozen=True, kw_only=True, slots=True)
class _Described:
    """What the tables state about a case."""

    report: str = ""
    subject: str = ""
    split: str = ""
    held_out: str | None = None
    place: str = ""


@dataclass(frozen=True, kw_only=True, slots=True)
class _Case:
    """Rows of a case, not numbered yet, and how many slices are left out."""

    rows: tuple[Row, ...]
    num_ignored: int


def scan(folder: Path) -> DataSet:
    """A row for every slice of every case; volumes are not opened unless they ignore a label.

    Raises
    ------
    InputError
        If ``dataset.json`` or a table cannot be read as what it is.
    """
    folder = folder.absolute()
    header = _read_header(folder)
    described = _read_texts(folder)
    rows: list[Row] = []
    gaps: list[Gap] = []
    num_ignored = 0
    seen: set[str] = set()
    for suffix, split in _SETS:
        images, labels = _cases(folder, suffix, header)
        if suffix == "Ts" and not labels:
            continue  # nnU-Net's test cases usually come without a reference
        seen |= images.keys() | labels.keys()
        for index, case in enumerate(sorted(images.keys() | labels.keys()), start=1):
            description = described.get(case, _Described())
            place = description.place or f"case {index} of images{suffix}"
            description = replace(description, place=place, split=description.split or split)
            read = _read_case(images.get(case), labels.get(case), description, header)
            if isinstance(read, Gap):
                gaps.append(read)
                continue
            first = len(rows) + 1
            rows += (replace(row, number=number) for number, row in enumerate(read.rows, first))
            num_ignored += read.num_ignored
    gaps += [
        Gap(lacks=Part.IMAGE, is_named=True, place=description.place or "a text of reports/")
        for case, description in described.items()
        if case not in seen and description.report
    ]
    return DataSet(
        name=folder.name,
        layout=NAME,
        classes=make_classes(header.names),
        rows=tuple(rows),
        gaps=tuple(gaps),
        notices=tuple(_notices(header, described, num_ignored)),
    )


def _read_case(
    image: Path | None, labels: Path | None, description: _Described, header: _Header
) -> _Case | Gap:
    if image is None or labels is None:
        lacks = Part.IMAGE if image is None else Part.MASK
        return Gap(lacks=lacks, is_named=True, place=description.place, path=image or labels)
    pair = VolumePair(image=image, labels=labels, values=header.values, ignored=header.ignored)
    try:
        kept, num_ignored = _slices(pair, header.ignored)
    except InputError as error:
        sentence = f"{description.place}: {without_name(str(error), labels.name, 'its mask')}"
        return Gap(
            lacks=Part.MASK, is_named=True, place=description.place, path=labels, sentence=sentence
        )
    return _Case(rows=tuple(_rows(pair, kept, description, header)), num_ignored=num_ignored)


def _rows(
    pair: VolumePair, kept: list[int], description: _Described, header: _Header
) -> Iterator[Row]:
    for z in kept:
        yield Row(
            number=0,
            image=pair.image,
            mask=pair.labels,
            report=description.report,
            subject=description.subject,
            held_out=description.held_out,
            split=description.split,
            num_classes=len(header.names),
            modality=header.modality,
            volume=pair,
            z=z,
            place=f"slice {z} of {description.place}",
        )


def _slices(pair: VolumePair, ignored: int | None) -> tuple[list[int], int]:
    """The slices that are labelled whole, and the number of the others."""
    if ignored is None:
        return list(range(count_slices(pair.labels))), 0
    stored = decode_volume(pair.labels).array
    is_whole = ~(stored == ignored).any(axis=(1, 2))
    return [int(z) for z in np.nonzero(is_whole)[0]], int(np.count_nonzero(~is_whole))


def _cases(folder: Path, suffix: str, header: _Header) -> tuple[dict[str, Path], dict[str, Path]]:
    """Files of the first channel and of labels, by case."""
    channel = re.compile(rf"(.+)_0000{re.escape(header.ending)}")
    images: dict[str, Path] = {}
    for file in _files(folder / f"images{suffix}"):
        if found := channel.fullmatch(file.name):
            images[found[1]] = file
    labels = {
        file.name.removesuffix(header.ending): file
        for file in _files(folder / f"labels{suffix}")
        if file.name.endswith(header.ending)
    }
    return images, labels


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        return []
    return [f for f in sorted(folder.iterdir()) if f.is_file() and not f.name.startswith(".")]


def _read_header(folder: Path) -> _Header:
    where = f"dataset.json of {folder.name}"
    try:
        values = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        channels = {str(k): str(v) for k, v in _channels(values).items()}
        labels = _labels(values["labels"])
        ending = str(values.get("file_ending", ".nii.gz"))
    except (OSError, ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InputError(
            f"{where} cannot be read ({type(error).__name__}), expected nnU-Net's own with labels "
            'such as {"background": 0, "lesion": 1}, one value a class; correct it'
        ) from None
    if values.get("dataset"):
        raise InputError(
            f"{where} lists its files one by one, expected files in imagesTr and labelsTr; copy or "
            "link them there and remove its entry dataset"
        )
    classes = sorted((v, k) for k, v in labels.items() if k not in _RESERVED and v != 0)
    first_channel = channels.get("0", "").lower()
    return _Header(
        names=tuple(name for _, name in classes),
        values=tuple(value for value, _ in classes),
        ignored=labels.get("ignore"),
        ending=ending,
        modality=Modality.CT if first_channel == "ct" else None,
        num_channels=max(len(channels), 1),
    )


def _channels(values: Mapping[str, object]) -> dict[str, object]:
    found = values.get("channel_names", values.get("modality", {}))  # the latter is v1's
    return dict(found) if isinstance(found, Mapping) else {}


def _labels(given: Mapping[str, object]) -> dict[str, int]:
    """Name -> value; v1 has it the other way round. A region of several values is a TypeError."""
    if all(str(key).isdecimal() for key in given):
        return {str(name): int(value) for value, name in given.items()}
    labels: dict[str, int] = {}
    for name, value in given.items():
        if not isinstance(value, int):
            raise TypeError(name)
        labels[name] = value
    return labels


def _read_texts(folder: Path) -> dict[str, _Described]:
    described: dict[str, _Described] = {}
    for table in TEXT_TABLES:
        if not (folder / table).is_file():
            continue
        for record in read_table(folder / table, ("case", "report")):
            described[record.cells["case"].strip()] = _Described(
                report=record.cells["report"],
                subject=record.cells.get("subject", ""),
                split=record.cells.get("split", ""),
                held_out=record.cells.get("held_out"),
                place=f"the case in row {record.number} of {table}",
            )
    for file in _files(folder / "reports"):
        if file.suffix == ".txt" and not described.get(file.stem, _Described()).report:
            description = described.get(file.stem, _Described())
            described[file.stem] = replace(description, report=_read_report(file))
    if (folder / "subjects.csv").is_file():
        for record in read_table(folder / "subjects.csv", ("case", "subject")):
            case = record.cells["case"].strip()
            at = f"the case in row {record.number} of subjects.csv"
            description = described.get(case, _Described(place=at))
            described[case] = replace(
                description,
                subject=description.subject or record.cells["subject"],
                held_out=description.held_out or record.cells.get("held_out"),
            )
    return described


def _read_report(file: Path) -> str:
    try:
        return read_report_text(file)
    except InputError as error:
        # "from None": the first sentence has the case's name.
        raise InputError(without_name(str(error), file.name, "A text of reports/")) from None


def _notices(
    header: _Header, described: Mapping[str, _Described], num_ignored: int
) -> Iterator[str]:
    if not any(description.report for description in described.values()):
        yield (
            "No case has a text: put captions.csv with the columns case and report beside "
            "dataset.json."
        )
    if header.num_channels > 1:
        yield f"Images have {header.num_channels} channels, of which only the first is read."
    if num_ignored:
        yield (
            f"{num_ignored:,} slices are left out because part of them has the label ignore: "
            "nobody looked there."
        )
