"""A three-column folder into a ledger: every row a correction, its mask the person's."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tgcnet.corrections import Correction, Ledger
from tgcnet.data.classes import read_mask
from tgcnet.data.layouts.three_columns import read_folder
from tgcnet.data.rows import Row, at_row
from tgcnet.domain import Modality, Segmentation, SegmentationClass, Volume
from tgcnet.errors import InputError
from tgcnet.io.read import decode_volume

Predict = Callable[[Volume, str], Segmentation]
"""A model: volume and report to the mask it would have shown."""

WITHOUT_MODEL = SegmentationClass(name="finding", colour=(230, 60, 60))
"""The class of a folder's masks where no model names one."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Imported:
    """Rows read, and the cases they became: a picture that was there gets a revision."""

    num_rows: int
    case_ids: tuple[str, ...]


def import_folder(
    folder: Path,
    ledger: Ledger,
    *,
    modality: Modality | None = None,
    predict: Predict | None = None,
    on_progress: Callable[[float], object] | None = None,
) -> Imported:
    """Save every row as a correction whose slices are all reviewed.

    A picture that the ledger knows gets a revision, so that a folder may be imported twice. Rows
    of one folder that share a picture are cases of their own: they ask different things of it.

    Parameters
    ----------
    folder : ``images/``, ``masks/`` and ``captions.csv``; a ``subject`` column names the patient
    modality : of all images; None means what their files say
    predict : gives the mask that was there before the correction; None leaves it out
    on_progress : receives the finished fraction in [0, 1]

    Raises
    ------
    InputError
        If the folder lacks something, or an image and its mask do not fit each other.
    LedgerError, OutputError
        As :meth:`Ledger.save` says. Rows before the one at fault are kept.
    """
    rows = read_folder(folder)
    case_ids: dict[str, None] = {}
    for index, row in enumerate(rows, start=1):
        correction = _correction_of(row, modality, predict)
        saved = ledger.save(correction, as_new=ledger.find(correction.volume) in case_ids)
        case_ids[saved.case_id] = None
        if on_progress is not None:
            on_progress(index / len(rows))
    return Imported(num_rows=len(rows), case_ids=tuple(case_ids))


def _correction_of(row: Row, modality: Modality | None, predict: Predict | None) -> Correction:
    with at_row(row):
        volume = replace(
            decode_volume(row.image, modality=modality), patient_id=row.subject or None
        )
        mask = read_mask(row.mask)
        if volume.array.shape != (1, *mask.shape):
            raise InputError(
                f"its image has shape {volume.array.shape} (z, y, x) and its mask {mask.shape} "
                "(y, x), expected one slice of the same size; remove the row, or make the mask on "
                "the image's own grid"
            )
        predicted = None if predict is None else predict(volume, row.report)
    classes = (WITHOUT_MODEL,) if predicted is None else predicted.classes
    if len(classes) > 1:
        raise InputError(
            f"The model has {len(classes)} classes and the masks of a folder one, expected one of "
            "each; import without a model, or with one of a single class."
        )
    return Correction(
        volume=volume,
        labels=mask[None].astype(np.uint8),
        classes=classes,
        reviewed_slices=(0,),
        report=row.report,
        model_labels=None if predicted is None else predicted.labels,
        provenance={} if predicted is None else predicted.provenance,
    )
