"""Sentences and labels that several panels, or napari's own menus, show."""

from __future__ import annotations

from tgcnet.domain import Modality, SideKnowledge
from tgcnet.io import formats
from tgcnet.io.formats import format_of

RESEARCH_USE = "Research use only. Not a medical device."

DEFECT = (
    "Something went wrong inside napari-tgcnet. Your image is untouched; the details are in "
    "napari's log (the terminal it was started from). Please report this."
)

NO_MEMORY = (
    "Memory ran out while the image was read. Close other programs, choose fewer slices, or crop "
    "the stack."
)

COMPLEX_IMAGE = (
    "This layer holds complex numbers; a real image was expected. Show its magnitude in a layer "
    "of its own and choose that."
)

PHANTOM_NAME = "Generated CT phantom (no patient)"

SIDES = {
    SideKnowledge.FROM_FILE: "Left and right are the patient's, as the file states them.",
    SideKnowledge.ASSUMED: "Usual radiological view assumed: the patient's left is on the right.",
    SideKnowledge.UNKNOWN: "Left and right of the patient are unknown for this image.",
}

LUNG, MEDIASTINUM, BONE, SOFT_TISSUE = "Lung", "Mediastinum", "Bone", "Soft tissue"
NO_WINDOWS_8_BIT = "No presets: these 8-bit pixels are already windowed, and no CT values."
NO_WINDOWS = {
    Modality.XRAY: "No presets: this is a radiograph, which has no Hounsfield units.",
    Modality.UNKNOWN: "No presets: nothing says that this is a CT. If it is one, say so above.",
}


def wrong_axes(num_axes: int) -> str:
    """Sentence for a layer that is neither an image nor a stack."""
    return (
        f"This layer has {num_axes} axes; an image (2) or a stack of slices (3) was expected. "
        "Split it, for instance with Layers > Convert > Split Stack, and choose one part."
    )


def not_slices(text: str) -> str:
    return (
        f"“{text}” is not a slice, expected numbers and ranges such as 3-7, 12; correct the text "
        "in “Reviewed slices”."
    )


def slices_outside(text: str, num_slices: int) -> str:
    return (
        f"“{text}” is outside the stack or runs backwards, expected slices from 0 to "
        f"{num_slices - 1}; correct the text in “Reviewed slices”."
    )


def saved(layer_name: str, file_name: str, *, deidentify: bool = False) -> str:
    sentence = f"Layer “{layer_name}” saved as {file_name}."
    if format_of(file_name, formats.MASKS) is not formats.DICOM_SEG:
        return sentence
    if deidentify:
        return f"{sentence} It names no patient; the identifiers of the study and its images stay."
    return f"{sentence} It carries the patient's name, ID and birth date and the study's data."


def sample_source(licence: str, url: str) -> str:
    return f"Sample under {licence}, from {url}"


def counted(number: int, thing: str) -> str:
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def time_left(seconds: float) -> str:
    """The time left, roughly."""
    if seconds < 1:
        return "less than a second left"
    if seconds < 90:
        return f"about {round(seconds)} s left"
    return f"about {round(seconds / 60)} min left"


def model_label(name: str, *, is_active: bool) -> str:
    return f"{name} (active)" if is_active else name
