"""Walk the blocks of a GIF and cut out its first frame.

Layout: 6 bytes of name and version, screen (width, height, flags, background, aspect: 7 bytes), colour table,
then blocks: 21 label sub-blocks (extension), 2C descriptor(9) [colour table] code size sub-blocks (frame), 3B
(end). Sub-blocks are `length(1) body` up to a length of 0. Counting frames this way decodes nothing.
"""

from __future__ import annotations

import re
import struct
from typing import NamedTuple

from echo_image.image.headers import Header
from echo_image.image.headers.parts import broken, too_many_parts

__all__ = ["read"]

# Real files have one or two for each frame, which is within any limit of frames that makes sense.
MAX_EXTENSIONS = 100_000
_FRAME, _END = 0x2C, 0x3B
_BLOCK_START = re.compile(rb"[\x21\x2c\x3b]")
_GRAPHIC_CONTROL = 0xF9


class _Block(NamedTuple):
    kind: int
    start: int
    end: int


def read(data: bytes, max_frames: int) -> Header:
    """Read a GIF header; `data` of the result is the first frame alone, without comments and screen around
    it.

    Cost: one step a sub-block of at most 255 bytes, so about 0.1 s for 100 MB of an ordinary file.
    """
    if len(data) < 13:
        raise broken("GIF", "its header is cut off")
    control, first, frames = b"", _Block(0, 0, 0), 0
    at = 13 + _table_bytes(data[10])
    for _ in range(MAX_EXTENSIONS + max_frames):
        block = _next_block(data, at)
        if block is None or frames > max_frames:
            break
        if block.kind == _FRAME:
            first = first if frames else block
            frames += 1
        elif not frames and data[block.start + 1] == _GRAPHIC_CONTROL:
            control = data[block.start : block.end]
        at = block.end
    else:
        raise too_many_parts("GIF", MAX_EXTENSIONS, "extension blocks")
    if not frames:
        raise broken("GIF", "it has no frame")
    screen = struct.unpack_from("<HH", data, 6)
    x, y, width, height = struct.unpack_from("<HHHH", data, first.start + 1)
    return Header(
        _single_frame(data, control, first),
        max(screen[0], x + width),
        max(screen[1], y + height),
        frames=frames,
        frames_more=frames > max_frames,
        offset=(x, y),
    )


def _next_block(data: bytes, at: int) -> _Block | None:
    """Return the next frame or extension at or after `at`; None at the end. Junk between is skipped."""
    found = _BLOCK_START.search(data, at)
    if found is None or found[0][0] == _END:
        return None
    kind, start = found[0][0], found.start()
    sub_blocks = start + 2
    if kind == _FRAME:
        if start + 10 > len(data):
            return None
        sub_blocks = start + 10 + _table_bytes(data[start + 9]) + 1
    elif start + 2 > len(data):
        return None
    return _Block(kind, start, _skip_sub_blocks(data, sub_blocks))


def _single_frame(data: bytes, control: bytes, frame: _Block) -> bytes:
    """Return a GIF of one frame whose screen is just as large as the frame.

    A decoder fills what a frame leaves open of its screen with some colour; it should stay transparent.
    """
    size = data[frame.start + 5 : frame.start + 9]
    head = data[:6] + size + data[10 : 13 + _table_bytes(data[10])]
    return b"".join((head, control, b"\x2c\0\0\0\0", data[frame.start + 5 : frame.end], b"\x3b"))


def _table_bytes(flags: int) -> int:
    """Return the size of the colour table that a flags byte announces."""
    return 3 << ((flags & 7) + 1) if flags & 0x80 else 0


def _skip_sub_blocks(data: bytes, at: int) -> int:
    """Return the position behind a chain of sub-blocks, at most the end of the data."""
    end = len(data)
    while at < end:
        length = data[at]
        at += length + 1
        if not length:
            break
    return min(at, end)
