"""Whatever is sent in the place of a picture: the documented problem, and nothing stored."""

from collections.abc import AsyncIterator
from typing import Any

import pytest

from orders_service.images import MOST_IMAGE_BYTES
from orders_service.problems import MEDIA_TYPE
from tests.builders.gallery import MUG, Gallery
from tests.builders.pictures import HTML, SVG, a_bomb, a_photo, a_picture

JPEG, PNG, WEBP = a_photo("JPEG"), a_photo("PNG"), a_photo("WEBP")
TOO_MUCH = JPEG[:-2] + bytes(MOST_IMAGE_BYTES) + JPEG[-2:]

FILES: list[tuple[str, tuple[Any, ...], int]] = [
    ("svg", ("a.svg", SVG, "image/svg+xml"), 415),
    ("svg that lies", ("a.png", SVG, "image/png"), 415),
    ("html that lies", ("a.jpg", HTML, "image/jpeg"), 415),
    ("gif", ("a.gif", a_picture("GIF"), "image/gif"), 415),
    ("tiff", ("a.tiff", a_picture("TIFF"), "image/tiff"), 415),
    ("pdf", ("a.pdf", a_picture("PDF"), "application/pdf"), 415),
    ("text", ("a.txt", b"a picture", "text/plain"), 415),
    ("png as jpeg", ("a.jpg", PNG, "image/jpeg"), 415),
    ("jpeg as html", ("a.html", JPEG, "text/html"), 415),
    ("png and html", ("a.png", PNG + HTML, "image/png"), 415),
    ("jpeg and html", ("a.jpg", JPEG + HTML, "image/jpeg"), 415),
    ("webp and zip", ("a.webp", WEBP + b"PK\x03\x04", "image/webp"), 415),
    ("empty", ("a.jpg", b"", "image/jpeg"), 422),
    ("bomb", ("a.png", a_bomb(), "image/png"), 422),
    ("bomb of nothing", ("a.png", a_bomb(0), "image/png"), 422),
    ("cut off jpeg", ("a.jpg", JPEG[:-100], "image/jpeg"), 422),
    ("cut off png", ("a.png", PNG[:-100], "image/png"), 422),
    ("cut off webp", ("a.webp", WEBP[:-100], "image/webp"), 422),
    ("control character in its name", ("a\x9bb.jpg", JPEG, "image/jpeg"), 422),
    ("too much", ("a.jpg", TOO_MUCH, "image/jpeg"), 413),
    ("far too much", ("a.jpg", TOO_MUCH + bytes(100_000), "image/jpeg"), 413),
]
NUL_IN_NAME = b'--b\r\nContent-Disposition: form-data; name="file"; filename="a\0b"\r\n\r\n' + JPEG + b"\r\n--b--\r\n"
FORMS: list[tuple[str, dict[str, Any], int]] = [
    ("nul in its name", {"content": NUL_IN_NAME, "headers": {"Content-Type": "multipart/form-data; boundary=b"}}, 422),
    ("json", {"json": {"file": "x"}}, 415),
    ("a picture without a form", {"content": JPEG, "headers": {"Content-Type": "image/jpeg"}}, 415),
    ("nothing", {}, 415),
    ("a text field", {"files": {"file": (None, "text")}}, 422),
    ("another field", {"files": {"image": ("a.jpg", JPEG, "image/jpeg")}}, 422),
    ("one field more", {"files": {"file": ("a.jpg", JPEG, "image/jpeg")}, "data": {"note": "x"}}, 422),
    ("two files", {"files": [("file", ("a.jpg", JPEG, "image/jpeg"))] * 2}, 422),
    (
        "a form without end",
        {"content": b"--b\r\n", "headers": {"Content-Type": "multipart/form-data; boundary=b"}},
        400,
    ),
    ("a form without boundary", {"content": b"x", "headers": {"Content-Type": "multipart/form-data"}}, 400),
    (
        "a compressed form",
        {"files": {"file": ("a.jpg", JPEG, "image/jpeg")}, "headers": {"Content-Encoding": "gzip"}},
        415,
    ),
    ("an unknown parameter", {"files": {"file": ("a.jpg", JPEG, "image/jpeg")}, "params": {"width": "1"}}, 422),
]


async def refused(gallery: Gallery, status: int, **request: Any) -> None:
    response = await gallery.shop.api.put(MUG, **request)
    assert (response.status_code, response.headers["content-type"]) == (status, MEDIA_TYPE), response.text
    assert not {"<script>", "a.jpg"} & set(response.text.split())
    await gallery.shop.settled()
    kept = [gallery.shop.count(table) for table in ("uploads", "runs", "product_images", "audit_entries")]
    assert kept == [0, 0, 0, 0]


@pytest.mark.parametrize(("file", "status"), [case[1:] for case in FILES], ids=[case[0] for case in FILES])
async def test_what_is_no_good_picture_is_refused(small_gallery: Gallery, file: tuple[Any, ...], status: int) -> None:
    await refused(small_gallery, status, files={"file": file})


@pytest.mark.parametrize(("request_", "status"), [case[1:] for case in FORMS], ids=[case[0] for case in FORMS])
async def test_what_is_no_good_form_is_refused(small_gallery: Gallery, request_: dict[str, Any], status: int) -> None:
    await refused(small_gallery, status, **request_)


async def test_bytes_are_counted_and_not_what_is_said_of_them(small_gallery: Gallery) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'--b\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n'
        for _ in range(20):
            yield bytes(1024 * 1024)

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    await refused(small_gallery, 413, content=endless(), headers=headers)


@pytest.mark.parametrize("width", ["0", "-1", "10001", "1.5", "ten", "", "9" * 30, "1\x00"])
async def test_a_width_is_a_number_of_pixels(small_gallery: Gallery, width: str) -> None:
    response = await small_gallery.shown(params={"width": width})
    assert (response.status_code, response.json()["errors"][0]["pointer"]) == (422, "/width")


@pytest.mark.parametrize("sku", ["%00", "a%0Ab", "a b", "%2e%2e", "x" * 65, "-"])
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_what_is_no_sku_is_refused(small_gallery: Gallery, sku: str, method: str) -> None:
    response = await small_gallery.shop.api.request(method, f"/v1/products/{sku}/image")
    assert response.status_code in {404, 422}
    assert response.headers["content-type"] == MEDIA_TYPE


async def test_who_may_not_do_it_is_told_so_before_the_picture_is_read(small_gallery: Gallery) -> None:
    was_read: list[bool] = []

    async def sent() -> AsyncIterator[bytes]:
        was_read.append(True)
        yield b"--b--\r\n"

    headers = {"Content-Type": "multipart/form-data; boundary=b"}
    ada = await small_gallery.shop.client_of("ada")
    for client, status in ((small_gallery.shop.client(None), 401), (ada, 403)):
        assert (await client.put(MUG, content=sent(), headers=headers)).status_code == status
    assert not was_read
