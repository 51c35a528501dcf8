"""Looks at the headers of a picture: what it is, how large, and whether it is all there. Nothing is unpacked.

Our own eyes and not Pillow's: this is done for every request, and a decoder is a large thing to show a stranger's
bytes to. What is found here is told to the client at once; what takes decoding is found in the background.
"""

import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import BinaryIO

from orders_service.images.errors import BrokenImage, UnfitImageType

JPEG, PNG, WEBP = "image/jpeg", "image/png", "image/webp"
MOST_PIXELS: Mapping[str, int] = {JPEG: 25_000_000, PNG: 16_000_000, WEBP: 12_000_000}
"""Measured: each takes 160 to 210 MB while it is decoded, and a pod has 512. WebP's decoder holds four copies."""

_UNCLAIMED = {"", "application/octet-stream"}
_ALIASES = {"image/jpg": JPEG, "image/pjpeg": JPEG, "image/x-png": PNG}
_SIGNATURE_BYTES = 12
_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_MOST_CHUNKS = 20_000
_JPEG_END = b"\xff\xd9"
_JPEG_SCAN = 0xDA
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_JPEG_WITHOUT_LENGTH = {0x01, *range(0xD0, 0xD8)}
_SEARCHED_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Seen:
    """What a picture says of itself."""

    media_type: str
    width: int
    height: int


def look_at(file: BinaryIO, claimed_type: str | None) -> Seen:
    """Reads a few bytes here and there, and rewinds the file. Raises `UnfitImageType`, `BrokenImage`."""
    try:
        seen = _seen(file)
    finally:
        file.seek(0)
    claimed = (claimed_type or "").partition(";")[0].strip().lower()
    if claimed not in _UNCLAIMED and _ALIASES.get(claimed, claimed) != seen.media_type:
        raise UnfitImageType("The file is not of the type that it claims to be.")
    check_size(seen)
    return seen


def check_size(seen: Seen) -> None:
    """A few bytes can claim to be a picture that fills the memory. Raises `BrokenImage`."""
    if seen.width < 1 or seen.height < 1:
        raise BrokenImage("The picture has no size.")
    if seen.width * seen.height > MOST_PIXELS[seen.media_type]:
        raise BrokenImage(f"A picture of this type may have {MOST_PIXELS[seen.media_type]} pixels.")


def _seen(file: BinaryIO) -> Seen:
    file.seek(0)
    start = file.read(_SIGNATURE_BYTES)
    if not start:
        raise BrokenImage("The file is empty.")
    media_type = _type_of(start)
    width, height = _SIZES[media_type](file)
    return Seen(media_type, width, height)


def _type_of(start: bytes) -> str:
    if start.startswith(b"\xff\xd8\xff"):
        return JPEG
    if start.startswith(_PNG_SIGNATURE):
        return PNG
    if start[:4] == b"RIFF" and start[8:] == b"WEBP":
        return WEBP
    raise UnfitImageType("The file has to be a JPEG, PNG or WebP picture.")


def _png_size(file: BinaryIO) -> tuple[int, int]:
    """Chunk by chunk to the last one, after which nothing may come."""
    file.seek(len(_PNG_SIGNATURE))
    size: tuple[int, int] | None = None
    for _ in range(_MOST_CHUNKS):
        length, kind = int.from_bytes(_take(file, 4), "big"), _take(file, 4)
        if size is None:
            if kind != b"IHDR":
                raise BrokenImage("The picture does not begin with its size.")
            size = int.from_bytes(_take(file, 4), "big"), int.from_bytes(_take(file, 4), "big")
            length -= 8
        file.seek(length + 4, io.SEEK_CUR)  # and its checksum
        if kind == b"IEND":
            _check_end(file, file.tell())
            return size
    raise BrokenImage("The picture is in too many parts.")


def _webp_size(file: BinaryIO) -> tuple[int, int]:
    file.seek(4)
    length = int.from_bytes(_take(file, 4), "little")
    _check_end(file, 8 + length)
    file.seek(12)
    kind = _take(file, 4)
    file.seek(20)
    if kind == b"VP8X":
        canvas = _take(file, 10)[4:]
        return int.from_bytes(canvas[:3], "little") + 1, int.from_bytes(canvas[3:], "little") + 1
    if kind == b"VP8L":
        bits = int.from_bytes(_take(file, 5)[1:], "little")
        return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
    if kind == b"VP8 ":
        frame = _take(file, 10)[6:]
        return int.from_bytes(frame[:2], "little") & 0x3FFF, int.from_bytes(frame[2:], "little") & 0x3FFF
    raise BrokenImage("The picture does not begin with its size.")


def _jpeg_size(file: BinaryIO) -> tuple[int, int]:
    """Segment by segment to the first scan; what follows is compressed, and ends in a marker of its own."""
    file.seek(2)
    size: tuple[int, int] | None = None
    for _ in range(_MOST_CHUNKS):
        marker = _jpeg_marker(file)
        if marker in _JPEG_WITHOUT_LENGTH:
            continue
        length = int.from_bytes(_take(file, 2), "big") - 2
        if marker == _JPEG_SCAN and size is not None:
            _check_jpeg_end(file)
            return size
        if length < 0 or marker in {_JPEG_SCAN, _JPEG_END[1]}:
            raise BrokenImage("The picture does not begin with its size.")
        after = file.tell() + length
        if marker in _JPEG_FRAMES:
            frame = _take(file, 5)
            size = int.from_bytes(frame[3:], "big"), int.from_bytes(frame[1:3], "big")
        file.seek(after)
    raise BrokenImage("The picture is in too many parts.")


def _jpeg_marker(file: BinaryIO) -> int:
    if _take(file, 1) != b"\xff":
        raise BrokenImage("The picture is damaged.")
    for _ in range(_SEARCHED_BYTES):  # a marker may be preceded by any number of these
        byte = _take(file, 1)[0]
        if byte != 0xFF:  # noqa: PLR2004 - the same byte
            return byte
    raise BrokenImage("The picture is damaged.")


def _check_jpeg_end(file: BinaryIO) -> None:
    """Cameras put more pictures after the first one; each of them ends like it."""
    scan = file.tell()
    if _size_of(file) < scan + 2:
        raise BrokenImage("The file ends before the picture does.")
    file.seek(-2, io.SEEK_END)
    if file.read(2) == _JPEG_END:
        return
    file.seek(scan)
    last = b""
    while piece := file.read(_SEARCHED_BYTES):
        if _JPEG_END in last + piece:
            raise UnfitImageType("Something follows the end of the picture.")
        last = piece[-1:]
    raise BrokenImage("The file ends before the picture does.")


def _check_end(file: BinaryIO, end: int) -> None:
    """What follows a picture is for somebody who reads the file as something else."""
    size = _size_of(file)
    if size < end:
        raise BrokenImage("The file ends before the picture does.")
    if size > end:
        raise UnfitImageType("Something follows the end of the picture.")


def _size_of(file: BinaryIO) -> int:
    file.seek(0, io.SEEK_END)
    return file.tell()


def _take(file: BinaryIO, count: int) -> bytes:
    taken = file.read(count)
    if len(taken) < count:
        raise BrokenImage("The file ends before the picture does.")
    return taken


_SIZES: Mapping[str, Callable[[BinaryIO], tuple[int, int]]] = {JPEG: _jpeg_size, PNG: _png_size, WEBP: _webp_size}
