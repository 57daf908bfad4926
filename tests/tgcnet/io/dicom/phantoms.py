"""DICOM files as scanners write them, with nobody in them: what the tests read."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import (
    ComputedRadiographyImageStorage,
    CTImageStorage,
    EnhancedCTImageStorage,
    ExplicitVRLittleEndian,
)

AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)
ROOT = "1.2.826.0.1.3680043.8.498.77"
"""Of the identifiers below; what follows it is counted, so that every run writes the same files."""


def uid(*numbers: int) -> str:
    """Make an identifier that is the same in every run."""
    return ".".join([ROOT, *(str(number) for number in numbers)])


def dataset(**tags: Any) -> Dataset:
    """Make one axial CT slice of 16 x 12 pixels, of value 0; ``tags`` replace or, None, remove.

    ``TransferSyntaxUID`` among the tags goes to the file's meta information. ``pixels`` (rows,
    columns) are the stored values; without them there is room for rows x columns zeros.
    """
    pixels = tags.pop("pixels", None)
    made = Dataset()
    made.file_meta = FileMetaDataset()
    made.file_meta.TransferSyntaxUID = tags.pop("TransferSyntaxUID", ExplicitVRLittleEndian)
    _fill(made, _slice_tags() | tags)
    if pixels is not None:
        made.Rows, made.Columns = pixels.shape[-2:]
        made.PixelData = pixels.astype("<i2").tobytes()
    elif "PixelData" not in tags:
        made.PixelData = bytes(int(made.get("Rows") or 0) * int(made.get("Columns") or 0) * 2)
    if "PixelData" in made:
        made["PixelData"].VR = "OW"
    made.file_meta.MediaStorageSOPClassUID = made.get("SOPClassUID", "")
    made.file_meta.MediaStorageSOPInstanceUID = made.get("SOPInstanceUID", "")
    return made


def radiograph(**tags: Any) -> Dataset:
    """Make a frontal chest radiograph of 20 x 14 pixels, 12 of 16 bits, unsigned."""
    plain = {
        "SOPClassUID": ComputedRadiographyImageStorage,
        "Modality": "CR",
        "Rows": 20,
        "Columns": 14,
        "BitsStored": 12,
        "HighBit": 11,
        "PixelRepresentation": 0,
        "ImageType": ["ORIGINAL", "PRIMARY"],
        "PixelSpacing": None,
        "ImagerPixelSpacing": [0.2, 0.2],
        "ViewPosition": "PA",
        "PatientOrientation": ["L", "F"],
        **dict.fromkeys(
            (
                "ImagePositionPatient",
                "ImageOrientationPatient",
                "FrameOfReferenceUID",
                "SliceThickness",
                "RescaleSlope",
                "RescaleIntercept",
                "RescaleType",
                "WindowCenter",
                "WindowWidth",
            )
        ),
    }
    return dataset(**(plain | tags))


def series(
    *,
    shape: tuple[int, int, int] = (5, 16, 12),
    spacing_zyx: tuple[float, float, float] = (2.5, 0.7, 0.8),
    orientation: Sequence[float] = AXIAL,
    origin: Sequence[float] = (-100.0, -80.0, -300.0),
    slope: float = 1.0,
    intercept: float = -1024.0,
    values: np.ndarray | None = None,
    patient_id: str = "PHANTOM-1",
    series: int = 1,
    **tags: Any,
) -> list[Dataset]:
    """Make the slices of a CT, the first at ``origin``, the others along the planes' normal.

    Parameters
    ----------
    values : (Z, rows, columns) stored numbers, int16; by default every slice differs
    series : number of the series, on which its identifiers depend
    """
    if values is None:
        values = np.arange(np.prod(shape)).reshape(shape) % 1000
    normal = np.cross(orientation[:3], orientation[3:])
    made = []
    for index, plane in enumerate(values):
        position = np.asarray(origin) + index * spacing_zyx[0] * normal
        mine = {
            "SOPInstanceUID": uid(series, index + 1),
            "SeriesInstanceUID": uid(series),
            "SeriesNumber": series,
            "InstanceNumber": index + 1,
            "PatientID": patient_id,
            "ImagePositionPatient": [_decimal(x) for x in position],
            "ImageOrientationPatient": [_decimal(x) for x in orientation],
            "PixelSpacing": [_decimal(x) for x in spacing_zyx[1:]],
            "SliceThickness": _decimal(spacing_zyx[0]),
            "RescaleSlope": _decimal(slope),
            "RescaleIntercept": _decimal(intercept),
        }
        made.append(dataset(pixels=plane, **(mine | tags)))
    return made


def write(slices: Sequence[Dataset], folder: Path, *, stem: str = "slice") -> list[Path]:
    """Write each to a file of its own in ``folder``, which is made if need be."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = []
    for index, one in enumerate(slices):
        path = folder / f"{stem}_{index:04d}.dcm"
        # Not enforced: some phantoms lack what the standard asks for, which is their point.
        one.save_as(path, enforce_file_format="SOPInstanceUID" in one and "SOPClassUID" in one)
        paths.append(path)
    return paths


