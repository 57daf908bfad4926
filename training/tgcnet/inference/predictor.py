"""A model ready to use: read a report, segment a volume."""

from dataclasses import replace

import torch

import tgcnet.report
from tgcnet import __version__
from tgcnet.config import PostprocessConfig, PreprocessConfig
from tgcnet.domain import Report, Segmentation, Volume
from tgcnet.errors import ConfigError, InputError
from tgcnet.inference.device import resolve_device
from tgcnet.inference.volume_runner import (
    BatchRunner,
    IsCancelled,
    Listeners,
    OnNotice,
    OnProgress,
    OnSlice,
    default_batch_size,
    run_slices,
)
from tgcnet.io import RESEARCH_NOTICE
from tgcnet.preprocess import IntensityWindow, decide_window
from tgcnet.report.rules import ReportReading, weigh_report
from tgcnet.weights.load import LoadedModel, load_model
from tgcnet.weights.manifest import Manifest

_LARGEST_HU = 100_000.0
"""No scanner's values come near; beyond float32's own range scaling would give no numbers."""


class Predictor:
    """One model on one device.

    Parameters
    ----------
    loaded : the network and its manifest
    device : where it runs; a run that runs out of memory there continues on the processor, with a
        notice
    """

    def __init__(self, loaded: LoadedModel, device: torch.device) -> None:
        self.manifest = loaded.manifest
        self.device = device
        self.loaded = loaded

    def read_report(self, text: str) -> ReportReading:
        """What the report says, what the encoder reads of it, and what the model can segment.

        Parameters
        ----------
        text : any report; a blank one reads as no report
        """
        report = tgcnet.report.read_report(text)
        return weigh_report(report, self.loaded.model.read_text(report), self.manifest.findings)

    def window(
        self, volume: Volume, window_hu: tuple[float, float] | None = None
    ) -> IntensityWindow:
        """The intensity window that :meth:`segment` uses for a volume; raises as that does."""
        return _decide_window(volume, _with_window(self.manifest.preprocess, window_hu), window_hu)

    def segment(
        self,
        volume: Volume,
        report: str | Report | None = None,
        *,
        slices: slice | None = None,
        threshold: float | None = None,
        window_hu: tuple[float, float] | None = None,
        keep_probability: bool = True,
        on_progress: OnProgress | None = None,
        on_slice: OnSlice | None = None,
        on_notice: OnNotice | None = None,
        is_cancelled: IsCancelled | None = None,
        batch_size: int | None = None,
    ) -> Segmentation:
        """Segment what the report describes.

        Parameters
        ----------
        volume : (Z, Y, X) of any integer type or float32
        report : None or blank runs without a text; a report that denies every finding runs too:
            the caller checks first (:attr:`ReportReading.has_no_target`)
        slices : along Z, step 1, half open, within the volume; None means all
        threshold : in (0, 1); None means the manifest's
        window_hu : centre and width, for a CT in Hounsfield units; None means the manifest's
        keep_probability : False for labels alone, which saves two bytes a voxel and class
        on_progress : receives the finished fraction in [0, 1]; returning False cancels
        on_slice : receives z, probability (C, Y, X) float32 and labels (Y, X) uint8 as they come
        on_notice : receives a sentence where memory ran out and the run went on differently
        is_cancelled : called before each batch
        batch_size : slices at once, at least 1; None means 8 on a processor, 16 on a GPU

        Returns
        -------
        Segmentation
            On the volume's own grid; all other slices are 0.

        Raises
        ------
        InputError
            If slices, threshold, window or batch size are out of bounds, the modality is unknown,
            or a window is stated for what is no CT in Hounsfield units.
        Cancelled
            If a callback cancelled; finished slices were handed to ``on_slice``.
        DeviceError
            If not even the processor has room for one slice.
        """
        indices = slice_indices(slices, len(volume.array))
        postprocess = _with_threshold(self.manifest.postprocess, threshold)
        runner = self._runner(batch_size, on_notice)
        preprocess = _with_window(self.manifest.preprocess, window_hu)
        window = _decide_window(volume, preprocess, window_hu)
        runner.encode(self.loaded.model.read_text(_as_report(report)))
        probability, labels = run_slices(
            runner,
            volume,
            indices,
            window=window,
            preprocess=preprocess,
            postprocess=postprocess,
            num_classes=len(self.manifest.classes),
            keep_probability=keep_probability,
            listeners=Listeners(
                on_progress=on_progress, on_slice=on_slice, is_cancelled=is_cancelled
            ),
        )
        return Segmentation(
            probability=probability,
            labels=labels,
            classes=self.manifest.classes,
            geometry=volume.geometry,
            provenance=_provenance(self.manifest, postprocess.threshold, runner.device, window_hu),
        )

    def _runner(self, batch_size: int | None, on_notice: OnNotice | None) -> BatchRunner:
        if batch_size is not None and batch_size < 1:
            raise InputError(f"batch_size must be at least 1, got {batch_size}")
        size = default_batch_size(self.device) if batch_size is None else batch_size
        return BatchRunner(self.loaded.model, self.device, size, on_notice)


