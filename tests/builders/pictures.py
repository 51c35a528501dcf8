"""Pictures as people send them, good and bad; made here, so that none has to be kept."""

import io
import random
import struct
import zlib
from collections.abc import Mapping
from typing import Any

from PIL import Image

GREEN = (20, 160, 60)
_PNG = b"\x89PNG\r\n\x1a\n"


def a_picture(
    kind: str = "JPEG", *, width: int = 400, height: int = 300, color: Any = GREEN, mode: str = "RGB", **saved: Any
) -> bytes:
    return written(Image.new(mode, (width, height), color), kind, **saved)


def a_photo(kind: str = "JPEG", *, width: int = 400, height: int = 300, seed: int = 1, **saved: Any) -> bytes:
    """Noise, which no format makes small."""
    pixels = random.Random(seed).randbytes(width * height * 3)  # noqa: S311 - no secret
    return written(Image.frombytes("RGB", (width, height), pixels), kind, **saved)


def written(image: Image.Image, kind: str, **saved: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **saved)
    return buffer.getvalue()


def opened(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


def a_bomb(side: int = 50_000) -> bytes:
    """A PNG that claims to be enormous, in a few bytes."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return _PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", zlib.compress(b"\0" * 1000)) + _chunk(b"IEND", b"")


def a_hollow_picture(side: int = 64) -> bytes:
    """A PNG whose parts are all there, and whose pixels are not: only who decodes it finds out."""
    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return _PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", b"no stream of zlib") + _chunk(b"IEND", b"")


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))


HTML = b"<html><script>alert(1)</script></html>"
SVG = b'<?xml version="1.0"?><svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><script>1</script></svg>'
MEDIA_TYPES = {"JPEG": "image/jpeg", "PNG": "image/png", "WEBP": "image/webp"}


def form(content: bytes, *, name: str = "lamp.jpg", kind: str = "image/jpeg") -> Mapping[str, Any]:
    """For `client.put(url, files=...)`."""
    return {"file": (name, content, kind)}
