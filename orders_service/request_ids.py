"""The id under which one request is found again: in its answer, in every log line and in the audit."""

import itertools
import re
import secrets

from opentelemetry.trace import get_current_span
from starlette.types import Scope

HEADER = b"x-request-id"
_INCARNATION = secrets.token_hex(10)  # of this process; asking the system for each id would cost a thread switch
_COUNT = itertools.count()
_ACCEPTABLE = re.compile(rb"[\x20-\x7e]{1,128}")


def taken_or_made(offered: bytes | None) -> str:
    """What the client offered, when it is short and printable; else a new id."""
    if offered is not None and _ACCEPTABLE.fullmatch(offered):
        return offered.decode("ascii")
    return f"{_INCARNATION}{next(_COUNT):012x}"


def remember(scope: Scope, request_id: str) -> None:
    """Where `request_id_of` finds it, and `request.state.request_id` too."""
    scope.setdefault("state", {})["request_id"] = request_id


def request_id_of(scope: Scope) -> str:
    """The id of this request. One that did not come in through the edge gets its id here."""
    state = scope.setdefault("state", {})
    if "request_id" not in state:
        remember(scope, taken_or_made(None))
    return str(state["request_id"])


def trace_id() -> str | None:
    """The trace that this request is part of, if it is traced."""
    span = get_current_span().get_span_context()
    return f"{span.trace_id:032x}" if span.is_valid else None
