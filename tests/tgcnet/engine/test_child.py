"""The real child with a real, tiny model: everything but trained weights."""

import os
import sys
from pathlib import Path

import numpy as np
import pytest

from tgcnet.domain import Geometry, Modality, Volume
from tgcnet.engine.client import EngineClient
from tgcnet.engine.protocol import (
    Begun,
    Cancelled,
    Died,
    Failed,
    Finished,
    Loaded,
    Progress,
    Ready,
    ReportRead,
    SliceDone,
)
from tgcnet.io.report_key import report_provenance


@pytest.fixture(scope="module")
def collected(events_class):
    return events_class()


@pytest.fixture(scope="module")
def engine(tiny_model_folder: Path, collected, tmp_path_factory: pytest.TempPathFactory):
    """One child for this module: it takes seconds to import what it needs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TGCNET_MODELS", str(tiny_model_folder.parent))
        patch.setenv("OMP_NUM_THREADS", "1")
        client = EngineClient(collected, log_file=tmp_path_factory.mktemp("log") / "engine.log")
        client.start()
        yield client
        client.close()


@pytest.fixture
def until(collected):
    """Waits for an event; the first one waits for torch, too."""
    return lambda kind, request=None: collected.until(kind, request, timeout_s=200.0)


def make_ct(depth: int) -> Volume:
    """A CT-like phantom: soft tissue around air, brighter from slice to slice."""
    array = np.full((depth, 40, 56), -900, np.int16)
    array[:, 8:20, 10:30] = np.linspace(-600, 50, depth).astype(np.int16)[:, None, None]
    geometry = Geometry(affine_lps=np.diag([2.5, 0.7, 0.7, 1.0]), unit="mm")
    return Volume(array=array, geometry=geometry, modality=Modality.CT, intensity_unit="HU")


def test_it_describes_devices_and_models(engine, collected, until, tiny_model_folder) -> None:
    request = engine.describe()
    ready = until(Ready, request)
    assert ready.devices[0].name == "cpu"
    tiny = next(model for model in ready.models if model.name == "tiny")
    assert tiny.findings == ("pulmonary infection",)
    assert (tiny.classes[0].name, tiny.classes[0].colour) == ("infection", (230, 60, 60))
    assert (tiny.threshold, tiny.licence) == (0.5, "none: random numbers")
    assert len(tiny.sha256) == 64


def test_it_says_what_it_reads_of_a_report(engine, until) -> None:
    text = "Bilateral pulmonary infection zebra. Left pneumothorax."
    request = engine.read_report(text, model="tiny")
    read = until(ReportRead, request)
    assert read.sentences_kept[0].startswith("Bilateral pulmonary infection")
    assert "zebra" in read.words_left_out
    assert not read.only_absent


def test_its_labels_are_the_predictors(engine, until, tiny_model_folder: Path) -> None:
    from tgcnet.inference.predictor import load_predictor

    volume, report = make_ct(20), "Bilateral pulmonary infection."
    request = engine.segment(
        volume, model="tiny", device="cpu", report=report, slices=(2, 19), threshold=0.45
    )
    begun = until(Begun, request)
    window = begun.window
    finished = until(Finished, request)
    expected = load_predictor(str(tiny_model_folder), "cpu").segment(
        volume, report, slices=slice(2, 19), threshold=0.45
    )
    labels = engine.labels_view(request)
    # Random weights and another process's threads: pixels right at the threshold may differ.
    assert (labels == expected.labels).mean() > 0.999
    assert not labels[[0, 1, 19]].any()
    assert (finished.slices_done, finished.device) == (17, "cpu")
    assert (window.low, window.high, window.unit) == (-1350, 150, "HU")
    assert begun.about_report == report_provenance(report)
    assert finished.provenance == {**expected.provenance, **begun.about_report}


def test_progress_comes_once_a_batch(engine, collected, until) -> None:
    request = engine.segment(make_ct(20), model="tiny", device="cpu")
    until(Finished, request)
    mine = [e for e in collected.seen if getattr(e, "request", None) == request]
    assert [e.z for e in mine if isinstance(e, SliceDone)] == list(range(20))
    progress = [(e.done, e.total) for e in mine if isinstance(e, Progress)]
    assert progress == [(8, 20), (16, 20), (20, 20)]
    assert not [e for e in mine if isinstance(e, Loaded)]  # it was in memory


def test_cancel_stops_it_between_batches(engine, until) -> None:
    request = engine.segment(make_ct(400), model="tiny", device="cpu")
    until(SliceDone, request)
    engine.cancel(request)
    assert until(Cancelled, request).slices_done < 400


@pytest.mark.parametrize(
    ("change", "kind", "says"),
    [
        ({"slices": (3, 99)}, "InputError", "slices 3:99 do not lie within this image"),
        ({"threshold": 1.5}, "InputError", "threshold must lie between 0 and 1"),
        ({"model": "no-such-model"}, "CheckpointError", "no model called 'no-such-model'"),
        ({"device": "cuda:77"}, "DeviceError", "Device 'cuda:77' is not here"),
        ({"device": "tpu"}, "DeviceError", "'tpu' is no device"),
    ],
)
def test_what_it_cannot_do_is_a_sentence(engine, collected, until, change, kind, says) -> None:
    request = engine.segment(make_ct(4), **{"model": "tiny", "device": "cpu", **change})
    failed = until(Failed, request)
    assert failed.kind == kind
    assert says in failed.sentence


def test_an_unknown_modality_has_a_kind_of_its_own(engine, until) -> None:
    array = np.full((1, 40, 40), 300, np.uint16)
    array[0, 5:9, 5:9] = 4000
    volume = Volume(array=array, geometry=Geometry(affine_lps=np.eye(4)), modality=Modality.UNKNOWN)
    request = engine.segment(volume, model="tiny", device="cpu")
    assert until(Failed, request).kind == "ModalityUnknownError"


@pytest.mark.skipif(not hasattr(os, "sched_getaffinity"), reason="asks for our processors")
def test_threads_of_one_core_count_once(tmp_path: Path, monkeypatch) -> None:
    from tgcnet.engine.backend import num_physical_cores

    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2, 5})
    assert num_physical_cores(tmp_path) is None
    for cpu, siblings in {0: "0,4", 1: "1,5", 2: "2,6", 5: "1,5"}.items():
        folder = tmp_path / f"cpu{cpu}" / "topology"
        folder.mkdir(parents=True)
        (folder / "thread_siblings_list").write_text(f"{siblings}\n")
    assert num_physical_cores(tmp_path) == 3


@pytest.mark.slow  # imports torch a second time; test_client does the same without
@pytest.mark.skipif(sys.platform == "win32", reason="sends a signal")
def test_killed_in_mid_run_it_is_replaced(engine, until) -> None:
    request = engine.segment(make_ct(400), model="tiny", device="cpu")
    until(SliceDone, request)
    os.kill(engine.process_id, 9)
    died = until(Died)
    assert (died.exit_code, died.requests) == (-9, (request,))
    assert engine.labels_view(request).shape == (400, 40, 56)
    again = engine.segment(make_ct(2), model="tiny", device="cpu")
    assert until(Finished, again).slices_done == 2
