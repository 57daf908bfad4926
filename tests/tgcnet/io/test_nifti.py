"""NIfTI in and out: every orientation comes to LPS axes and goes back to its own grid."""

import gzip
import itertools
import json
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from tgcnet.domain import Modality, SideKnowledge
from tgcnet.errors import InputError
from tgcnet.io import RESEARCH_NOTICE, load_volume, save_labels

PLACING = (
    "pixdim", "xyzt_units", "qform_code", "sform_code", "quatern_b", "quatern_c", "quatern_d",
    "qoffset_x", "qoffset_y", "qoffset_z", "srow_x", "srow_y", "srow_z",
)  # fmt: skip
ORIENTATIONS = list(
    itertools.product(itertools.permutations(range(3)), itertools.product([1, -1], repeat=3))
)


def rotation(degrees: float) -> np.ndarray:
    """Turn about x, then about z: oblique, yet nearest to the same axes."""
    c, s = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    about_x = np.array([[1, 0, 0], [0, c, -s], [0, s, c]])
    about_z = np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    return about_z @ about_x


def affine_of(
    world_of_axis: tuple[int, ...], signs: tuple[int, ...], degrees: float = 0.0
) -> np.ndarray:
    """RAS affine whose source axis a runs along world axis ``world_of_axis[a]``."""
    affine = np.eye(4)
    affine[:3, :3] = 0
    for axis, (world, sign, spacing) in enumerate(
        zip(world_of_axis, signs, (0.7, 0.83, 2.5), strict=True)
    ):
        affine[world, axis] = sign * spacing
    affine[:3, :3] = rotation(degrees) @ affine[:3, :3]
    affine[:3, 3] = (-101.3, 87.9, -412.75)
    return affine


def write_nifti(path: Path, data: np.ndarray, affine: np.ndarray) -> Path:
    nib.Nifti1Image(data, affine).to_filename(path)
    return path


@pytest.mark.parametrize("degrees", [0.0, 20.0], ids=["straight", "oblique"])
@pytest.mark.parametrize(("world_of_axis", "signs"), ORIENTATIONS)
def test_each_orientation_comes_to_lps_and_back(
    tmp_path: Path, world_of_axis: tuple[int, ...], signs: tuple[int, ...], degrees: float
) -> None:
    data = np.arange(3 * 4 * 5, dtype=np.int16).reshape(3, 4, 5)
    source = write_nifti(tmp_path / "a.nii", data, affine_of(world_of_axis, signs, degrees))
    header = nib.Nifti1Image.from_filename(source).header

    volume = load_volume(source)

    # The directions: z to the head, y to the back, x to the patient's left.
    directions = volume.geometry.affine_lps[:3, :3]
    assert directions[2, 0] > 0
    assert directions[1, 1] > 0
    assert directions[0, 2] > 0
    # Every voxel lies where the file says.
    stored = nib.Nifti1Image.from_filename(source).affine
    lps_to_ras = np.diag([-1, -1, 1, 1])
    for index in np.ndindex(volume.array.shape):
        ras = lps_to_ras @ volume.geometry.affine_lps @ (*index, 1)
        own = np.rint(np.linalg.solve(stored, ras)[:3]).astype(int)
        np.testing.assert_allclose(stored @ (*own, 1), ras, atol=1e-9)
        assert data[tuple(own)] == volume.array[index]

    save_labels(volume.array.astype(np.uint8), volume.geometry, tmp_path / "mask.nii.gz")
    mask = nib.Nifti1Image.from_filename(tmp_path / "mask.nii.gz")
    np.testing.assert_array_equal(np.asarray(mask.dataobj), data.astype(np.uint8))
    for field in PLACING:
        assert mask.header[field].tobytes() == header[field].tobytes(), field
    assert mask.affine.tobytes() == stored.tobytes()


