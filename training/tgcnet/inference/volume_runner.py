"""One encoded text over the slices of one volume, in batches, in flat memory.

Axes: B slices of a batch, C classes, Z Y X the image's own grid, S the network's square side.
"""

import logging
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

import numpy as np
import torch

from tgcnet.config import PostprocessConfig, PreprocessConfig
from tgcnet.domain import EncodedText, Volume
from tgcnet.errors import Cancelled, DeviceError
from tgcnet.models import SegmentationModel, TextFeatures
from tgcnet.postprocess import to_labels
from tgcnet.preprocess import IntensityWindow, prepare_plane

OnProgress = Callable[[float], bool | None]
OnSlice = Callable[[int, np.ndarray, np.ndarray], None]
OnNotice = Callable[[str], None]
IsCancelled = Callable[[], bool]

_LOG = logging.getLogger(__name__)
_CPU = torch.device("cpu")
_CPU_BATCH, _GPU_BATCH = 8, 16

# Out-of-memory errors that torch raises as plain RuntimeError: the CPU's allocator, the CUDA
# runtime (no room for its own context), and its libraries, such as CUBLAS_STATUS_ALLOC_FAILED.
_NO_ROOM = re.compile(
    r"DefaultCPUAllocator|CUDA error: out of memory|CU[A-Z]+_STATUS_(\w+_)?ALLOC(ATION)?_FAILED"
)


@dataclass(frozen=True, kw_only=True, slots=True)
class Listeners:
    """Callbacks of a run.

    Attributes
    ----------
    on_progress : receives the finished fraction in [0, 1]; False stops the run
    on_slice : receives z, probability (C, Y, X) float32 and labels (Y, X) uint8
    on_notice : receives a sentence when the run had to change its batch or its device
    is_cancelled : called before each batch
    """

    on_progress: OnProgress | None = None
    on_slice: OnSlice | None = None
    on_notice: OnNotice | None = None
    is_cancelled: IsCancelled | None = None


@dataclass(slots=True)
class BatchRunner:
    """Network, text and device of one run; device and batch shrink when memory runs out."""

    model: SegmentationModel
    device: torch.device
    batch_size: int
    on_notice: OnNotice | None = None
    _text: TextFeatures | None = field(default=None, init=False)

    def encode(self, encoded: EncodedText) -> None:
        """Encode the text, once for the run; on the processor where the GPU has no room."""
        while True:
            try:
                # Outside inference mode: parameters moved within it could not be trained later.
                # Convolutions run a third faster on a processor with channels last (measured).
                self.model.to(self.device).to(memory_format=torch.channels_last)
                with torch.inference_mode():
                    self._text = self.model.encode_text([encoded])
                return
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                self._make_room(batch=1)

    def probability(self, image: np.ndarray) -> np.ndarray:
        """(B, 3, S, S) float32, normalised, to (B, C, S, S) float32 in [0, 1]."""
        done: list[np.ndarray] = []
        start = 0
        while start < len(image):
            batch = image[start : start + self.batch_size]
            try:
                done.append(self._forward(batch))
                start += len(batch)
            except RuntimeError as error:
                if not is_out_of_memory(error):
                    raise
                self._make_room(batch=len(batch))
        return np.concatenate(done)

    def _forward(self, batch: np.ndarray) -> np.ndarray:
        assert self._text is not None  # noqa: S101 - encode() comes first
        with torch.inference_mode(), _autocast(self.device):
            image = torch.from_numpy(batch).to(self.device, memory_format=torch.channels_last)
            logits = self.model(image, self._text.expand(len(batch))).logits  # (B, C, S, S)
            probability: np.ndarray = logits.float().sigmoid().cpu().numpy()
        return probability

    def _make_room(self, batch: int) -> None:
        """Halve the batch; at one slice go to the processor; there, give up."""
        _LOG.warning("out of memory on %s with a batch of %d", self.device, batch)
        if batch > 1:
            self.batch_size = batch // 2
            sentence = (
                f"{self.device} ran out of memory; going on with batches of {self.batch_size}."
            )
        elif self.device.type == "cuda":
            sentence = f"{self.device} ran out of memory; going on with the CPU, which is slower."
            self._move_to_cpu()
        else:
            raise DeviceError(
                "The CPU ran out of memory with a single slice; close other programs or choose a "
                "smaller model."
            )
        if torch.cuda.is_available():
            torch.cuda.empty_cache()
        if self.on_notice is not None:
            self.on_notice(sentence)

    def _move_to_cpu(self) -> None:
        self.device, self.batch_size = _CPU, _CPU_BATCH
        self.model.to(_CPU)
        if self._text is not None:
            self._text = self._text.to(_CPU)


