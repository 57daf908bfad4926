"""The referring set: images whose caption names both sides, asked for one side only.

Made from any three-column folder, deterministically. What a model gets right here it got from the
words, because the image shows disease on both sides.
"""

import csv
import io
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from tgcnet.data import caption_templates
from tgcnet.data.classes import read_mask
from tgcnet.data.layouts.three_columns import SOURCE_VOLUME_COLUMN, read_folder
from tgcnet.data.regions import components, split_by_side
from tgcnet.data.rows import at_row
from tgcnet.domain import Side
from tgcnet.errors import InputError, OutputError

_ZONES_OF_SIDE = (
    r"((?:\b(?:all|upper|middle|lower|anterior|posterior|and)\b[\s,]*)+)\b{side}\b lung"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class SideRequest:
    """One image asked for one side: the text, and the mask of that side (Y, X) bool."""

    side: Side
    text: str
    mask: np.ndarray


def one_sided_requests(mask: np.ndarray, report: str) -> Iterator[SideRequest]:
    """Requests for the right and for the left side, where report and mask have both.

    Parameters
    ----------
    mask : (Y, X) bool, radiological view
    report : a caption that names places as those of QaTa-COV19 do, patient sides
    """
    zones = {side: _zones(report, side) for side in (Side.RIGHT, Side.LEFT)}
    parts = split_by_side(mask)
    if any(names is None for names in zones.values()) or not all(p.any() for p in parts.values()):
        return
    for side, names in zones.items():
        place = caption_templates.Place(side=side, zones=names or ())
        text = caption_templates.caption([place], num_areas=len(components(parts[side])))
        yield SideRequest(side=side, text=text, mask=parts[side])


def _zones(report: str, side: Side) -> tuple[str, ...] | None:
    """The zones a caption names on a side; empty for all of it, None where it names none."""
    found = re.search(_ZONES_OF_SIDE.format(side=side), report.lower())
    if found is None:
        return None
    return tuple(w for w in re.findall(r"\w+", found[1]) if w not in ("all", "and"))


def convert(folder: Path, out: Path) -> int:
    """Write the referring set of ``folder`` to ``out``, a new folder; the number of its rows.

    Raises
    ------
    InputError
        If no row names both sides.
    OutputError
        If ``out`` exists or cannot be written; nothing is left behind.
    """
    rows = read_folder(folder)
    if out.exists():
        raise OutputError(f"{out.name} is there already; name a folder that does not exist yet")
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.name}.") as scratch:
            made = Path(scratch) / "set"
            (made / "images").mkdir(parents=True)
            (made / "masks").mkdir()
            table = io.StringIO()
            writer = csv.writer(table, lineterminator="\n")
            columns = ["image", "mask", "report", "side", "subject"]
            has_volumes = any(row.cut_from for row in rows)
            writer.writerow([*columns, *([SOURCE_VOLUME_COLUMN] if has_volumes else [])])
            count = 0
            for row in rows:
                with at_row(row):
                    mask = read_mask(row.mask)
                for request in one_sided_requests(mask, row.report):
                    name = f"{row.mask.stem}-{request.side}.png"
                    Image.fromarray(request.mask).save(made / "masks" / name)
                    if not (made / "images" / row.image.name).exists():
                        shutil.copyfile(row.image, made / "images" / row.image.name)
                    cells = [row.image.name, name, request.text, request.side, row.subject]
                    volume = row.cut_from[1] if row.cut_from else ""
                    writer.writerow([*cells, *([volume] if has_volumes else [])])
                    count += 1
            if count == 0:
                raise InputError(
                    f"no caption of {folder.name} names zones of both lungs with a lesion on "
                    "either side, so there is nothing to ask one side of"
                )
            (made / "captions.csv").write_text(table.getvalue(), encoding="utf-8")
            os.replace(made, out)
    except OSError as error:
        raise OutputError(f"{out.name} cannot be written ({error.strerror}); free some space "
                          "or choose another place") from error  # fmt: skip
    return count
