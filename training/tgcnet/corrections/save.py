"""Save a correction: which case it belongs to, and which earlier reviews stay in it."""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from tgcnet.corrections.correction import Correction
from tgcnet.corrections.ledger import Ledger, may_become_ledger
from tgcnet.domain import Case
from tgcnet.errors import LedgerError


@dataclass(frozen=True, kw_only=True, slots=True)
class OpenedFrom:
    """The case of a ledger that an image was opened from.

    ``patient_key``: as the ledger has it; the image itself no longer names its patient.
    """

    ledger: Path
    case_id: str
    patient_key: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SavedCorrection:
    """Where a correction was saved, and what the person should know about it.

    Attributes
    ----------
    changed_not_reviewed : changed slices that no model will be trained on
    carried_over : slices that only an earlier revision had reviewed, kept as they were there
    is_new_ledger : the folder held no ledger before
    was_in_bin : the case had been deleted, and was restored
    """

    case_id: str
    revision: int
    changed_not_reviewed: tuple[int, ...] = ()
    carried_over: tuple[int, ...] = ()
    is_new_ledger: bool = False
    was_in_bin: bool = False


def save_correction(
    correction: Correction, folder: Path, opened_from: OpenedFrom | None = None
) -> SavedCorrection:
    """Save a correction in the ledger of a folder, which is created where there is none.

    An image that was opened as a case of this ledger becomes that case's next revision, as it is.
    An image that was opened from a file and is known to the ledger keeps the slices that an
    earlier revision had reviewed and this one has not: nobody looked at them this time.

    Raises
    ------
    InputError, LedgerError, OutputError
        As :meth:`tgcnet.corrections.Ledger.save` says, or if the ledger a case was opened from is
        gone; nothing was changed then.
    """
    is_new_ledger = may_become_ledger(folder)
    if opened_from is not None and opened_from.ledger == folder and is_new_ledger:
        raise LedgerError(
            f"The folder {folder.name}, which this case was opened from, holds no ledger any more. "
            "Bring it back, or choose another folder to save the correction to."
        )
    ledger = Ledger.create(folder)
    case_id, patient_key = None, None
    was_in_bin = False
    carried_over: tuple[int, ...] = ()
    if opened_from is None:
        known = ledger.find(correction.volume)
        if known is not None:
            correction, carried_over = carry_over_reviews(correction, ledger.load(known))
    elif opened_from.ledger == folder:
        patient_key = opened_from.patient_key
        case_id, was_in_bin = _existing_case(opened_from.case_id, ledger)
    saved = ledger.save(correction, case_id, patient_key=patient_key)
    return SavedCorrection(
        case_id=saved.case_id,
        revision=saved.revision,
        changed_not_reviewed=_changed_not_reviewed(correction),
        carried_over=carried_over,
        is_new_ledger=is_new_ledger,
        was_in_bin=was_in_bin,
    )


def carry_over_reviews(correction: Correction, earlier: Case) -> tuple[Correction, tuple[int, ...]]:
    """Add to a correction the slices that only an earlier revision had reviewed.

    Returns
    -------
    correction, slices
        The slices that were carried over, ascending; none where the masks differ in shape.
    """
    slices = tuple(z for z in earlier.reviewed_slices if z not in correction.reviewed_slices)
    if not slices or correction.labels.shape != earlier.labels.shape:
        return correction, ()
    labels = correction.labels.copy()
    labels[list(slices)] = earlier.labels[list(slices)]
    model_labels, model_slices = _merge_model_mask(correction, earlier, slices)
    merged = replace(
        correction,
        labels=labels,
        reviewed_slices=tuple(sorted({*correction.reviewed_slices, *slices})),
        model_labels=model_labels,
        model_slices=model_slices,
    )
    return merged, slices


def _merge_model_mask(
    correction: Correction, earlier: Case, slices: tuple[int, ...]
) -> tuple[np.ndarray | None, tuple[int, ...] | None]:
    """The model's mask with the earlier one's ``slices``, empty there if another model drew them.

    Returns
    -------
    labels, segmented
        As ``model_labels`` and ``model_slices`` of a :class:`Correction`.
    """
    if correction.model_labels is None:
        return None, None
    labels = correction.model_labels.copy()
    labels[list(slices)] = 0
    segmented = set(
        range(len(labels)) if correction.model_slices is None else correction.model_slices
    )
    segmented -= set(slices)
    is_same_model = earlier.record.provenance.get("sha256") == correction.provenance.get("sha256")
    if is_same_model and earlier.model_labels is not None:
        known = earlier.record.model_slices
        drawn = [z for z in slices if known is None or z in known]
        labels[drawn] = earlier.model_labels[drawn]
        segmented |= set(drawn)
    return labels, tuple(sorted(segmented))


def _existing_case(case_id: str, ledger: Ledger) -> tuple[str | None, bool]:
    """The case to add a revision to, and whether it was in the bin, out of which it is taken.

    None where the case is neither in the ledger nor in its bin, as after it was set aside.
    """
    if ledger.has(case_id):
        return case_id, False
    if ledger.has_deleted(case_id):
        ledger.restore(case_id)
        return case_id, True
    return None, False


def _changed_not_reviewed(correction: Correction) -> tuple[int, ...]:
    model = correction.model_labels
    is_changed = correction.labels > 0 if model is None else correction.labels != model
    changed = np.flatnonzero(is_changed.any(axis=(1, 2)))
    return tuple(int(z) for z in changed if z not in correction.reviewed_slices)
