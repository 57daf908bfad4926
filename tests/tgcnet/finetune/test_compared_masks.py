"""Both models' masks of a case: to the pixel, and never half."""

from pathlib import Path

import numpy as np
import pytest

from tgcnet.errors import InputError, OutputError
from tgcnet.finetune.compared_masks import (
    COMPARED_FOLDER,
    ComparedMasks,
    read_compared,
    write_compared,
)

CASE = "0123456789abcdef"


def masks(seed: int) -> ComparedMasks:
    """Of a size that is no multiple of 8."""
    before, after = np.random.default_rng(seed).random((2, 7, 13)) > 0.5
    return ComparedMasks(before=before, after=after)


def test_they_come_back_by_slice(tmp_path: Path) -> None:
    written = {3: masks(0), 12: masks(1)}
    write_compared(tmp_path, CASE, written)
    write_compared(tmp_path, CASE, written)  # a run that is resumed compares again
    read = read_compared(tmp_path, CASE)
    assert set(read) == {3, 12}
    for z, pair in written.items():
        assert read[z].before.dtype == bool
        np.testing.assert_array_equal(read[z].before, pair.before)
        np.testing.assert_array_equal(read[z].after, pair.after)


def test_what_is_absent_or_damaged_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=f"masks of case {CASE}"):
        read_compared(tmp_path, CASE)
    write_compared(tmp_path, CASE, {0: masks(0)})
    file = tmp_path / COMPARED_FOLDER / f"{CASE}.safetensors"
    file.write_bytes(file.read_bytes()[:-5])
    with pytest.raises(InputError, match="resume the run") as caught:
        read_compared(tmp_path, CASE)
    assert str(tmp_path) not in str(caught.value)


def test_a_folder_that_cannot_be_made_is_a_sentence(tmp_path: Path) -> None:
    (tmp_path / COMPARED_FOLDER).write_text("a file")
    with pytest.raises(OutputError, match="was not written"):
        write_compared(tmp_path, CASE, {0: masks(0)})
