"""ImagesError
├── NoProductToShow   no product has this SKU
├── NoImage           the product has none, or none yet
├── UnfitImageType    not in a format that is taken, or not in the one it claims
├── BrokenImage       in a format that is taken, but cut off, without a size, or too large to be unpacked
└── ImageSuperseded   a Reject: a newer picture is there, or it was removed meanwhile
"""  # noqa: D205, D400 - the tree is the text

from pipelines import Reject


class ImagesError(Exception):
    """The base of this slice's errors."""


class NoProductToShow(ImagesError):
    """There is nothing that a picture could be of."""


class NoImage(ImagesError):
    """Says why, and whether there may be one soon."""

    def __init__(self, why: str, *, may_come: bool = False) -> None:
        super().__init__(why)
        self.may_come = may_come


class UnfitImageType(ImagesError):
    """Judged by the content; what the client says of it has to agree."""


class BrokenImage(ImagesError):
    """Found by looking at the headers alone."""


class ImageSuperseded(Reject, ImagesError):
    """An older picture never takes the place of a newer one."""

    def __init__(self) -> None:
        super().__init__("a newer picture has taken its place, or it was removed")
