"""What an endpoint says of who does what: a value that enters the transaction of the change."""

from dataclasses import dataclass
from ipaddress import ip_address
from typing import Annotated
from uuid import UUID

from fastapi import Depends, Request

from orders_service.auth import Principal
from orders_service.request_ids import request_id_of

LONGEST_ADDRESS = 45


@dataclass(frozen=True, slots=True, kw_only=True)
class Note:
    """Who did what to what, and in which request. `via` names the door, where it is not the API."""

    actor: str
    actor_type: str
    action: str
    subject_type: str
    subject_id: str
    request_id: str | None = None
    ip: str | None = None
    via: str | None = None


class Auditing:
    """Makes the notes of one request; the credential has been read by the time it is called."""

    def __init__(self, request: Request) -> None:
        self._request = request

    def __call__(self, action: str, subject_id: object, *, subject_type: str | None = None) -> Note:
        """`auditor("user_deleted", user.id)`: hand it to the transaction function, which records it.

        What it is about is the first word of the action, unless it is named.
        """
        actor, actor_type = _who(self._request)
        return Note(
            actor=actor,
            actor_type=actor_type,
            action=action,
            subject_type=subject_type or action.partition("_")[0],
            subject_id=str(subject_id),
            request_id=request_id_of(self._request.scope),
            ip=address_of(self._request),
            via=getattr(self._request.state, "via", None),
        )


def _who(request: Request) -> tuple[str, str]:
    """Whoever signs up or logs in has no credential yet."""
    principal: Principal | None = getattr(request.state, "principal", None)
    if principal is None:
        return "anonymous", "anonymous"
    return principal.id, "admin" if principal.is_admin else principal.kind


def address_of(request: Request) -> str | None:
    """Where the request came from, as far as the server knows; a proxy may have passed on what is no address."""
    try:
        return str(ip_address(request.client.host))[:LONGEST_ADDRESS] if request.client is not None else None
    except ValueError:
        return None


def by_service(
    pipeline: str, run_id: UUID, action: str, subject_id: object, *, subject_type: str | None = None
) -> Note:
    """A note of what a run did by itself."""
    return Note(
        actor=f"{pipeline}/{run_id}",
        actor_type="service",
        action=action,
        subject_type=subject_type or action.partition("_")[0],
        subject_id=str(subject_id),
    )


async def _auditor(request: Request) -> Auditing:
    return Auditing(request)


Auditor = Annotated[Auditing, Depends(_auditor)]
