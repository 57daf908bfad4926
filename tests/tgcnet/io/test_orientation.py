"""The axes of any file to LPS: all 48 ways a NIfTI can lie."""

from itertools import permutations, product
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tgcnet.io.orientation import placement_in_ras, to_source
from tgcnet.io.read import decode_volume

SHAPE_XYZ = (4, 5, 6)
WAYS = [
    pytest.param(order, signs, id=f"{order}{signs}".replace(" ", ""))
    for order in permutations(range(3))
    for signs in product((1, -1), repeat=3)
]


def lie(order: tuple[int, ...], signs: tuple[int, ...]) -> tuple[np.ndarray, np.ndarray]:
    """A block of 4 x 5 x 6 steps in LPS, on axes that run along ``order`` in RAS with ``signs``.

    Returns the stored array, 1 at the patient's left, 2 in front and 3 on top of an empty block
    (in the middle of that face), and the affine to RAS.
    """
    shape = tuple(SHAPE_XYZ[world] for world in order)
    affine = np.eye(4)
    affine[:3, :3] = 0.0
    for axis, (world, sign) in enumerate(zip(order, signs, strict=True)):
        affine[world, axis] = sign * (1.5, 2.0, 2.5)[world]
    affine[:3, 3] = (-7.0, 11.0, 13.0)
    stored = np.zeros(shape, dtype=np.int16)
    for value, (world, side) in enumerate(((0, -1), (1, 1), (2, 1)), start=1):
        index = [size // 2 for size in shape]
        axis = order.index(world)  # left is against R, front along A, top along S
        index[axis] = shape[axis] - 1 if signs[axis] == side else 0
        stored[tuple(index)] = value
    return stored, affine


@pytest.mark.parametrize(("order", "signs"), WAYS)
def test_left_front_and_top_arrive_where_they_belong(
    order: tuple[int, ...], signs: tuple[int, ...], tmp_path: Path
) -> None:
    stored, affine = lie(order, signs)
    nib.Nifti1Image(stored, affine).to_filename(tmp_path / "block.nii")
    volume = decode_volume(tmp_path / "block.nii")
    assert volume.array.shape == (6, 5, 4)
    assert (volume.array[:, :, -1] == 1).any()
    assert (volume.array[:, 0] == 2).any()
    assert (volume.array[-1] == 3).any()
    np.testing.assert_array_equal(to_source(volume.array, volume.geometry), stored)
    for value in (1, 2, 3):
        (z, y, x) = np.argwhere(volume.array == value)[0]
        (i, j, k) = np.argwhere(stored == value)[0]
        expected = np.diag([-1, -1, 1, 1]) @ affine @ (i, j, k, 1)
        np.testing.assert_allclose(volume.geometry.affine_lps @ (z, y, x, 1), expected)


def test_axes_in_one_plane_have_no_placement() -> None:
    flat = np.eye(4)
    flat[2, 2] = 0.0
    assert placement_in_ras(flat) is None
    assert placement_in_ras(np.full((4, 4), np.nan)) is None
