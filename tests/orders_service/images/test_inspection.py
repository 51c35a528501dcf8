"""What can be told of a picture by its headers alone."""

import io
import random
import struct

import pytest
from PIL import Image

from orders_service.images.errors import BrokenImage, UnfitImageType
from orders_service.images.inspection import MOST_PIXELS, Seen, look_at
from tests.builders.pictures import HTML, MEDIA_TYPES, SVG, a_bomb, a_photo, a_picture, written

KINDS = list(MEDIA_TYPES)
OPAQUE, SEEN_THROUGH = {"lossless": False}, {"lossless": True}


def seen(content: bytes, claimed: str | None = None) -> Seen:
    file = io.BytesIO(content)
    found = look_at(file, claimed)
    assert file.tell() == 0
    return found


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("width", "height"), [(1, 1), (3, 2), (401, 299), (2000, 30)])
def test_type_and_size_are_read_from_the_content(kind: str, width: int, height: int) -> None:
    assert seen(a_picture(kind, width=width, height=height)) == Seen(MEDIA_TYPES[kind], width, height)


@pytest.mark.parametrize(
    "content",
    [
        a_picture("WEBP", lossless=True),
        a_picture("WEBP", mode="RGBA", color=(1, 2, 3, 4)),
        a_picture("PNG", mode="P", color=3),
        a_picture("JPEG", progressive=True),
        a_picture("JPEG", comment=b"\xff\xd9\xff\xda <script>"),
        a_picture("JPEG", exif=Image.Exif()),
        a_picture("JPEG", mode="L", color=9),
        a_picture("JPEG", mode="CMYK", color=(1, 2, 3, 4)),
    ],
)
def test_formats_come_in_many_forms(content: bytes) -> None:
    assert (seen(content).width, seen(content).height) == (400, 300)


def test_a_camera_may_put_more_pictures_after_the_first() -> None:
    pictures = [Image.new("RGB", (40, 30)), Image.new("RGB", (20, 10))]
    content = written(pictures[0], "MPO", save_all=True, append_images=pictures[1:])
    assert seen(content) == Seen("image/jpeg", 40, 30)


@pytest.mark.parametrize("kind", KINDS)
def test_wherever_it_is_cut_off_that_is_noticed(kind: str) -> None:
    content = a_photo(kind, width=60, height=40)
    for length in range(12, len(content)):
        with pytest.raises(BrokenImage):
            seen(content[:length])


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("tail", [HTML, b"\0", b"PK\x03\x04"])
def test_nothing_may_follow_the_end_of_a_picture(kind: str, tail: bytes) -> None:
    with pytest.raises(UnfitImageType, match="follows"):
        seen(a_photo(kind) + tail)


@pytest.mark.parametrize(
    "content", [SVG, HTML, b"GIF89a" + b"\0" * 30, b"BM" + b"\0" * 60, b"x", b"\xff\xd8", b"%PDF-1.7"]
)
def test_other_formats_are_not_taken(content: bytes) -> None:
    with pytest.raises(UnfitImageType):
        seen(content)


def test_an_empty_file_is_no_picture() -> None:
    with pytest.raises(BrokenImage, match="empty"):
        seen(b"")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("claimed", [None, "", "application/octet-stream", "own", "own; charset=x"])
def test_a_claim_that_says_nothing_or_the_truth_is_fine(kind: str, claimed: str | None) -> None:
    seen(a_picture(kind), claimed.replace("own", MEDIA_TYPES[kind]) if claimed else claimed)


@pytest.mark.parametrize("claimed", ["image/png", "text/html", "image/svg+xml", "image/*", "image"])
def test_a_claim_that_lies_is_refused(claimed: str) -> None:
    with pytest.raises(UnfitImageType, match="claims"):
        seen(a_picture("JPEG"), claimed)


def test_a_jpeg_may_be_called_by_its_nickname() -> None:
    seen(a_picture("JPEG"), "image/jpg")


def webp_canvas(width: int, height: int) -> bytes:
    chunk = b"VP8X" + struct.pack("<I", 10) + bytes(4) + (width - 1).to_bytes(3, "little")
    chunk += (height - 1).to_bytes(3, "little")
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk


@pytest.mark.parametrize("content", [a_bomb(), a_bomb(4001), webp_canvas(16_000, 16_000)])
def test_what_would_fill_the_memory_is_refused_unseen(content: bytes) -> None:
    with pytest.raises(BrokenImage, match="pixels"):
        seen(content)


def test_the_largest_that_is_taken() -> None:
    assert seen(a_bomb(4000)).width == 4000
    assert MOST_PIXELS["image/png"] == 4000 * 4000


@pytest.mark.parametrize("content", [a_bomb(0), b"\x89PNG\r\n\x1a\n" + b"\0" * 12 * 30_000])
def test_a_picture_without_a_size_is_refused(content: bytes) -> None:
    with pytest.raises(BrokenImage):
        seen(content)


@pytest.mark.parametrize("kind", KINDS)
def test_damage_of_any_kind_is_a_refusal_and_no_other_error(kind: str) -> None:
    dice, content = random.Random(7), a_photo(kind, width=30, height=20)  # noqa: S311 - no secret
    for _ in range(2000):
        damaged = bytearray(content)
        for _ in range(dice.randrange(1, 5)):
            damaged[dice.randrange(min(len(damaged), 700))] = dice.randrange(256)
        try:
            seen(bytes(damaged))
        except (BrokenImage, UnfitImageType):
            continue
