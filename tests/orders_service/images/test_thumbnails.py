"""A picture is made anew in our sizes, and nothing of what was sent goes with it."""

import random

import pytest
from PIL import Image, ImageCms

from orders_service.images import thumbnails
from orders_service.images.thumbnails import Pictures, pictures_of
from pipelines import Reject
from tests.builders.pictures import (
    GREEN,
    HTML,
    MEDIA_TYPES,
    a_bomb,
    a_hollow_picture,
    a_photo,
    a_picture,
    opened,
    written,
)

KINDS = list(MEDIA_TYPES)


def made(content: bytes, kind: str = "JPEG") -> Pictures:
    return pictures_of(content, MEDIA_TYPES[kind])


def largest(content: bytes, kind: str = "JPEG") -> Image.Image:
    return opened(made(content, kind).sizes[-1].content)


def looks_like(pixel: object, color: tuple[int, ...], *, within: int = 6) -> bool:
    assert isinstance(pixel, tuple)
    return all(abs(one - other) <= within for one, other in zip(pixel[:3], color, strict=False))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1600, 800), [(80, 40), (320, 160), (1024, 512), (1600, 800)]),
        ((320, 320), [(80, 80), (320, 320)]),
        ((79, 200), [(79, 200)]),
        ((1, 1), [(1, 1)]),
        ((4100, 2050), [(80, 40), (320, 160), (1024, 512), (2048, 1024)]),
        ((30, 4096), [(15, 2048)]),
        ((4096, 1), [(80, 1), (320, 1), (1024, 1), (2048, 1)]),
    ],
)
def test_sizes_are_ours_and_never_larger_than_what_was_sent(
    kind: str, size: tuple[int, int], expected: list[tuple[int, int]]
) -> None:
    sizes = made(a_picture(kind, width=size[0], height=size[1]), kind).sizes
    assert [(each.width, each.height) for each in sizes] == expected
    assert [opened(each.content).size for each in sizes] == expected


@pytest.mark.parametrize("kind", KINDS)
def test_colours_stay_what_they_are(kind: str) -> None:
    for size in made(a_picture(kind, width=1200), kind).sizes:
        assert looks_like(opened(size.content).getpixel((2, 2)), GREEN)


@pytest.mark.parametrize(
    ("mode", "color", "expected"),
    [
        ("L", 130, (130, 130, 130)),
        ("1", 1, (255, 255, 255)),
        ("P", 0, (0, 0, 0)),
        ("I;16", 0x8000, (128, 128, 128)),
        ("LA", (130, 255), (130, 130, 130)),
        ("RGBA", (*GREEN, 255), GREEN),
    ],
)
def test_every_kind_of_pixel_becomes_an_opaque_jpeg(mode: str, color: object, expected: tuple[int, ...]) -> None:
    sizes = made(a_picture("PNG", mode=mode, color=color), "PNG").sizes
    assert {size.media_type for size in sizes} == {"image/jpeg"}
    assert looks_like(opened(sizes[-1].content).convert("RGB").getpixel((5, 5)), expected)


def test_ink_becomes_light() -> None:
    assert looks_like(
        largest(a_picture("JPEG", mode="CMYK", color=(255, 0, 255, 0))).getpixel((5, 5)), (0, 255, 0), within=90
    )


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_what_is_seen_through_stays_so(kind: str) -> None:
    image = Image.new("RGBA", (400, 300), (*GREEN, 255))
    image.paste((0, 0, 0, 0), (0, 0, 200, 300))
    for size in made(written(image, kind), kind).sizes:
        assert size.media_type == "image/webp"
        found = opened(size.content)
        assert found.convert("RGBA").getpixel((1, 1))[3] < 20  # type: ignore[index] # of four bands
        assert found.convert("RGBA").getpixel((found.width - 2, 1))[3] > 235  # type: ignore[index] # the same


def test_a_colour_that_stands_for_nothing_is_seen_through() -> None:
    content = a_picture("PNG", color=(255, 0, 255), transparency=(255, 0, 255))
    assert made(content, "PNG").sizes[-1].media_type == "image/webp"


