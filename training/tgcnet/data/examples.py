"""A row of a data set on the network's own square grid: what training and validation read."""

from dataclasses import dataclass, replace

import numpy as np

from tgcnet.config import PreprocessConfig
from tgcnet.data.folder import Row, at_row
from tgcnet.data.pairs import read_pair
from tgcnet.domain import Modality
from tgcnet.preprocess import Letterbox, decide_window, prepare_plane


@dataclass(frozen=True, kw_only=True, slots=True)
class Example:
    """One decoded image.

    Attributes
    ----------
    image : (S, S) uint8
    labels : (S, S) uint8; a class's index + 1, 0 background
    """

    image: np.ndarray
    labels: np.ndarray
    report: str
    modality: Modality

    @property
    def mask(self) -> np.ndarray:
        """Where any class is, (S, S) bool."""
        marked: np.ndarray = self.labels > 0
        return marked

    def emptied(self) -> "Example":
        """The same image with nothing marked."""
        return replace(self, labels=np.zeros_like(self.labels))


def decode_row(row: Row, modality: Modality, preprocess: PreprocessConfig) -> Example:
    """A row of any layout on the network's square grid.

    Parameters
    ----------
    modality : wins over what the layout and the file say; UNKNOWN leaves it to them

    Raises
    ------
    InputError
        If its image or its mask cannot be read, or they do not fit each other; names the row.
    """
    volume, labels = read_pair(row, modality)
    with at_row(row):
        window = decide_window(volume, preprocess)
    plane, letterbox = prepare_plane(volume.array[0], window, preprocess)
    return Example(
        image=np.round(plane * 255).astype(np.uint8),
        labels=letterbox_labels(letterbox, labels),
        report=row.report,
        modality=volume.modality if modality is Modality.UNKNOWN else modality,
    )


def letterbox_labels(letterbox: Letterbox, labels: np.ndarray) -> np.ndarray:
    """Labels on the square grid.

    A pixel is marked where more than half of what it covers is; it is of the class that has most
    of it.

    Parameters
    ----------
    labels : (height, width) uint8; a class's index + 1, 0 background

    Returns
    -------
    (side_px, side_px) uint8
    """
    is_marked = letterbox.apply((labels > 0).astype(np.float32)) > 0.5
    values = np.unique(labels[labels > 0])
    if len(values) < 2:
        return is_marked.astype(np.uint8) * (values[0] if len(values) else np.uint8(0))
    shares = np.stack([letterbox.apply((labels == v).astype(np.float32)) for v in values])
    return np.where(is_marked, values[shares.argmax(axis=0)], np.uint8(0))
