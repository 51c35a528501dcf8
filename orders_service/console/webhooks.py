"""What the pages about webhooks say in words of their own."""

import json
from urllib.parse import urlsplit

from orders_service.auth import Principal

# Of a closed set: a page says nothing that somebody has put into its address.
_SAID = {
    "enabled": "It is enabled. What happened meanwhile was not sent; what failed can be sent again.",
    "disabled": "It is disabled, and is sent nothing until it is enabled again.",
    "tested": "A test event is on its way.",
    "resent": "It is on its way again: this is the new delivery.",
    "nothing": "Nothing has failed since then that was not sent again already.",
}


def address_of(url: str, principal: Principal) -> str:
    """Where it leads, without a query, and for all but admins without a path: people put their tokens there."""
    parts = urlsplit(url)
    return host_of(url) + (f"{parts.path}{'?…' if parts.query else ''}" if principal.is_admin else "/…")


def host_of(url: str) -> str:
    """Who is there, and what we speak with them if it is not HTTPS."""
    parts = urlsplit(url)
    scheme = "" if parts.scheme == "https" else f"{parts.scheme}://"
    return scheme + parts.netloc.rpartition("@")[2]


def readable(body: str) -> str:
    """JSON with line breaks; as it is, if it is none."""
    try:
        return json.dumps(json.loads(body), ensure_ascii=False, indent=2)
    except (ValueError, RecursionError):
        return body


def said_of(done: str, count: int, *, more: bool) -> str | None:
    """What was done, after it was."""
    if done == "resent-all":
        deliveries = "1 delivery is" if count == 1 else f"{count} deliveries are"
        return f"{deliveries} on the way again.{' There are more: send again once more.' if more else ''}"
    return _SAID.get(done)