def write_series(folder: Path, **options: Any) -> list[Path]:
    """Write the slices that :func:`series` makes; the options are its own."""
    return write(series(**options), folder)


def enhanced_ct(
    *,
    shape: tuple[int, int, int] = (4, 16, 12),
    spacing_zyx: tuple[float, float, float] = (2.5, 0.7, 0.8),
    origin: Sequence[float] = (-100.0, -80.0, -300.0),
    values: np.ndarray | None = None,
    **tags: Any,
) -> Dataset:
    """Make one enhanced CT file: spacing and orientation are shared, the rest is per frame."""
    if values is None:
        values = np.arange(np.prod(shape)).reshape(shape) % 1000
    outside = dict.fromkeys(
        (
            "ImagePositionPatient",
            "ImageOrientationPatient",
            "PixelSpacing",
            "SliceThickness",
            "RescaleSlope",
            "RescaleIntercept",
            "RescaleType",
            "WindowCenter",
            "WindowWidth",
        )
    )
    made = dataset(
        pixels=values,
        **(outside | {"SOPClassUID": EnhancedCTImageStorage, "NumberOfFrames": len(values)} | tags),
    )
    shared = _group(
        PixelMeasuresSequence={
            "PixelSpacing": list(spacing_zyx[1:]),
            "SliceThickness": spacing_zyx[0],
        },
        PlaneOrientationSequence={"ImageOrientationPatient": list(AXIAL)},
    )
    frames = [
        _group(
            PlanePositionSequence={
                "ImagePositionPatient": [
                    origin[0],
                    origin[1],
                    _decimal(origin[2] + index * spacing_zyx[0]),
                ]
            },
            FrameContentSequence={"StackID": "1", "InStackPositionNumber": index + 1},
            PixelValueTransformationSequence={
                "RescaleSlope": 1,
                "RescaleIntercept": -1024,
                "RescaleType": "HU",
            },
            FrameVOILUTSequence={"WindowCenter": -600, "WindowWidth": 1500},
        )
        for index in range(len(values))
    ]
    made.SharedFunctionalGroupsSequence = [shared]
    made.PerFrameFunctionalGroupsSequence = frames
    return made


def _group(**sequences: dict[str, Any]) -> Dataset:
    """Make a functional group: each sequence has one item."""
    group = Dataset()
    for name, tags in sequences.items():
        item = Dataset()
        _fill(item, tags)
        setattr(group, name, [item])
    return group


def _fill(made: Dataset, tags: dict[str, Any]) -> None:
    for keyword, value in tags.items():
        if value is not None:
            setattr(made, keyword, value)


def _decimal(number: float) -> float:
    """Round to what fits the 16 characters of a decimal string."""
    return float(f"{float(number):.9g}")


def _slice_tags() -> dict[str, Any]:
    return {
        "SOPClassUID": CTImageStorage,
        "SOPInstanceUID": uid(1, 1),
        "StudyInstanceUID": uid(0),
        "SeriesInstanceUID": uid(1),
        "FrameOfReferenceUID": uid(0, 0),
        "PatientID": "PHANTOM-1",
        "PatientName": "Phantom^One",
        "PatientBirthDate": "19500101",
        "AccessionNumber": "A-1",
        "StudyDate": "20240102",
        "AcquisitionTime": "101112",
        "Modality": "CT",
        "PatientPosition": "HFS",
        "SeriesDescription": "Chest",
        "SeriesNumber": 1,
        "InstanceNumber": 1,
        "AcquisitionNumber": 1,
        "ImageType": ["ORIGINAL", "PRIMARY", "AXIAL"],
        "Rows": 16,
        "Columns": 12,
        "SamplesPerPixel": 1,
        "BitsAllocated": 16,
        "BitsStored": 16,
        "HighBit": 15,
        "PixelRepresentation": 1,
        "PhotometricInterpretation": "MONOCHROME2",
        "ImagePositionPatient": [-100, -80, -300],
        "ImageOrientationPatient": list(AXIAL),
        "PixelSpacing": [0.7, 0.8],
        "SliceThickness": 2.5,
        "GantryDetectorTilt": 0,
        "RescaleSlope": 1,
        "RescaleIntercept": -1024,
        "RescaleType": "HU",
        "WindowCenter": [-600, 40],
        "WindowWidth": [1500, 400],
        "WindowCenterWidthExplanation": ["LUNG", "MEDIASTINUM"],
    }
