"""Every sentence and label that a user of the panel reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tgcnet.domain import Modality, NamedWindow, SideKnowledge
from tgcnet.io import formats
from tgcnet.io.formats import dialog_filter, format_of

RESEARCH_USE = "Research use only. Not a medical device."

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
    "it all the same” beneath the report."
)
USE_ALL_THE_SAME = "Use it all the same"
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
LUNG, MEDIASTINUM, BONE, SOFT_TISSUE = "Lung", "Mediastinum", "Bone", "Soft tissue"
WINDOW_FOR_MODEL = "The model sees the image as it is shown, too"
WINDOW_FOR_MODEL_TIP = (
    "Else the model gets a CT in the window it was trained with. Another window may make it worse."
)
NO_WINDOWS_8_BIT = "No presets: these 8-bit pixels were windowed before, and are no CT values."
NO_WINDOWS = {
    Modality.XRAY: "No presets: this is a radiograph, which has no Hounsfield units.",
    Modality.UNKNOWN: "No presets: nothing says that this is a CT. If it is one, say so above.",
}

CORRECTION, SAVE_CORRECTION = "Correction", "Save correction"
SAVE_CORRECTION_TIP = "Keep image, report, the model's mask and yours, to fine-tune a model on"
REVIEWED = "Reviewed slices"
REVIEWED_HINT = "such as 3-7, 12"
REVIEWED_TIP = "Only slices that you have looked at whole are learnt from and scored"
THIS_SLICE, ALL_SLICES = "This slice", "All"
PATIENT_STAYS = "The patient of a case stays the one of its first save."
BACK_FROM_BIN = "The case was in the bin; it is back."
PATIENT, PATIENT_HINT = "Patient", "Any word, the same for all images of one patient"
PATIENT_TIP = (
    "Keeps all images of one patient together, so that no model is compared on a patient it was "
    "trained on. Only a salted hash of the word is kept. Empty: this image counts as a patient of "
    "its own."
)
NOTES, NOTES_HINT = "Notes", "Kept with the correction; may stay empty"
CHOOSE_LEDGER, CHOOSE_LEDGER_TIP = "Choose…", "The folder that corrections are kept in"

YES, NO = "Yes", "No"
IS_CT, IS_XRAY, AUTO_MODALITY = "CT", "X-ray", "Automatic"
MODALITY_TIP = "Decides how intensities are read; automatic takes what the file says"

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
CANCELLING = "Stopping after the slices in work…"

PREVIEW_NAME = "TGC-Net preview"
PHANTOM_NAME = "Generated CT phantom (no patient)"
SIDE_UNKNOWN = "side unknown"
SIDE_ASSUMED = "sides assumed: usual view"
SIDES = {
    SideKnowledge.FROM_FILE: "Left and right are the patient's, as the file states them.",
    SideKnowledge.ASSUMED: "Usual radiological view assumed: the patient's left is on the right.",
    SideKnowledge.UNKNOWN: "Left and right of the patient are unknown for this image.",
}

REPLACE = "The mask of this image already holds labels in these slices. Replace them?"
ONLY_ABSENT = "The report names findings only as absent. Segment all the same?"
WHICH_MODALITY = (
    "Nothing in this image says whether it is a CT or a radiograph, and the model has to know. "
    "Which is it?"
)
NONE_REVIEWED = (
    "No slice is marked as reviewed, so this correction is kept, but neither learnt from nor "
    "scored. Mark the slices you have looked at and save again."
)
NO_ACTIVE_MODEL = (
    "Nobody knows which model is active: what the models folder says of it is damaged. Choose a "
    "model here, or switch one on in “TGC-Net: fine-tune”."
)
COMPLEX_IMAGE = (
    "This layer holds complex numbers; a real image was expected. Show its magnitude in a layer "
    "of its own and choose that."
)
NOTHING_FOUND = "Nothing found."
NO_REPORT = "Run without a report: the model looked for everything it knows."
NOTHING_READ = (
    "The model reads nothing of this report, so it runs as if there were none and looks for "
    "everything it knows."
)
NO_MASK = "This image has no mask yet: run the model, or choose the image that a mask belongs to."
IMAGE_GONE = "The chosen image layer was removed. Choose another one."
CANCELLED_BEFORE = "Cancelled before the first slice was finished; nothing was changed."
DEFECT = (
    "Something went wrong inside napari-tgcnet. Your image is untouched; the details are in "
    "napari's log (the terminal it was started from). Please report this."
)
NO_MEMORY = (
    "Memory ran out while the image was read. Close other programs, choose fewer slices, or crop "
    "the stack."
)
RESULT_ELSEWHERE = (
    "The image of this run was removed before its end; the result stands in the mask of that image."
)


def wrong_axes(num_axes: int) -> str:
    """Sentence for a layer that is neither an image nor a stack."""
    return (
        f"This layer has {num_axes} axes; an image (2) or a stack of slices (3) was expected. "
        "Split it, for instance with Layers > Convert > Split Stack, and choose one part."
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
        "Not read, they tell only of the past, or what the model can read of their words would not "
        f"say the same: {_quoted(sentences)}"
    )


def sentences_past_end(sentences: Sequence[str]) -> str:
    return f"Not read, the report is longer than the model reads: {_quoted(sentences)}"


def _quoted(sentences: Sequence[str]) -> str:
    return " ".join(f"“{sentence.strip()}”" for sentence in sentences)


def words_left_out(words: Sequence[str]) -> str:
    return f"Words the model never learned and does not read: {', '.join(words)}."


def words_past_end(words: Sequence[str]) -> str:
    return f"Not read, their sentence is longer than the model reads: {', '.join(words)}."


def left(seconds: float) -> str:
    """The time left, as a person would say it."""
    if seconds < 1:
        return "less than a second left"
    if seconds < 90:
        return f"about {round(seconds)} s left"
    return f"about {round(seconds / 60)} min left"


def counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def model_label(name: str, *, is_active: bool) -> str:
    return f"{name} (active)" if is_active else name


def device_label(label: str, free_bytes: int | None) -> str:
    if free_bytes is None:
        return label
    return f"{label} ({free_bytes / 2**30:.1f} GiB free)"


def saved(layer_name: str, file_name: str, *, deidentify: bool = False) -> str:
    said = f"Layer “{layer_name}” saved as {file_name}."
    if format_of(file_name, formats.MASKS) is not formats.DICOM_SEG:
        return said
    if deidentify:
        return f"{said} It names no patient; the identifiers of the study and its images stay."
    return f"{said} It carries the patient's name, ID and birth date and the study's data."


def whose(compared: Mapping[str, bool | None]) -> str:
    """Whether a report and an image belong together, without an identifier."""
    words = {True: "the same", False: "DIFFERENT", None: "unknown"}
    if set(compared.values()) == {None}:
        return "Whether report and image are of one patient and study is unknown."
    told = ", ".join(f"{_FACTS[name]} {words[is_same]}" for name, is_same in compared.items())
    return f"Report and image: {told}."


def no_slices(text: str) -> str:
    return (
        f"“{text}” is no slice, expected numbers and ranges such as 3-7, 12; correct what stands "
        "in “Reviewed slices”."
    )


def slices_outside(text: str, num_slices: int) -> str:
    return (
        f"“{text}” is outside the stack or runs backwards, expected slices from 0 to "
        f"{num_slices - 1}; correct what stands in “Reviewed slices”."
    )


def correction_saved(case_id: str, revision: int) -> str:
    again = "" if revision == 1 else f", revision {revision}; earlier ones are kept"
    return f"Correction saved as case {case_id[:6]}{again}."


def taken_over(slices: str) -> str:
    return (
        f"Reviewed earlier and taken over as they were: slices {slices}. To change these, open the "
        "case in “TGC-Net: corrections”."
    )


def ledger_gone(folder_name: str) -> str:
    return (
        f"The folder {folder_name}, which this case was opened from, holds no ledger any more. "
        "Bring it back, or choose another folder to save the correction to."
    )


def new_ledger(folder_name: str) -> str:
    return f"A new ledger of corrections was begun in {folder_name}."


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
    return f"{what} in the mask ({num_voxels} changed pixels); Ctrl-Z takes them back."


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
    said = f"Centre {(window.low + window.high) / 2:g}, width {window.high - window.low:g} HU"
    return f"{said} (key {key})" if key else said


def model_window(low: float, high: float, unit: str) -> str:
    """Which intensities the model got."""
    if unit == "HU":
        return f"The model got window {(low + high) / 2:g}/{high - low:g} HU (centre/width)."
    return f"The model got intensities from {low:g} (black) to {high:g} (white)."


def took(seconds: float, device: str) -> str:
    return f"{seconds:.1f} s on {device}."


def knows(findings: Sequence[str]) -> str:
    return f"Segments: {', '.join(findings)}."


def sample_source(licence: str, url: str) -> str:
    return f"Sample under {licence}, from {url}"


def labels_out_of_range(low: int, high: int) -> str:
    return (
        f"The mask holds labels from {low} to {high}; labels from 0 to 255 can be written. "
        "Renumber them, or save the layer with another writer."
    )
