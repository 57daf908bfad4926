"""One text over a stack: shapes, bounds, batches, memory, cancelling."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tgcnet.inference.volume_runner
import tgcnet.preprocess
from tgcnet.config import PostprocessConfig
from tgcnet.domain import EncodedText, Modality, Report, Volume
from tgcnet.errors import Cancelled, DeviceError, InputError, ModalityUnknownError
from tgcnet.inference.predictor import Predictor, load_predictor, slice_indices
from tgcnet.inference.volume_runner import BatchRunner, is_out_of_memory
from tgcnet.models import TextFeatures, TgcNet
from tgcnet.postprocess import to_labels

REPORT = "Bilateral pulmonary infection, lower left lung."
FORWARD = TgcNet.forward


def test_the_answer_lies_on_the_images_grid(predictor: Predictor, stack: Volume) -> None:
    answer = predictor.segment(stack, REPORT)
    assert answer.probability is not None
    assert answer.probability.shape == (1, *stack.array.shape)
    assert answer.probability.dtype == np.float16
    assert answer.labels.shape == stack.array.shape
    assert answer.labels.dtype == np.uint8
    assert 0 <= answer.probability.min() < answer.probability.max() <= 1
    assert answer.geometry is stack.geometry
    assert answer.classes == predictor.manifest.classes


def test_a_tmca_answers_as_a_tgcnet_does(tiny_tmca_folder: Path, stack: Volume) -> None:
    tmca = load_predictor(str(tiny_tmca_folder), "cpu")
    answer, silent = tmca.segment(stack, REPORT), tmca.segment(stack)
    assert answer.labels.shape == stack.array.shape
    assert answer.provenance["model"] == "tiny-tmca"
    assert answer.probability is not None
    assert silent.probability is not None
    assert not np.array_equal(answer.probability, silent.probability)
    singles = tmca.segment(stack, REPORT, batch_size=1)
    assert singles.probability is not None
    np.testing.assert_allclose(singles.probability, answer.probability, atol=2e-3)


def test_labels_can_be_made_again_from_the_probability(predictor: Predictor, stack: Volume) -> None:
    answer = predictor.segment(stack, REPORT, threshold=0.45)
    assert answer.probability is not None
    again = to_labels(answer.probability.astype(np.float32), PostprocessConfig(threshold=0.45))
    np.testing.assert_array_equal(again, answer.labels)


def test_batch_equals_singles(predictor: Predictor, stack: Volume) -> None:
    together = predictor.segment(stack, REPORT, batch_size=11).probability
    single = predictor.segment(stack, REPORT, batch_size=1).probability
    assert together is not None
    assert single is not None
    np.testing.assert_allclose(together, single, atol=1e-3)


def test_the_text_is_encoded_once_whatever_the_stacks_length(
    predictor: Predictor, stack: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[int] = []
    encode = TgcNet.encode_text

    def count(model: TgcNet, texts: Sequence[EncodedText]) -> TextFeatures:
        calls.append(len(texts))
        return encode(model, texts)

    monkeypatch.setattr(TgcNet, "encode_text", count)
    predictor.segment(stack, REPORT, batch_size=2)
    assert calls == [1]


def test_a_report_read_before_its_run_is_not_read_again(
    tiny_model_folder: Path, stack: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []
    read_text = TgcNet.read_text

    def count(model: TgcNet, report: Report) -> EncodedText:
        read.append(report.text)
        return read_text(model, report)

    monkeypatch.setattr(TgcNet, "read_text", count)
    predictor = load_predictor(str(tiny_model_folder), "cpu")
    reading = predictor.read_report(REPORT)
    first = predictor.segment(stack, REPORT)
    assert read == [REPORT]
    silent = predictor.segment(stack)
    again = predictor.segment(stack, REPORT)
    assert read == [REPORT, "", REPORT]
    assert predictor.read_report(REPORT) == reading
    assert first.probability is not None
    assert again.probability is not None
    assert silent.probability is not None
    np.testing.assert_array_equal(first.probability, again.probability)
    assert not np.array_equal(silent.probability, again.probability)


def test_only_the_slices_asked_for_are_prepared(
    predictor: Predictor, stack: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepared: list[int] = []
    prepare = tgcnet.preprocess.prepare_plane

    def count(plane: np.ndarray, *rest: Any) -> object:
        prepared.append(
            int(np.flatnonzero([plane is p or (plane == p).all() for p in stack.array])[0])
        )
        return prepare(plane, *rest)

    monkeypatch.setattr(tgcnet.inference.volume_runner, "prepare_plane", count)
    answer = predictor.segment(stack, REPORT, slices=slice(3, 6))
    assert prepared == [3, 4, 5]
    outside = np.r_[0:3, 6:11]
    assert answer.probability is not None
    assert not answer.probability[:, outside].any()
    assert not answer.labels[outside].any()
    assert answer.probability[:, 3:6].any(axis=(0, 2, 3)).all()


def test_a_slice_is_the_same_alone_and_in_its_stack(predictor: Predictor, stack: Volume) -> None:
    whole = predictor.segment(stack, REPORT).probability
    alone = predictor.segment(stack, REPORT, slices=slice(4, 5)).probability
    assert whole is not None
    assert alone is not None
    np.testing.assert_allclose(whole[:, 4], alone[:, 4], atol=1e-3)


@pytest.mark.parametrize("blank", [None, "", "  \n"])
def test_a_blank_report_runs_without_a_text(
    predictor: Predictor, stack: Volume, blank: str | None
) -> None:
    first = predictor.segment(stack, blank, slices=slice(0, 1))
    second = predictor.segment(stack, None, slices=slice(0, 1))
    np.testing.assert_array_equal(first.probability, second.probability)


def test_a_read_report_equals_its_text(predictor: Predictor, stack: Volume) -> None:
    read = predictor.read_report(REPORT).report
    first = predictor.segment(stack, read, slices=slice(0, 1)).probability
    np.testing.assert_array_equal(
        first, predictor.segment(stack, REPORT, slices=slice(0, 1)).probability
    )


def test_provenance_says_what_made_the_mask_and_nothing_of_the_patient(
    predictor: Predictor, stack: Volume
) -> None:
    provenance = predictor.segment(stack, REPORT, slices=slice(0, 1), threshold=0.25).provenance
    assert provenance["model"] == "tiny"
    assert provenance["sha256"] == predictor.manifest.sha256
    assert provenance["threshold"] == "0.25"
    assert provenance["device"] == "cpu"
    assert provenance["torch"] == torch.__version__
    assert provenance["notice"] == "Research use only. Not a medical device."
    written = " ".join(provenance.values())
    assert "Somebody" not in written
    assert "lower left" not in written


def test_slices_arrive_one_by_one_and_progress_ends_at_one(
    predictor: Predictor, stack: Volume
) -> None:
    slices: dict[int, tuple[np.ndarray, np.ndarray]] = {}
    fractions: list[float] = []

    def on_slice(z: int, probability: np.ndarray, labels: np.ndarray) -> None:
        assert probability.dtype == np.float32
        slices[z] = (probability.copy(), labels.copy())

    answer = predictor.segment(
        stack,
        REPORT,
        slices=slice(2, 9),
        batch_size=3,
        on_slice=on_slice,
        on_progress=fractions.append,
    )
    assert list(slices) == list(range(2, 9))
    assert fractions == pytest.approx([3 / 7, 6 / 7, 1.0])
    assert answer.probability is not None
    for z, (probability, labels) in slices.items():
        np.testing.assert_array_equal(probability, answer.probability[:, z])
        np.testing.assert_array_equal(labels, answer.labels[z])


def test_a_cancelled_run_keeps_its_finished_slices(predictor: Predictor, stack: Volume) -> None:
    finished: list[int] = []
    with pytest.raises(Cancelled, match="slices finished before that are kept"):
        predictor.segment(
            stack,
            REPORT,
            batch_size=4,
            on_slice=lambda z, *_: finished.append(z),
            is_cancelled=lambda: len(finished) >= 8,
        )
    assert finished == list(range(8))


def test_progress_may_cancel(predictor: Predictor, stack: Volume) -> None:
    finished: list[int] = []
    with pytest.raises(Cancelled):
        predictor.segment(
            stack,
            REPORT,
            batch_size=4,
            on_slice=lambda z, *_: finished.append(z),
            on_progress=lambda _: False,
        )
    assert finished == [0, 1, 2, 3]


@pytest.mark.parametrize(
    "slices", [slice(0, 12), slice(-1, 3), slice(5, 5), slice(6, 2), slice(11, None)]
)
def test_slices_out_of_bounds_are_refused(
    predictor: Predictor, stack: Volume, slices: slice
) -> None:
    with pytest.raises(InputError, match=r"do not lie within this image, which has 11; give A:B"):
        predictor.segment(stack, REPORT, slices=slices)


def test_slices_with_gaps_are_refused() -> None:
    with pytest.raises(InputError, match="got a step of 2"):
        slice_indices(slice(0, 4, 2), 11)


def test_slices_may_leave_an_end_open() -> None:
    assert slice_indices(None, 3) == range(3)
    assert slice_indices(slice(None, 2), 3) == range(2)
    assert slice_indices(slice(1, None), 3) == range(1, 3)


@pytest.mark.parametrize("threshold", [0.0, 1.0, -0.5, 2.0, float("nan")])
def test_a_threshold_out_of_bounds_is_refused(
    predictor: Predictor, stack: Volume, threshold: float
) -> None:
    with pytest.raises(InputError, match="threshold must lie between 0 and 1"):
        predictor.segment(stack, REPORT, threshold=threshold)


def test_a_batch_of_none_is_refused(predictor: Predictor, stack: Volume) -> None:
    with pytest.raises(InputError, match="batch_size must be at least 1, got 0"):
        predictor.segment(stack, REPORT, batch_size=0)


def test_an_unknown_modality_is_refused(predictor: Predictor, stack: Volume) -> None:
    with pytest.raises(ModalityUnknownError, match="--modality ct or --modality xray"):
        predictor.segment(replace(stack, modality=Modality.UNKNOWN), REPORT)


def test_out_of_memory_halves_the_batch_and_says_so(
    predictor: Predictor, stack: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = predictor.segment(stack, REPORT).probability
    sizes: list[int] = []

    def small_memory(model: TgcNet, image: torch.Tensor, text: TextFeatures) -> object:
        sizes.append(len(image))
        if len(image) > 2:
            raise torch.OutOfMemoryError("out of memory")
        return FORWARD(model, image, text)

    monkeypatch.setattr(TgcNet, "forward", small_memory)
    notices: list[str] = []
    answer = predictor.segment(stack, REPORT, on_notice=notices.append)
    assert sizes[:3] == [8, 4, 2]
    assert notices == [
        "cpu ran out of memory; going on with batches of 4.",
        "cpu ran out of memory; going on with batches of 2.",
    ]
    assert answer.probability is not None
    assert expected is not None
    np.testing.assert_allclose(answer.probability, expected, atol=1e-3)


def test_a_gpu_without_room_hands_over_to_the_processor(
    tiny_model_folder: Path, stack: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_cpu = load_predictor(str(tiny_model_folder), "cpu")
    expected = on_cpu.segment(stack, REPORT).probability
    pretended = Predictor(on_cpu.loaded, torch.device("cuda:0"))
    forward = BatchRunner._forward

    def no_room(runner: BatchRunner, batch: np.ndarray) -> np.ndarray:
        if runner.device.type == "cuda":
            raise torch.OutOfMemoryError("CUDA out of memory")
        return forward(runner, batch)

    monkeypatch.setattr(BatchRunner, "_forward", no_room)
    monkeypatch.setattr(TgcNet, "to", lambda model, *_, **__: model)
    notices: list[str] = []
    answer = pretended.segment(stack, REPORT, batch_size=2, on_notice=notices.append)
    assert notices == [
        "cuda:0 ran out of memory; going on with batches of 1.",
        "cuda:0 ran out of memory; going on with the CPU, which is slower.",
    ]
    assert answer.provenance["device"] == "cpu"
    assert answer.probability is not None
    assert expected is not None
    np.testing.assert_allclose(answer.probability, expected, atol=1e-3)


def test_a_processor_without_room_is_a_sentence(
    predictor: Predictor, stack: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_room(model: TgcNet, image: torch.Tensor, text: TextFeatures) -> object:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory")

    monkeypatch.setattr(TgcNet, "forward", no_room)
    with pytest.raises(DeviceError, match="out of memory with a single slice"):
        predictor.segment(stack, REPORT, batch_size=1)


@pytest.mark.parametrize(
    "words",
    [
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "cuDNN error: CUDNN_STATUS_ALLOC_FAILED",
        "cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED",
        "CUDA error: out of memory",
        "[enforce fail] DefaultCPUAllocator: can't allocate memory",
    ],
)
def test_a_lack_of_memory_is_known_by_its_words(words: str) -> None:
    assert is_out_of_memory(RuntimeError(words))
    assert not is_out_of_memory(RuntimeError("CUDA error: CUBLAS_STATUS_EXECUTION_FAILED"))


def test_another_runtime_error_is_ours_and_stays(
    predictor: Predictor, stack: Volume, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(model: TgcNet, image: torch.Tensor, text: TextFeatures) -> object:
        raise RuntimeError("shapes do not match")

    monkeypatch.setattr(TgcNet, "forward", broken)
    with pytest.raises(RuntimeError, match="shapes do not match"):
        predictor.segment(stack, REPORT)


def test_the_model_can_be_trained_after_a_run(predictor: Predictor, stack: Volume) -> None:
    predictor.segment(stack, REPORT, slices=slice(0, 1))
    assert not any(p.is_inference() for p in predictor.loaded.model.parameters())


def test_an_absent_device_is_refused_before_loading() -> None:
    with pytest.raises(DeviceError, match="'cuda:99' is not here"):
        load_predictor("no such model", "cuda:99")


def test_labels_alone_are_the_same_labels(predictor: Predictor, stack: Volume) -> None:
    whole = predictor.segment(stack, REPORT, threshold=0.45)
    lean = predictor.segment(stack, REPORT, threshold=0.45, keep_probability=False)
    assert lean.probability is None
    np.testing.assert_array_equal(lean.labels, whole.labels)
