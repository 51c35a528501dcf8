"""Signed webhooks after Standard Webhooks 1.0.0: signing what goes out, verifying what comes in."""

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from standardwebhooks import Webhook, WebhookVerificationError

from orders_service.gateways.errors import SignatureRefused

_PREFIX = "whsec_"
_SHORTEST, _LONGEST = 24, 64


class Signatures:
    """The secrets of one endpoint: one, or the new and the old one during a rotation."""

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets:
            raise ValueError("A webhook needs a secret.")
        self._webhooks = [Webhook(_decoded(secret)) for secret in secrets]

    def headers(self, key: str, body: str, *, now: datetime) -> dict[str, str]:
        """The three headers of this attempt, signed with every secret; `body` is exactly what is sent, in UTF-8."""
        if "." in key:
            raise ValueError("A webhook-id has no dot: the dot separates what is signed.")
        moment = now.astimezone(UTC)  # the library replaces the zone instead of converting
        return {
            "webhook-id": key,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": " ".join(webhook.sign(key, moment, body) for webhook in self._webhooks),
        }

    def verify(self, body: bytes, headers: Mapping[str, str]) -> None:
        """Raise `SignatureRefused` unless one of the secrets signed these very bytes within five minutes of now."""
        given = dict(headers)
        if not any(_is_signed(webhook, body, given) for webhook in self._webhooks):
            raise SignatureRefused("no valid signature")


def _is_signed(webhook: Webhook, body: bytes, headers: dict[str, str]) -> bool:
    try:
        webhook.verify(body, headers, json_parse=False)
    except (WebhookVerificationError, ValueError):  # hostile headers and bodies come out as any kind of ValueError
        return False
    return True


def _decoded(secret: str) -> bytes:
    """Strictly: the library would skip what is no base64, and sign with whatever is left."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not secret.startswith(_PREFIX) or not _SHORTEST <= len(key) <= _LONGEST:
        raise ValueError(f"A webhook secret is {_PREFIX} and the base64 of {_SHORTEST} to {_LONGEST} random bytes.")
    return key
