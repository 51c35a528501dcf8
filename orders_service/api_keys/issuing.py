"""Keys come and go, and the audit says by whom."""

from dataclasses import replace

from orders_service import audit, auth
from orders_service.api_keys.errors import UnknownKey
from orders_service.api_keys.schemas import IssuedKey, KeyDraft
from pipelines import Transaction


def issue(tx: Transaction, draft: KeyDraft, note: audit.Note) -> IssuedKey:
    """The answer is the only place that holds the secret."""
    info, key = auth.make_key(tx, draft.principal, is_admin=draft.is_admin, scopes=draft.scopes)
    issued = IssuedKey(**info.model_dump(), key=key)
    after = issued.model_dump(mode="json", include={"principal", "is_admin", "scopes"})
    audit.record(tx, replace(note, subject_id=issued.id), after=after)
    return issued


def revoke(tx: Transaction, key_id: str, note: audit.Note) -> None:
    """One that was revoked before stays as it is. Raises `UnknownKey`."""
    if not auth.revoke_key(tx, key_id):
        raise UnknownKey
    audit.record(tx, note)
