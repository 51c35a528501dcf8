"""What is left to the background is accepted once, however often the request is repeated under its key."""

from collections.abc import Callable
from typing import Annotated, Any
from uuid import UUID

from fastapi import Depends, Request, Response
from pydantic import BaseModel

from orders_service.auth import Allowed, Principal, Scope
from orders_service.database import process_of
from orders_service.idempotency import Answer, IdempotencyKey, OnceKey, once_key, recall, remember
from orders_service.operations.schemas import Accepted, RunLink
from orders_service.subjects import note_subject
from pipelines import Transaction

Operator = Annotated[Principal, Allowed(Scope.OPERATIONS_WRITE)]

_ACCEPTED = 202


class Acceptance:
    """For whoever may operate: writes, and answers with the run to look at."""

    def __init__(self, operator: Operator, request: Request, idempotency_key: IdempotencyKey = None) -> None:
        self.operator = operator
        self.process = process_of(request)
        self._request = request
        self._once = once_key(request, operator, idempotency_key)

    async def of(self, asked: BaseModel, function: Callable[..., UUID], *args: Any) -> Response:
        """`function` is a transaction function; `asked` is what the key stands for. Raises what the function raises."""
        answer = await self.process.write(accept_once, self._once, asked, function, args)
        link = run_in(answer)
        note_subject(self._request, run_id=link.id)
        return answer.response({"Location": link.url, "Retry-After": "1"})


Accepting = Annotated[Acceptance, Depends()]


def accept_once(
    tx: Transaction, once: OnceKey, asked: BaseModel, function: Callable[..., UUID], args: tuple[Any, ...]
) -> Answer:
    """The run that it is left to, the first time and each time it is asked for under the same key."""
    if earlier := recall(tx, once, asked):
        return earlier
    accepted = Accepted(run=RunLink.to(function(tx, *args)))
    return remember(tx, once, asked, Answer(_ACCEPTED, accepted.model_dump_json()))


def run_in(answer: Answer) -> RunLink:
    """Where to look how it goes."""
    return Accepted.model_validate_json(answer.body).run
