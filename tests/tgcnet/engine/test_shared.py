import errno
import gc
import os
import subprocess
import sys
from dataclasses import replace
from multiprocessing.shared_memory import SharedMemory
from pathlib import Path

import numpy as np
import pytest

from tgcnet.engine import shared
from tgcnet.engine.protocol import ArrayBlock
from tgcnet.engine.shared import OwnedBlock, attach, describe_volume, rebuild_volume
from tgcnet.errors import EngineError

SHAPE = (3, 4, 5)
LINUX_ONLY = pytest.mark.skipif(sys.platform != "linux", reason="looks into /dev/shm")


@pytest.fixture
def block():
    owned = OwnedBlock(SHAPE, np.dtype(np.int16))
    yield owned
    owned.unlink()


@pytest.mark.parametrize("dtype", ["uint8", "int16", "uint16", "int32", "float32", ">i2", "bool"])
def test_both_sides_see_one_array(dtype: str) -> None:
    owned = OwnedBlock(SHAPE, np.dtype(dtype))
    assert not owned.array.any()
    owned.array[...] = np.arange(60).reshape(SHAPE).astype(dtype)
    other = attach(owned.sent)
    np.testing.assert_array_equal(other, np.arange(60).reshape(SHAPE).astype(dtype))
    other[1] = 1
    assert (owned.array[1] == 1).all()
    owned.unlink()


def test_arrays_outlive_the_name_and_the_block(has_block) -> None:
    owned = OwnedBlock(SHAPE, np.dtype(np.uint8))
    view, other = owned.array[1:], attach(owned.sent)
    owned.array[...] = 7
    owned.unlink()
    assert not has_block(owned.sent.name)
    del owned
    gc.collect()
    assert (view == 7).all()
    view[...] = 9
    assert (other[1:] == 9).all()


@LINUX_ONLY
def test_the_mapping_goes_with_the_last_array(has_block) -> None:
    def mappings() -> int:
        return Path("/proc/self/maps").read_text().count(name)

    owned = OwnedBlock(SHAPE, np.dtype(np.uint8))
    name = owned.sent.name
    view = attach(owned.sent)[0]
    assert mappings() == 2
    del view
    assert mappings() == 1
    owned.unlink()
    del owned
    assert mappings() == 0


def test_unlinking_twice_or_after_somebody_else_is_harmless(block: OwnedBlock) -> None:
    stranger = SharedMemory(name=block.sent.name)
    stranger.close()
    stranger.unlink()
    block.unlink()


def test_a_block_that_is_gone_or_too_small_is_a_sentence(block: OwnedBlock) -> None:
    with pytest.raises(EngineError, match="is gone; it was released"):
        attach(ArrayBlock(name="psm_tgcnet_none", shape=SHAPE, dtype="uint8"))
    huge = replace(block.sent, shape=(3, 400, 500))
    with pytest.raises(EngineError, match=r"holds \d+ bytes, its array .* needs 1200000"):
        attach(huge)


def test_a_volume_crosses_whole_but_for_its_identifiers(volume) -> None:
    owned = OwnedBlock(volume.array.shape, volume.array.dtype)
    owned.array[...] = volume.array
    again = rebuild_volume(describe_volume(volume, owned.sent))
    owned.unlink()
    np.testing.assert_array_equal(again.array, volume.array)
    np.testing.assert_array_equal(again.geometry.affine_lps, volume.geometry.affine_lps)
    assert again.geometry.affine_lps.dtype == np.float64
    for name in ("unit", "side_knowledge", "source_axes", "source_flips", "spacing_zyx"):
        assert getattr(again.geometry, name) == getattr(volume.geometry, name)
    for name in ("modality", "intensity_unit", "is_display_ready"):
        assert getattr(again, name) == getattr(volume, name)
    assert (again.patient_id, again.series_id) == (None, None)
    with pytest.raises(ValueError, match="read-only"):
        again.array[0] = 0


@LINUX_ONLY
def test_reserving_takes_the_pages_and_says_when_there_are_none(block, monkeypatch) -> None:
    block.reserve()
    assert os.stat(f"/dev/shm/{block.sent.name}").st_blocks > 0  # noqa: S108

    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    with pytest.raises(EngineError, match=r"0 MB of shared memory .* does not grant"):
        block.reserve()


@LINUX_ONLY
def test_reserving_a_released_block_is_a_sentence() -> None:
    owned = OwnedBlock(SHAPE, np.dtype(np.uint8))
    owned.unlink()
    with pytest.raises(EngineError, match="is gone"):
        owned.reserve()


def test_a_refused_block_says_how_much_was_asked_for(monkeypatch) -> None:
    def refuse(**_: object) -> None:
        raise OSError(errno.ENOMEM, "Cannot allocate memory")

    monkeypatch.setattr(shared, "SharedMemory", refuse)
    with pytest.raises(EngineError, match=r"needs 210 MB of shared memory .* --shm-size"):
        OwnedBlock((400, 512, 512), np.dtype(np.int16))


def test_a_process_that_only_attached_removes_and_warns_of_nothing(block: OwnedBlock) -> None:
    block.array[...] = 5
    code = (
        "from tgcnet.engine.protocol import ArrayBlock\n"
        "from tgcnet.engine.shared import attach\n"
        f"array = attach(ArrayBlock(name={block.sent.name!r}, shape={SHAPE}, dtype='int16'))\n"
        "array[0] = 6\n"
    )
    ran = subprocess.run(
        [sys.executable, "-W", "always", "-c", code], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stderr) == (0, "")
    assert (attach(block.sent)[0] == 6).all()