def load_predictor(model: str | None = None, device: str = "auto") -> Predictor:
    """Load a model by its name or folder, ready on a device; None means the active model.

    Raises
    ------
    DeviceError
        If the device is not there.
    CheckpointError
        If the model is not there, damaged or refused.
    """
    resolved = resolve_device(device)  # first: it is quick, and loading is not
    return Predictor(load_model(model), resolved)


def slice_indices(slices: slice | None, num_slices: int) -> range:
    """The requested slices, as indices along Z.

    Raises
    ------
    InputError
        If they are not within [0, num_slices), are none at all, or leave some out.
    """
    if slices is None:
        return range(num_slices)
    start = 0 if slices.start is None else slices.start
    stop = num_slices if slices.stop is None else slices.stop
    if slices.step not in (None, 1):
        raise InputError(f"slices must follow each other (step 1), got a step of {slices.step}")
    if not 0 <= start < stop <= num_slices:
        raise InputError(
            f"slices {start}:{stop} do not lie within this image, which has {num_slices}; give "
            f"A:B with 0 <= A < B <= {num_slices} (A is the first, B comes after the last)"
        )
    return range(start, stop)


def _with_threshold(postprocess: PostprocessConfig, threshold: float | None) -> PostprocessConfig:
    """The model's own way to labels, with another threshold where one is stated."""
    if threshold is None:
        return postprocess
    try:
        return replace(postprocess, threshold=threshold)
    except ConfigError as error:
        raise InputError(f"{error}; leave it out for the model's own") from error


def _with_window(
    preprocess: PreprocessConfig, window_hu: tuple[float, float] | None
) -> PreprocessConfig:
    """The model's own preparation, with another CT window where one is stated."""
    if window_hu is None:
        return preprocess
    centre, width = window_hu
    # Written so that NaN is refused, too.
    if not (abs(centre) <= _LARGEST_HU and 0 < width <= _LARGEST_HU):
        raise InputError(
            f"{_window_text(window_hu)} is no intensity window, expected centre and width in "
            "Hounsfield units with a width above 0, such as -600/1500; leave it out for the "
            "model's own"
        )
    return replace(preprocess, window_centre_hu=centre, window_width_hu=width)


def _decide_window(
    volume: Volume, preprocess: PreprocessConfig, window_hu: tuple[float, float] | None
) -> IntensityWindow:
    """The window of a volume; a stated one is never ignored silently."""
    window = decide_window(volume, preprocess)
    if window_hu is not None and window.unit != "HU":
        raise InputError(
            f"A window of {_window_text(window_hu)} Hounsfield units was given, but the image is "
            "no CT in Hounsfield units; leave the window out, or state the modality if it is one."
        )
    return window


def _window_text(window_hu: tuple[float, float]) -> str:
    return f"{window_hu[0]:g}/{window_hu[1]:g}"


def _as_report(report: str | Report | None) -> Report:
    if isinstance(report, Report):
        return report
    return tgcnet.report.read_report(report or "")


def _provenance(
    manifest: Manifest,
    threshold: float,
    device: torch.device,
    window_hu: tuple[float, float] | None,
) -> dict[str, str]:
    """Where a mask comes from; nothing of the patient."""
    stated = {} if window_hu is None else {"window_hu": _window_text(window_hu)}
    return {
        "model": manifest.name,
        "sha256": manifest.sha256,
        "tgcnet": __version__,
        "torch": torch.__version__,
        "threshold": f"{threshold:g}",
        "device": str(device),
        "notice": RESEARCH_NOTICE,
        **stated,
    }
