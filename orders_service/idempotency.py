"""`Idempotency-Key`, finished: the key, what it started and the answer it got are one COMMIT."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import Header, Request, Response
from pydantic import BaseModel
from sqlalchemy import Text, bindparam, delete, insert, select, tuple_
from sqlmodel import Column, Field, SQLModel, col

from orders_service.auth import Principal
from pipelines import Transaction

KEPT_FOR = timedelta(hours=24)
LONGEST_KEY = 255
HEADER = "idempotency-key"
REPLAYED = b"idempotent-replayed"


class RememberedAnswer(SQLModel, table=True):
    """What was answered under a key, byte for byte; purged when it has expired."""

    __tablename__ = "idempotency"
    __table_args__ = ({"info": {"lock_rank": 10}, "sqlite_with_rowid": False},)

    scope: str = Field(primary_key=True, max_length=200)
    key: str = Field(primary_key=True, max_length=LONGEST_KEY)
    fingerprint: str = Field(max_length=64)
    status: int
    body: str = Field(sa_column=Column(Text, nullable=False))
    expires_at: datetime = Field(index=True)


_RECALL = select(col(RememberedAnswer.fingerprint), col(RememberedAnswer.status), col(RememberedAnswer.body)).where(
    col(RememberedAnswer.scope) == bindparam("scope"), col(RememberedAnswer.key) == bindparam("key")
)
_REMEMBER = insert(RememberedAnswer)
_EXPIRED = (
    select(col(RememberedAnswer.scope), col(RememberedAnswer.key))
    .where(col(RememberedAnswer.expires_at) < bindparam("before"))
    .order_by(col(RememberedAnswer.expires_at))
    .limit(bindparam("most"))
)


class InvalidIdempotencyKey(Exception):
    """The header is empty, too long, or not printable ASCII."""


class IdempotencyKeyReused(Exception):
    """The same key came with another request before."""


@dataclass(frozen=True, slots=True)
class OnceKey:
    """One principal's key for one route, or none."""

    scope: str
    key: str | None


@dataclass(frozen=True, slots=True)
class Answer:
    """What a client is answered, the first time and each time it repeats its request."""

    status: int
    body: str
    is_replay: bool = False

    def response(self, headers: Mapping[str, str]) -> Response:
        """The same bytes each time; a repetition says that it is one."""
        marked = {REPLAYED.decode().title(): "true"} if self.is_replay else {}
        return Response(self.body, self.status, {**headers, **marked}, "application/json")


IdempotencyKey = Annotated[
    str | None,
    Header(description="Makes the request safe to repeat: 1 to 255 printable ASCII characters, kept for 24 hours."),
]


def once_key(request: Request, principal: Principal, idempotency_key: str | None) -> OnceKey:
    """Bind the header to principal and route. Raises `InvalidIdempotencyKey`."""
    scope = f"{principal.id}:{request.method}:{request.url.path}"
    if idempotency_key is None:
        return OnceKey(scope, None)
    key = idempotency_key.strip()
    if len(key) > 1 and key[0] == key[-1] == '"':  # the IETF draft makes it a quoted string; most clients do not
        key = key[1:-1]
    if not 1 <= len(key) <= LONGEST_KEY or not (key.isascii() and key.isprintable()):
        raise InvalidIdempotencyKey
    return OnceKey(scope, key)


def recall(tx: Transaction, once: OnceKey, request: BaseModel) -> Answer | None:
    """The answer that the same request got before. Raises `IdempotencyKeyReused` if it was another request."""
    if once.key is None:
        return None
    place = ("idempotency", once.scope, once.key)
    row = tx.noted.get(place) or tx.core.execute(_RECALL, {"scope": once.scope, "key": once.key}).one_or_none()
    if row is None:
        return None
    fingerprint, status, body = row
    if fingerprint != _fingerprint(request):
        raise IdempotencyKeyReused
    return Answer(status, body, is_replay=True)


def remember(tx: Transaction, once: OnceKey, request: BaseModel, answer: Answer) -> Answer:
    """Keep the answer under the key; a sibling of the same batch that repeats the request finds it too."""
    if once.key is None:
        return answer
    fingerprint = _fingerprint(request)
    tx.noted["idempotency", once.scope, once.key] = (fingerprint, answer.status, answer.body)
    tx.defer(
        _REMEMBER,
        {
            "key": once.key,
            "scope": once.scope,
            "fingerprint": fingerprint,
            "status": answer.status,
            "body": answer.body,
            "expires_at": tx.home.clock.now() + KEPT_FOR,
        },
    )
    return answer


def remove_expired(tx: Transaction, *, before: datetime, most: int) -> int:
    """Forget answers that were kept until then; says how many, so that whoever cleans up knows whether there are more.

    Their keys are new again.
    """
    expired = sorted(map(tuple, tx.core.execute(_EXPIRED, {"before": before, "most": most})))
    if expired:
        place = tuple_(col(RememberedAnswer.scope), col(RememberedAnswer.key))
        tx.execute(delete(RememberedAnswer).where(place.in_(expired)))
    return len(expired)


def _fingerprint(request: BaseModel) -> str:
    """Of what the request means, not of its bytes: white space and the order of fields do not matter."""
    return hashlib.sha256(request.model_dump_json(exclude_defaults=True).encode()).hexdigest()