def test_sform_and_qform_that_differ_are_both_kept(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), None)
    image.header.set_sform(affine_of((0, 1, 2), (-1, -1, 1)), code=4)
    image.header.set_qform(affine_of((0, 1, 2), (-1, -1, 1), 11.0), code=1)
    image.header.set_xyzt_units("mm", "sec")
    image.to_filename(tmp_path / "a.nii.gz")
    header = nib.Nifti1Image.from_filename(tmp_path / "a.nii.gz").header
    volume = load_volume(tmp_path / "a.nii.gz")
    save_labels(np.zeros((4, 3, 2), np.uint8), volume.geometry, tmp_path / "mask.nii")
    written = nib.Nifti1Image.from_filename(tmp_path / "mask.nii").header
    assert all(written[f].tobytes() == header[f].tobytes() for f in PLACING)
    assert (int(written["sform_code"]), int(written["qform_code"])) == (4, 1)


def test_nifti2_stays_nifti2(tmp_path: Path) -> None:
    affine = affine_of((0, 1, 2), (1, 1, 1))
    affine[0, 3] = 1 / 3  # float32 could not hold it
    nib.Nifti2Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), affine).to_filename(
        tmp_path / "a.nii"
    )
    volume = load_volume(tmp_path / "a.nii")
    save_labels(np.ones((4, 3, 2), np.uint8), volume.geometry, tmp_path / "mask.nii")
    mask = nib.Nifti1Image.from_filename(tmp_path / "mask.nii")
    assert isinstance(mask, nib.Nifti2Image)
    assert mask.affine.tobytes() == affine.tobytes()


def test_a_big_endian_file_reads_as_native(tmp_path: Path) -> None:
    data = np.arange(-30, -6, dtype=">i2").reshape(2, 3, 4)
    header = nib.Nifti1Header(endianness=">")
    header.set_data_dtype(">i2")
    nib.Nifti1Image(data, np.diag([-1, -1, 1, 1]), header).to_filename(tmp_path / "a.nii")
    volume = load_volume(tmp_path / "a.nii")
    assert volume.array.dtype == np.dtype(np.int16)
    assert volume.array.dtype.isnative
    np.testing.assert_array_equal(volume.array, data.transpose(2, 1, 0))


def test_slope_and_intercept_give_hounsfield_units(tmp_path: Path) -> None:
    header = nib.Nifti1Header()
    header.set_data_dtype(np.uint8)
    image = nib.Nifti1Image(np.full((2, 3, 4), 10, np.uint8), np.eye(4), header)
    image.header.set_slope_inter(4.0, -1024.0)
    # to_filename would rescale; this writes the stored bytes beside the slope.
    raw = bytearray(image.header.binaryblock) + b"\0\0\0\0" + bytes([10]) * 24
    raw[108:112] = np.float32(352).tobytes()
    raw[112:120] = np.array([4.0, -1024.0], np.float32).tobytes()
    (tmp_path / "a.nii").write_bytes(raw)
    volume = load_volume(tmp_path / "a.nii")
    assert volume.array.dtype == np.float32
    assert np.all(volume.array == -984)
    assert (volume.modality, volume.intensity_unit) == (Modality.CT, "HU")
    assert not volume.is_display_ready


def test_trivial_slope_keeps_integers_and_values_decide_the_modality(tmp_path: Path) -> None:
    data = np.zeros((2, 3, 4), np.int16)
    path = write_nifti(tmp_path / "a.nii.gz", data, np.eye(4))
    assert load_volume(path).modality is Modality.UNKNOWN
    data[0, 0, 0] = -201
    volume = load_volume(write_nifti(tmp_path / "a.nii.gz", data, np.eye(4)))
    assert volume.array.dtype == np.int16
    assert volume.modality is Modality.CT
    assert volume.geometry.side_knowledge is SideKnowledge.FROM_FILE
    assert volume.notices == ()
    assert load_volume(path, modality=Modality.XRAY).modality is Modality.XRAY


