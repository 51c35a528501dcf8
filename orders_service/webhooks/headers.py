"""What every webhook of ours carries, after Standard Webhooks."""

from typing import Annotated

from fastapi import Header

ACCEPTED = "Accepted, as by any 2xx: the event is not sent again."

WebhookId = Annotated[str, Header(description="The same for every attempt: remember it, and accept each id once.")]
WebhookTimestamp = Annotated[
    int, Header(description="Unix seconds of this attempt; refuse what is older than 5 minutes.")
]
WebhookSignature = Annotated[
    str,
    Header(
        description="After Standard Webhooks: `v1,` and the base64 of an HMAC-SHA256 over `{id}.{timestamp}.{body}`, "
        "once for each secret, with a space between."
    ),
]
