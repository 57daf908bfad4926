"""The fixtures on a disk of their own: whole trees, tensors unpacked, times as they were."""

import lzma
import os
import shutil
from pathlib import Path

FILES = Path(__file__).with_name("files")
PACKED = ".xz"
TIME_NS = 1_700_000_000_000_000_000
"""Of every file: a cohort tells by it that an image is still the same."""


def pack(source: Path, name: str) -> None:
    """Put a tree among the fixtures; files of tensors are compressed."""
    for path in sorted(path for path in source.rglob("*") if path.is_file()):
        target = FILES / name / path.relative_to(source)
        target.parent.mkdir(parents=True, exist_ok=True)
        if path.suffix in (".safetensors", ".npy"):
            content = lzma.compress(path.read_bytes(), preset=9 | lzma.PRESET_EXTREME)
            target.with_name(target.name + PACKED).write_bytes(content)
        else:
            shutil.copyfile(path, target)


def unpack(name: str, to: Path) -> Path:
    """A fixture's copy in a folder that is not there yet."""
    shutil.copytree(FILES / name, to, copy_function=shutil.copyfile)
    for packed in to.rglob(f"*{PACKED}"):
        packed.with_suffix("").write_bytes(lzma.decompress(packed.read_bytes()))
        packed.unlink()
    set_times(to)
    return to


def set_times(folder: Path) -> None:
    """Give every file the time that the fixtures' had."""
    for path in folder.rglob("*"):
        os.utime(path, ns=(TIME_NS, TIME_NS))