@pytest.mark.parametrize("kind", KINDS)
def test_a_picture_taken_sideways_is_turned_upright(kind: str) -> None:
    image = Image.new("RGB", (600, 300), (255, 255, 255))
    image.paste(GREEN, (0, 0, 300, 300))  # on the left: below, when the camera is turned
    exif = Image.Exif()
    exif[0x0112] = 8
    found = largest(written(image, kind, exif=exif), kind)
    assert found.size == (300, 600)
    assert looks_like(found.getpixel((150, 500)), GREEN, within=12)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_that_is_written_beside_the_picture_is_passed_on(kind: str) -> None:
    exif = Image.Exif()
    exif[0x010E] = exif[0x9286] = "at home, 48.1372 N"
    own = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    options = {"comment": HTML} if kind == "JPEG" else {}
    content = written(Image.new("RGB", (400, 300), GREEN), kind, exif=exif, icc_profile=own, **options)
    assert b"48.1372" in content
    for size in made(content, kind).sizes:
        assert not any(said in size.content for said in (b"48.1372", b"html", b"ICC_PROFILE", b"Exif", b"acsp"))


def test_a_profile_that_is_none_is_no_reason_to_refuse() -> None:
    assert largest(a_picture("JPEG", icc_profile=b"not a profile")).size == (400, 300)


def test_the_colours_of_another_profile_are_kept() -> None:
    """The same numbers mean another colour under a profile, so they change when that goes."""
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert largest(a_picture("JPEG", icc_profile=lab)).size == (400, 300)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_what_no_format_makes_small_is_written_with_less_care_or_refused(
    monkeypatch: pytest.MonkeyPatch, mode: str
) -> None:
    image = Image.effect_noise((300, 300), 120).convert(mode)
    if mode == "RGBA":
        image.putalpha(Image.effect_noise(image.size, 120))
    content = written(image, "PNG")
    size = len(made(content, "PNG").sizes[-1].content)
    monkeypatch.setattr(thumbnails, "MOST_PICTURE_BYTES", size - 1)
    assert len(made(content, "PNG").sizes[-1].content) < size
    monkeypatch.setattr(thumbnails, "MOST_PICTURE_BYTES", 900)
    with pytest.raises(Reject, match="small"):
        made(content, "PNG")


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (a_hollow_picture(), "PNG"),
        (a_bomb(), "PNG"),
        (a_bomb(9000), "PNG"),
        (a_bomb(4001), "PNG"),
        (a_picture("PNG"), "JPEG"),
        (b"", "PNG"),
        (a_photo("JPEG")[:2000], "JPEG"),
        (a_photo("WEBP")[:2000], "WEBP"),
        (a_photo("PNG")[:2000], "PNG"),
    ],
)
def test_what_cannot_be_decoded_is_refused_with_a_reason(content: bytes, kind: str) -> None:
    with pytest.raises(Reject, match="picture"):
        made(content, kind)


@pytest.mark.filterwarnings("ignore")  # Pillow warns of what is written beside a picture and cannot be read
@pytest.mark.parametrize("kind", KINDS)
def test_damage_of_any_kind_is_a_refusal_and_no_other_error(kind: str) -> None:
    dice, content = random.Random(11), a_photo(kind, width=30, height=20, exif=_an_exif())  # noqa: S311 - no secret
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(dice.randrange(1, 6)):
            damaged[dice.randrange(len(damaged))] = dice.randrange(256)
        try:
            made(bytes(damaged), kind)
        except Reject:
            continue


def _an_exif() -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = 6
    return exif


def test_equal_pictures_have_equal_tags_and_others_have_others() -> None:
    one, same, other = a_photo(seed=1), a_photo(seed=1), a_photo(seed=2)
    tags = [[size.etag for size in made(content).sizes] for content in (one, same, other)]
    assert tags[0] == tags[1] != tags[2]
    assert len(set(tags[0])) == len(tags[0])


def test_the_journal_keeps_what_is_said_of_a_picture_and_not_its_bytes() -> None:
    stored = made(a_photo()).model_dump_json()
    assert len(stored) < 1000
    assert Pictures.model_validate_json(stored).sizes[0].content == b""
