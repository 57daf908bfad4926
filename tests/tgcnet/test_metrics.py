"""Scores against values computed by hand, and against MONAI's and torchmetrics'."""

import numpy as np
import pytest
import torch
from monai.metrics import DiceMetric, compute_hausdorff_distance
from monai.metrics.utils import get_mask_edges, get_surface_distance
from scipy import ndimage

from tgcnet.errors import InputError
from tgcnet.metrics import MetricAccumulator, Metrics, hd95, sum_up


def mask_of(*rows: str) -> np.ndarray:
    return np.array([[c == "#" for c in row] for row in rows])


EMPTY = mask_of("....", "....")
PAIR = mask_of("##..", "....")
SQUARE = mask_of("##..", "##..")


def test_pooled_and_mean_differ_as_they_should() -> None:
    scores = MetricAccumulator()
    first = scores.add(PAIR, SQUARE)  # 2 of 2 and 4: dice 4/6, iou 2/4
    second = scores.add(mask_of("....", "...#"), mask_of("....", "..##"))  # dice 2/3, iou 1/2
    third = scores.add(mask_of("#...", "...."), mask_of("...#", "...."))  # 0
    result = scores.result()
    assert first.dice == pytest.approx(4 / 6)
    assert second.iou == pytest.approx(1 / 2)
    assert (third.dice, third.iou) == (0, 0)
    assert result.dice_mean == pytest.approx((4 / 6 + 2 / 3 + 0) / 3)
    assert result.iou_mean == pytest.approx((1 / 2 + 1 / 2 + 0) / 3)
    # Intersections 3, predictions 4, references 7.
    assert result.dice_pooled == pytest.approx(6 / 11)
    assert result.iou_pooled == pytest.approx(3 / 8)
    assert result.iou_pooled == pytest.approx(result.dice_pooled / (2 - result.dice_pooled))
    assert (result.num_images, result.num_empty) == (3, 0)


def test_an_empty_reference_counts_one_or_zero() -> None:
    scores = MetricAccumulator()
    scores.add(EMPTY, EMPTY)
    scores.add(PAIR, EMPTY)
    scores.add(EMPTY, PAIR)
    result = scores.result()
    assert result.dice_mean == pytest.approx(1 / 3)
    assert result.iou_mean == pytest.approx(1 / 3)
    assert result.dice_pooled == 0
    assert result.hd95_px is None
    assert (result.num_images, result.num_empty) == (3, 2)


def test_all_empty_is_right() -> None:
    scores = MetricAccumulator()
    scores.add(EMPTY, EMPTY)
    result = scores.result()
    assert (result.dice_pooled, result.iou_pooled, result.dice_mean) == (1, 1, 1)


def test_equal_masks() -> None:
    scores = MetricAccumulator()
    scores.add(SQUARE, SQUARE)
    result = scores.result()
    assert (result.dice_pooled, result.dice_mean, result.iou_mean, result.hd95_px) == (1, 1, 1, 0)


def test_the_distance_of_two_points_and_of_two_lines() -> None:
    one, other = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
    one[1, 1] = other[4, 5] = True
    assert hd95(one, other) == pytest.approx(5)
    lines = np.zeros((2, 9, 9), bool)
    lines[0, :, 2] = lines[1, :, 6] = True
    assert hd95(lines[0], lines[1]) == pytest.approx(4)


def test_the_95th_percentile_by_hand() -> None:
    line, longer = np.zeros((1, 20), bool), np.zeros((1, 20), bool)
    line[0, :10] = True
    longer[0, :12] = True
    # In one row every pixel is outline. Distances: ten zeros one way; ten zeros, 1 and 2 the
    # other way. Rank 0.95 * 21 = 19.95 lies between the 20th and 21st value: 0 and 1.
    assert hd95(line, longer) == pytest.approx(0.95)


def test_only_the_outline_counts() -> None:
    solid = np.zeros((30, 30), bool)
    solid[5:25, 5:25] = True
    ring = solid.copy()
    ring[6:24, 6:24] = False
    inner = np.zeros_like(solid)
    inner[8:22, 8:22] = True
    # A ring's inner edge is one pixel thick, so ring and solid have the same outline.
    assert hd95(solid, ring) == 0
    assert hd95(solid, inner) == hd95(inner, solid)
    assert 3 <= hd95(solid, inner) <= 3 * np.sqrt(2)


def test_the_distance_is_averaged_where_both_masks_have_pixels() -> None:
    scores = MetricAccumulator()
    scores.add(mask_of("#...", "...."), mask_of("..#.", "...."))  # 2
    scores.add(mask_of("#...", "...."), mask_of("...#", "...."))  # 3
    scores.add(EMPTY, PAIR)
    assert scores.result().hd95_px == pytest.approx(2.5)


def test_a_large_image_around_changes_nothing() -> None:
    generator = np.random.default_rng(4)
    small = generator.random((2, 20, 20)) > 0.7
    large = np.pad(small, ((0, 0), (300, 7), (9, 200)))
    assert hd95(small[0], small[1]) == hd95(large[0], large[1])


def test_bad_masks_are_refused() -> None:
    scores = MetricAccumulator()
    with pytest.raises(InputError, match="boolean planes, got 2 axes of uint8 and 2 axes of bool"):
        scores.add(SQUARE.astype(np.uint8), SQUARE)
    with pytest.raises(InputError, match="boolean planes, got 3 axes of bool"):
        scores.add(SQUARE[None], SQUARE[None])
    with pytest.raises(InputError, match=r"has 2 x 4 pixels and its reference the shape \(4, 2\)"):
        scores.add(SQUARE, SQUARE.T)
    with pytest.raises(InputError, match="There is no image to score"):
        sum_up([])
    with pytest.raises(InputError, match="needs two non-empty masks"):
        hd95(EMPTY, SQUARE)


