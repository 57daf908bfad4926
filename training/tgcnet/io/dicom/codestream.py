"""What a compressed frame says of itself, read from its markers before any decoder sees it."""

import struct

_J2K_START, _JPEG_START = b"\xff\x4f\xff\x51", b"\xff\xd8\xff"
_END = b"\xff\xd9"
_BOX = b"\0\0\0\x0cjP  "
# How many segments follow, and that the first of them follows the header (PS3.5, G.5).
_RLE_STARTS = tuple(struct.pack("<2L", number, 64) for number in range(1, 16))
MARK_BYTES = 8
"""How many bytes decide whether a picture begins."""
# Starts of a frame; C4, C8 and CC among them mean something else, F7 is JPEG-LS.
_JPEG_FRAMES = (
    *range(0xC0, 0xC4),
    *range(0xC5, 0xC8),
    *range(0xC9, 0xCC),
    *range(0xCD, 0xD0),
    0xF7,
)


def stated_size(stream: bytes) -> tuple[int, int] | None:
    """Rows and columns of a JPEG, JPEG-LS or JPEG 2000 stream; None where it does not say."""
    if stream.startswith(_BOX):
        begin = stream.find(_J2K_START)
        stream = stream[begin:] if begin >= 0 else b""
    if stream.startswith(_J2K_START) and len(stream) >= 24:
        right, bottom, left, top = struct.unpack_from(">4L", stream, 8)
        return bottom - top, right - left
    if stream.startswith(_JPEG_START):
        return _jpeg_size(stream)
    return None


def begins_picture(head: bytes) -> bool:
    """Whether a picture begins with these bytes, ``MARK_BYTES`` or more, of any compression.

    Within a picture no fragment does: JPEG escapes its markers, and RLE has one fragment a picture.
    """
    return head.startswith((_J2K_START, _JPEG_START, _BOX, *_RLE_STARTS))


def is_whole(stream: bytes) -> bool:
    """Whether the stream ends with its end marker; a truncated one does not."""
    return stream.rstrip(b"\0\xff").endswith(_END)  # some fill up to an even length with FF


def _jpeg_size(stream: bytes) -> tuple[int, int] | None:
    at = 2
    while at + 9 <= len(stream) and stream[at] == 0xFF:
        marker = stream[at + 1]
        if marker == 0xFF:  # a fill byte before a marker
            at += 1
        elif marker in _JPEG_FRAMES:
            rows, columns = struct.unpack_from(">2H", stream, at + 5)
            return rows, columns
        else:
            at += 2 + struct.unpack_from(">H", stream, at + 2)[0]
    return None
