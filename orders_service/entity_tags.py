"""Strong entity tags (RFC 9110): a hash of what is shown, so that equal tags mean equal bytes."""

import hashlib
import re
from typing import Annotated

from fastapi import Header

_TAGS = re.compile(r'(W/)?("[\x21\x23-\x7e\x80-\xff]*")')
_LONGEST_HEADER = 1000

IfMatch = Annotated[
    str | None,
    Header(description="The `ETag` of what you have seen: when it has changed since, nothing is done and you get 412."),
]
IfNoneMatch = Annotated[
    str | None, Header(description="The `ETag` of what you have: while that is current, you get a 304 without a body.")
]


def tag_of(body: str) -> str:
    """The tag of a representation."""
    return f'"{hashlib.sha256(body.encode()).hexdigest()[:32]}"'


def is_named(header: str, tag: str, *, weakly: bool) -> bool:
    """Whether the header names this tag; `weakly` takes a tag that a proxy has weakened, as `If-None-Match` must."""
    if header.strip() == "*":
        return True
    named = _TAGS.findall(header[:_LONGEST_HEADER])
    return any(each == tag and (weakly or not weak) for weak, each in named)
