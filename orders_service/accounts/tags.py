"""The `ETag` of an account: it names what is shown, and in front the version that a change must not overrule."""

import hashlib
import re

from pydantic import BaseModel

_VERSIONS = re.compile(r'(?<!W/)"(\d+)-[0-9a-f]{16}"')


def etag_of(view: BaseModel, version: int) -> str:
    """Strong, so made of all that is shown."""
    return f'"{version}-{hashlib.sha256(view.model_dump_json().encode()).hexdigest()[:16]}"'


def allows(if_match: str | None, version: int) -> bool:
    """Whether the client has seen this version. A weak tag never matches.

    Only the version counts: a login or a purchase that was noted since is no reason to refuse a change.
    """
    return if_match is None or if_match.strip() == "*" or str(version) in _VERSIONS.findall(if_match)
