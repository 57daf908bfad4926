"""A study of generated DICOM files, for the pictures of the panels: no patient is in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid

from tgcnet.samples import phantom_stack

_INTERCEPT_HU = -1024


def save_study(folder: Path) -> None:
    """Write the phantom's chest as two series, of which the second lacks a slice."""
    study, place = generate_uid(), generate_uid()
    for number, (name, missing) in enumerate(
        (("Chest, lung", ()), ("Chest, mediastinum", (9,))), start=1
    ):
        common = _common(name, number, study, place)
        _save_series(folder / f"series {number}", common, missing)


def _common(name: str, number: int, study: str, place: str) -> dict[str, object]:
    """What all slices of a series say alike."""
    return {
        "SOPClassUID": CTImageStorage, "StudyInstanceUID": study, "FrameOfReferenceUID": place,
        "SeriesInstanceUID": generate_uid(), "SeriesNumber": number, "SeriesDescription": name,
        "PatientID": "PHANTOM-2026-01", "PatientName": "Phantom", "StudyDate": "20260102",
        "Modality": "CT", "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"], "PatientPosition": "HFS",
        "SamplesPerPixel": 1, "PhotometricInterpretation": "MONOCHROME2", "BitsAllocated": 16,
        "BitsStored": 16, "HighBit": 15, "PixelRepresentation": 0, "RescaleSlope": 1,
        "RescaleIntercept": _INTERCEPT_HU, "ImageOrientationPatient": [1, 0, 0, 0, 1, 0],
        "WindowCenter": -600, "WindowWidth": 1500, "WindowCenterWidthExplanation": "LUNG",
    }  # fmt: skip


def _save_series(folder: Path, common: dict[str, object], missing: tuple[int, ...]) -> None:
    folder.mkdir(parents=True)
    stack = phantom_stack()
    step, *spacing_yx = stack.geometry.spacing_zyx
    stored = (np.rint(stack.array) - _INTERCEPT_HU).clip(0, 4095).astype(np.uint16)
    for index, plane in enumerate(stored):
        if index in missing:
            continue
        one = Dataset()
        for keyword, value in common.items():
            setattr(one, keyword, value)
        one.SOPInstanceUID, one.InstanceNumber = generate_uid(), index + 1
        one.Rows, one.Columns = plane.shape
        one.PixelSpacing, one.SliceThickness = list(spacing_yx), step
        one.ImagePositionPatient = [0, 0, index * step]
        one.PixelData = plane.tobytes()
        one.file_meta = FileMetaDataset()
        one.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
        one.save_as(folder / f"{index:03d}.dcm", enforce_file_format=True)
