"""A correction into a ledger: of which case it is, and what of earlier saves stands. No Qt."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from napari_tgcnet.segment import messages
from napari_tgcnet.shared.case import CorrectionToSave, Draft, SavedCorrection
from napari_tgcnet.shared.layers import build_volume
from tgcnet.corrections import Correction, Ledger, may_become_ledger
from tgcnet.domain import Case
from tgcnet.errors import LedgerError, OutputError


def keep(
    taken: CorrectionToSave, draft: Draft, reviewed: tuple[int, ...], folder: Path
) -> SavedCorrection:
    """Keep a correction in a ledger, which is made where there is none; for a worker thread.

    An image that was opened from a file and is known already keeps the slices that an earlier
    revision had reviewed and this one has not: nobody looked at them this time.

    Raises
    ------
    InputError, LedgerError, OutputError
        As :meth:`tgcnet.corrections.Ledger.save` says, or if the ledger a case was opened from is
        gone; nothing was changed then.
    """
    correction = _correction_of(taken, draft, reviewed)
    is_new = may_become_ledger(folder)
    is_case = taken.case is not None and taken.case.ledger == folder
    if is_case and is_new:
        raise LedgerError(messages.ledger_gone(folder.name))
    ledger = Ledger.create(folder)
    case_id, was_in_bin = _case_of(taken, ledger) if is_case else (None, False)
    carried_over: tuple[int, ...] = ()
    if taken.case is None:
        known = ledger.find(correction.volume)
        if known is not None:
            correction, carried_over = with_earlier(correction, ledger.load(known))
    key = taken.case.patient_key if is_case and taken.case is not None else None
    saved = ledger.save(correction, case_id, patient_key=key)
    return SavedCorrection(
        case_id=saved.case_id,
        revision=saved.revision,
        changed_not_reviewed=_changed_beside(correction),
        carried_over=carried_over,
        is_new_ledger=is_new,
        was_in_bin=was_in_bin,
    )


def with_earlier(correction: Correction, earlier: Case) -> tuple[Correction, tuple[int, ...]]:
    """A correction with the slices that an earlier revision had reviewed and it has not.

    Returns
    -------
    correction, slices
        The slices that were taken over, ascending.
    """
    slices = tuple(z for z in earlier.reviewed_slices if z not in correction.reviewed_slices)
    if not slices or correction.labels.shape != earlier.labels.shape:
        return correction, ()
    at = list(slices)
    labels = correction.labels.copy()
    labels[at] = earlier.labels[at]
    model, model_slices = _models_part(correction, earlier, at)
    merged = replace(
        correction,
        labels=labels,
        reviewed_slices=tuple(sorted({*correction.reviewed_slices, *slices})),
        model_labels=model,
        model_slices=model_slices,
    )
    return merged, slices


def _models_part(
    correction: Correction, earlier: Case, at: list[int]
) -> tuple[np.ndarray | None, tuple[int, ...] | None]:
    """The model's mask with these slices of before, where the same model drew them."""
    model, before = correction.model_labels, earlier.model_labels
    if model is None:
        return None, None
    same = earlier.record.provenance.get("sha256") == correction.provenance.get("sha256")
    seen = set(range(len(model)) if correction.model_slices is None else correction.model_slices)
    seen -= set(at)
    model = model.copy()
    model[at] = 0
    if same and before is not None:
        known = earlier.record.model_slices
        drawn = [z for z in at if known is None or z in known]
        model[drawn] = before[drawn]
        seen |= set(drawn)
    return model, tuple(sorted(seen))


def labels_as_bytes(labels: np.ndarray) -> np.ndarray:
    """Labels as uint8, whatever integers their layer has.

    Raises
    ------
    OutputError
        If a label is above 255 or below 0.
    """
    if labels.dtype != np.uint8:
        low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
        if low < 0 or high > 255:
            raise OutputError(messages.labels_out_of_range(low, high))
        labels = labels.astype(np.uint8)
    return labels


def _correction_of(taken: CorrectionToSave, draft: Draft, reviewed: tuple[int, ...]) -> Correction:
    volume, model = build_volume(taken.source), taken.model
    if draft.patient.strip():
        volume = replace(volume, patient_id=draft.patient.strip())
    labels = labels_as_bytes(taken.labels)
    return Correction(
        volume=volume,
        labels=labels[None] if labels.ndim == 2 else labels,
        classes=taken.classes,
        reviewed_slices=reviewed,
        report=draft.report,
        model_labels=None if model is None else model.labels,
        model_slices=None if model is None else model.slices,
        provenance={} if model is None else model.provenance,
        window=None if taken.window is None else (*taken.window, volume.intensity_unit),
        seconds=taken.seconds,
        notes=draft.notes,
    )


def _case_of(taken: CorrectionToSave, ledger: Ledger) -> tuple[str | None, bool]:
    """The case to add to, out of the bin where it lies there; None where it was set aside."""
    if taken.case is None or ledger.has(taken.case.case_id):
        return (None if taken.case is None else taken.case.case_id), False
    if ledger.has_deleted(taken.case.case_id):
        ledger.restore(taken.case.case_id)
        return taken.case.case_id, True
    return None, False


def _changed_beside(correction: Correction) -> tuple[int, ...]:
    """Slices that a person changed and did not mark as reviewed."""
    before = correction.model_labels
    planes = correction.labels if before is None else correction.labels != before
    changed = np.flatnonzero(planes.any(axis=(1, 2)))
    return tuple(int(z) for z in changed if z not in correction.reviewed_slices)
