"""Series laid out in space: every orientation DICOM has, oblique planes, radiographs, refusals."""

from dataclasses import replace
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest

from tgcnet.domain import SideKnowledge
from tgcnet.errors import InputError
from tgcnet.io.dicom.geometry import geometry_of, place
from tgcnet.io.dicom.series import FrameHeader, Series
from tgcnet.io.orientation import to_canonical, to_source

Vector = tuple[float, float, float]

SHAPE = (4, 5, 6)
AXIAL = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0)


def unit(axis: int, sign: int) -> np.ndarray:
    return sign * np.eye(3)[axis]


# A row along any of six directions, a column along any of four; the slices follow the normal.
WAYS = [
    pytest.param(
        tuple(np.concatenate([unit(row, s), unit(column, t)]).tolist()),
        id=f"{'LPSRAI'[row + 3 * (s < 0)]}{'LPSRAI'[column + 3 * (t < 0)]}",
    )
    for row, column in permutations(range(3), 2)
    for s, t in product((1, -1), repeat=2)
]


def series(orientation: tuple[float, ...] = AXIAL, **changes: Any) -> Series:
    normal = np.cross(orientation[:3], orientation[3:])
    frames = []
    for k in range(SHAPE[0]):
        x, y, z = np.array((-30.0, 20.0, 100.0)) + 2.5 * k * normal
        header = FrameHeader(
            file=f"{k}.dcm",
            modality="CT",
            rows=SHAPE[1],
            columns=SHAPE[2],
            position=(float(x), float(y), float(z)),
            orientation=orientation,
            spacing_yx=(0.7, 0.8),
        )
        frames.append(replace(header, **changes))
    return Series(frames=tuple(frames))


def place_of(stack: Series, k: int, row: int, column: int) -> np.ndarray:
    """Where a pixel's centre lies, by the standard's own formula (PS3.3, C.7.6.2.1.1)."""
    header = stack.frames[k]
    assert header.position is not None
    along_row, along_column = np.array(header.orientation).reshape(2, 3)
    between_rows, between_columns = header.spacing_yx
    return np.asarray(
        header.position + along_row * column * between_columns + along_column * row * between_rows
    )


def check_places(stack: Series) -> None:
    """Every voxel of the source lies, after all turns, where the standard says."""
    geometry = geometry_of(stack)
    source = np.arange(np.prod(SHAPE)).reshape(SHAPE)
    canonical = to_canonical(source, geometry.source_axes, geometry.source_flips)
    for z, y, x in np.ndindex(canonical.shape):
        k, row, column = np.unravel_index(canonical[z, y, x], SHAPE)
        expected = place_of(stack, int(k), int(row), int(column))
        np.testing.assert_allclose((geometry.affine_lps @ (z, y, x, 1))[:3], expected, atol=1e-9)
    np.testing.assert_array_equal(to_source(canonical, geometry), source)


@pytest.mark.parametrize("orientation", WAYS)
def test_left_front_and_top_arrive_where_they_belong(orientation: tuple[float, ...]) -> None:
    stack = series(orientation)
    geometry = geometry_of(stack)
    places = np.array([place_of(stack, *index) for index in np.ndindex(SHAPE)])
    places = places.reshape(*SHAPE, 3)
    left, front, top = (
        to_canonical(which, geometry.source_axes, geometry.source_flips)
        for which in (
            places[..., 0] == places[..., 0].max(),
            places[..., 1] == places[..., 1].min(),
            places[..., 2] == places[..., 2].max(),
        )
    )
    assert left[:, :, -1].all()
    assert not left[:, :, :-1].any()
    assert front[:, 0].all()
    assert not front[:, 1:].any()
    assert top[-1].all()
    assert not top[:-1].any()


@pytest.mark.parametrize("orientation", WAYS)
def test_every_voxel_keeps_its_place_in_space(orientation: tuple[float, ...]) -> None:
    check_places(series(orientation))


def test_an_oblique_stack_keeps_its_true_affine() -> None:
    turn = np.deg2rad(25)
    tilted = (1.0, 0.0, 0.0, 0.0, float(np.cos(turn)), float(np.sin(turn)))
    stack = series(tilted)
    check_places(stack)
    np.testing.assert_allclose(geometry_of(stack).spacing_zyx, (2.5, 0.7, 0.8))


def test_spacing_along_the_normal_comes_from_the_positions() -> None:
    stack = series(slice_thickness=5.0)
    np.testing.assert_allclose(geometry_of(stack).spacing_zyx[0], 2.5)


def test_the_file_knows_the_sides() -> None:
    geometry, notices = place(series())
    assert geometry.side_knowledge is SideKnowledge.FROM_FILE
    assert geometry.unit == "mm"
    assert notices == ()


