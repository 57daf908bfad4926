"""The real child with models that need no torch; the name of a model says how it behaves."""

import os
import signal
import sys
import time
from types import ModuleType

import numpy as np

from tgcnet.domain import SegmentationClass
from tgcnet.engine.protocol import DeviceInfo, ModelInfo, ReportRead, ShownWindow
from tgcnet.errors import Cancelled, CheckpointError, ModalityUnknownError

LESION = SegmentationClass(name="lesion", colour=(255, 0, 0), code="49755003")
CPU = DeviceInfo(name="cpu", label="CPU", free_bytes=None, total_bytes=None)
BEHAVIOURS = (
    "quick", "slow", "stuck", "segfaulting", "exiting", "printing", "defective", "greedy", "unsure",
)  # fmt: skip


class FakeModel:
    """Labels every voxel above 0 with 1, and notices what its name says."""

    def __init__(self, name: str) -> None:
        self.name = name

    def read_report(self, request):
        sentences = tuple(part.strip() for part in request.text.split(".") if part.strip())
        return ReportRead(
            request=request.request,
            sentences_kept=sentences[:2],
            sentences_left_out=sentences[2:],
            words_left_out=(),
            segmentable=("lesion",),
            not_segmentable=(),
            only_absent=False,
        )

    def window(self, volume, window_hu):
        centre, width = window_hu or (-600.0, 1500.0)
        low, high = centre - width / 2, centre + width / 2
        return ShownWindow(low=low, high=high, unit=volume.intensity_unit)

    def segment(
        self,
        volume,
        report,
        *,
        slices,
        threshold,
        window_hu,
        on_progress,
        on_slice,
        on_notice,
        is_cancelled,
    ):
        self._misbehave(report)
        indices = range(*(slices or slice(None)).indices(len(volume.array)))
        for done, z in enumerate(indices, 1):
            if is_cancelled():
                raise Cancelled("The run was cancelled.")
            plane = volume.array[z]
            on_slice(z, plane[None].astype(np.float32), (plane > 0).astype(np.uint8))
            on_progress(done / len(indices))
            if self.name == "slow":
                time.sleep(0.05)
        window = f", window {window_hu}" if window_hu else ""
        on_notice(f"dtype {volume.array.dtype}, threshold {threshold}{window}")
        return {"device": "cpu", "model": self.name}

    def _misbehave(self, report):
        match self.name:
            case "stuck":
                time.sleep(600)
            case "segfaulting":
                os.kill(os.getpid(), signal.SIGSEGV)
            case "exiting":
                os._exit(7)
            case "printing":
                sys.stdout.write("a library's banner\n")
                os.write(1, b"a C library's banner\n")
            case "defective":
                raise ValueError(f"cannot parse {report!r} here")
            case "greedy":
                raise MemoryError
            case "unsure":
                raise ModalityUnknownError("Say whether this is a CT or a radiograph.")


class FakeBackend:
    """Lists every behaviour as a model."""

    def describe(self):
        models = (
            ModelInfo(
                name=name,
                findings=("lesion",),
                classes=(LESION,),
                threshold=0.5,
                licence="none",
                sha256="0" * 64,
            )
            for name in BEHAVIOURS
        )
        return (CPU,), tuple(models)

    def device_name(self, device):
        return "cpu" if device == "auto" else device

    def load(self, model, device):
        if model not in BEHAVIOURS:
            raise CheckpointError(f"There is no model called {model!r}.")
        return FakeModel(model)


def main() -> None:
    """Put the fake in the backend's place and run the real child."""
    from tgcnet.engine import child

    backend = ModuleType("tgcnet.engine.backend")
    vars(backend).update(TorchBackend=FakeBackend, set_threads=lambda: None)
    sys.modules["tgcnet.engine.backend"] = backend
    child._leave(child.main())


if __name__ == "__main__":
    main()
