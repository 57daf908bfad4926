"""Twenty-four folders that hold something else than one whole series."""

from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset
from tests.tgcnet.io.dicom import phantoms
from tests.tgcnet.io.hostile.cases import Allowed, Case

Change = Callable[[list[Dataset]], list[Dataset]]
_SIDEWAYS = [0.0, 1.0, 0.0, 0.0, 0.0, -1.0]


def series_cases() -> Iterator[Case]:
    """Each must be refused, or accepted with a notice that says what is amiss."""
    for name, change in CHANGES.items():
        yield Case(
            kind="series",
            name=name,
            write=partial(write_changed, change=change),
            allowed=Allowed.TOLD,
            whole=lambda folder: write_changed(folder, list),
        )


def write_changed(folder: Path, change: Change) -> Path:
    phantoms.write(change(phantoms.series(shape=(8, 16, 12))), folder)
    return folder


def setting(index: int, **tags: Any) -> Change:
    """Set, or with None remove, fields of one slice."""

    def change(slices: list[Dataset]) -> list[Dataset]:
        for keyword, value in tags.items():
            if value is None:
                delattr(slices[index], keyword)
            else:
                setattr(slices[index], keyword, value)
        return slices

    return change


def moved(index: int, x: float = 0.0, z: float = 0.0) -> Change:
    def change(slices: list[Dataset]) -> list[Dataset]:
        there = slices[index].ImagePositionPatient
        slices[index].ImagePositionPatient = [there[0] + x, there[1], there[2] + z]
        return slices

    return change


def with_another(**tags: Any) -> Change:
    """A second series in the folder, of the same series number and identifier."""
    return lambda slices: slices + phantoms.series(shape=(8, 16, 12), **tags)


def duplicated(slices: list[Dataset]) -> list[Dataset]:
    """The same place twice, with other pixels."""
    twin = phantoms.series(shape=(8, 16, 12))[3]
    twin.SOPInstanceUID = phantoms.uid(9, 9)
    twin.PixelData = bytes(len(twin.PixelData))
    return [*slices, twin]


def tilted(slices: list[Dataset]) -> list[Dataset]:
    """Rows and columns turned by the gantry, positions along the table."""
    c, s = float(np.cos(0.2)), float(np.sin(0.2))
    for one in slices:
        one.ImageOrientationPatient = [1.0, 0.0, 0.0, 0.0, round(c, 8), round(s, 8)]
        one.GantryDetectorTilt = 11.46
    return slices


def with_localiser(slices: list[Dataset]) -> list[Dataset]:
    view = phantoms.series(shape=(1, 16, 12), orientation=_SIDEWAYS)[0]
    view.ImageType = ["ORIGINAL", "PRIMARY", "LOCALIZER"]
    view.SOPInstanceUID = phantoms.uid(9, 8)
    return [*slices, view]


def two_gaps(slices: list[Dataset]) -> list[Dataset]:
    return [one for index, one in enumerate(slices) if index not in (2, 5)]


CHANGES: dict[str, Change] = {
    "a missing slice": lambda slices: slices[:3] + slices[4:],
    "two missing slices": two_gaps,
    "a duplicate with other pixels": duplicated,
    "a slice moved by half its distance": moved(3, z=1.25),
    "a slice moved sideways": moved(3, x=5.0),
    "spacing that grows": lambda slices: [
        moved(index, z=0.1 * index**2)(slices)[index] for index in range(8)
    ],
    "another orientation": setting(3, ImageOrientationPatient=_SIDEWAYS),
    "a flipped orientation": setting(3, ImageOrientationPatient=[-1, 0, 0, 0, 1, 0]),
    "no orientation": setting(3, ImageOrientationPatient=None),
    "orientation of no length": setting(3, ImageOrientationPatient=[0, 0, 0, 0, 0, 0]),
    "another pixel spacing": setting(3, PixelSpacing=[0.9, 0.8]),
    "no pixel spacing": setting(3, PixelSpacing=None),
    "pixel spacing of zero": setting(3, PixelSpacing=[0, 0.8]),
    "no position": setting(3, ImagePositionPatient=None),
    "another frame of reference": setting(3, FrameOfReferenceUID=phantoms.uid(5)),
    "another patient": setting(3, PatientID="PHANTOM-2"),
    "two patients": with_another(patient_id="PHANTOM-2"),
    "another series among it": with_another(origin=(-90.0, -80.0, -300.0)),
    "gantry tilt": tilted,
    "no rescale on one slice": setting(3, RescaleSlope=None, RescaleIntercept=None),
    "another number of rows": setting(3, Rows=12, Columns=16),
    "another photometric": setting(3, PhotometricInterpretation="MONOCHROME1"),
    "a localiser among the slices": with_localiser,
    "pixels cut off": setting(3, PixelData=bytes(100)),
}
