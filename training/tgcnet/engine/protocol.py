"""The messages between the window's process and the model's process.

Requests go to the child, events come back; each is one line of JSON (``engine.wire``). Arrays
never travel in a line: an :class:`ArrayBlock` names the shared memory that holds them. A request
carries the number its events answer to. Patient and series identifiers do not cross at all.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from tgcnet.domain import AnonymousHeader, SegmentationClass

UNEXPECTED = "Unexpected"
"""``Failed.kind`` of an error outside our family: a defect, whose traceback is in the log."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ArrayBlock:
    """A C-ordered array in shared memory.

    Attributes
    ----------
    name : of the block, as :class:`multiprocessing.shared_memory.SharedMemory` takes it
    shape : (Z, Y, X)
    dtype : NumPy's name of it, such as "int16"
    """

    name: str
    shape: tuple[int, int, int]
    dtype: str


@dataclass(frozen=True, kw_only=True, slots=True)
class SentVolume:
    """A :class:`tgcnet.domain.Volume` without its identifiers, its array by shared memory."""

    block: ArrayBlock
    header: AnonymousHeader


@dataclass(frozen=True, kw_only=True, slots=True)
class DeviceInfo:
    """A device that a model can run on; memory in bytes, None where it is not known."""

    name: str
    label: str
    free_bytes: int | None
    total_bytes: int | None


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelInfo:
    """An installed model, as its manifest describes it.

    Attributes
    ----------
    findings : names of the findings it can segment
    classes : in order; the label value of a class is its index + 1
    threshold : probability in (0, 1) from which a voxel counts as found
    is_active : the one that is used where none is named
    """

    name: str
    findings: tuple[str, ...]
    classes: tuple[SegmentationClass, ...]
    threshold: float
    licence: str
    sha256: str
    training_data: tuple[str, ...] = ()
    notes: str = ""
    is_active: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class ShownWindow:
    """The intensities that became black and white in what the model got."""

    low: float
    high: float
    unit: str


# Requests.


@dataclass(frozen=True, kw_only=True, slots=True)
class Describe:
    """Ask for the devices and the models; answered by :class:`Ready`."""

    request: int


@dataclass(frozen=True, kw_only=True, slots=True)
class ReadReport:
    """Ask what ``model`` reads of a report; answered by :class:`ReportRead`."""

    request: int
    model: str
    text: str = field(repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Segment:
    """Ask for a segmentation, written into ``labels`` slice by slice.

    Attributes
    ----------
    device : "auto", "cpu", "cuda" or "cuda:N"
    report : blank for a run without text
    slices : first and one past the last slice; None for the whole stack
    threshold : in (0, 1); None for the model's own
    window_hu : centre and width that the model is to see of a CT; None for the model's own
    labels : uint8 (Z, Y, X), shaped like the volume
    """

    request: int
    model: str
    device: str
    report: str = field(repr=False)
    slices: tuple[int, int] | None
    threshold: float | None
    window_hu: tuple[float, float] | None = None
    volume: SentVolume
    labels: ArrayBlock


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancel:
    """Stop request ``request`` between two batches, or before it began."""

    request: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Shutdown:
    """Stop whatever runs and exit."""


Request = Describe | ReadReport | Segment | Cancel | Shutdown


# Events.


@dataclass(frozen=True, kw_only=True, slots=True)
class Starting:
    """The child runs and is importing; the first event of every child."""

    process_id: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Ready:
    """Answer to :class:`Describe`."""

    request: int
    devices: tuple[DeviceInfo, ...]
    models: tuple[ModelInfo, ...]


@dataclass(frozen=True, kw_only=True, slots=True)
class ReportRead:
    """Answer to :class:`ReadReport`.

    Attributes
    ----------
    sentences_kept, sentences_left_out, sentences_past_end, words_left_out, words_past_end : what
        the text encoder reads and what not, as ``EncodedText`` has it
    segmentable, not_segmentable : reported findings the model can and cannot segment
    only_absent : the report names findings, and every one of them as absent
    """

    request: int
    sentences_kept: tuple[str, ...] = field(repr=False)
    sentences_left_out: tuple[str, ...] = field(repr=False)
    words_left_out: tuple[str, ...] = field(repr=False)
    segmentable: tuple[str, ...]
    not_segmentable: tuple[str, ...]
    only_absent: bool
    sentences_past_end: tuple[str, ...] = field(default=(), repr=False)
    words_past_end: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, kw_only=True, slots=True)
class Loaded:
    """A model was loaded for this request; none comes where it was in memory already."""

    request: int
    model: str
    seconds: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Begun:
    """A segmentation begins; slices come next.

    Attributes
    ----------
    window : what it makes of the intensities, the same for all its slices
    about_report : what the mask's provenance says of the report, a keyed hash at most
    """

    request: int
    window: ShownWindow
    about_report: Mapping[str, str]


@dataclass(frozen=True, kw_only=True, slots=True)
class Progress:
    """Slices done of those asked for; ``seconds_left`` is None until it can be estimated."""

    request: int
    done: int
    total: int
    seconds_left: float | None


@dataclass(frozen=True, kw_only=True, slots=True)
class SliceDone:
    """Slice ``z`` (index in the volume) stands in the labels block."""

    request: int
    z: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Notice:
    """Something the user should know of this run, such as a fall back to the CPU."""

    request: int
    sentence: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Finished:
    """A segmentation is complete.

    Attributes
    ----------
    device : the one really used, at the end
    seconds : from the request's turn to its end, a model's loading left out
    provenance : as in :class:`tgcnet.domain.Segmentation`; no patient data
    slices_done : how many slices the model saw
    """

    request: int
    device: str
    seconds: float
    provenance: Mapping[str, str]
    slices_done: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Cancelled:
    """The request was stopped; the slices reported by :class:`SliceDone` are valid."""

    request: int
    slices_done: int


@dataclass(frozen=True, kw_only=True, slots=True)
class Failed:
    """The request ended without a result.

    Attributes
    ----------
    request : None where the fault belongs to no request, such as an unreadable line
    sentence : for the user
    kind : name of the class in ``tgcnet.errors``, or :data:`UNEXPECTED`
    """

    request: int | None
    sentence: str
    kind: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Died:
    """The child is gone; the next request starts a fresh one. Made by the client.

    Attributes
    ----------
    exit_code : as the system gives it; minus the signal's number where a signal ended it
    requests : the requests that are lost with it; no other event answers them
    """

    exit_code: int
    sentence: str
    requests: tuple[int, ...]


Event = (
    Starting
    | Ready
    | ReportRead
    | Loaded
    | Begun
    | Progress
    | SliceDone
    | Notice
    | Finished
    | Cancelled
    | Failed
    | Died
)
