"""How the service says no: every refusal is a problem document (RFC 9457) with a code from one closed list."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias, get_args
from urllib.parse import quote

import structlog
from pydantic import BaseModel, ConfigDict, Field
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import Scope

from orders_service.request_ids import request_id_of, trace_id

MEDIA_TYPE = "application/problem+json"

Code: TypeAlias = Literal[
    "malformed-request",
    "invalid-idempotency-key",
    "unauthenticated",
    "forbidden",
    "not-found",
    "method-not-allowed",
    "request-timeout",
    "idempotency-in-progress",
    "state-conflict",
    "precondition-failed",
    "payload-too-large",
    "unsupported-media-type",
    "invalid-request",
    "idempotency-key-conflict",
    "rate-limited",
    "headers-too-large",
    "internal-error",
    "overloaded",
    "unavailable",
    "storage-full",
    "outcome-unknown",
]
CODES: tuple[Code, ...] = get_args(Code)


class Kind(NamedTuple):
    """What is the same for all problems of a code."""

    status: int
    title: str
    detail: str
    headers: Mapping[str, str] = {}


KINDS: Mapping[Code, Kind] = {
    "malformed-request": Kind(400, "Malformed request", "The request cannot be read."),
    "invalid-idempotency-key": Kind(
        400, "Invalid Idempotency-Key", "Idempotency-Key is 1 to 255 printable ASCII characters."
    ),
    "unauthenticated": Kind(
        401, "Unauthenticated", "A valid bearer credential is needed.", {"WWW-Authenticate": "Bearer"}
    ),
    "forbidden": Kind(403, "Forbidden", "This credential may not do that."),
    "not-found": Kind(404, "Not found", "There is nothing here that this credential may see."),
    "method-not-allowed": Kind(405, "Method not allowed", "The header Allow names the methods of this resource."),
    "request-timeout": Kind(
        408, "Request timeout", "The body did not arrive in time.", {"Connection": "close"}
    ),  # what arrives of the body later must not be read as the next request
    "idempotency-in-progress": Kind(
        409, "Idempotency-Key in use", "The first request with this key is still running.", {"Retry-After": "1"}
    ),
    "state-conflict": Kind(409, "State conflict", "The state of the resource does not allow this."),
    "precondition-failed": Kind(412, "Precondition failed", "The resource has changed since it was read."),
    "payload-too-large": Kind(413, "Payload too large", "The body is larger than this resource takes."),
    "unsupported-media-type": Kind(415, "Unsupported media type", "The body is in a type that is not taken here."),
    "invalid-request": Kind(422, "Invalid request", "The request was understood, but its values are refused."),
    "idempotency-key-conflict": Kind(
        422, "Idempotency-Key reused", "This key belongs to a request with another payload."
    ),
    "rate-limited": Kind(429, "Rate limited", "Too many requests.", {"Retry-After": "1"}),
    "headers-too-large": Kind(431, "Headers too large", "The request line and headers are too large."),
    "internal-error": Kind(500, "Internal error", "This is a fault of the service; it has been logged."),
    "overloaded": Kind(503, "Overloaded", "Too much is waiting. Nothing was stored.", {"Retry-After": "1"}),
    "unavailable": Kind(503, "Unavailable", "The database is away. Nothing was stored.", {"Retry-After": "2"}),
    "storage-full": Kind(503, "Storage full", "The disk is full. Nothing was stored.", {"Retry-After": "30"}),
    "outcome-unknown": Kind(
        503,
        "Outcome unknown",
        "Perhaps stored, perhaps not: repeat with the same Idempotency-Key.",
        {"Retry-After": "1"},
    ),
}

# What a status means when whoever answered, the framework for one, knew no code.
_PLAIN_STATUS: Mapping[int, Code] = {
    401: "unauthenticated",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    408: "request-timeout",
    409: "state-conflict",
    412: "precondition-failed",
    413: "payload-too-large",
    415: "unsupported-media-type",
    422: "invalid-request",
    429: "rate-limited",
    431: "headers-too-large",
    503: "unavailable",
}
_SERVER_ERRORS = 500


class Flaw(BaseModel):
    """One value that was refused: where it is, and what is wrong with it; never the value itself."""

    model_config = ConfigDict(frozen=True)

    location: Literal["body", "query", "path", "header", "cookie"] = Field(examples=["body"])
    pointer: str = Field(description="JSON pointer (RFC 6901) within that location.", examples=["/items/0/quantity"])
    message: str = Field(examples=["Input should be greater than 0"])


class ProblemDetails(BaseModel):
    """The body of every 4xx and 5xx of this service (RFC 9457). A proxy in front may answer with another one."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="Ends in the code.", examples=["urn:orders-service:problem:not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["There is nothing here that this credential may see."])
    instance: str = Field(description="This one occurrence.", examples=["urn:orders-service:request:4f0c9a"])
    code: Code = Field(description="Stable; programs decide by it.", examples=["not-found"])
    request_id: str = Field(description="As in X-Request-Id and in the logs.", examples=["4f0c9a"])
    trace_id: str | None = Field(
        default=None, description="Where requests are traced.", examples=["4bf92f3577b34da6a3ce929d0e0e4736"]
    )
    errors: tuple[Flaw, ...] | None = Field(default=None, description="For invalid-request: what was refused.")


