"""The child's port to the models: the one module of the engine that imports torch."""

import logging
import os
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import torch

from tgcnet.domain import ModelIdentity, Volume
from tgcnet.engine.protocol import DeviceInfo, ModelInfo, ReadReport, ReportRead, ShownWindow
from tgcnet.errors import CheckpointError
from tgcnet.inference.device import describe_devices, resolve_device
from tgcnet.inference.predictor import Predictor, load_predictor
from tgcnet.weights.active import read_active
from tgcnet.weights.manifest import Manifest
from tgcnet.weights.registry import list_models

_LOG = logging.getLogger(__name__)
_CPU_TOPOLOGY = Path("/sys/devices/system/cpu")


class PredictorModel:
    """A predictor as the command loop uses it."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def read_report(self, request: ReadReport) -> ReportRead:
        reading = self._predictor.read_report(request.text)
        return ReportRead(
            request=request.request,
            sentences_kept=reading.encoded.sentences_kept,
            sentences_left_out=reading.encoded.sentences_left_out,
            sentences_past_end=reading.encoded.sentences_past_end,
            words_left_out=reading.encoded.words_left_out,
            words_past_end=reading.encoded.words_past_end,
            segmentable=reading.segmentable,
            not_segmentable=reading.not_segmentable,
            only_absent=reading.only_absent,
        )

    def window(self, volume: Volume, window_hu: tuple[float, float] | None) -> ShownWindow:
        window = self._predictor.window(volume, window_hu)
        return ShownWindow(low=float(window.low), high=float(window.high), unit=window.unit)

    def segment(
        self,
        volume: Volume,
        report: str,
        *,
        slices: slice | None,
        threshold: float | None,
        window_hu: tuple[float, float] | None,
        on_progress: Callable[[float], None],
        on_slice: Callable[[int, np.ndarray, np.ndarray], None],
        on_notice: Callable[[str], None],
        is_cancelled: Callable[[], bool],
    ) -> Mapping[str, str]:
        segmentation = self._predictor.segment(
            volume,
            report,
            slices=slices,
            threshold=threshold,
            window_hu=window_hu,
            keep_probability=False,
            on_progress=on_progress,
            on_slice=on_slice,
            on_notice=on_notice,
            is_cancelled=is_cancelled,
        )
        return segmentation.provenance


class TorchBackend:
    """Devices as torch sees them, models as the registry lists them."""

    def describe(self) -> tuple[tuple[DeviceInfo, ...], tuple[ModelInfo, ...]]:
        devices = tuple(
            DeviceInfo(
                name=device.name,
                label=device.label,
                free_bytes=device.free_bytes,
                total_bytes=device.total_bytes,
            )
            for device in describe_devices()
        )
        active = _active()
        models = tuple(_model_info(one, is_active=one.identity == active) for one in list_models())
        return devices, models

    def device_name(self, device: str) -> str:
        return str(resolve_device(device))

    def load(self, model: str, device: str) -> PredictorModel:
        return PredictorModel(load_predictor(model, device))


def set_threads() -> None:
    """One thread a physical core that this process may use; two on one core only get in the way.

    ``OMP_NUM_THREADS`` takes precedence; where the number of cores is unknown, torch decides.
    """
    num_cores = num_physical_cores()
    if num_cores and "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(num_cores)


def num_physical_cores(topology: Path = _CPU_TOPOLOGY) -> int | None:
    """Physical cores among the processors this process may run on; None where unknown."""
    if not hasattr(os, "sched_getaffinity"):
        return None
    cores = set()
    for cpu in os.sched_getaffinity(0):
        file = topology / f"cpu{cpu}" / "topology" / "thread_siblings_list"
        try:
            cores.add(file.read_text(encoding="ascii"))
        except OSError:
            return None
    return len(cores)


def _active() -> ModelIdentity | None:
    """The active model; None where it cannot be read, and then the user has to choose."""
    try:
        return read_active().current
    except CheckpointError as error:
        _LOG.warning("%s", error)
        return None


def _model_info(manifest: Manifest, *, is_active: bool) -> ModelInfo:
    return ModelInfo(
        name=manifest.name,
        findings=manifest.findings,
        classes=manifest.classes,
        threshold=manifest.postprocess.threshold,
        licence=manifest.licence,
        sha256=manifest.sha256,
        training_data=manifest.training_data,
        notes=manifest.notes,
        is_active=is_active,
    )