def test_units_of_metres_become_millimetres(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.diag([1, 2, 3, 1]))
    image.header.set_xyzt_units("meter")
    image.to_filename(tmp_path / "a.nii")
    assert load_volume(tmp_path / "a.nii").geometry.spacing_zyx == (3000, 2000, 1000)


def test_a_file_without_codes_has_unknown_sides(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), None)
    image.header["sform_code"] = image.header["qform_code"] = 0
    image.to_filename(tmp_path / "a.nii")
    volume = load_volume(tmp_path / "a.nii")
    assert volume.geometry.side_knowledge is SideKnowledge.UNKNOWN
    assert "does not state its orientation" in volume.notices[0]


def test_two_dimensions_and_one_volume_in_four_are_accepted(tmp_path: Path) -> None:
    plane = np.arange(12, dtype=np.int16).reshape(3, 4)
    volume = load_volume(write_nifti(tmp_path / "a.nii", plane, np.diag([-1, -1, 1, 1])))
    np.testing.assert_array_equal(volume.array, plane.T[None])
    stack = np.arange(24, dtype=np.int16).reshape(2, 3, 4, 1)
    volume = load_volume(write_nifti(tmp_path / "b.nii", stack, np.diag([-1, -1, 1, 1])))
    np.testing.assert_array_equal(volume.array, stack[..., 0].transpose(2, 1, 0))


@pytest.mark.parametrize("shape", [(5, 4), (5, 4, 1), (5, 4, 1, 1), (5, 4, 3, 1), (5, 4, 3, 1, 1)])
@pytest.mark.parametrize("is_placed", [True, False])
def test_a_mask_has_as_many_axes_as_its_image(
    tmp_path: Path, shape: tuple[int, ...], is_placed: bool
) -> None:
    data = np.arange(np.prod(shape), dtype=np.int16).reshape(shape)
    affine = affine_of((0, 1, 2), (1, -1, 1), 11.0)
    image = nib.Nifti1Image(data, affine if is_placed else None)
    if not is_placed:
        image.header["sform_code"] = image.header["qform_code"] = 0
    image.to_filename(tmp_path / "a.nii.gz")
    volume = load_volume(tmp_path / "a.nii.gz")
    save_labels(volume.array.astype(np.uint8), volume.geometry, tmp_path / "mask.nii.gz")
    source, mask = (
        nib.Nifti1Image.from_filename(tmp_path / "a.nii.gz"),
        nib.Nifti1Image.from_filename(tmp_path / "mask.nii.gz"),
    )
    np.testing.assert_array_equal(np.asarray(mask.dataobj), data.astype(np.uint8), strict=True)
    assert mask.affine.tobytes() == source.affine.tobytes()
    for field in PLACING:
        assert mask.header[field].tobytes() == source.header[field].tobytes(), field


def test_several_volumes_are_refused(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "a.nii", np.zeros((2, 3, 4, 5), np.int16), np.eye(4))
    with pytest.raises(InputError, match=r"^a\.nii holds 5 volumes \(a 4D file\), expected one"):
        load_volume(path)


def test_a_volume_of_a_4d_file_is_chosen(tmp_path: Path) -> None:
    data = np.arange(2 * 3 * 4 * 5, dtype=np.int16).reshape(2, 3, 4, 5)
    for ending in (".nii", ".nii.gz"):
        path = write_nifti(tmp_path / f"a{ending}", data, np.diag([-1, -1, 1, 1]))
        volume = load_volume(path, volume=3)
        np.testing.assert_array_equal(volume.array, data[..., 3].transpose(2, 1, 0))
        assert volume.notices == ("Volume 3 of the file is read, which holds 0 to 4.",)
    save_labels(volume.array.astype(np.uint8), volume.geometry, tmp_path / "mask.nii")
    assert nib.Nifti1Image.from_filename(tmp_path / "mask.nii").shape == (2, 3, 4)
    with pytest.raises(InputError, match=r"expected a choice from 0 to 4, and volume 5 was asked"):
        load_volume(path, volume=5)


