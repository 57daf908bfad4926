"""DICOM: headers to studies, frames to volumes, masks to segmentations; the extra ``dicom``."""

from importlib.util import find_spec

from tgcnet.errors import MissingExtraError


def check_installed(name: str) -> None:
    """Refuse a file whose libraries are an extra that is not here.

    Parameters
    ----------
    name : of the file, as a sentence says it

    Raises
    ------
    MissingExtraError
        If pydicom or highdicom is missing.
    """
    if find_spec("pydicom") is None or find_spec("highdicom") is None:
        raise MissingExtraError(
            f"{name} needs the libraries for DICOM, which are not installed; run: "
            "pip install 'napari-tgcnet[dicom]'"
        )
