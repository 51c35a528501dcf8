"""Standard Webhooks, judged by a second verifier that shares no code with the first."""

import base64
import hashlib
import hmac
import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from orders_service.gateways import SignatureRefused, Signatures
from tests.builders.fulfillment import OTHER_SECRET, SECRET

BODY = '{"type":"order.fulfillment_requested","data":{"city":"Zürich"}}'
NOW = datetime.now(UTC)


def expected_signature(secret: str, key: str, timestamp: str, body: str) -> str:
    """By the text of the specification."""
    code = hmac.new(base64.b64decode(secret[6:]), f"{key}.{timestamp}.{body}".encode(), hashlib.sha256)
    return "v1," + base64.b64encode(code.digest()).decode()


def signed(*, key: str = "k-1", body: str = BODY, now: datetime | None = None, secret: str = SECRET) -> dict[str, str]:
    return Signatures([secret]).headers(key, body, now=now or datetime.now(UTC))


def test_a_known_vector() -> None:
    # From the specification's own test suite.
    headers = Signatures(["whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]).headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", '{"test": 2432232314}', now=datetime.fromtimestamp(1614265330, UTC)
    )
    assert headers["webhook-signature"] == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


@pytest.mark.parametrize("zone", [UTC, timezone(timedelta(hours=9))])
def test_what_goes_out_satisfies_an_independent_verifier(zone: timezone) -> None:
    headers = signed(now=NOW.astimezone(zone))
    assert headers["webhook-timestamp"] == str(int(NOW.timestamp()))
    assert headers["webhook-signature"] == expected_signature(SECRET, "k-1", headers["webhook-timestamp"], BODY)


def test_during_a_rotation_both_secrets_sign() -> None:
    headers = Signatures([SECRET, OTHER_SECRET]).headers("k-1", BODY, now=NOW)
    assert headers["webhook-signature"].split(" ") == [
        expected_signature(secret, "k-1", headers["webhook-timestamp"], BODY) for secret in (SECRET, OTHER_SECRET)
    ]


@pytest.mark.parametrize("secret", [SECRET, OTHER_SECRET])
def test_during_a_rotation_either_secret_is_accepted(secret: str) -> None:
    Signatures([OTHER_SECRET, SECRET]).verify(BODY.encode(), signed(secret=secret))


def test_a_signature_may_come_second() -> None:
    headers = signed()
    headers["webhook-signature"] = f"v1,{'A' * 43}= v2,future {headers['webhook-signature']}"
    Signatures([SECRET]).verify(BODY.encode(), headers)


@pytest.mark.parametrize("missing", ["webhook-id", "webhook-timestamp", "webhook-signature"])
def test_each_header_is_needed(missing: str) -> None:
    headers = signed()
    del headers[missing]
    with pytest.raises(SignatureRefused):
        Signatures([SECRET]).verify(BODY.encode(), headers)


@pytest.mark.parametrize(
    "change",
    [
        {"webhook-signature": "no comma"},
        {"webhook-signature": "v1,a,b"},
        {"webhook-signature": "v1,not base64!"},
        {"webhook-signature": "v1,AAA"},
        {"webhook-signature": "v1,\xe9\xe9"},
        {"webhook-signature": "v2," + "A" * 43 + "="},
        {"webhook-signature": "v1," + "A" * 43 + "="},
        {"webhook-signature": " "},
        {"webhook-id": "another"},
        {"webhook-timestamp": "yesterday"},
        {"webhook-timestamp": "nan"},
        {"webhook-timestamp": "1e300"},
        {"webhook-timestamp": str(int(time.time()) + 60)},
    ],
)
def test_hostile_headers_are_refused(change: dict[str, str]) -> None:
    with pytest.raises(SignatureRefused):
        Signatures([SECRET]).verify(BODY.encode(), signed() | change)


@pytest.mark.parametrize("body", [BODY.encode() + b" ", b"", b"\xff\xfe"])
def test_other_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(SignatureRefused):
        Signatures([SECRET]).verify(body, signed())


@pytest.mark.parametrize("age_seconds", [-310, 310])
def test_old_and_early_signatures_are_refused(age_seconds: int) -> None:
    headers = signed(now=datetime.now(UTC) - timedelta(seconds=age_seconds))
    with pytest.raises(SignatureRefused):
        Signatures([SECRET]).verify(BODY.encode(), headers)


def test_a_key_with_a_dot_is_refused() -> None:
    with pytest.raises(ValueError, match="dot"):
        signed(key="a.b")


@pytest.mark.parametrize(
    "secret", ["", "whsec_", SECRET.removeprefix("whsec_"), "whsec_c2hvcnQ=", "whsec_" + "é" * 40, f"{SECRET}*"]
)
def test_a_weak_or_mangled_secret_is_refused_without_being_shown(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_ and the base64") as refusal:
        Signatures([secret])
    assert not secret.removeprefix("whsec_") or secret.removeprefix("whsec_") not in str(refusal.value)


def test_without_a_secret_nothing_is_signed() -> None:
    with pytest.raises(ValueError, match="needs a secret"):
        Signatures([])
