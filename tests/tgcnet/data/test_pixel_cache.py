"""Decoded images kept on disk: once, as what they are, and never another one."""

from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image
from tests.tgcnet.data.conftest import data_set

from tgcnet.config import PreprocessConfig
from tgcnet.data.pixel_cache import PixelCache
from tgcnet.data.rows import Row
from tgcnet.data.sources import Source, read_source
from tgcnet.domain import Modality
from tgcnet.errors import InputError
from tgcnet.train.data.training_set import load_examples

REPORT = "Infection in the lower left lung."


def test_images_are_decoded_once(
    tmp_path: Path, both_sides: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever was whole is used again: after a kill, by another run; what changed is not."""
    monkeypatch.setattr("tgcnet.data.pixel_cache._ROWS_A_FILE", 2)
    data_set(tmp_path / "set", both_sides, ("a", "b", "c", "d", "e"))
    decoded: list[int] = []
    real = PixelCache._write

    def write(self: PixelCache, file: Path, rows: list[Row], modality: Modality) -> None:
        decoded.append(len(rows))
        real(self, file, rows, modality)

    monkeypatch.setattr(PixelCache, "_write", write)

    def load(config: PreprocessConfig) -> list[np.ndarray]:
        read = read_source(tmp_path, Source(folder="set", modality=Modality.XRAY))
        decoded.clear()
        return [
            np.array(e.image) for e in load_examples([read], PixelCache(tmp_path / "cache", config))
        ]

    config = PreprocessConfig(side_px=64)
    first = load(config)
    assert decoded == [2, 2, 1]
    assert all(np.array_equal(a, b) for a, b in zip(first, load(config), strict=True))
    assert decoded == []
    load(PreprocessConfig(side_px=64, mean=(0.5, 0.5, 0.5)))  # applied later
    assert decoded == []
    load(PreprocessConfig(side_px=32))
    assert decoded == [2, 2, 1]
    files = sorted((tmp_path / "cache").iterdir())
    assert not [file for file in files if "0.png" in file.name]
    Image.fromarray(np.eye(64, dtype=np.uint8) * 9).save(tmp_path / "set/images/2.png")
    assert load(config)[2].max() == 9
    assert decoded == [2]
    for file in files:
        file.write_bytes(file.read_bytes()[:-100])  # as a full disk would leave it
    load(config)
    assert decoded[0] == 2


def test_a_ct_whose_source_states_no_modality_stays_a_ct_in_the_cache(
    tmp_path: Path, both_sides: np.ndarray
) -> None:
    folder = data_set(tmp_path / "set", both_sides, ("a", "b"))
    hounsfield = np.where(both_sides.T, 40, -900).astype(np.int16)[..., None]
    nibabel.Nifti1Image(hounsfield, np.diag([-1.0, -1.0, 1.0, 1.0])).to_filename(
        folder / "images" / "0.nii.gz"
    )
    table = folder / "captions.csv"
    table.write_text(table.read_text().replace("0.png,", "0.nii.gz,", 1))
    for stated, expected in (
        (Modality.UNKNOWN, [Modality.CT, Modality.XRAY]),
        (Modality.XRAY, [Modality.XRAY, Modality.XRAY]),
    ):
        for _ in range(2):  # decoded, then found decoded
            cache = PixelCache(tmp_path / "cache", PreprocessConfig(side_px=64))
            examples = load_examples(
                [read_source(tmp_path, Source(folder="set", modality=stated))], cache
            )
            assert [example.modality for example in examples] == expected


def test_a_file_of_another_format_in_the_cache_is_decoded_anew(
    tmp_path: Path, both_sides: np.ndarray
) -> None:
    data_set(tmp_path / "set", both_sides, ("a", "b"))
    read = read_source(tmp_path, Source(folder="set", modality=Modality.XRAY))
    cache = PixelCache(tmp_path / "cache", PreprocessConfig(side_px=64))
    first = [np.array(example.image) for example in load_examples([read], cache)]
    (file,) = (tmp_path / "cache").iterdir()
    np.save(file, np.zeros((2, 2, 64, 64), dtype=np.uint8))  # as the format before had it
    again = load_examples([read], cache)
    assert all(np.array_equal(a, b.image) for a, b in zip(first, again, strict=True))
    assert again[0].modality is Modality.XRAY


def test_an_image_that_went_while_decoding_is_named_by_its_row(
    tmp_path: Path, both_sides: np.ndarray
) -> None:
    data_set(tmp_path / "set", both_sides, ("a", "b"))
    read = read_source(tmp_path, Source(folder="set", modality=Modality.XRAY))
    (tmp_path / "set/images/1.png").unlink()
    with pytest.raises(
        InputError, match=r"^row 3 of captions.csv: its image or its mask cannot be"
    ):
        load_examples([read], PixelCache(tmp_path / "cache", PreprocessConfig(side_px=64)))
