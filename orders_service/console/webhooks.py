"""What the pages about webhooks say in words of their own."""

import json
from urllib.parse import urlsplit

# Of a closed set: a page says nothing that somebody has put into its address.
_SAID = {
    "enabled": "It is enabled. What happened meanwhile was not sent; what failed can be sent again.",
    "disabled": "It is disabled, and is sent nothing until it is enabled again.",
    "tested": "A test event is on its way.",
    "resent": "It is on its way again: this is the new delivery.",
    "nothing": "Nothing has failed since then that was not sent again already.",
}


def address_of(url: str) -> str:
    """Where it leads, without a query: that is where people put their tokens."""
    parts = urlsplit(url)
    scheme = "" if parts.scheme == "https" else f"{parts.scheme}://"
    return f"{scheme}{parts.netloc.rpartition('@')[2]}{parts.path}{'?…' if parts.query else ''}"


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
