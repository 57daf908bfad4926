"""Calibration by hand, beside torchmetrics', and near a lesion."""

import numpy as np
import pytest
import torch

from tgcnet.domain import Geometry, Modality, Volume
from tgcnet.evaluation.calibration import (
    Calibration,
    CalibrationMeter,
    calibration_to_json,
    count_bins,
    near_lesion,
)
from tgcnet.evaluation.results import Drawn


def drawn(probability: np.ndarray, reference: np.ndarray, threshold: float = 0.5) -> Drawn:
    """``probability`` (C, Y, X), ``reference`` (Y, X)."""
    winner = probability.argmax(axis=0) + 1
    return Drawn(
        volume=Volume(
            array=np.zeros((1, *reference.shape), np.uint8),
            geometry=Geometry(affine_lps=np.eye(4)),
            modality=Modality.XRAY,
        ),
        text="",
        reference=reference.astype(np.uint8),
        labels=np.where(probability.max(axis=0) >= threshold, winner, 0).astype(np.uint8),
        probability=probability.astype(np.float16),
    )


def measured(*of: Drawn, names: tuple[str, ...] = ()) -> tuple[Calibration, ...]:
    meter = CalibrationMeter(names)
    for one in of:
        meter.add(one)
    return meter.result()


def test_the_error_by_hand() -> None:
    # Ten pixels said 0.25, of which 4 are marked; ten said 0.75, of which 9 are.
    probability = np.repeat([0.25, 0.75], 10).reshape(1, 4, 5)
    reference = np.array([1] * 4 + [0] * 6 + [1] * 9 + [0]).reshape(4, 5)
    (one,) = measured(drawn(probability, reference))
    assert one.whole.error == pytest.approx((10 * 0.15 + 10 * 0.15) / 20)
    assert one.whole.num_pixels.nonzero()[0].tolist() == [3, 11]  # of [3/15, 4/15), [11/15, 12/15)
    assert one.whole.frequency[[3, 11]] == pytest.approx([0.4, 0.9])
    assert np.isnan(one.whole.confidence[0])


def test_the_ends_have_their_bins() -> None:
    counts = count_bins(np.array([0.0, 1.0, 1.0]), np.array([False, True, False]))
    assert counts[:, 0].tolist() == [1, 0, 0]
    assert counts[:, -1].tolist() == [2, 2, 1]


def test_images_add_up() -> None:
    generator = np.random.default_rng(0)
    parts = [drawn(generator.random((1, 8, 8)), generator.random((8, 8)) > 0.6) for _ in range(3)]
    singles = [measured(part)[0].whole for part in parts]
    together = measured(*parts)[0].whole
    np.testing.assert_array_equal(together.num_pixels, sum(one.num_pixels for one in singles))
    together_marked = np.nan_to_num(together.frequency * together.num_pixels)
    marked = sum(np.nan_to_num(one.frequency * one.num_pixels) for one in singles)
    np.testing.assert_allclose(together_marked, marked)


@pytest.mark.parametrize("seed", range(3))
def test_the_error_is_torchmetrics(seed: int) -> None:
    classification = pytest.importorskip("torchmetrics.classification")
    generator = np.random.default_rng(seed)
    probability = generator.beta(0.4, 0.6, (1, 30, 40)).astype(np.float16)
    reference = generator.random((30, 40)) < probability[0] ** 1.5
    # torchmetrics gives a probability of exactly 1 a bin of its own, behind the last.
    probability = np.minimum(probability, np.float16(0.999))
    theirs = classification.BinaryCalibrationError(n_bins=15, norm="l1")
    theirs.update(torch.from_numpy(probability[0]).float(), torch.from_numpy(reference).long())
    (ours,) = measured(drawn(probability, reference))
    assert ours.whole.error == pytest.approx(float(theirs.compute()), abs=1e-5)


def test_near_is_a_sixteenth_of_the_longer_side() -> None:
    mask = np.zeros((32, 64), dtype=bool)
    mask[10, 20] = True
    rows, columns = near_lesion(mask).nonzero()
    assert (rows.min(), rows.max(), columns.min(), columns.max()) == (6, 14, 16, 24)
    assert len(rows) == 81
    assert not near_lesion(np.zeros((32, 64), dtype=bool)).any()


def test_background_hides_an_error_that_is_there_near_the_lesion() -> None:
    probability = np.zeros((1, 64, 64))
    probability[0, 30:34, 30:34] = 0.9
    reference = np.zeros((64, 64))
    reference[30:34, 30:32] = 1  # half of what was sure is right
    (one,) = measured(drawn(probability, reference))
    assert one.whole.error == pytest.approx(16 * 0.4 / 64**2, rel=1e-3)
    assert one.near.error == pytest.approx(16 * 0.4 / 12**2, rel=1e-3)


def test_a_set_without_any_lesion_says_nothing_near_one() -> None:
    (one,) = measured(drawn(np.full((1, 8, 8), 0.1), np.zeros((8, 8))))
    assert one.near.error is None
    assert one.whole.error == pytest.approx(0.1, abs=1e-3)


def test_each_class_by_itself_or_their_union() -> None:
    probability = np.zeros((2, 8, 8))
    probability[0, :4], probability[1, 4:] = 0.8, 0.6
    reference = np.zeros((8, 8))
    reference[:4] = 1
    first, second = measured(drawn(probability, reference), names=("a", "b"))
    assert (first.name, second.name) == ("a", "b")
    assert first.whole.error == pytest.approx(0.5 * 0.2, rel=1e-2)
    assert second.whole.error == pytest.approx(0.5 * 0.6, rel=1e-2)
    (union,) = measured(drawn(probability, reference))
    assert union.name == "any"
    assert union.whole.error == pytest.approx(0.4, rel=1e-2)


def test_the_numbers_as_json() -> None:
    (one,) = measured(drawn(np.full((1, 4, 4), 0.25), np.ones((4, 4))))
    values = calibration_to_json(one)
    assert values["class"] == "any"
    assert values["ece"] == pytest.approx(0.75)
    whole = values["whole_image"]
    assert isinstance(whole, dict)
    assert whole["num_pixels"] == [0, 0, 0, 16, *[0] * 11]
    assert (whole["confidence"][3], whole["frequency"][3], whole["frequency"][0]) == (0.25, 1, None)
