"""DICOM is listed and decoded in the child, never here."""

from pathlib import Path

import numpy as np
import pytest
from tests.tgcnet.io.dicom.phantoms import write_series

from tgcnet.io import load_volume
from tgcnet.io.read import decode_volume


def test_a_series_is_read_in_the_child_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_series(tmp_path)
    here = decode_volume(tmp_path)

    def never(*arguments: object) -> None:
        pytest.fail("a foreign file was parsed in this process")

    monkeypatch.setattr("tgcnet.io.dicom.gather.read_headers", never)
    monkeypatch.setattr("tgcnet.io.dicom.pixels.read_stored", never)
    there = load_volume(tmp_path)
    np.testing.assert_array_equal(there.array, here.array)
    np.testing.assert_array_equal(there.geometry.affine_lps, here.geometry.affine_lps)
    assert there.notices == here.notices
    assert there.source == here.source
