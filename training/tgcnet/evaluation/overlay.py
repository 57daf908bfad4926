"""One picture of a page: an image, with masks or with their difference over it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from tgcnet.config import PreprocessConfig
from tgcnet.domain import SegmentationClass, Volume
from tgcnet.evaluation.figure_style import GREEN, SKY_BLUE, VERMILION, YELLOW
from tgcnet.evaluation.results import Drawn
from tgcnet.evaluation.score import known_spacing_yx_mm
from tgcnet.preprocess import decide_window, scale_to_unit

PICTURES = ("image", "reference", "prediction", "difference")
BOTH, MISSED, ADDED, OTHER_CLASS = GREEN, VERMILION, SKY_BLUE, YELLOW
UNNAMED = YELLOW
"""Of a reference that tells no classes apart beside a prediction that does."""

_MASK_FILL, _DIFFERENCE_FILL = 0.28, 0.62
# Of the grey values shown, how many percent may turn black or white: a few pixels of a letter or
# of metal would take all contrast from the lung.
_CLIPPED_PERCENT = 0.5


@dataclass(frozen=True, kw_only=True, slots=True)
class Look:
    """What every picture needs to know of the model.

    Attributes
    ----------
    classes : for the colours
    tells_apart : whether references are in the model's label values; else only marked or not
    """

    preprocess: PreprocessConfig
    classes: tuple[SegmentationClass, ...]
    tells_apart: bool

    @property
    def colours(self) -> list[str]:
        """Of the classes, as matplotlib takes them."""
        return ["#{:02X}{:02X}{:02X}".format(*entry.colour) for entry in self.classes]


def draw_picture(axes: Axes, name: str, drawn: Drawn, look: Look) -> None:
    """Draw one of ``PICTURES`` into axes that fill a cell."""
    spacing = known_spacing_yx_mm(drawn.volume.geometry)
    axes.set_axis_off()
    axes.imshow(
        grey_of(drawn.volume, look.preprocess),
        cmap="gray",
        vmin=0,
        vmax=1,
        aspect=1.0 if spacing is None else spacing[0] / spacing[1],
    )
    if name == "reference":
        # A colour of one class would say of the union that it is that class.
        is_of_classes = look.tells_apart or len(look.classes) == 1
        _draw_masks(axes, drawn.reference, look.colours if is_of_classes else [UNNAMED])
    elif name == "prediction":
        _draw_masks(axes, drawn.labels, look.colours)
    elif name == "difference":
        masks = difference_of(drawn, tells_apart=look.tells_apart)
        for mask, colour in zip(masks, (BOTH, MISSED, ADDED, OTHER_CLASS), strict=True):
            _draw_mask(axes, mask, colour, _DIFFERENCE_FILL)


def difference_of(drawn: Drawn, *, tells_apart: bool) -> tuple[np.ndarray, ...]:
    """Where reference and prediction agree, and how they differ.

    Returns
    -------
    tuple
        Four (Y, X) bool: in both; in the reference alone; predicted alone; in both under different
        classes, which is nowhere unless references distinguish classes.
    """
    is_marked, is_predicted = drawn.reference > 0, drawn.labels > 0
    both = is_marked & is_predicted
    other = both & (drawn.reference != drawn.labels) if tells_apart else np.zeros_like(both)
    return both & ~other, is_marked & ~is_predicted, is_predicted & ~is_marked, other


def grey_of(volume: Volume, preprocess: PreprocessConfig) -> np.ndarray:
    """The slice as the model sees it, stretched to its own contrast: (Y, X) float32 in [0, 1]."""
    grey = scale_to_unit(volume.array[0], decide_window(volume, preprocess))
    low, high = np.percentile(grey, (_CLIPPED_PERCENT, 100 - _CLIPPED_PERCENT))
    stretched: np.ndarray = np.clip((grey - low) / max(high - low, 1e-6), 0, 1, dtype=np.float32)
    return stretched


def _draw_masks(axes: Axes, labels: np.ndarray, colours: Sequence[str]) -> None:
    for value, colour in enumerate(colours, start=1):
        _draw_mask(axes, labels == value, colour, _MASK_FILL)


def _draw_mask(axes: Axes, mask: np.ndarray, colour: str, fill: float) -> None:
    if not mask.any():
        return  # matplotlib warns of a contour that is nowhere
    # A rim of nothing closes the outlines of what touches the image's edge.
    rimmed = np.pad(mask.astype(np.float32), 1)
    rows, columns = (np.arange(-1, length + 1) for length in mask.shape)
    axes.contourf(columns, rows, rimmed, levels=(0.5, 2), colors=[colour], alpha=fill)
    axes.contour(columns, rows, rimmed, levels=(0.5,), colors=[colour], linewidths=1.0)
    axes.set(xlim=(-0.5, mask.shape[1] - 0.5), ylim=(mask.shape[0] - 0.5, -0.5))