def test_a_distance_in_mm_follows_each_axis() -> None:
    one, other = np.zeros((9, 9), bool), np.zeros((9, 9), bool)
    one[1, 1] = other[4, 5] = True  # 3 rows and 4 columns apart
    assert hd95(one, other, (2.0, 0.5)) == pytest.approx(np.hypot(6, 2))
    score = MetricAccumulator().add(one, other, spacing_yx_mm=(2.0, 0.5))
    assert [score.hd95_px, score.hd95_mm] == pytest.approx([5, np.hypot(6, 2)])
    assert MetricAccumulator().add(one, other).hd95_mm is None


def test_mm_are_averaged_where_they_are_known() -> None:
    scores = MetricAccumulator()
    scores.add(mask_of("#...", "...."), mask_of("..#.", "...."), spacing_yx_mm=(1.0, 0.7))
    scores.add(mask_of("#...", "...."), mask_of("...#", "...."))
    scores.add(EMPTY, PAIR, spacing_yx_mm=(1.0, 0.7))
    result = scores.result()
    assert [result.hd95_px, result.hd95_mm] == pytest.approx([2.5, 1.4])


@pytest.mark.parametrize("spacing", [(0.0, 1.0), (1.0, float("nan")), (float("inf"), 1.0)])
def test_an_absurd_spacing_is_refused(spacing: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="expected lengths above 0"):
        hd95(PAIR, SQUARE, spacing)


def blobs(seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Two overlapping masks (6, 40, 30) with holes, islands and pixels at the edge."""
    generator = np.random.default_rng(seed)
    smooth = ndimage.gaussian_filter(generator.normal(size=(2, 6, 40, 30)), (0, 0, 3, 3))
    pred = smooth[0] > 0
    return pred, (smooth[0] + 0.7 * smooth[1]) > 0


def metrics_of(pred: np.ndarray, ref: np.ndarray) -> Metrics:
    scores = MetricAccumulator()
    for one, other in zip(pred, ref, strict=True):
        scores.add(one, other)
    return scores.result()


def one_hot(mask: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(mask)[:, None].float()  # (B, 1, Y, X)


@pytest.mark.parametrize("seed", range(3))
def test_the_mean_dice_is_monais_with_empty_references_kept(seed: int) -> None:
    pred, ref = blobs(seed)
    pred[0], ref[0], ref[1] = False, False, False  # right about nothing; wrong about nothing
    theirs = DiceMetric(reduction="mean", ignore_empty=False)
    theirs(one_hot(pred), one_hot(ref))
    ours = metrics_of(pred, ref)
    mean = theirs.aggregate()
    assert isinstance(mean, torch.Tensor)
    assert ours.dice_mean == pytest.approx(float(mean), abs=1e-6)
    # By default MONAI leaves images with an empty reference out of the mean.
    default = DiceMetric(reduction="mean")
    default(one_hot(pred), one_hot(ref))
    mean = default.aggregate()
    assert isinstance(mean, torch.Tensor)
    assert float(mean) == pytest.approx(metrics_of(pred[2:], ref[2:]).dice_mean)


@pytest.mark.parametrize("seed", range(3))
def test_both_conventions_are_those_of_torchmetrics(seed: int) -> None:
    segmentation = pytest.importorskip("torchmetrics.segmentation")
    pred, ref = blobs(seed)
    ref[1] = False
    values = {}
    for level in ("samplewise", "global"):
        metric = segmentation.DiceScore(num_classes=1, average="micro", aggregation_level=level)
        metric.update(one_hot(pred).long(), one_hot(ref).long())
        values[level] = float(metric.compute())
    ours = metrics_of(pred, ref)
    assert ours.dice_mean == pytest.approx(values["samplewise"], abs=1e-6)
    assert ours.dice_pooled == pytest.approx(values["global"], abs=1e-6)
    # Where both masks are empty torchmetrics has no answer; here that is right, and 1.
    metric = segmentation.DiceScore(num_classes=1, average="micro")
    metric.update(torch.zeros(1, 1, 4, 4).long(), torch.zeros(1, 1, 4, 4).long())
    assert np.isnan(float(metric.compute()))


@pytest.mark.parametrize("spacing", [(1.0, 1.0), (0.8, 2.5)])
@pytest.mark.parametrize("seed", range(3))
def test_the_distance_beside_monais(seed: int, spacing: tuple[float, float]) -> None:
    """MONAI takes the larger of two one-way percentiles; here one is taken of both ways together.

    The distances themselves are the same: MONAI's one-way ones, put together, give our figure.
    """
    for pred, ref in zip(*blobs(seed), strict=True):
        one_way = [
            get_surface_distance(edges[0], edges[1], spacing=spacing)
            for edges in (get_mask_edges(pred, ref), get_mask_edges(ref, pred))
        ]
        ours = hd95(pred, ref, spacing)
        assert ours == pytest.approx(np.percentile(np.concatenate(one_way), 95), abs=1e-5)
        theirs = compute_hausdorff_distance(
            one_hot(pred[None]), one_hot(ref[None]), percentile=95, spacing=spacing
        )
        assert float(theirs) == pytest.approx(max(np.percentile(d, 95) for d in one_way), abs=1e-5)
        assert ours <= float(theirs) + 1e-5