def test_a_single_slice_is_as_thick_as_it_says() -> None:
    one = Series(frames=series(slice_thickness=3.0).frames[:1])
    np.testing.assert_allclose(geometry_of(one).spacing_zyx, (3.0, 0.7, 0.8))


def test_a_single_slice_without_thickness_says_so() -> None:
    geometry, notices = place(Series(frames=series().frames[:1]))
    np.testing.assert_allclose(geometry.spacing_zyx[0], 1.0)
    assert notices == ("The slice does not state its thickness; it is taken to be 1 mm.",)


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"spacing_yx": ()}, "its pixels' spacing is missing"),
        ({"spacing_yx": (0.0, 0.8)}, "its pixels' spacing is missing or not above 0"),
        ({"orientation": (1.0, 0.0, 0.0, 1.0, 0.0, 0.0)}, "not at a right angle"),
        ({"orientation": (0.0,) * 6}, "not at a right angle"),
        ({"position": (0.0, 0.0, 5.0)}, "do not follow each other along the normal"),
        ({"position": (float("nan"), 0.0, 5.0)}, "a position is no number"),
    ],
)
def test_what_makes_no_grid_is_refused(changes: dict[str, Any], what: str) -> None:
    with pytest.raises(InputError, match=f"makes no grid in space: .*{what}"):
        geometry_of(series(**changes))


def test_slices_without_a_position_among_others_are_refused() -> None:
    frames = series().frames
    mixed = Series(frames=(*frames[:-1], replace(frames[-1], position=None)))
    with pytest.raises(InputError, match=r"1 of 4 slices have no position, expected one in each"):
        geometry_of(mixed)


def test_pictures_without_positions_are_no_stack() -> None:
    with pytest.raises(InputError, match=r"4 pictures that have no position"):
        geometry_of(series(position=None))


def radiograph(*, num_frames: int = 1, **changes: Any) -> Series:
    header = FrameHeader(
        file="chest.dcm",
        modality="CR",
        rows=5,
        columns=6,
        spacing_yx=(0.2, 0.1),
        patient_orientation=("L", "F"),
        num_frames=num_frames,
    )
    frames = tuple(replace(header, frame=k, **changes) for k in range(num_frames))
    return Series(frames=frames)


def test_a_usual_radiograph_stays_as_it_is() -> None:
    geometry, notices = place(radiograph())
    assert geometry.source_axes == (0, 1, 2)
    assert geometry.source_flips == (False, False, False)
    assert geometry.side_knowledge is SideKnowledge.FROM_FILE
    np.testing.assert_allclose(geometry.spacing_zyx, (1.0, 0.2, 0.1))
    assert notices == ()


def test_a_mirrored_radiograph_is_flipped_and_told() -> None:
    geometry, notices = place(radiograph(patient_orientation=("R", "F")))
    assert geometry.source_flips == (False, False, True)
    assert geometry.side_knowledge is SideKnowledge.FROM_FILE
    assert "stored mirrored" in notices[0]


def test_a_radiograph_on_its_side_is_turned_with_its_spacing() -> None:
    geometry, notices = place(radiograph(patient_orientation=("H", "L")))
    assert geometry.source_axes == (0, 2, 1)
    assert geometry.source_flips == (False, True, False)
    np.testing.assert_allclose(geometry.spacing_zyx, (1.0, 0.1, 0.2))
    assert [notice.split(";")[0] for notice in notices] == [
        "The picture is stored lying on its side",
        "The picture is stored upside down",
    ]


def test_a_radiograph_that_does_not_say_its_sides_is_assumed_usual() -> None:
    geometry, notices = place(radiograph(patient_orientation=()))
    assert geometry.side_knowledge is SideKnowledge.ASSUMED
    assert "does not say which side is which" in notices[0]


@pytest.mark.parametrize(
    "changes",
    [{"patient_orientation": ("P", "F")}, {"patient_orientation": (), "view_position": "LL"}],
)
def test_a_view_from_the_side_has_no_left(changes: dict[str, Any]) -> None:
    geometry, notices = place(radiograph(**changes))
    assert geometry.side_knowledge is SideKnowledge.UNKNOWN
    assert "view from the side" in notices[0]


def test_spacing_at_the_detector_is_told() -> None:
    geometry, notices = place(radiograph(is_spacing_at_detector=True))
    assert geometry.unit == "mm"
    assert "Spacing is that at the detector" in notices[0]


def test_a_radiograph_without_spacing_is_in_pixels() -> None:
    geometry, notices = place(radiograph(spacing_yx=()))
    assert geometry.unit == "pixel"
    assert "does not state its pixels' spacing" in notices[0]


def test_frames_without_positions_say_that_their_distance_is_unknown() -> None:
    geometry, notices = place(radiograph(num_frames=3))
    np.testing.assert_allclose(geometry.spacing_zyx[0], 1.0)
    assert "does not say how far apart its 3 frames lie" in notices[0]
