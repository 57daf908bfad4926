"""Intensity windows, and the square a model reads with its exact inverse."""

import time

import numpy as np
import pytest

from tgcnet.config import PreprocessConfig
from tgcnet.domain import Geometry, Modality, Volume
from tgcnet.errors import ConfigError, InputError, ModalityUnknownError
from tgcnet.preprocess import (
    IntensityWindow,
    Letterbox,
    decide_window,
    prepare_plane,
    scale_to_unit,
)

CONFIG = PreprocessConfig()
UNIT = IntensityWindow(low=0.0, high=1.0, unit="stored", reason="test")


def volume_of(array: np.ndarray, modality: Modality, *, is_display_ready: bool = False) -> Volume:
    if array.ndim == 2:
        array = array[None]
    return Volume(
        array=array,
        geometry=Geometry(affine_lps=np.eye(4)),
        modality=modality,
        is_display_ready=is_display_ready,
    )


def ramp_of(height: int, width: int) -> np.ndarray:
    """(2, height, width): each pixel's own row and column."""
    return np.mgrid[:height, :width].astype(np.float32)


def test_ct_gets_the_lung_window_whatever_its_type() -> None:
    for dtype in (np.int16, np.float32, np.int32):
        array = np.linspace(-1000, 1000, 64, dtype=dtype).reshape(8, 8)
        window = decide_window(volume_of(array, Modality.CT), CONFIG)
        assert (window.low, window.high, window.unit) == (-1350, 150, "HU")
    assert "lung window, centre -600 HU, width 1500 HU" in window.reason


def test_the_lung_window_is_configurable() -> None:
    config = PreprocessConfig(window_centre_hu=40.0, window_width_hu=400.0)
    array = np.array([[-1000, 500]], np.int16)
    window = decide_window(volume_of(array, Modality.CT), config)
    assert (window.low, window.high) == (-160, 240)


def test_a_radiograph_gets_percentiles_of_its_finite_values() -> None:
    values = np.arange(1000, dtype=np.uint16)
    window = decide_window(volume_of(values.reshape(20, 50), Modality.XRAY), CONFIG)
    assert window.low == pytest.approx(0.005 * 999)
    assert window.high == pytest.approx(0.995 * 999)
    assert window.unit == "stored"
    with_gaps = np.concatenate([values, [np.nan, np.inf, -np.inf, np.nan]]).astype(np.float32)
    same = decide_window(volume_of(with_gaps.reshape(4, 251), Modality.XRAY), CONFIG)
    assert (same.low, same.high) == pytest.approx((window.low, window.high))


@pytest.mark.parametrize("modality", list(Modality))
def test_8_bit_goes_as_it_is(modality: Modality) -> None:
    array = np.array([[10, 200]], np.uint8)
    window = decide_window(volume_of(array, modality, is_display_ready=True), CONFIG)
    assert (window.low, window.high, window.unit) == (0, 255, "stored")
    np.testing.assert_array_equal(scale_to_unit(array, window), (array / 255).astype(np.float32))


def test_what_cannot_be_decided_is_asked() -> None:
    array = np.array([[0, 4095]], np.uint16)
    with pytest.raises(
        ModalityUnknownError, match=r"values run from 0 to 4095 \(uint16\).*--modality ct or"
    ):
        decide_window(volume_of(array, Modality.UNKNOWN), CONFIG)


@pytest.mark.parametrize("modality", list(Modality))
def test_a_constant_image_is_refused(modality: Modality) -> None:
    for array in (np.full((4, 4), 7, np.uint8), np.full((4, 4), 7, np.float32)):
        volume = volume_of(array, modality, is_display_ready=array.dtype == np.uint8)
        with pytest.raises(InputError, match=r"Every pixel of the image has the same value \(7\)"):
            decide_window(volume, CONFIG)


