"""What admins send and see of API keys."""

from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StringConstraints
from pydantic_core import PydanticCustomError

from orders_service.auth import CUSTOMER_SCOPES, KeyInfo, Scope
from orders_service.strict_models import StrictModel

# No colon, so that no key can be given an account; and not the names that the service itself goes by.
PrincipalName = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", min_length=1, max_length=100)]
RESERVED = frozenset({"admin", "anonymous"})


def _not_reserved(name: str) -> str:
    if name in RESERVED:
        raise PydanticCustomError("name_reserved", "This name is the service's own")
    return name


_EXAMPLE: dict[str, Any] = {
    "id": "4f0c9a71d2e83b56",
    "principal": "web-shop",
    "is_admin": False,
    "scopes": ["orders:read", "orders:write"],
    "created_at": "2026-11-28T12:00:00Z",
    "revoked_at": None,
}


class KeyDraft(StrictModel):
    """A key that somebody wants."""

    model_config = ConfigDict(
        json_schema_extra={"examples": [{"principal": "web-shop", "scopes": ["orders:read", "orders:write"]}]}
    )

    principal: Annotated[PrincipalName, AfterValidator(_not_reserved)] = Field(
        description="Whose it is: what is placed with it belongs to this name, and keys of one name share it."
    )
    is_admin: bool = Field(default=False, description="May do everything, and see everybody's.")
    scopes: Annotated[frozenset[Annotated[Scope, Field(strict=False)]], Field(strict=False)] = Field(
        default=CUSTOMER_SCOPES, description="What it may do; what customers may, unless told."
    )


class KeyView(KeyInfo):
    """A key, without its secret."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [_EXAMPLE]})


class IssuedKey(KeyInfo):
    """A key as only this one answer shows it."""

    model_config = ConfigDict(
        frozen=True, json_schema_extra={"examples": [_EXAMPLE | {"key": "ok_4f0c9a71d2e83b56_6d5b2a"}]}
    )

    key: str = Field(description="Send it as `Authorization: Bearer`. It is kept nowhere: it cannot be shown again.")


class KeyList(BaseModel):
    """All keys, newest first."""

    model_config = ConfigDict(frozen=True)

    items: list[KeyView]
    next: None = None