def test_sform_and_qform_apart_are_told(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.zeros((2, 3, 4), np.int16), None)
    image.header.set_sform(affine_of((0, 1, 2), (-1, -1, 1)), code=1)
    moved = affine_of((0, 1, 2), (-1, -1, 1))
    moved[2, 3] += 3
    image.header.set_qform(moved, code=1)
    image.to_filename(tmp_path / "a.nii")
    (notice,) = load_volume(tmp_path / "a.nii").notices
    assert notice.startswith("The file's sform and qform put the same voxel up to 3 apart")


def test_sform_and_qform_that_swap_the_sides_are_refused(tmp_path: Path) -> None:
    image = nib.Nifti1Image(np.zeros((2, 3, 4), np.int16), None)
    image.header.set_sform(affine_of((0, 1, 2), (-1, -1, 1)), code=1)
    image.header.set_qform(affine_of((0, 1, 2), (1, -1, 1)), code=1)
    image.to_filename(tmp_path / "a.nii")
    with pytest.raises(InputError, match="call different sides the patient's left"):
        load_volume(tmp_path / "a.nii")


def test_more_voxels_than_the_header_says_are_refused(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "a.nii", np.zeros((2, 3, 4), np.int16), np.eye(4))
    path.write_bytes(path.read_bytes() + bytes(12))
    with pytest.raises(InputError, match=r"^a\.nii holds more voxels than its header says"):
        load_volume(path)


@pytest.mark.parametrize("axis", [0, 1, 2])
@pytest.mark.parametrize("shape", [(9, 8, 7), (200, 5, 4), (5, 4, 200), (4, 200, 5), (9, 8, 1)])
@pytest.mark.parametrize("ending", [".nii", ".nii.gz"])
def test_a_side_that_is_stated_one_too_small_is_refused(
    tmp_path: Path, shape: tuple[int, ...], axis: int, ending: str
) -> None:
    data = np.zeros(shape, np.int16)  # air alone: what is over looks like padding
    path = write_nifti(tmp_path / "a.nii", data, np.eye(4))
    content = bytearray(path.read_bytes())
    stated = shape[axis] - 1
    content[42 + 2 * axis : 44 + 2 * axis] = stated.to_bytes(2, "little")
    path = tmp_path / f"b{ending}"
    path.write_bytes(gzip.compress(content) if ending == ".nii.gz" else content)
    with pytest.raises(InputError, match=r"^b\.nii(\.gz)? holds (more voxels|an image without)"):
        load_volume(path)


def test_only_zeros_of_less_than_a_row_may_follow_the_voxels(tmp_path: Path) -> None:
    data = np.arange(9 * 8 * 7, dtype=np.int16).reshape(9, 8, 7)
    whole = write_nifti(tmp_path / "a.nii", data, np.diag([-1, -1, 1, 1])).read_bytes()
    for ending, pack in ((".nii", bytes), (".nii.gz", gzip.compress)):
        path = tmp_path / f"b{ending}"
        path.write_bytes(pack(whole + bytes(17)))
        volume = load_volume(path)
        np.testing.assert_array_equal(volume.array, data.transpose(2, 1, 0))
        assert volume.notices == (
            "The file has 17 zero bytes more than its header says; they are not read.",
        )
        for surplus in (bytes(18), b"\1", bytes(16) + b"\1"):
            path.write_bytes(pack(whole + surplus))
            with pytest.raises(InputError, match="holds more voxels than its header says"):
                load_volume(path)


def test_a_coronal_picture_is_refused(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "a.nii", np.zeros((8, 1, 9), np.int16), np.eye(4))
    with pytest.raises(InputError, match="one coronal or sagittal picture"):
        load_volume(path)