def test_nearly_constant_nothing_finite_and_no_pixels_are_refused() -> None:
    flat = np.zeros((100, 100), np.uint16)
    flat[0, :5] = 9
    with pytest.raises(InputError, match=r"Nearly every pixel of the image has the same value"):
        decide_window(volume_of(flat, Modality.XRAY), CONFIG)
    with pytest.raises(InputError, match=r"holds no finite value"):
        decide_window(volume_of(np.full((4, 4), np.nan), Modality.XRAY), CONFIG)
    with pytest.raises(InputError, match=r"has no pixels \(shape \(0, 4, 4\)\)"):
        decide_window(volume_of(np.zeros((0, 4, 4)), Modality.XRAY), CONFIG)


def test_a_window_has_a_width() -> None:
    with pytest.raises(ConfigError, match=r"low must be below its high, got 5\.0 and 5\.0"):
        IntensityWindow(low=5.0, high=5.0, unit="HU", reason="test")


def test_scaling_clips_and_replaces_what_is_no_number() -> None:
    window = IntensityWindow(low=-1350.0, high=150.0, unit="HU", reason="test")
    plane = np.array([[-1350, 150, -600, -3000, 3000, np.nan, np.inf, -np.inf]])
    unit = scale_to_unit(plane, window)
    assert unit.dtype == np.float32
    np.testing.assert_array_equal(unit, [[0, 1, 0.5, 0, 1, 0, 1, 0]])
    np.testing.assert_array_equal(
        scale_to_unit(np.array([[-1350, -600, 32767]], np.int16), window), [[0, 0.5, 1]]
    )


def test_the_plane_is_not_changed() -> None:
    plane = np.array([[0, np.nan, 2]], np.float32)
    scale_to_unit(plane, UNIT)
    np.testing.assert_array_equal(plane, [[0, np.nan, 2]])


@pytest.mark.parametrize(
    ("height", "width", "expected"),
    [(100, 50, (0, 56, 224, 112)), (50, 100, (56, 0, 112, 224)), (224, 224, (0, 0, 224, 224)),
     (3, 1000, (111, 0, 1, 224)), (1, 1, (0, 0, 224, 224)), (301, 200, (0, 37, 224, 149))],
)  # fmt: skip
def test_the_image_is_centred_and_fills_the_square(
    height: int, width: int, expected: tuple[int, int, int, int]
) -> None:
    box = Letterbox(height=height, width=width, side_px=224)
    assert (box.top, box.left, box.inner_height, box.inner_width) == expected
    square = box.apply(np.ones((height, width), np.float32))
    inside = square[box.top : box.top + box.inner_height, box.left : box.left + box.inner_width]
    assert np.all(inside == 1)
    assert square.sum() == inside.size  # zeros all around


def test_a_square_of_the_right_size_passes_untouched() -> None:
    plane = np.random.default_rng(0).random((224, 224), dtype=np.float32)
    box = Letterbox(height=224, width=224, side_px=224)
    np.testing.assert_array_equal(box.apply(plane), plane)
    np.testing.assert_array_equal(box.invert(plane[None])[0], plane)


def test_padding_alone_is_undone_exactly() -> None:
    plane = np.random.default_rng(0).random((224, 131), dtype=np.float32)
    box = Letterbox(height=224, width=131, side_px=224)
    np.testing.assert_array_equal(box.invert(box.apply(plane)[None])[0], plane)


@pytest.mark.parametrize(
    ("height", "width"), [(512, 512), (300, 417), (417, 300), (100, 57), (2000, 1999), (30, 224)]
)
def test_the_way_back_lands_on_the_same_coordinates(height: int, width: int) -> None:
    box = Letterbox(height=height, width=width, side_px=224)
    ramp = ramp_of(height, width)
    back = box.invert(np.stack([box.apply(axis) for axis in ramp]))
    step = max(1, round(1 / box.scale))
    margin = 3 * step  # at the edges the kernels have one side only
    inside = (slice(None), slice(margin, height - margin), slice(margin, width - margin))
    error = (back - ramp)[inside]
    # No shift at all, and no pixel off by more than the kernel's own ripple.
    assert np.abs(error.mean(axis=(1, 2))).max() < 0.02
    assert np.abs(error).max() < 0.1 * step


