"""Who is asking, and what they may do: API keys of programs, session tokens of people. The front door."""

from orders_service.auth.bearer import Admin, Allowed, Bearer, CurrentPrincipal, CurrentUser, token_of
from orders_service.auth.console_sessions import (
    CONSOLE_SESSIONS_LAST,
    behind_console_session,
    close_console_session,
    open_console_session,
)
from orders_service.auth.credentials import (
    KeyInfo,
    LiveSession,
    find_key,
    issue_key,
    list_keys,
    make_key,
    open_session,
    remove_ended_sessions,
    revoke_key,
    revoke_session,
    revoke_sessions_of,
)
from orders_service.auth.errors import Forbidden, Unauthenticated
from orders_service.auth.keyring import Keyring
from orders_service.auth.principals import ADMIN, CUSTOMER_SCOPES, Principal, Scope, user_principal
from orders_service.auth.tables import ApiKey, ConsoleSession, Session

__all__ = [
    "ADMIN",
    "CONSOLE_SESSIONS_LAST",
    "CUSTOMER_SCOPES",
    "Admin",
    "Allowed",
    "ApiKey",
    "Bearer",
    "ConsoleSession",
    "CurrentPrincipal",
    "CurrentUser",
    "Forbidden",
    "KeyInfo",
    "Keyring",
    "LiveSession",
    "Principal",
    "Scope",
    "Session",
    "Unauthenticated",
    "behind_console_session",
    "close_console_session",
    "find_key",
    "issue_key",
    "list_keys",
    "make_key",
    "open_console_session",
    "open_session",
    "remove_ended_sessions",
    "revoke_key",
    "revoke_session",
    "revoke_sessions_of",
    "token_of",
    "user_principal",
]
