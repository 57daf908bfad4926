"""Every sentence and label that a user of the panel of corrections reads."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from napari_tgcnet.corrections.state import Activity, CorrectionsState, LedgerStatus
from napari_tgcnet.segment.messages import counted
from tgcnet.corrections import CaseSummary
from tgcnet.domain import Case

LEDGER, CHOOSE = "Ledger", "Choose…"
CHOOSE_TIP = "Choose the folder that corrections are saved to, for all panels of this napari"
CHOOSE_TITLE = "Folder of corrections"
SHOW_BIN, SHOW_BIN_TIP = "Show the bin", "List deleted corrections; from there they can be restored"
OPEN, OPEN_TIP = "Open", "Open the selected correction into layers (Enter, or a double click)"
DELETE = "Delete"
DELETE_TIP = "Move the selected corrections to the bin (Delete); they can be restored from there"
RESTORE, RESTORE_TIP = "Restore", "Move the selected corrections back from the bin"
TABLE = "Corrections"
BROKEN = "Corrections that cannot be used"

PICTURE_COLUMN, DICE_COLUMN, REVIEWED_COLUMN = "Picture", "Dice", "Reviewed"
SAVED_COLUMN, MODEL_COLUMN = "Saved", "Model, use"
PICTURE_COLUMN_TIP = (
    "The reviewed slice with the largest mask: yours in the colour of its class, the model's in "
    "cyan or yellow below it"
)
DICE_COLUMN_TIP = "How far the model's mask and yours agree on the reviewed slices, 1 is all"
REVIEWED_COLUMN_TIP = "Slices you reviewed, of all; only these are trained on and scored"
SAVED_COLUMN_TIP = "When the latest revision was saved"
MODEL_COLUMN_TIP = (
    "The model that was corrected, and what the correction serves: training, or comparing models "
    "(held out)"
)

HELD_OUT, FOR_TRAINING = "held out", "for training"
HELD_OUT_TIP = "Held out: used to compare models, never trained on."
FOR_TRAINING_TIP = "For training. One patient in four is held out instead."
NO_DICE = "\N{EN DASH}"
NO_DICE_TIP = "No model's mask on a reviewed slice, so nothing to compare."
NO_MODEL = "no model"

READING = "Reading the ledger…"
NO_LEDGER_YET = (
    "No correction was saved yet. Segment an image in the panel “TGC-Net: segment”, correct the "
    "mask, and save the correction there: it appears here."
)
EMPTY = "There is no correction in this ledger."
EMPTY_BIN = "The bin is empty."
ACTIVITIES = {
    Activity.NONE: "",
    Activity.CHOOSING: "Looking into the folder…",
    Activity.OPENING: "Opening the correction…",
    Activity.MOVING: "Moving…",
}


def placeholder(state: CorrectionsState) -> str:
    """Why the table is empty; no text if it is not, or if a problem is shown instead."""
    if state.cases or (state.ledger_status is LedgerStatus.UNKNOWN and not state.is_reading):
        return ""
    if state.ledger_status is LedgerStatus.UNKNOWN:
        return READING
    if state.shows_bin:
        return EMPTY_BIN
    return NO_LEDGER_YET if state.ledger_status is LedgerStatus.MISSING else EMPTY


def summary(state: CorrectionsState) -> str:
    """How many corrections are listed, and how many of them are selected."""
    if not state.cases:
        return ""
    text = counted(len(state.cases), "correction")
    if state.shows_bin:
        text += " in the bin"
    if len(state.selected) > 1:
        text += f", {len(state.selected)} selected"
    return text


def broken(num_broken: int) -> str:
    return f"{counted(num_broken, 'correction')} cannot be used:"


def broken_list(sentences: Sequence[str]) -> str:
    return "\n".join(f"• {sentence}" for sentence in sentences)


def layer_name(case_id: str) -> str:
    """Short enough for napari's layer list, long enough to distinguish cases."""
    return f"case {case_id[:6]}…"


def mask_name(case_id: str) -> str:
    return f"{layer_name(case_id)} mask"


def model_mask_name(case_id: str) -> str:
    return f"{layer_name(case_id)} model"


def opened(case: Case) -> str:
    return f"Opened {layer_name(case.id)}, revision {case.revision}; its mask is ready to edit."


def open_already(case_id: str) -> str:
    return (
        f"{layer_name(case_id).capitalize()} is open already; its layer is selected. To open it "
        "again, remove its image layer first."
    )


def moved(num_moved: int, *, to_bin: bool) -> str:
    moved_cases = counted(num_moved, "correction")
    if to_bin:
        return f"{moved_cases} moved to the bin; “{SHOW_BIN}” lists what can be restored."
    return f"{moved_cases} restored."


def dice(case: CaseSummary) -> str:
    return NO_DICE if case.dice_pooled is None else f"{case.dice_pooled:.3f}"


def dice_tip(case: CaseSummary) -> str:
    if case.dice_pooled is None or case.dice_mean is None:
        return NO_DICE_TIP
    return (
        f"Dice of the model against you: {case.dice_pooled:.3f} pooled over the slices, "
        f"{case.dice_mean:.3f} as their mean."
    )


def reviewed(case: CaseSummary) -> str:
    return f"{len(case.reviewed_slices)} of {case.num_slices}"


def saved(case: CaseSummary) -> str:
    """Local date and time, on two lines."""
    return f"{_local(case.saved_utc):%Y-%m-%d\n%H:%M}"


def saved_tip(case: CaseSummary) -> str:
    latest, first = _local(case.saved_utc), _local(case.created_utc)
    text = f"Saved {latest:%Y-%m-%d %H:%M:%S}."
    return text if case.num_revisions == 1 else f"{text} First saved {first:%Y-%m-%d %H:%M:%S}."


def model_and_use(case: CaseSummary) -> str:
    use = HELD_OUT if case.is_held_out else FOR_TRAINING
    return f"{case.model or NO_MODEL}\n{use}\n{counted(case.num_revisions, 'revision')}"


def model_and_use_tip(case: CaseSummary) -> str:
    use = HELD_OUT_TIP if case.is_held_out else FOR_TRAINING_TIP
    model = f"Model: {case.model}." if case.model else "No model was run."
    return f"{model} {use} {counted(case.num_revisions, 'revision').capitalize()}."


def picture_text(case: CaseSummary) -> str:
    """Text for the picture, read out by a screen reader."""
    return layer_name(case.case_id)


def _local(utc: str) -> datetime:
    return datetime.fromisoformat(utc).astimezone()
