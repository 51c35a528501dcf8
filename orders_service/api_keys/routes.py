"""The HTTP face of API keys."""

from typing import Annotated

from fastapi import APIRouter, Path, Request, Response

from orders_service import auth
from orders_service.api_keys import issuing
from orders_service.api_keys.errors import UnknownKey
from orders_service.api_keys.schemas import IssuedKey, KeyDraft, KeyList, KeyView
from orders_service.audit import Auditor
from orders_service.auth import Admin
from orders_service.database import Reading, process_of
from orders_service.problems import responses
from orders_service.strict_json import StrictRoute

router = APIRouter(
    prefix="/v1/api-keys", tags=["api-keys"], route_class=StrictRoute, responses=responses(401, 403, 422, 503)
)

KeyId = Annotated[str, Path(max_length=32)]


@router.post("", status_code=201, responses=responses(400, 413, 415))
async def issue_key(
    draft: KeyDraft,
    admin: Admin,  # noqa: ARG001 - asked for its effect
    request: Request,
    response: Response,
    auditor: Auditor,
) -> IssuedKey:
    """Issue a key. Its secret is in this answer and nowhere else, so there is no `Idempotency-Key`: if the answer is
    lost, revoke the key that the list shows, and issue another one.
    """  # noqa: D205 - one thought
    issued = await process_of(request).write(
        issuing.issue, draft, auditor("api_key_issued", "", subject_type="api_key")
    )
    response.headers.update({"Location": f"/v1/api-keys/{issued.id}", "Cache-Control": "no-store"})
    return issued


@router.get("")
def list_keys(session: Reading, admin: Admin) -> KeyList:  # noqa: ARG001 - asked for its effect
    """List the newest 1000 keys, revoked ones too; never their secrets."""
    return KeyList(items=[KeyView(**key.model_dump()) for key in auth.list_keys(session)])


@router.get("/{key_id}", responses=responses(404))
def get_key(key_id: KeyId, session: Reading, admin: Admin) -> KeyView:  # noqa: ARG001 - asked for its effect
    """Show a key, without its secret."""
    key = auth.find_key(session, key_id)
    if key is None:
        raise UnknownKey
    return KeyView(**key.model_dump())


@router.delete("/{key_id}", status_code=204, responses=responses(404))
async def revoke_key(key_id: KeyId, admin: Admin, request: Request, auditor: Auditor) -> None:  # noqa: ARG001 - as above
    """Revoke a key. At once here; another process may trust it for two seconds more. Revoking it again is fine."""
    note = auditor("api_key_revoked", key_id, subject_type="api_key")
    await process_of(request).write(issuing.revoke, key_id, note)
    request.state.keyring.forget_all()
