"""Every sentence and label that a user of the fine-tuning panel reads."""

from __future__ import annotations

from napari_tgcnet.segment.messages import counted
from tgcnet.domain import GateReport

SETUP, RUN, GATE, MODELS = "What to learn from", "Training", "Comparison", "Models"
LEDGER, REFERENCE, PARENT, DEVICE, EPOCHS = (
    "Corrections",
    "Reference set",
    "Start from",
    "Device",
    "Epochs",
)
CHOOSE, ADVANCED = "Choose…", "Advanced"
CLEAR, CLEAR_TIP = "None", "Use no reference set"
LEDGER_TIP = "The folder that corrections were saved to"
REFERENCE_TIP = "A folder with images/, masks/ and captions.csv"
REFERENCE_HINT = (
    "Optional: at least 100 images with masks that must not be forgotten. Without one, forgetting "
    "is not measured and the candidate is not recommended."
)
NO_REFERENCE = "none"
REFERENCE_UNUSABLE = "The reference set cannot be used:"
BY_NUMBER, DEFAULT = "by the number of images", "default"
LEARNS, RATE, REPLAY, BATCH, CACHE, SEED = (
    "What learns",
    "Learning rate",
    "Share of earlier images",
    "Images per step",
    "Disk for features",
    "Seed",
)
REPLAY_TIP = (
    "Share of each step's images taken from earlier corrections and the reference set, so that the "
    "model does not forget"
)
CACHE_TIP = "Features of the frozen towers are computed once and kept in the run's folder"
RATE_TIP = "A number such as 2e-4; empty for the default"
RATE_WRONG = (
    "What you typed is no number above 0, so the learning rate is back to its default. Type one "
    "such as 2e-4, or leave it empty."
)
LEARNS_CHOICES = (
    ("all but the CLIP towers", "standard"),
    ("small adapters only", "adapters"),
    ("the decoder only", "decoder"),
    ("everything (slow, no kept features)", "all"),
)
DEVICES = (("Automatic", "auto"), ("CPU", "cpu"), ("GPU (CUDA)", "cuda"))

ESTIMATING = "Looking at the corrections…"
NO_LEDGER = (
    "There are no corrections here yet. Save some in the panel TGC-Net: segment, or choose the "
    "folder that they were saved to."
)
NO_REVIEWED_SLICE = (
    "No slice was marked as reviewed, so there is nothing to learn from. Correct cases of at least "
    "two patients and mark the slices you reviewed."
)
ONE_PATIENT = (
    "Only one patient has reviewed corrections, at least two are needed: one is held out to "
    "compare the models on. Correct a case of another patient."
)
ALL_HELD_OUT = (
    "All patients with reviewed slices are held out for the comparison, so none is left to learn "
    "from. Review slices of another patient's case."
)
NONE_HELD_OUT = (
    "No patient with reviewed slices is held out for the comparison. Review slices of a held-out "
    "case, or correct cases of more patients."
)
FEATURES_NONE = "Features: none are kept, because the towers that compute them learn too."

START, STOP, KILL, RESUME = "Start", "Stop", "End at once", "Resume"
STOP_TIP = "Stop after the current images; the run can be resumed"
KILL_TIP = "End the process; its last checkpoint is kept and the run can be resumed"
RESUME_TIP = "Continue from the last checkpoint"
STARTING = "Starting the process…"
LOADING = "Reading the model and the corrections…"
STOPPING = "Stopping after the current images…"
PREPARING = "Preparing features"
COMPARING = "Comparing the candidate with the active model"
IDLE = "Nothing is running. The model in use stays as it is until you switch."
DONE = "Done. Nothing was switched."
BROKEN = (
    "The run's process has ended without giving a reason; its memory may have run out, or somebody "
    "ended it. What it finished is kept: Resume continues from the last checkpoint."
)
UNDER_WAY = "Another window has already started a run; that run is shown here."
OPTIONS_UNREADABLE = (
    "The options this run began with cannot be read, so it cannot be resumed here. Start a new "
    "one, or use tgcnet finetune --resume with the options you gave."
)
REFERENCE_NEEDED = (
    "This run began with a reference set, expected the same folder again: choose it, then Resume."
)
LOG, CURVES = "Log", "Curves"
STEP = "Step"
LOSS_RAW, LOSS_SMOOTH = "Loss of each step", "Loss, smoothed"
POOLED, MEAN = "pooled", "mean"
DICE_POOLED, DICE_MEAN = "Held-out Dice, pooled", "Held-out Dice, mean"

RECOMMENDED, NOT_RECOMMENDED = "Recommended", "Not recommended"
TEXTS = {"given": "given the report", "none": "given no text"}
HELD_OUT_SET, REFERENCE_SET = "Held-out corrections", "Reference set"
MEASURE, BEFORE_AFTER = "Dice", "Active →\ncandidate"
CHANGE = "Change in points\n(95 % interval)"

COMPARE = "Before and after"
CASE, SLICE, BEFORE, AFTER, DIFFERENCE = "Case", "Slice", "Before", "After", "Change"
SHOW, SHOW_TIP = "Show", "Show this slice with both masks and their difference"
COLOURS = (
    "Outlines: your mask in its own colour, before in blue, after in orange. Filled: purple is "
    "only in the mask before, green only in the one after."
)
READING_CASE = "Reading the case…"
LAYER_IMAGE, LAYER_USER = "Compared image", "Compared: your mask"
LAYER_BEFORE, LAYER_AFTER = "Compared: before (active)", "Compared: after (candidate)"
LAYER_DIFFERENCE = "Compared: difference"
MASKS_MISSING = "The gate kept no masks of this slice; compare the models again: tgcnet gate."
MASKS_DO_NOT_FIT = (
    "The masks that the gate kept have another size than this case's image, expected the same; "
    "choose the corrections that the run learnt from."
)