def default_batch_size(device: torch.device) -> int:
    """Slices at once; more are not faster there."""
    return _GPU_BATCH if device.type == "cuda" else _CPU_BATCH


def is_out_of_memory(error: RuntimeError) -> bool:
    """Whether an error is a lack of memory; only torch's own CUDA allocator has a class for it."""
    return isinstance(error, torch.OutOfMemoryError) or _NO_ROOM.search(str(error)) is not None


def _autocast(device: torch.device) -> AbstractContextManager[object]:
    """bf16 on CUDA only: on most processors it is many times slower than float32."""
    if device.type == "cuda" and torch.cuda.is_bf16_supported():
        return torch.autocast("cuda", dtype=torch.bfloat16)
    return nullcontext()


def run_slices(
    runner: BatchRunner,
    volume: Volume,
    indices: Sequence[int],
    *,
    window: IntensityWindow,
    preprocess: PreprocessConfig,
    postprocess: PostprocessConfig,
    num_classes: int,
    keep_probability: bool,
    listeners: Listeners,
) -> tuple[np.ndarray | None, np.ndarray]:
    """Segment the slices named; the others stay empty and cost no memory.

    Returns
    -------
    probability : (C, Z, Y, X) float16 in [0, 1]; None unless it is to be kept
    labels : (Z, Y, X) uint8; what ``to_labels`` makes of ``probability``, kept or not

    Raises
    ------
    Cancelled
        If a callback cancelled; slices finished before were handed to ``on_slice``.
    """
    # The system allocates zeros lazily, so slices that are not requested take no memory.
    shape = (num_classes, *volume.array.shape)
    probability = np.zeros(shape, dtype=np.float16) if keep_probability else None
    labels = np.zeros(volume.array.shape, dtype=np.uint8)
    num_done = 0
    while num_done < len(indices):
        _stop_if_cancelled(listeners)
        batch = indices[num_done : num_done + runner.batch_size]
        for z, plane in _run_batch(runner, volume, batch, window, preprocess):
            # Labels come from the rounded values, so that they can be made again from what is kept.
            stored = plane.astype(np.float16)
            if probability is not None:
                probability[:, z] = stored
            rounded = stored.astype(np.float32)
            labels[z] = to_labels(rounded[:, None], postprocess, side_px=preprocess.side_px)[0]
            if listeners.on_slice is not None:
                listeners.on_slice(z, rounded, labels[z])
        num_done += len(batch)
        if (
            listeners.on_progress is not None
            and listeners.on_progress(num_done / len(indices)) is False
        ):
            raise _cancelled()
    return probability, labels


def _run_batch(
    runner: BatchRunner,
    volume: Volume,
    batch: Sequence[int],
    window: IntensityWindow,
    preprocess: PreprocessConfig,
) -> Iterator[tuple[int, np.ndarray]]:
    """Yield z and probability (C, Y, X) float32 of each slice of a batch."""
    prepared = [prepare_plane(volume.array[z], window, preprocess) for z in batch]
    mean = np.asarray(preprocess.mean, dtype=np.float32)[:, None, None]
    std = np.asarray(preprocess.std, dtype=np.float32)[:, None, None]
    image = np.stack([(plane[None] - mean) / std for plane, _ in prepared])  # (B, 3, S, S)
    maps = runner.probability(image)  # (B, C, S, S)
    for z, (_, letterbox), square in zip(batch, prepared, maps, strict=True):
        yield z, letterbox.invert(square)


def _stop_if_cancelled(listeners: Listeners) -> None:
    if listeners.is_cancelled is not None and listeners.is_cancelled():
        raise _cancelled()


def _cancelled() -> Cancelled:
    return Cancelled("The run was cancelled; slices finished before that are kept.")
