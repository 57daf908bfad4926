"""Every sentence and label that a user of the panel *open study* reads."""

from __future__ import annotations

from collections.abc import Sequence

from napari_tgcnet.segment.messages import counted
from napari_tgcnet.study.state import Activity, SeriesRow, StudyState
from tgcnet.io.dicom.series import Skipped

PANEL = "TGC-Net: open study"
FILE, FILE_TIP = "File…", "Choose a DICOM file, a DICOMDIR or a zip archive"
FOLDER, FOLDER_TIP = "Folder…", "Choose a folder that holds DICOM files, in subfolders too"
FILES = "All files (*)"
DROP_HERE = "Choose a folder, a file, a DICOMDIR or a zip archive of a study, or drop it here."
OPEN = "Open"
OPEN_TIP = "Open the selected series (Enter, or a double click)"
CANCEL = "Cancel"
TABLE = "Series"
SKIPPED = "Files that are in no series"
UNKNOWN = "\N{EN DASH}"
HIDDEN = "\N{BULLET}\N{BULLET}"

PATIENT, DATE, MODALITY, SLICES, SERIES = "Patient", "Date", "Type", "Slices", "Series, size"
PATIENT_TIP = "The patient's identifier, shortened; the whole of it is never shown"
DATE_TIP = "Date of the study"
MODALITY_TIP = "How the images came about: CT, CR or DX (radiographs) and others"
SERIES_TIP = (
    "The description that the scanner wrote; rows x columns, and the memory that all slices take"
)
SLICES_TIP = "Slices of the stack"

ACTIVITIES = {
    Activity.NONE: "",
    Activity.LISTING: "Looking into the files…",
    Activity.OPENING: "Opening the series…",
}
CANCELLED = "Cancelled; nothing was opened."
LOADING_STOPPED = "Loading was stopped. The remaining slices are read when you come to them."
NOTHING_FOUND = "There is no DICOM image series in this."


def summary(state: StudyState) -> str:
    """How many series were found, and how many of them cannot be opened."""
    if not state.is_listed:
        return ""
    if not state.rows:
        return NOTHING_FOUND
    num_refused = sum(not row.can_open for row in state.rows)
    found = f"{len(state.rows)} series"
    return found + (f", {num_refused} of them cannot be opened" if num_refused else "")


def patient(identifier: str) -> str:
    """An identifier shortened until it identifies nobody: at most two letters at each end."""
    if len(identifier) >= 8:
        return f"{identifier[:2]}{HIDDEN}{identifier[-2:]}"
    if len(identifier) >= 4:
        return f"{identifier[0]}{HIDDEN}{identifier[-1]}"
    return HIDDEN if identifier else UNKNOWN


def size(row: SeriesRow) -> str:
    return f"{row.rows} x {row.columns}, {megabytes(row.num_bytes)}"


def series_and_size(row: SeriesRow) -> str:
    return f"{row.description}\n{size(row)}"


def megabytes(num_bytes: int) -> str:
    """An amount of memory, rounded for reading."""
    if num_bytes >= 10**9:
        return f"{num_bytes / 1e9:.1f} GB"
    if num_bytes >= 10**7:
        return f"{num_bytes / 1e6:.0f} MB"
    return f"{num_bytes / 1e6:.1f} MB"


def series_name(description: str, number: int) -> str:
    """The description of a series, or its number if it has none."""
    if description:
        return description
    return f"series {number}" if number >= 0 else "series without a name"


def row_tip(row: SeriesRow) -> str:
    """Tooltip of a row: why the series cannot be opened, and remarks on it."""
    return "\n".join((*row.refusals, *row.remarks)) or OPEN_TIP


def about(row: SeriesRow | None) -> str:
    """The same for the selected series, shown below the table."""
    if row is None:
        return ""
    if row.can_open:
        return "\n".join(row.remarks)
    return "\n".join(("This series cannot be opened:", *row.refusals, *row.remarks))


def skipped_title(num_skipped: int, *, is_open: bool) -> str:
    verb = "Hide" if is_open else "Show"
    return f"{verb} {counted(num_skipped, 'file')} in no series"


def skipped_list(skipped: Sequence[Skipped]) -> str:
    return "\n".join(f"{one.name}: {one.reason}" for one in skipped)


def loading_progress(done: int, total: int) -> str:
    return f"{done:,} of {total:,} slices are in memory"


def several_series(name: str, num_series: int) -> str:
    """Error for a folder opened without a window in which to choose a series."""
    return (
        f"{name} holds {num_series} series that can be opened, expected exactly one; choose one in "
        f"the panel “{PANEL}”, or name the folder of one series."
    )


def none_readable(name: str, reasons: Sequence[str]) -> str:
    """Error for a file or folder in which no series can be opened."""
    if not reasons:
        return (
            f"{name} holds no DICOM image series, expected one; open the folder that the scanner "
            "or the archive exported."
        )
    return f"{name} cannot be opened: {' '.join(reasons)}"
