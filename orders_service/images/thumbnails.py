"""A picture, made anew in the sizes that are shown. Nothing of what was sent is passed on but what can be seen."""

import hashlib
import io
import struct
import zlib

from PIL import Image, ImageCms, ImageOps
from pydantic import BaseModel, ConfigDict, Field

from orders_service.images.errors import BrokenImage
from orders_service.images.inspection import JPEG, PNG, WEBP, Seen, check_size
from pipelines import Reject

WIDTHS = (80, 320, 1024)
LONGEST_SIDE = 2048
"""Of the largest one, which stands for the original."""
MOST_PICTURE_BYTES = 2 * 1024 * 1024
_QUALITIES = (85, 60, 30)
_FORMATS = {JPEG: "JPEG", PNG: "PNG", WEBP: "WEBP"}
_SHRINKABLE = {"L", "LA", "RGB", "RGBA", "CMYK", "YCbCr"}
_OPAQUE = 255
_SRGB = ImageCms.createProfile("sRGB")
# What Pillow says of files that are not what they seem to be; it has no error of its own for that.
_BROKEN = (
    OSError,
    ValueError,
    SyntaxError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    struct.error,
    zlib.error,
    Image.DecompressionBombError,
    Image.DecompressionBombWarning,
)


class Picture(BaseModel):
    """One size. The journal keeps what is said of it; its bytes go into the transaction that ends the step."""

    model_config = ConfigDict(frozen=True)

    width: int
    height: int
    media_type: str
    etag: str
    content: bytes = Field(default=b"", exclude=True, repr=False)


class Pictures(BaseModel):
    """All sizes, the smallest first."""

    model_config = ConfigDict(frozen=True)

    sizes: tuple[Picture, ...]


def pictures_of(content: bytes, media_type: str) -> Pictures:
    """Raises `Reject` for what cannot be decoded."""
    try:
        largest = _decoded(content, media_type)
    except BrokenImage as error:
        raise Reject(str(error)) from None
    except _BROKEN as error:
        raise Reject("the picture is damaged and cannot be decoded") from error
    widths = [*(width for width in WIDTHS if width < largest.width), largest.width]
    return Pictures(sizes=tuple(_picture(_resized(largest, width)) for width in widths))


def _decoded(content: bytes, media_type: str) -> Image.Image:
    """Upright, in sRGB, with transparency only if something is seen through it; and nothing written beside it."""
    with Image.open(io.BytesIO(content), formats=(_FORMATS[media_type],)) as opened:
        check_size(Seen(media_type, opened.width, opened.height))  # as the decoder has read it
        image = _shrinkable(opened)
        image.thumbnail((LONGEST_SIDE, LONGEST_SIDE))  # a JPEG is not even unpacked in full
        image = ImageOps.exif_transpose(image)
    image = _in_srgb(image)
    image = image.convert("RGBA" if image.has_transparency_data else "RGB")
    if image.mode == "RGBA" and image.getchannel("A").getextrema()[0] == _OPAQUE:
        image = image.convert("RGB")
    image.info = {}  # else the writer finds a comment in it, and copies that
    return image


def _shrinkable(image: Image.Image) -> Image.Image:
    """A palette, or a colour that stands for nothing, is lost when neighbours are mixed."""
    if image.mode.startswith("I;16"):  # of 16 bits the upper ones
        return image.convert("I").point(lambda value: value / 256).convert("L")
    if image.mode in _SHRINKABLE and "transparency" not in image.info:
        return image
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _in_srgb(image: Image.Image) -> Image.Image:
    """The profile goes with all else that is written beside the picture, so its colours have to do without."""
    profile = image.info.get("icc_profile")
    if not profile:
        return image
    mode = "RGBA" if image.mode == "RGBA" else "RGB"
    try:
        own = ImageCms.ImageCmsProfile(io.BytesIO(profile))
        return ImageCms.profileToProfile(image, own, _SRGB, outputMode=mode) or image
    except (ImageCms.PyCMSError, OSError):  # a profile that does not fit is no reason to refuse a picture
        return image


def _resized(image: Image.Image, width: int) -> Image.Image:
    if width == image.width:
        return image
    height = max(1, round(image.height * width / image.width))
    return image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=3.0)


def _picture(image: Image.Image) -> Picture:
    content, media_type = _encoded(image)
    etag = hashlib.sha256(content).hexdigest()[:32]
    return Picture(width=image.width, height=image.height, media_type=media_type, etag=etag, content=content)


def _encoded(image: Image.Image) -> tuple[bytes, str]:
    """JPEG, which everybody reads; WebP for what is seen through. All sizes of a picture fit into one COMMIT."""
    for quality in _QUALITIES:
        written = io.BytesIO()
        if image.mode == "RGBA":
            image.save(written, "WEBP", quality=quality, alpha_quality=quality)
        else:
            image.save(written, "JPEG", quality=quality, optimize=True, progressive=True)
        if written.tell() <= MOST_PICTURE_BYTES:
            return written.getvalue(), WEBP if image.mode == "RGBA" else JPEG
    raise Reject("the picture cannot be made small enough")
