"""`ETag`, `If-Match` and `If-None-Match` of accounts."""

import hashlib
from typing import Annotated, TypeAlias

from fastapi import Header
from pydantic import BaseModel

LONGEST = 1000

IfMatch: TypeAlias = Annotated[
    str | None,
    Header(max_length=LONGEST, description="Change it only if it is as it was under this `ETag`; else a 412."),
]
IfNoneMatch: TypeAlias = Annotated[
    str | None, Header(max_length=LONGEST, description="Answer 304 if it is still what this `ETag` was given for.")
]


def etag_of(view: BaseModel, version: int) -> str:
    """Strong, so made of all that is shown; in front the version, which is what a change must not overrule."""
    return f'"{version}-{hashlib.sha256(view.model_dump_json().encode()).hexdigest()[:16]}"'


def is_shown(if_none_match: str | None, etag: str) -> bool:
    """Whether the client has this very representation. A weak comparison, as RFC 9110 has it."""
    return any(tag in {"*", etag} for tag in _tags(if_none_match, weakly=True))


def allows(if_match: str | None, version: int) -> bool:
    """Whether the client has seen this version. What the background has noted since (a login, a purchase) is no reason
    to refuse a change, so only the version is compared. A weak tag never matches.
    """  # noqa: D205 - one thought
    tags = _tags(if_match, weakly=False)
    return if_match is None or any(tag == "*" or tag.startswith(f'"{version}-') for tag in tags)


def _tags(header: str | None, *, weakly: bool) -> list[str]:
    tags = [tag.strip() for tag in (header or "").split(",")]
    return [tag.removeprefix("W/") if weakly else tag for tag in tags]
