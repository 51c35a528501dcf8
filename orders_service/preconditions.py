"""`If-Match` and `If-None-Match` (RFC 9110): what a client knows of a resource, held against what it is now."""

import hashlib
import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Header

_TAG = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_ANY = "*"

IfMatch = Annotated[
    str | None,
    Header(description="Do it only if the resource still has this `ETag`, as it was read; `*`: if there is one."),
]
IfNoneMatch = Annotated[
    str | None, Header(description="Answer 304 if the resource still has this `ETag`: nothing has changed.")
]
IfNoneThere = Annotated[
    str | None, Header(alias="If-None-Match", description="`*`: create it, and refuse if there is one already.")
]


class PreconditionFailed(Exception):
    """The resource is not what the client takes it for."""


@dataclass(frozen=True, slots=True)
class Preconditions:
    """The two headers as they were sent; what is no entity tag matches nothing."""

    if_match: str | None = None
    if_none_match: str | None = None

    def check(self, etag: str | None) -> None:
        """Raise `PreconditionFailed`. `etag` is that of the resource as it is now, `None` if there is no such thing."""
        if self.if_match is not None and not _names(self.if_match, etag, is_strong=True):
            raise PreconditionFailed
        if self.if_none_match is not None and _names(self.if_none_match, etag, is_strong=False):
            raise PreconditionFailed


def tag_of(body: str) -> str:
    """The strong tag of a representation: a hash of what is shown, so equal tags mean equal bytes."""
    return f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'


def is_known(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has what it would be sent."""
    return if_none_match is not None and _names(if_none_match, etag, is_strong=False)


def _names(header: str, etag: str | None, *, is_strong: bool) -> bool:
    """Whether the header names this tag. A strong comparison takes no weak tag (RFC 9110, 8.8.3.2)."""
    if etag is None:
        return False
    if header.strip() == _ANY:
        return True
    return any(tag == etag and not (weak and is_strong) for weak, tag in _TAG.findall(header))
