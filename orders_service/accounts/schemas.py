"""What people send and see of their account."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Any, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from orders_service.accounts.addresses import EmailAddress
from orders_service.accounts.passwords import GivenPassword, NewPassword
from orders_service.money import Money
from orders_service.pages import Limit
from orders_service.run_links import RunLink
from orders_service.strict_models import StrictModel, Text

Name = Annotated[str, Text(100)]
_PASSWORD = "correct horse battery staple"  # noqa: S105 - the example of all examples
_ADA: dict[str, Any] = {"email": "ada@example.com", "name": "Ada Lovelace"}


class SignupDraft(StrictModel):
    """Who wants an account."""

    model_config = ConfigDict(json_schema_extra={"examples": [_ADA | {"password": _PASSWORD}]})

    email: EmailAddress
    name: Name
    password: NewPassword


class LoginDraft(StrictModel):
    """Who wants in."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"email": "ada@example.com", "password": _PASSWORD}]})

    email: EmailAddress
    password: GivenPassword


class SessionView(BaseModel):
    """A session, as only this one answer shows it."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "access_token": "os_4f0c9a71d2e83b56_6d5b2a",
                    "token_type": "bearer",
                    "expires_at": "2026-12-05T12:00:00Z",
                }
            ]
        },
    )

    access_token: str = Field(description="Send it as `Authorization: Bearer`.")
    token_type: Literal["bearer"] = "bearer"  # noqa: S105 - no password
    expires_at: datetime


class UserChange(StrictModel):
    """What a person may change of their account."""

    model_config = ConfigDict(json_schema_extra={"examples": [{"name": "Ada King"}]})

    name: Name


class PasswordChange(StrictModel):
    """The password as it is, and as it is to be."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"password": _PASSWORD, "new_password": "another staple of horses"}]}
    )

    password: GivenPassword
    new_password: NewPassword


class UserStatus(StrEnum):
    """`new` until the background has looked at it; `refused` accounts open nothing."""

    NEW = "new"
    ACTIVE = "active"
    REFUSED = "refused"


class CrmState(StrEnum):
    """Whether the CRM knows the account as it is. `off`: there is no CRM."""

    PENDING = "pending"
    SYNCED = "synced"
    FAILED = "failed"
    OFF = "off"


class CrmStanding(BaseModel):
    """What the CRM knows."""

    model_config = ConfigDict(frozen=True)

    state: CrmState
    synced_at: datetime | None = None
    error: str | None = Field(default=None, description="Why it failed for now; an operator can retry the run.")


_RUN = "01a1fccd-1aee-748f-9e6d-a53a446f6bc9"
_EXAMPLE: dict[str, Any] = _ADA | {
    "id": "01a1fccd-1aee-748f-9e6d-a539d2934ed4",
    "status": "active",
    "created_at": "2026-11-28T12:00:00Z",
    "updated_at": "2026-11-28T12:00:00Z",
    "version": 1,
    "login_count": 3,
    "last_login_at": "2026-11-28T12:30:00Z",
    "orders_count": 2,
    "spent": [{"amount": 5997, "currency": "EUR"}],
    "last_order_at": "2026-11-28T12:40:00Z",
    "crm": {"state": "synced", "synced_at": "2026-11-28T12:00:01Z", "error": None},
    "run": {"id": _RUN, "url": f"/v1/runs/{_RUN}"},
}


class UserView(BaseModel):
    """An account as its owner sees it."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_EXAMPLE]})

    id: UUID
    email: str
    name: str
    status: UserStatus
    created_at: datetime
    updated_at: datetime
    version: int = Field(description="Counts what people changed.")
    login_count: int
    last_login_at: datetime | None = None
    orders_count: int = Field(description="Completed orders.")
    spent: tuple[Money, ...] = Field(description="Per currency: amounts of several do not add up.")
    last_order_at: datetime | None = None
    crm: CrmStanding
    run: RunLink


class UserList(StrictModel):
    """Which accounts to list."""

    email: EmailAddress | None = None
    cursor: str | None = Field(default=None, max_length=1000)
    limit: Limit = Field(default=50, strict=False)