def test_colours_are_refused(tmp_path: Path) -> None:
    data = np.zeros((2, 3, 4), dtype=[("R", "u1"), ("G", "u1"), ("B", "u1")])
    with pytest.raises(InputError, match="holds colours or complex numbers"):
        load_volume(write_nifti(tmp_path / "a.nii", data, np.eye(4)))


def test_a_flat_affine_is_refused(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "a.nii", np.zeros((2, 3, 4), np.int16), np.eye(4))
    raw = bytearray(path.read_bytes())
    raw[280:328] = bytes(48)  # the three rows of the sform
    path.write_bytes(raw)
    with pytest.raises(InputError, match=r"^a\.nii has an affine that cannot be inverted"):
        load_volume(path)


def test_absurd_sides_are_refused_before_reading(tmp_path: Path) -> None:
    header = nib.Nifti1Header()
    header.set_data_shape((30_000, 30_000, 3000))
    header.set_data_offset(352)
    (tmp_path / "a.nii").write_bytes(header.binaryblock + b"\0\0\0\0")
    with pytest.raises(InputError, match=r"says it is 3000 x 30000 x 30000 pixels large"):
        load_volume(tmp_path / "a.nii")


def test_truncated_files_are_refused(tmp_path: Path) -> None:
    data = np.random.default_rng(0).integers(-900, 100, (9, 8, 7), dtype=np.int16)
    path = write_nifti(tmp_path / "a.nii", data, np.eye(4))
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(InputError, match=r"^a\.nii is truncated: 908 bytes of voxels, .* 1,008"):
        load_volume(path)
    packed = write_nifti(tmp_path / "b.nii.gz", data, np.eye(4))
    packed.write_bytes(packed.read_bytes()[:-50])
    with pytest.raises(InputError, match=r"^b\.nii\.gz cannot be read as NIfTI, it is damaged"):
        load_volume(packed)


def test_a_flipped_bit_in_a_gzip_file_is_noticed(tmp_path: Path) -> None:
    path = write_nifti(tmp_path / "a.nii", np.zeros((9, 8, 7), np.int16), np.eye(4))
    raw = bytearray(gzip.compress(path.read_bytes()))
    raw[-6] ^= 1  # inside the checksum
    (tmp_path / "b.nii.gz").write_bytes(raw)
    with pytest.raises(InputError, match="damaged or incomplete"):
        load_volume(tmp_path / "b.nii.gz")


def test_the_content_decides_not_the_ending(tmp_path: Path) -> None:
    data = np.arange(24, dtype=np.int16).reshape(2, 3, 4)
    path = write_nifti(tmp_path / "a.nii.gz", data, np.diag([-1, -1, 1, 1]))
    path.rename(tmp_path / "b.nii")
    np.testing.assert_array_equal(load_volume(tmp_path / "b.nii").array, data.transpose(2, 1, 0))


def test_provenance_travels_in_the_comment_extension(tmp_path: Path) -> None:
    source = nib.Nifti1Image(np.zeros((2, 3, 4), np.int16), np.eye(4))
    source.header["descrip"] = b"PATIENT NAME"
    source.to_filename(tmp_path / "a.nii")
    geometry = load_volume(tmp_path / "a.nii").geometry
    labels = np.zeros((4, 3, 2), np.uint8)
    save_labels(labels, geometry, tmp_path / "mask.nii", provenance={"model": "mini"})
    mask = nib.Nifti1Image.from_filename(tmp_path / "mask.nii")
    (extension,) = mask.header.extensions
    assert extension.get_code() == 6
    assert json.loads(extension.text.rstrip("\0")) == {
        "model": "mini",
        "edited": "no",
        "notice": RESEARCH_NOTICE,
    }
    assert mask.header["descrip"].item().decode() == RESEARCH_NOTICE
    assert mask.header.get_intent()[0] == "label"
    assert b"PATIENT NAME" not in (tmp_path / "mask.nii").read_bytes()