SWITCH, DELETE = "Switch to it", "Delete"
SWITCH_TIP = "Use this model wherever none is named"
DELETE_TIP = "Delete this model from the disk; only models of your own"
GO_BACK = "Go back"
SWITCH_ANYWAY = "Switch anyway?"
YES, NO = "Yes", "No"
SWITCHING = "Switching…"
NO_PARENT = "Comes with the package, or was trained from scratch; no parent."
NOT_COMPARED = "The gate has not compared this model with any other."
REPORT_UNREADABLE = "The gate's report kept with this model cannot be read."
OTHER_CANDIDATE = "The gate's report kept with this model is about other weights."

CLOSE_TITLE = "Fine-tuning is under way"
CLOSE_QUESTION = (
    "A model is being fine-tuned in a process of its own. If you let it finish, its result is "
    "shown when you next open this panel."
)
LET_FINISH, STOP_IT, CANCEL = "Let it finish", "Stop it", "Cancel"


def learnt_from(num_slices: int, num_patients: int) -> str:
    slices, patients = counted(num_slices, "slice"), counted(num_patients, "patient")
    return f"Learns from {slices} of {patients}."


def held_out(num_slices: int, num_patients: int) -> str:
    slices, patients = counted(num_slices, "slice"), counted(num_patients, "patient")
    return f"Held out to compare on: {slices} of {patients}."


def reference_images(num_replayed: int, num_measured: int) -> str:
    return f"Reference: {counted(num_measured, 'image')} measured, {num_replayed:,} replayed."


def damaged(number: int) -> str:
    return f"{counted(number, 'case')} cannot be read and would be left out."


def features(size_bytes: int, limit_gib: float) -> str:
    """Disk space that kept features take, against the limit."""
    size = _size(size_bytes)
    if size_bytes > limit_gib * 2**30:
        return (
            f"Features: {size} is more than the {limit_gib:.1f} GiB allowed; they are computed "
            "again each time, which is slower."
        )
    return f"Features: {size} of at most {limit_gib:.1f} GiB; kept in the run's folder."


def _size(size_bytes: int) -> str:
    if size_bytes >= 2**30:
        return f"{size_bytes / 2**30:.1f} GiB"
    return f"{max(1, round(size_bytes / 2**20))} MiB"


def reference_too_small(number: int, least: int) -> str:
    return (
        f"The reference set holds {counted(number, 'image')}, expected at least {least}: fewer "
        "cannot show whether the model forgets. Add images, or use no reference set."
    )


def model_gone(name: str) -> str:
    return f"There is no model called “{name}” any more. Choose another one to start from."


def no_adapters(model: str) -> str:
    return (
        f"“{model}” is a TMCA, whose towers have no place for adapters. Choose another entry under "
        f"“{LEARNS}”."
    )


def active_gone(name: str) -> str:
    return f"The active model, “{name}”, does not exist any more. Switch to another one."


def not_started(reason: str | None) -> str:
    return (
        f"The run could not be started ({reason or 'refused by the system'}). Free some memory or "
        "disk space and try again."
    )


def not_killed(reason: str | None) -> str:
    return (
        f"The system did not permit ending the run's process ({reason or 'refused'}). It stops by "
        "itself after the current images."
    )


def training(step: int, total: int) -> str:
    return f"Training step {step:,} of {total:,}."


def broken(last_log_line: str) -> str:
    return f"{BROKEN} The last line of its log: {last_log_line}" if last_log_line else BROKEN


def candidate_written(name: str) -> str:
    return f"{DONE} The candidate is “{name}”; switch to it under Models if you want to."


def models_compared(name: str, active: str) -> str:
    return f"Candidate “{name}” against “{active}”."


def comparison_title(set_name: str, text: str, num_cases: int, num_patients: int) -> str:
    cases, patients = counted(num_cases, "case"), counted(num_patients, "patient")
    return f"{set_name}, {TEXTS.get(text, text)}: {cases} of {patients}"


def confirm_deletion(name: str) -> str:
    return f"Delete “{name}” for good? Only another run can produce it again."


def go_back_to(name: str) -> str:
    return f"Go back to {name}"


def comes_from(parent: str, corrections_utc: str) -> str:
    if not corrections_utc:
        return f"Fine-tuned from “{parent}”."
    minute = corrections_utc[:16].replace("T", " ")
    return f"Fine-tuned from “{parent}”, with the corrections of {minute} UTC."


def gate_verdict(report: GateReport) -> str:
    verb = "recommended" if report.recommended else "did not recommend"
    return f"On {report.date_utc[:10]} the gate {verb} it over “{report.active.name}”."


def not_recommended(active: str) -> str:
    return f"The gate did not recommend this model over “{active}”."


def other_active(compared_with: str) -> str:
    return f"The gate compared this model with “{compared_with}”, which is not the active one now."


def cannot_delete_active(name: str) -> str:
    return f"“{name}” is active, so it cannot be deleted. Go back or switch to another model first."


def cannot_delete_shipped(name: str) -> str:
    return f"“{name}” comes with the package and stays; only models of your own can be deleted."
