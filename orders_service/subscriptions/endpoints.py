"""Endpoints come, change and go: transaction functions, each written down in the audit without URLs or secrets."""

import base64
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from orders_service import audit
from orders_service.auth import Principal
from orders_service.subscriptions import queries
from orders_service.subscriptions.errors import TooManyEndpoints, UnknownEndpoint
from orders_service.subscriptions.schemas import (
    EndpointChange,
    EndpointDraft,
    EndpointView,
    EndpointWithSecret,
    Rotation,
)
from orders_service.subscriptions.tables import WebhookEndpoint
from pipelines import ReadSession, Transaction

MOST_ENDPOINTS = 20
SECRET_BYTES = 32
ON_REQUEST = "It was disabled on request."


def new_secret() -> str:
    """As Standard Webhooks writes it."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def create(
    tx: Transaction, endpoint_id: UUID, draft: EndpointDraft, *, secret: str, principal: Principal, note: audit.Note
) -> EndpointWithSecret:
    """Staff hear of everything; a customer of what is theirs, and of what is public. Raises `TooManyEndpoints`."""
    if queries.count_endpoints(tx, principal.id) >= MOST_ENDPOINTS:
        raise TooManyEndpoints(MOST_ENDPOINTS)
    row: dict[str, Any] = {
        "id": endpoint_id,
        "owner": principal.id,
        "sees_everything": principal.is_admin,
        **draft.model_dump(),
        "secret": secret,
        "created_at": tx.home.clock.now(),
    }
    queries.add_endpoint(tx, row)
    audit.record(tx, note, after=_told(draft.model_dump()))
    return EndpointWithSecret.of(WebhookEndpoint(**row))


def seen_by(session: ReadSession | Transaction, endpoint_id: UUID, principal: Principal) -> WebhookEndpoint:
    """Raises `UnknownEndpoint` for a missing one and for somebody else's alike."""
    endpoint = queries.find_endpoint(session, endpoint_id)
    if endpoint is None or not _may_see(principal, endpoint):
        raise UnknownEndpoint
    return endpoint


def change(
    tx: Transaction, endpoint_id: UUID, wanted: EndpointChange, principal: Principal, note: audit.Note
) -> EndpointView:
    """What was on its way keeps its body, and goes to wherever the endpoint is by then."""
    endpoint = seen_by(tx, endpoint_id, principal)
    changed = _changed(endpoint, wanted)
    if wanted.enabled is True:
        changed |= {"disabled_at": None, "disabled_reason": None}
    elif wanted.enabled is False and endpoint.disabled_at is None:
        changed |= {"disabled_at": tx.home.clock.now(), "disabled_reason": ON_REQUEST}
    before = {name: getattr(endpoint, name) for name in changed}
    queries.change_endpoint(tx, endpoint_id, **changed)
    audit.record(tx, note, before=_told(before), after=_told(changed))
    return EndpointView.of(WebhookEndpoint(**endpoint.model_dump() | changed))


def rotate(
    tx: Transaction, endpoint_id: UUID, rotation: Rotation, *, secret: str, principal: Principal, note: audit.Note
) -> EndpointWithSecret:
    """The former secret stays valid for a while, so that its owner can change over; one from before that ends now."""
    endpoint = seen_by(tx, endpoint_id, principal)
    until = tx.home.clock.now() + timedelta(hours=rotation.overlap_hours) if rotation.overlap_hours else None
    changed = {
        "secret": secret,
        "former_secret": endpoint.secret if until is not None else None,
        "former_secret_until": until,
    }
    queries.change_endpoint(tx, endpoint_id, **changed)
    audit.record(tx, note, after={"overlap_hours": rotation.overlap_hours})
    return EndpointWithSecret.of(WebhookEndpoint(**endpoint.model_dump() | changed))


def remove(tx: Transaction, endpoint_id: UUID, principal: Principal, note: audit.Note) -> None:
    """With its secrets. What is under way finds nobody at its next attempt, and ends."""
    endpoint = seen_by(tx, endpoint_id, principal)
    queries.remove_endpoint(tx, endpoint_id)
    audit.record(tx, note, before=_told({"url": endpoint.url, "event_types": endpoint.event_types}))


def _may_see(principal: Principal, endpoint: WebhookEndpoint) -> bool:
    """A name is not enough where everything is sent: a key of the same name may be nobody's of staff."""
    return principal.is_admin or (principal.may_see(endpoint.owner) and not endpoint.sees_everything)


def _changed(endpoint: WebhookEndpoint, wanted: EndpointChange) -> dict[str, Any]:
    given = wanted.model_dump(exclude={"enabled"}, exclude_none=True)
    return {name: value for name, value in given.items() if getattr(endpoint, name) != value}


def _told(values: dict[str, Any]) -> dict[str, Any]:
    """As the audit may keep it: a path can hold a token, so of a URL only where it leads."""
    told = {name: value if isinstance(value, list | str) else value and str(value) for name, value in values.items()}
    if (url := values.get("url")) is not None:
        parts = urlsplit(url)
        told["url"] = f"{parts.scheme}://{parts.hostname}"
    return told
