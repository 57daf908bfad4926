"""The sentences and labels of the segment panel, but for those that other panels show too."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tgcnet.domain import NamedWindow
from tgcnet.io import formats
from tgcnet.io.formats import dialog_filter

IMAGE, MODEL, REPORT, RESULT = "Image", "Model", "Report", "Result"
DEVICE, THRESHOLD, MODALITY = "Device", "Threshold", "Modality"
OPEN, OPEN_TIP = "Open…", "Open a PNG, JPEG, TIFF or NIfTI image"
SAVE = "Save mask…"
SAVE_TIP = (
    "Save the mask of this image as NIfTI, TIFF, PNG or DICOM. DICOM carries the patient and the "
    "study of the image, unless you choose it deidentified."
)
OPEN_REPORT, OPEN_REPORT_TIP = (
    "From file…",
    "Open a report: text, DICOM Structured Report, FHIR, or the table of a cohort",
)
USE_SAMPLE_REPORT = "Use the sample's report"
CONFIRM_REPORT = (
    "The report is of another patient or study than the image. Open the right one, or press “Use "
    "it anyway” below the report."
)
USE_ANYWAY = "Use it anyway"
_FACTS = {"patient_id": "patient", "accession_number": "accession number", "study_id": "study"}
REPORT_HINT = "Type or paste the report. Sides are the patient's. May stay empty."
RUN, CANCEL, RETRY = "Run", "Cancel", "Try again"
JUMP, JUMP_TIP = "Go to largest", "Show the slice with the largest finding"
SCOPE_CURRENT, SCOPE_RANGE, SCOPE_ALL = "Current", "Range", "Whole stack"
RANGE_TO = "to"
THRESHOLD_TIP = "A pixel counts as found from this probability on"
ALL_FILES = "All files (*)"
IMAGE_FILES = f"{dialog_filter('Images', *formats.IMAGES)};;{ALL_FILES}"
DICOM_DEIDENTIFIED = dialog_filter("DICOM segmentation, deidentified", formats.DICOM_SEG)
MASK_FILES = ";;".join(
    (
        dialog_filter("NIfTI", formats.NIFTI),
        dialog_filter("TIFF", formats.TIFF),
        dialog_filter("PNG, one slice only", formats.PNG),
        dialog_filter("DICOM segmentation, with patient and study", formats.DICOM_SEG),
        DICOM_DEIDENTIFIED,
    )
)
REPORT_FILES = f"{dialog_filter('Reports', *formats.REPORTS)};;{ALL_FILES}"
AUTO_DEVICE = "Automatic"
CPU_DEVICE = "CPU"

WINDOW = "Window"
WINDOW_FOR_MODEL = "The model sees the image as it is shown, too"
WINDOW_FOR_MODEL_TIP = (
    "Else the model gets a CT in the window it was trained with. Another window may make it worse."
)

CORRECTION, SAVE_CORRECTION = "Correction", "Save correction"
SAVE_CORRECTION_TIP = "Save image, report, the model's mask and yours, to fine-tune a model on"
REVIEWED = "Reviewed slices"
REVIEWED_HINT = "such as 3-7, 12"
REVIEWED_TIP = "Only slices that you have looked at whole are learnt from and scored"
THIS_SLICE, ALL_SLICES = "This slice", "All"
PATIENT_STAYS = "A case keeps the patient it was first saved with."
BACK_FROM_BIN = "The case was in the bin; it was restored."
PATIENT, PATIENT_HINT = "Patient", "Any word, the same for all images of one patient"
PATIENT_TIP = (
    "Keeps all images of one patient together, so that no model is compared on a patient it was "
    "trained on. Only a salted hash of the word is kept. Empty: this image counts as a patient of "
    "its own."
)
NOTES, NOTES_HINT = "Notes", "Saved with the correction; may stay empty"
CHOOSE_LEDGER, CHOOSE_LEDGER_TIP = "Choose…", "The folder that corrections are saved in"

YES, NO = "Yes", "No"
IS_CT, IS_XRAY, AUTO_MODALITY = "CT", "X-ray", "Automatic"
MODALITY_TIP = "Decides how intensities are read; automatic uses what the file says"

ENGINE_STARTING = "The model is getting ready; you can already write the report."
NO_MODEL = (
    "No model is installed. Install napari-tgcnet again, or put a model's folder into the folder "
    "that “tgcnet models list” names, and restart napari."
)
NO_IMAGE = "Open an image to begin."
READY = "Ready."
READING_FILE = "Reading the file…"
SAVING_FILE = "Saving the mask…"
SAVING_CORRECTION = "Saving the correction…"
READING_REPORT = "Reading the report…"
WAITING_FOR_ANSWER = "Waiting for your answer."
RUNNING = "Segmenting…"
CANCELLING = "Stopping after the current slices…"

PREVIEW_NAME = "TGC-Net preview"
SIDE_UNKNOWN = "side unknown"
SIDE_ASSUMED = "sides assumed: usual view"

REPLACE = "The mask of this image already holds labels in these slices. Replace them?"
ONLY_ABSENT = "The report names findings only as absent. Segment anyway?"
WHICH_MODALITY = (
    "Nothing in this image says whether it is a CT or a radiograph, and the model has to know. "
    "Which is it?"
)
NONE_REVIEWED = (
    "No slice is marked as reviewed, so this correction is kept, but neither learnt from nor "
    "scored. Mark the slices you have looked at and save again."
)
NO_ACTIVE_MODEL = (
    "It is unknown which model is active: the record of it in the models folder is damaged. Choose "
    "a model here, or switch to one in “TGC-Net: fine-tune”."
)
NOTHING_FOUND = "Nothing found."
NO_REPORT = "Run without a report: the model looked for everything it knows."
NOTHING_READ = (
    "The model can read nothing of this report, so it runs as without a report and looks for "
    "everything it knows."
)
NO_MASK = "This image has no mask yet: run the model, or choose the image that a mask belongs to."
IMAGE_GONE = "The chosen image layer was removed. Choose another one."
CANCELLED_BEFORE = "Cancelled before the first slice was finished; nothing was changed."
RESULT_ELSEWHERE = (
    "The image of this run was removed before its end; the result is in the mask of that image."
)


def mask_name(image_name: str) -> str:
    return f"{image_name} mask"


def sides_in_one_line(texts: Mapping[str, str]) -> str:
    """For a canvas with room for one text only."""
    return "    ".join(
        f"{edge}: {text.replace(chr(10), ' ')}" for edge, text in texts.items() if text
    )


def nothing_segmentable(findings: Sequence[str]) -> str:
    return (
        f"This model can segment none of what the report names ({', '.join(findings)}). "
        "Run it for what it does know?"
    )


def not_segmentable(findings: Sequence[str]) -> str:
    return f"Not segmented, this model does not know it: {', '.join(findings)}."


def sentences_left_out(sentences: Sequence[str]) -> str:
    return (
        "Not read, because they only describe the past, or because the words the model can read "
        f"would not mean the same: {_quoted(sentences)}"
    )


def sentences_past_end(sentences: Sequence[str]) -> str:
    return f"Not read, because the report is too long for the model: {_quoted(sentences)}"


def _quoted(sentences: Sequence[str]) -> str:
    return " ".join(f"“{sentence.strip()}”" for sentence in sentences)


def words_left_out(words: Sequence[str]) -> str:
    return f"Not read, because the model never learned these words: {', '.join(words)}."


def words_past_end(words: Sequence[str]) -> str:
    return (
        f"Not read, because their sentence is longer than the model can read: {', '.join(words)}."
    )


def device_label(label: str, free_bytes: int | None) -> str:
    if free_bytes is None:
        return label
    return f"{label} ({free_bytes / 2**30:.1f} GiB free)"


def identity_compared(compared: Mapping[str, bool | None]) -> str:
    """Whether a report and an image belong together, without an identifier."""
    words = {True: "the same", False: "DIFFERENT", None: "unknown"}
    if set(compared.values()) == {None}:
        return "Whether report and image are of one patient and study is unknown."
    facts = ", ".join(f"{_FACTS[name]} {words[is_same]}" for name, is_same in compared.items())
    return f"Report and image: {facts}."


def correction_saved(case_id: str, revision: int) -> str:
    again = "" if revision == 1 else f", revision {revision}; earlier ones are kept"
    return f"Correction saved as case {case_id[:6]}{again}."


def carried_over(slices: str) -> str:
    return (
        f"Reviewed earlier and kept as they were: slices {slices}. To change these, open the "
        "case in “TGC-Net: corrections”."
    )


def new_ledger(folder_name: str) -> str:
    return f"A new ledger of corrections was created in {folder_name}."


def changed_not_reviewed(slices: str) -> str:
    return (
        f"Changed but not marked as reviewed: slices {slices}. They are kept, and neither learnt "
        "from nor scored."
    )


def kept_in(folder_name: str) -> str:
    return f"Kept in: {folder_name}"


def overwrite(file_name: str) -> str:
    return f"{file_name} already exists. Replace it?"


def cancelled(num_slices: int, num_voxels: int) -> str:
    return f"Cancelled. {_finished_slices(num_slices, num_voxels)}"


def kept_after_failure(num_slices: int, num_voxels: int) -> str:
    return _finished_slices(num_slices, num_voxels)


def _finished_slices(num_slices: int, num_voxels: int) -> str:
    what = "1 finished slice is" if num_slices == 1 else f"{num_slices} finished slices are"
    return f"{what} in the mask ({num_voxels} changed pixels); Ctrl-Z undoes them."


def extent(name: str, count: int, *, spacing_zyx: Sequence[float], unit: str, planar: bool) -> str:
    """Area of a finding in a single image, volume in a stack."""
    if unit != "mm":
        return f"{name}: {count:,} {'px' if planar else 'voxels'}"
    if planar:
        return f"{name}: {count * spacing_zyx[1] * spacing_zyx[2]:,.0f} mm²"
    millilitres = count * spacing_zyx[0] * spacing_zyx[1] * spacing_zyx[2] / 1000
    return f"{name}: {millilitres:,.1f} mL"


def slices_with_findings(num_found: int, num_seen: int, largest: int) -> str:
    return f"Findings in {num_found} of {num_seen} slices, the largest in slice {largest}."


def window_tip(window: NamedWindow, key: str) -> str:
    """What a preset shows, and the key that shows it, where it has one."""
    limits = f"Centre {(window.low + window.high) / 2:g}, width {window.high - window.low:g} HU"
    return f"{limits} (key {key})" if key else limits


def model_window(low: float, high: float, unit: str) -> str:
    """Which intensities the model got."""
    if unit == "HU":
        return f"The model got window {(low + high) / 2:g}/{high - low:g} HU (centre/width)."
    return f"The model got intensities from {low:g} (black) to {high:g} (white)."


def took(seconds: float, device: str) -> str:
    return f"{seconds:.1f} s on {device}."


def model_findings(findings: Sequence[str]) -> str:
    return f"Segments: {', '.join(findings)}."


def labels_out_of_range(low: int, high: int) -> str:
    return (
        f"The mask holds labels from {low} to {high}; labels from 0 to 255 can be written. "
        "Renumber them, or save the layer with another writer."
    )