@pytest.mark.parametrize(("height", "width"), [(512, 512), (300, 417), (100, 57)])
def test_the_square_grid_has_the_documented_coordinates(height: int, width: int) -> None:
    box = Letterbox(height=height, width=width, side_px=224)
    rows, columns = ramp_of(224, 224)
    y = (rows - box.top + 0.5) * height / box.inner_height - 0.5
    x = (columns - box.left + 0.5) * width / box.inner_width - 0.5
    back = box.invert(np.stack([y, x]).astype(np.float32))
    step = max(1, round(1 / box.scale))
    inside = (slice(None), slice(2 * step, -2 * step), slice(2 * step, -2 * step))
    np.testing.assert_allclose(back[inside], ramp_of(height, width)[inside], atol=0.06)
    # Upsampling interpolates linearly, so there the ramp is met to rounding.
    if box.scale < 1:
        np.testing.assert_allclose(back[inside], ramp_of(height, width)[inside], atol=1e-3)


def test_mirroring_and_the_letterbox_commute() -> None:
    plane = np.random.default_rng(1).random((301, 212), dtype=np.float32)
    box = Letterbox(height=301, width=212, side_px=224)
    mirrored = box.apply(np.ascontiguousarray(plane[:, ::-1]))
    np.testing.assert_allclose(mirrored, box.apply(plane)[:, ::-1], atol=1e-6)


def test_shrinking_averages_instead_of_skipping() -> None:
    stripes = np.zeros((896, 896), np.float32)
    stripes[:, ::4] = 1
    inside = Letterbox(height=896, width=896, side_px=224).apply(stripes)[:, 2:-2]
    np.testing.assert_allclose(inside, 0.25, atol=0.01)


def test_probabilities_stay_probabilities() -> None:
    maps = np.random.default_rng(2).random((3, 224, 224)).round().astype(np.float32)
    back = Letterbox(height=733, width=500, side_px=224).invert(maps)
    assert back.shape == (3, 733, 500)
    assert back.dtype == np.float32
    assert back.min() >= 0
    assert back.max() <= 1


def test_other_shapes_are_refused() -> None:
    box = Letterbox(height=5, width=7, side_px=8)
    with pytest.raises(InputError, match=r"made for planes of 5 x 7 pixels, got \(7, 5\)"):
        box.apply(np.zeros((7, 5), np.float32))
    with pytest.raises(InputError, match=r"made for planes of 8 x 8 pixels, got \(5, 7\)"):
        box.invert(np.zeros((1, 5, 7), np.float32))
    with pytest.raises(InputError, match=r"image of 0 x 7 pixels cannot be laid into a square"):
        Letterbox(height=0, width=7, side_px=8)


def test_prepare_plane_does_both_steps() -> None:
    plane = np.full((100, 50), -600, np.int16)
    window = IntensityWindow(low=-1350.0, high=150.0, unit="HU", reason="test")
    square, box = prepare_plane(plane, window, CONFIG)
    assert square.shape == (224, 224)
    assert (box.height, box.width, box.side_px) == (100, 50, 224)
    assert np.all(box.invert(square[None]) == 0.5)
    assert square[:, 0].max() == 0


def test_a_slice_is_prepared_quickly() -> None:
    plane = np.random.default_rng(0).integers(-1000, 400, (512, 512), dtype=np.int16)
    window = IntensityWindow(low=-1350.0, high=150.0, unit="HU", reason="test")
    times = []
    for _ in range(15):
        start = time.process_time()
        prepare_plane(plane, window, CONFIG)
        times.append(time.process_time() - start)
    # 2 ms where it was written; the bound only catches a change of order.
    assert min(times) < 0.3
