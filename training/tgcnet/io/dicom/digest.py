"""Whether two frames have the same pixels, as their files store them."""

import hashlib
from functools import lru_cache
from pathlib import Path

from tgcnet.errors import InputError
from tgcnet.io.dicom.header import FrameHeader
from tgcnet.io.dicom.open_header import open_header

_CHUNK_BYTES = 2**20


def same_pixels(one: FrameHeader, other: FrameHeader) -> bool:
    """Compare what is stored, without decoding it; frames of one file are never the same.

    Raises
    ------
    InputError
        If one of the files cannot be read any more.
    """
    if one.file == other.file or one.num_frames != other.num_frames or one.frame != other.frame:
        return False
    formats = [
        (f.transfer_syntax, f.bits_allocated, f.bits_stored, f.is_signed, f.photometric)
        for f in (one, other)
    ]
    return formats[0] == formats[1] and _digest(one.file) == _digest(other.file)


def _digest(file: str) -> str:
    path = Path(file)
    try:
        state = path.stat()
        return _digest_of(path, state.st_mtime_ns, state.st_size)
    except OSError as error:
        # "from None": the system's own message holds the whole path.
        raise InputError(
            f"{path.name} cannot be read to its end ({error.strerror or 'refused'}), expected "
            "pixels; copy it again."
        ) from None


@lru_cache(maxsize=4096)
def _digest_of(path: Path, changed_ns: int, size: int) -> str:
    """Hash what follows the header. Kept, since every frame of a large file asks for it."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        file.seek(open_header(path, ()).pixel_start or 0)
        while chunk := file.read(_CHUNK_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
