"""Folders of pictures with a table of texts beside them: QaTa-COV19-v2, MosMedData+, LViT's own.

QaTa-COV19-v2 as on Kaggle, with LViT's texts put beside it::

    QaTa-COV19-v2/Train Set/Images/covid_1.png
    QaTa-COV19-v2/Train Set/Ground-truths/mask_covid_1.png
    QaTa-COV19-v2/Test Set/...
    Train_text_for_Covid19.xlsx, Test_text_for_Covid19.xlsx    columns Image, Description
    Train_ID.xlsx, Val_ID.xlsx                                 column Image; which are which

LViT's layout, also of MosMedData+::

    Train_Folder/img/..., Train_Folder/labelcol/..., Train_Folder/Train_text.xlsx
    Val_Folder/..., Test_Folder/...

MosMedData+ as on Kaggle, with LViT's texts: ``frames/``, ``masks/`` and spreadsheets such as
``Train_text_MosMedData+ 1.xlsx``. Texts are matched by the picture's name without its ending and
without ``mask_``, since the tables name now the image and now the mask.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tgcnet.data.classes import LUNG_OPACITY
from tgcnet.data.layouts.dataset import DataSet, Gap, Part
from tgcnet.data.layouts.tables import read_table
from tgcnet.data.rows import Row
from tgcnet.domain import Modality
from tgcnet.errors import InputError
from tgcnet.io.formats import PICTURES, TIFF, format_of, name_without_ending

QATA = "QaTa-COV19-v2"
LVIT = "LViT"
MOSMED = "MosMedData+"

QATA_SETS = {"Train Set": "train", "Test Set": "test"}
LVIT_SETS = {"Train_Folder": "train", "Val_Folder": "val", "Test_Folder": "test"}

_SPLITS = ("train", "val", "test")
_TABLE = re.compile(r"(train|val|test)_(text|id)(?![a-z0-9]).*\.(xlsx|csv)", re.IGNORECASE)
_PICTURES = (*PICTURES, TIFF)

# Of the names that are known to hold the patient or the study: BIMCV's radiographs in QaTa, and
# two of the three sources of MosMedData+.
_SUBJECT = re.compile(r"sub-([^_]+)_|(Morozov_study_\d+)_\d|(Jun_.+_case\d+)_\d")


@dataclass(frozen=True, kw_only=True, slots=True)
class _Place:
    """One folder of images with its folder of masks; ``split`` is "" where only tables state it."""

    images: Path
    masks: Path
    split: str
    tables: tuple[Path, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class _Text:
    """A row of a table of texts."""

    key: str
    text: str
    place: str
    split: str


def qata_root(folder: Path) -> Path | None:
    """Where the two sets lie: here, or a level or two below, as the archive unpacks."""
    for root in (folder, folder / QATA, folder / "QaTa-COV19" / QATA):
        if any((root / name).is_dir() for name in QATA_SETS):
            return root
    return None


def scan_qata(folder: Path) -> DataSet:
    """The pictures of both sets; errors as of :func:`read_table`."""
    root = qata_root(folder) or folder
    beside = _tables_in(*dict.fromkeys((folder, root.parent, root)), below=folder)
    places = [
        _Place(
            images=root / name / "Images",
            masks=root / name / "Ground-truths",
            split=split,
            tables=(*beside, *_tables_in(root / name, below=folder)),
        )
        for name, split in QATA_SETS.items()
        if (root / name).is_dir()
    ]
    return _scan(folder, QATA, places, Modality.XRAY)


def scan_lvit(folder: Path) -> DataSet:
    """The pictures of the three folders; errors as of :func:`read_table`."""
    places = [
        _Place(
            images=folder / name / "img",
            masks=folder / name / "labelcol",
            split=split,
            tables=_tables_in(folder / name, below=folder),
        )
        for name, split in LVIT_SETS.items()
        if (folder / name).is_dir()
    ]
    return _scan(folder, LVIT, places, None)


def scan_mosmed(folder: Path) -> DataSet:
    """The pictures that the tables divide; errors as of :func:`read_table`."""
    place = _Place(
        images=folder / "frames",
        masks=folder / "masks",
        split="",
        tables=_tables_in(folder, below=folder),
    )
    return _scan(folder, MOSMED, [place], None)


def has_tables(folder: Path) -> bool:
    """Whether a table of texts lies in the folder."""
    return bool(_tables_in(folder, below=folder))


def _scan(
    folder: Path, layout: str, places: Sequence[_Place], modality: Modality | None
) -> DataSet:
    if not any(place.tables for place in places):
        raise InputError(
            f"{folder.name} is laid out as {layout} but has no table of texts, expected for "
            "example Train_text.xlsx or Train_text_for_Covid19.csv with the columns Image and "
            "Description; put the tables beside the pictures"
        )
    rows: list[Row] = []
    gaps: list[Gap] = []
    for place in places:
        for entry in _joined(place):
            if isinstance(entry, Gap):
                gaps.append(entry)
            else:
                rows.append(replace(entry, number=len(rows) + 1, modality=modality))
    return DataSet(
        name=folder.name,
        layout=layout,
        classes=(LUNG_OPACITY,),
        rows=tuple(rows),
        gaps=tuple(gaps),
        notices=_notices(rows),
    )


def _joined(place: _Place) -> Iterator[Row | Gap]:
    images, masks = _pictures_in(place.images), _pictures_in(place.masks)
    texts = _texts(place)
    for text in texts.values():
        image, mask = images.pop(text.key, None), masks.pop(text.key, None)
        if image is None or mask is None:
            lacks = Part.IMAGE if image is None else Part.MASK
            yield Gap(lacks=lacks, is_named=True, place=text.place, path=image or mask)
            continue
        yield Row(
            number=0,
            image=image,
            mask=mask,
            report=text.text,
            subject=_subject_of(image.stem),
            split=text.split,
            place=text.place,
        )
    for key, image in images.items():
        lacks = Part.TEXT if masks.pop(key, None) else Part.MASK
        yield Gap(lacks=lacks, is_named=False, place=f"a file of {place.images.name}/", path=image)
    for mask in masks.values():
        at = f"a file of {place.masks.name}/"
        yield Gap(lacks=Part.IMAGE, is_named=False, place=at, path=mask)


def _texts(place: _Place) -> dict[str, _Text]:
    """By key; of a picture in two tables, validation wins, since its texts may stand in both."""
    divided = _divided(place)
    texts: dict[str, _Text] = {}
    for file in _of_kind(place.tables, "text"):
        split = _split_of(file)
        # The tables of both sets of QaTa lie beside them; validation is part of its Train Set.
        if place.split and (place.split == "test") != (split == "test"):
            continue
        seen: set[str] = set()
        for record in read_table(file, ("image", "description")):
            key = _key(record.cells["image"])
            at = f"row {record.number} of {file.name}"
            if key in seen or (split == "test" and key in texts):
                raise InputError(
                    f"{at} names a picture that an earlier row names too, expected one text a "
                    "picture; remove one of the two rows"
                )
            seen.add(key)
            texts[key] = _Text(
                key=key,
                text=record.cells["description"].strip(),
                place=at,
                split=divided.get(key, split),
            )
    return texts


def _divided(place: _Place) -> dict[str, str]:
    return {
        _key(record.cells["image"]): _split_of(file)
        for file in _of_kind(place.tables, "id")
        for record in read_table(file, ("image",))
    }


def _of_kind(tables: Sequence[Path], kind: str) -> list[Path]:
    """Training before validation before test; of a table in both formats the spreadsheet."""
    chosen: dict[tuple[str, str], Path] = {}
    for file in tables:
        if f"_{kind}" in file.name.lower():
            known = chosen.get((_split_of(file), str(file.parent)))
            if known is None or file.suffix.lower() == ".xlsx":
                chosen[_split_of(file), str(file.parent)] = file
    return sorted(chosen.values(), key=lambda file: _SPLITS.index(_split_of(file)))


def _split_of(table: Path) -> str:
    return table.name.lower().partition("_")[0]


def _tables_in(*folders: Path, below: Path) -> tuple[Path, ...]:
    return tuple(
        file
        for folder in folders
        if folder.is_dir() and folder.is_relative_to(below)
        for file in sorted(folder.iterdir())
        if _TABLE.fullmatch(file.name) and file.is_file()
    )


def _pictures_in(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        return {}
    files = [file for file in sorted(folder.iterdir()) if format_of(file, _PICTURES)]
    twice = [key for key, count in Counter(_key(file.name) for file in files).items() if count > 1]
    if twice:
        raise InputError(
            f"{folder.parent.name}/{folder.name} holds {len(twice)} pictures twice, under names "
            "that differ only in their ending or in mask_, expected one each; remove the others"
        )
    return {_key(file.name): file for file in files}


def _key(name: str) -> str:
    stem = re.split(r"[/\\]", name.strip())[-1]
    return name_without_ending(stem, _PICTURES).removeprefix("mask_")


def _subject_of(stem: str) -> str:
    found = _SUBJECT.match(stem)
    return next((group for group in found.groups() if group), "") if found else ""


def _notices(rows: Sequence[Row]) -> tuple[str, ...]:
    num_unknown = sum(not row.subject for row in rows)
    if not num_unknown:
        return ()
    return (f"{num_unknown:,} of {len(rows):,} files do not say in their names whose they are.",)
