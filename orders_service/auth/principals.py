"""Whoever a request comes from, and the words for what they may do."""

from dataclasses import dataclass
from enum import StrEnum
from uuid import UUID

_USER = "user:"


class Scope(StrEnum):
    """What a credential may do. An admin may do everything; what is somebody else's only an admin sees."""

    ORDERS_READ = "orders:read"
    ORDERS_WRITE = "orders:write"
    IMPORTS = "imports"
    WEBHOOKS = "webhooks"
    CATALOG_WRITE = "catalog:write"
    REPORTS = "reports"
    AUDIT_READ = "audit:read"
    OPERATIONS_READ = "operations:read"
    OPERATIONS_WRITE = "operations:write"


CUSTOMER_SCOPES = frozenset({Scope.ORDERS_READ, Scope.ORDERS_WRITE, Scope.IMPORTS, Scope.WEBHOOKS})
"""What customers may do with what is theirs; the scopes of a session, and of a key that was given none."""


@dataclass(frozen=True, slots=True)
class Principal:
    """Whoever a request comes from: `user:<id>` for a person with an account, else the name that a key was given."""

    id: str
    is_admin: bool = False
    scopes: frozenset[Scope] = CUSTOMER_SCOPES

    def may(self, scope: Scope) -> bool:
        return self.is_admin or scope in self.scopes

    def may_see(self, owner: str) -> bool:
        return self.is_admin or self.id == owner

    @property
    def user_id(self) -> UUID | None:
        """The account behind it, if there is one."""
        return UUID(self.id.removeprefix(_USER)) if self.id.startswith(_USER) else None

    @property
    def kind(self) -> str:
        """`user` or `key`, as the audit calls them."""
        return "user" if self.id.startswith(_USER) else "key"


ADMIN = Principal("admin", is_admin=True)
"""Whoever holds the bootstrap key of the settings."""


def user_principal(user_id: UUID) -> str:
    """The principal's id of an account: what its orders belong to."""
    return f"{_USER}{user_id}"
