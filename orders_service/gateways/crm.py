"""The CRM, which is told who our users are: one PUT for each state of one, so a repetition changes nothing."""

from datetime import datetime
from typing import Protocol
from uuid import UUID

import aiohttp
from pydantic import BaseModel, ConfigDict
from yarl import URL

from orders_service.gateways.calling import Caller, NoAnswer, Verdict
from orders_service.gateways.egress import Destination, origin
from orders_service.gateways.errors import CrmRefused, CrmUnavailable


class CrmUser(BaseModel):
    """What the CRM is told; `version` grows with each change, so that it can tell old from new."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    id: UUID
    email: str
    name: str
    version: int
    created_at: datetime


class Crm(Protocol):
    """Returns when the CRM has it; the same `key` again is the same call."""

    async def put_user(self, user: CrmUser, *, key: str) -> bool:
        """Whether there is a CRM. Raises `CrmRefused` (final) or `CrmUnavailable` (try again)."""


class HttpCrm:
    """A CRM that takes `PUT {base}/users/{id}`. Raises `Throttled` too, and `DestinationRefused` (final)."""

    def __init__(
        self,
        session: aiohttp.ClientSession,
        base: Destination,
        *,
        token: str | None = None,
        timeout_seconds: float = 10,
    ) -> None:
        self._caller = Caller(session)
        self._base = base
        self._token = token
        self._seconds = timeout_seconds

    async def put_user(self, user: CrmUser, *, key: str) -> bool:
        headers = {"idempotency-key": key}
        if self._token is not None:
            headers["authorization"] = f"Bearer {self._token}"
        place = Destination(_below(self._base, "users", str(user.id)))  # the guard admitted its host
        try:
            answer = await self._caller.call(
                "PUT", place, user.model_dump_json().encode(), headers, seconds=self._seconds
            )
        except NoAnswer as error:
            raise CrmUnavailable(str(error)) from None
        said = f"{origin(self._base)} answered {answer.status}"
        match answer.verdict:
            case Verdict.REFUSED:
                raise CrmRefused(said, status=answer.status)
            case Verdict.TRY_AGAIN:
                raise CrmUnavailable(said, status=answer.status)
        return True


class NoCrm:
    """Stands where no CRM is set."""

    async def put_user(self, user: CrmUser, *, key: str) -> bool:  # noqa: ARG002 - as the Protocol has it
        return False


def _below(base: URL, *names: str) -> URL:
    """The path goes on; a query that the operator has set, such as a tenant, stays."""
    return base.joinpath(*names).with_query(base.query)
