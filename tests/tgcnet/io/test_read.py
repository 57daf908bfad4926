"""What every format has in common: bad files, notices, no path in a message."""

import os
import random
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest
import tifffile
from PIL import Image

from tgcnet.domain import Modality
from tgcnet.errors import InputError
from tgcnet.io import load_volume

ENDINGS = (".png", ".jpg", ".tif", ".nii", ".nii.gz", ".dcm", ".txt", "")
# The start of each format, so that random bytes get past the door.
MAGICS = (
    b"", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", b"\xff\xd8\xff\xe0\0\x10JFIF\0", b"II*\0\x08\0\0\0",
    b"MM\0*\0\0\0\x08", b"II+\0\x08\0\0\0\x10\0\0\0\0\0\0\0", b"\x1f\x8b\x08\0",
)  # fmt: skip


@pytest.fixture
def whole_files(tmp_path: Path) -> list[Path]:
    noise = np.random.default_rng(3).integers(0, 255, (16, 16), dtype=np.uint8)
    names = [tmp_path / f"whole{ending}" for ending in (".png", ".jpg", ".tif", ".nii", ".nii.gz")]
    Image.fromarray(noise).save(names[0])
    Image.fromarray(noise).save(names[1])
    tifffile.imwrite(names[2], noise)
    for name in names[3:]:
        nib.Nifti1Image(noise[:, :, None], np.eye(4)).to_filename(name)
    return names


@pytest.mark.parametrize("ending", ENDINGS)
def test_random_bytes_are_an_input_error(tmp_path: Path, ending: str) -> None:
    chance = random.Random(7)
    path = tmp_path / f"Jane-Doe{ending}"
    for attempt in range(60):
        magic = MAGICS[attempt % len(MAGICS)]
        path.write_bytes(magic + chance.randbytes(chance.choice([1, 40, 400, 4000])))
        with pytest.raises(InputError) as caught:
            load_volume(path)
        assert str(tmp_path) not in str(caught.value)
        assert path.name in str(caught.value)


def test_damaged_bytes_give_an_image_or_an_input_error(
    tmp_path: Path, whole_files: list[Path]
) -> None:
    chance = random.Random(11)
    for whole in whole_files:
        content = whole.read_bytes()
        path = tmp_path / f"damaged{''.join(whole.suffixes)}"
        num_refused = 0
        for _ in range(150):
            damaged = bytearray(content)
            for _ in range(chance.choice([1, 3, 20])):
                damaged[chance.randrange(min(len(damaged), 600))] = chance.randrange(256)
            path.write_bytes(damaged)
            try:
                volume = load_volume(path)
            except InputError:
                num_refused += 1
            else:
                assert volume.array.ndim == 3
        assert num_refused > 0


def test_each_cut_of_each_format_is_refused(tmp_path: Path, whole_files: list[Path]) -> None:
    for whole in whole_files:
        content = whole.read_bytes()
        # A PNG's last 20 bytes hold no pixels: a checksum and the chunk that ends it.
        for length in range(0, len(content) - 20, max(1, len(content) // 40)):
            path = tmp_path / f"cut{''.join(whole.suffixes)}"
            path.write_bytes(content[:length])
            with pytest.raises(InputError):
                load_volume(path)


def test_an_absent_file_and_an_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"^a\.png cannot be opened \(No such file or directory\)"):
        load_volume(tmp_path / "a.png")
    with pytest.raises(InputError, match=f"^{tmp_path.name} holds no DICOM"):
        load_volume(tmp_path)


def test_a_pipe_is_refused_before_it_is_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(InputError, match=r"^a\.png is a device or a pipe, expected a PNG"):
        load_volume(tmp_path / "a.png")


def test_only_a_4d_file_has_a_volume_to_choose(tmp_path: Path, whole_files: list[Path]) -> None:
    for whole in whole_files[:3]:
        with pytest.raises(InputError, match="holds one volume, volume 0, and volume 2 was asked"):
            load_volume(whole, volume=2)


def test_an_empty_file(tmp_path: Path) -> None:
    (tmp_path / "a.png").touch()
    with pytest.raises(InputError, match=r"^a\.png is empty \(0 bytes\), expected a PNG"):
        load_volume(str(tmp_path / "a.png"))


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.txt", b"Lungs are clear.", "is not an image this program knows"),
        ("a.png", b"Lungs are clear.", "something else under an image's name"),
        ("a.hdr", bytes(344) + b"ni1\0", "is half of a pair of files"),
    ],
)
def test_what_is_no_image_says_what_it_is(
    tmp_path: Path, name: str, content: bytes, message: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=message):
        load_volume(tmp_path / name)


def test_voxels_without_a_number_are_counted(tmp_path: Path) -> None:
    data = np.linspace(-900, 100, 40, dtype=np.float32).reshape(5, 8)
    data[0, :3] = np.nan, np.inf, -np.inf
    tifffile.imwrite(tmp_path / "a.tif", data)
    volume = load_volume(tmp_path / "a.tif")
    assert any(notice.startswith("3 of 40 voxels hold no finite") for notice in volume.notices)
    assert volume.modality is Modality.CT


def test_minus_infinity_alone_tells_no_ct(tmp_path: Path) -> None:
    data = np.ones((5, 8), np.float32)
    data[0, 0] = -np.inf
    tifffile.imwrite(tmp_path / "a.tif", data)
    assert load_volume(tmp_path / "a.tif").modality is Modality.UNKNOWN


def test_nothing_finite_is_refused(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.full((5, 8), np.nan, np.float32))
    with pytest.raises(InputError, match=r"^a\.tif holds no finite value"):
        load_volume(tmp_path / "a.tif")


def test_unknown_as_stated_modality_means_look_yourself(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.full((5, 8), -300, np.int16))
    assert load_volume(tmp_path / "a.tif", modality=Modality.UNKNOWN).modality is Modality.CT


def test_the_real_ct_reads_in_hounsfield_units(data_folder: Path) -> None:
    path = data_folder / "ct_lung_gtv_dicom" / "pat_1_ct.nii.gz"
    volume = load_volume(path)
    stored = nib.Nifti1Image.from_filename(path)
    assert volume.modality is Modality.CT
    assert volume.array.shape[0] == min(stored.shape)
    assert sorted(volume.array.shape) == sorted(stored.shape)
    np.testing.assert_allclose(
        sorted(volume.geometry.spacing_zyx), sorted(stored.header.get_zooms()), rtol=1e-5
    )


def test_the_real_radiographs_are_8bit_grey(data_folder: Path) -> None:
    for path in sorted((data_folder / "samples_open" / "images").iterdir()):
        volume = load_volume(path)
        assert volume.is_display_ready
        assert volume.array.shape[0] == 1