class Problem(HTTPException):
    """Raise it anywhere in a request. An HTTPException, because only those pass FastAPI's reading of the body."""

    def __init__(
        self,
        code: Code,
        detail: str | None = None,
        *,
        errors: Sequence[Flaw] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        kind = KINDS[code]
        super().__init__(kind.status, detail or kind.detail, headers={**kind.headers, **(headers or {})})
        self.code = code
        self.errors = tuple(errors)


def problem_for(status: int, *, headers: Mapping[str, str] | None = None) -> Problem:
    """The problem that stands for a bare status. What else its sender said is not passed on: it may quote input."""
    fallback: Code = "malformed-request" if status < _SERVER_ERRORS else "internal-error"
    return Problem(_PLAIN_STATUS.get(status, fallback), headers=headers)


def answer(problem: Problem, scope: Scope) -> Response:
    """The response to send; the access line of this request will name its code."""
    scope.setdefault("state", {})["problem"] = problem.code
    request_id = request_id_of(scope)
    # URNs: a type is a name and no page. A relative reference would mean another type under each host and prefix,
    # and an https name would claim a domain that the operator of this service need not have.
    details = ProblemDetails(
        type=f"urn:orders-service:problem:{problem.code}",
        title=KINDS[problem.code].title,
        status=problem.status_code,
        detail=problem.detail,
        instance=f"urn:orders-service:request:{quote(request_id, safe='')}",
        code=problem.code,
        request_id=request_id,
        trace_id=trace_id(),
        errors=problem.errors or None,
    )
    return Response(
        details.model_dump_json(exclude_none=True),
        status_code=problem.status_code,
        headers={"Cache-Control": "no-store", **(problem.headers or {})},  # caches may keep a 404 by heuristics
        media_type=MEDIA_TYPE,
    )


def unexpected(error: Exception, scope: Scope) -> Response:
    """A bug: its whole story goes into the log, and none of it into the answer."""
    structlog.get_logger().error("request_failed", request_id=request_id_of(scope), exc_info=error)
    return answer(Problem("internal-error"), scope)


def responses(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For `responses=` of a router or a route: these statuses are problems, in OpenAPI too."""
    return {status: _declared(status) for status in statuses}


def _declared(status: int) -> dict[str, Any]:
    kinds = {code: kind for code, kind in KINDS.items() if kind.status == status}
    if not kinds:
        raise ValueError(f"no problem has the status {status}")
    return {
        "description": " or ".join(f"`{code}`: {kind.detail}" for code, kind in kinds.items()),
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}}},
    }
