"""From series to the rows of the table. No Qt."""

from __future__ import annotations

from napari_tgcnet.study import messages
from napari_tgcnet.study.state import SeriesRow
from tgcnet.io.dicom.series import Listing, Series, Severity
from tgcnet.io.dicom.values import common_dtype

_DAY_DIGITS = 8


def build_rows(listing: Listing) -> tuple[SeriesRow, ...]:
    """A row for each series, in the listing's order."""
    return tuple(_row(key, series) for key, series in enumerate(listing.series))


def _row(key: int, series: Series) -> SeriesRow:
    first = series.first
    return SeriesRow(
        key=key,
        patient=messages.patient(first.patient_id),
        date=_iso_date(first.study_date),
        modality=first.modality,
        description=messages.series_name(first.series_description, first.series_number),
        num_slices=len(series.frames),
        rows=first.rows,
        columns=first.columns,
        num_bytes=_bytes_of(series),
        refusals=_sentences(series, Severity.REFUSED),
        remarks=_sentences(series, Severity.WARNING) + _sentences(series, Severity.NOTICE),
    )


def _bytes_of(series: Series) -> int:
    """What all slices take in memory, told from their headers."""
    size = common_dtype(series.frames).itemsize
    return sum(frame.rows * frame.columns for frame in series.frames) * size


def _sentences(series: Series, severity: Severity) -> tuple[str, ...]:
    return tuple(one.sentence for one in series.remarks if one.severity is severity)


def _iso_date(stored: str) -> str:
    """A date as DICOM stores it, 20240102, as 2024-01-02; anything else as it is."""
    if len(stored) == _DAY_DIGITS and stored.isdigit():
        return f"{stored[:4]}-{stored[4:6]}-{stored[6:]}"
    return stored
